// The table at 120, 80 and 40 columns: no line too long, every verdict in words.

import { describe, expect, test } from 'vitest'
import { connect, handshake, join, link, query, response } from '../../test/support/observations.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'
import { type FinishedMeasurement, toMeasurement } from '../measurement/envelope.ts'
import { renderTable, rowsOf } from './result-table.ts'

const vantage = {
  softwareName: 'sonde',
  softwareVersion: '1.2.3',
  probeCc: 'ML',
  probeAsn: 'AS30985',
  probeNetworkName: '',
  annotations: {},
  ownAddresses: [],
}

function measured(
  input: string,
  seen: Observations,
  kind: VerdictKind,
  parts: FinishedMeasurement['parts'] = null,
): Measurement {
  const verdict = { verdict: kind, rule: 'web_connectivity/x@1', step: null, how: null, because: [] }
  return toMeasurement(
    {
      name: parts === null ? 'web_connectivity' : 'whatsapp',
      version: '1',
      input: parts === null ? input : null,
      observations: seen,
      bytes: { sent: 1200, received: 4300 },
      keys: {},
      verdict,
      parts,
      link: link('up'),
      cycleStartedMs: 0,
      startedMs: 0,
      runtimeSeconds: 1.234,
    },
    vantage,
  )
}

const fine = measured(
  'https://site.example/',
  join(query(['21.0.0.10']), connect(null), handshake(null), response(200)),
  'ok',
)
const reset = measured(
  'https://a-name-so-long-that-it-needs-to-be-cut.example/with/a/path',
  join(query(['21.0.0.10']), connect(null), handshake('connection_reset')),
  'anomaly',
)
const part = { verdict: 'ok' as const, rule: 'whatsapp/x@1', step: null, how: null, because: [] }
const whatsapp = measured(
  '',
  join(
    query(['21.0.0.20'], { tags: ['group=endpoints', 'host=e1.chat.example'] }),
    connect(null, { tags: ['group=endpoints', 'host=e1.chat.example'] }),
    connect('generic_timeout_error', { tags: ['group=endpoints', 'host=e2.chat.example'] }),
    query(['21.0.0.10'], { tags: ['group=web', 'host=web.chat.example'] }),
    connect('connection_refused', { tags: ['group=web', 'host=web.chat.example'] }),
  ),
  'ok',
  { registration: part, endpoints: part, web: part },
)

describe('rowsOf()', () => {
  test('shortens each step to what happened there', () => {
    expect(rowsOf(reset)[0]).toMatchObject({
      dns: 'ok',
      tcp: 'ok',
      tls: 'reset',
      http: '-',
      verdict: 'anomaly',
    })
    expect(rowsOf(fine)[0]).toMatchObject({
      dns: 'ok',
      tcp: 'ok',
      tls: 'ok',
      http: '200',
      ms: 1234,
      bytes: 5500,
    })
  })
  test('gives WhatsApp a row for each service, and counts chat hosts', () => {
    const rows = rowsOf(whatsapp)
    expect(rows.map((row) => row.target)).toEqual([
      'whatsapp registration',
      'whatsapp endpoints',
      'whatsapp web',
    ])
    expect(rows[1]).toMatchObject({ dns: '1/1', tcp: '1/2', tls: '-', http: '-' })
    expect(rows[2]).toMatchObject({ dns: 'ok', tcp: 'refused', tls: '-', http: '-' })
  })
})

describe('renderTable()', () => {
  test.each([40, 60, 90, 120, 200])('keeps every line within %i columns', (columns) => {
    const text = renderTable([fine, reset, whatsapp], columns, false)
    for (const line of text.split('\n')) expect(line.trimEnd().length).toBeLessThanOrEqual(columns)
    expect(text).toContain('anomaly')
    expect(text).toContain('reset')
  })
  test('without colour has no escape sequences, with colour the same words', () => {
    const plain = renderTable([fine, reset], 120, false)
    const coloured = renderTable([fine, reset], 120, true)
    expect(plain).not.toContain('\u001b')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain)
  })
})
