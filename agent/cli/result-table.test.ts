// The table from 40 to 120 columns: no line too long, every target readable, every verdict in words.

import { describe, expect, it } from 'vitest'
import { connect, handshake, join, link, query, response } from '../../test/support/observations.ts'
import { textWidth } from '../../tests-spec/command-line/text-width.ts'
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

describe('rowsOf() of a site of which a part was not reached', () => {
  it('has the site, and the part behind it', () => {
    const parts = { ipv4: { ...part, verdict: 'anomaly' as const } }
    const site = { ...fine, test_keys: { ...fine.test_keys, x_sonde_parts: parts } }
    expect(rowsOf(site).map(({ target, verdict, bytes }) => [target, verdict, bytes])).toEqual([
      ['https://site.example/', 'ok', 5500],
      ['https://site.example/ ipv4', 'anomaly', null],
    ])
  })
})

describe('rowsOf()', () => {
  it('shortens each step to what happened there', () => {
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
  it('gives WhatsApp a row for each service, and counts chat hosts', () => {
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
  it.each([40, 60, 70, 80, 90, 100, 110, 120, 200])('keeps every line within %i columns', (columns) => {
    const text = renderTable([fine, reset, whatsapp], columns, false)
    for (const line of text.split('\n')) expect(line.trimEnd().length).toBeLessThanOrEqual(columns)
    expect(text).toContain('anomaly')
    expect(text).toContain('reset')
  })
  it.each([40, 80, 120])('counts two columns for a wide character, within %i', (columns) => {
    const chinese = measured(
      'https://網站.example/論壇/主題/一二三四五六七八九十',
      join(query(['21.0.0.10'])),
      'ok',
    )
    const lines = renderTable([fine, chinese], columns, false).split('\n')
    for (const line of lines) expect(textWidth(line.trimEnd())).toBeLessThanOrEqual(columns)
    if (columns === 40) return
    const upToVerdict = lines.slice(1).map((line) => textWidth(line.slice(0, line.indexOf('✓'))))
    expect(new Set(upToVerdict).size).toBe(1)
  })
  it('without colour has no escape sequences, with colour the same words', () => {
    const plain = renderTable([fine, reset], 120, false)
    const coloured = renderTable([fine, reset], 120, true)
    expect(plain).not.toContain('\u001b')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain)
  })

  const silent = measured(
    'http://forum.example/topic?id=1234567890&page=3',
    join(query('dns_server_misbehaving'), connect('network_unreachable')),
    'undetermined',
  )
  const rows = [fine, reset, silent, whatsapp]
  it.each([
    [
      120,
      [
        'TARGET                                                       DNS       TCP          TLS   HTTP VERDICT          MS BYTES',
        'https://site.example/                                        ok        ok           ok    200  ✓ ok           1234  5500',
        'https://a-name-so-long-that-it-needs-to-…example/with/a/path ok        ok           reset -    ! anomaly      1234  5500',
        'http://forum.example/topic?id=1234567890&page=3              dns fails net unreach. -     -    ? undetermined 1234  5500',
        'whatsapp registration                                        -         -            -     -    ✓ ok           1234  5500',
        'whatsapp endpoints                                           1/1       1/2          -     -    ✓ ok',
        'whatsapp web                                                 ok        refused      -     -    ✓ ok',
      ],
    ],
    [
      100,
      [
        'TARGET                                   DNS       TCP          TLS   HTTP VERDICT          MS BYTES',
        'https://site.example/                    ok        ok           ok    200  ✓ ok           1234  5500',
        'https://a-name-so-long-tha…e/with/a/path ok        ok           reset -    ! anomaly      1234  5500',
        'http://forum.example/topic…567890&page=3 dns fails net unreach. -     -    ? undetermined 1234  5500',
        'whatsapp registration                    -         -            -     -    ✓ ok           1234  5500',
        'whatsapp endpoints                       1/1       1/2          -     -    ✓ ok',
        'whatsapp web                             ok        refused      -     -    ✓ ok',
      ],
    ],
    [
      90,
      [
        'TARGET                         DNS       TCP          TLS   HTTP VERDICT          MS BYTES',
        'https://site.example/          ok        ok           ok    200  ✓ ok           1234  5500',
        'https://a-name-so-lo…th/a/path ok        ok           reset -    ! anomaly      1234  5500',
        'http://forum.example…90&page=3 dns fails net unreach. -     -    ? undetermined 1234  5500',
        'whatsapp registration          -         -            -     -    ✓ ok           1234  5500',
        'whatsapp endpoints             1/1       1/2          -     -    ✓ ok',
        'whatsapp web                   ok        refused      -     -    ✓ ok',
      ],
    ],
    [
      80,
      [
        'TARGET                          DNS       TCP          TLS   HTTP VERDICT',
        'https://site.example/           ok        ok           ok    200  ✓ ok',
        'https://a-name-so-lo…ith/a/path ok        ok           reset -    ! anomaly',
        'http://forum.example…890&page=3 dns fails net unreach. -     -    ? undetermined',
        'whatsapp registration           -         -            -     -    ✓ ok',
        'whatsapp endpoints              1/1       1/2          -     -    ✓ ok',
        'whatsapp web                    ok        refused      -     -    ✓ ok',
      ],
    ],
    [
      40,
      [
        'https://site.example/',
        '  ✓ ok',
        '  dns ok, tcp ok, tls ok, http 200',
        'https://a-name-so-long-tha…e/with/a/path',
        '  ! anomaly',
        '  dns ok, tcp ok, tls reset',
        'http://forum.example/topic…567890&page=3',
        '  ? undetermined',
        '  dns dns fails, tcp net unreach.',
        'whatsapp registration',
        '  ✓ ok',
        'whatsapp endpoints',
        '  ✓ ok',
        '  dns 1/1, tcp 1/2',
        'whatsapp web',
        '  ✓ ok',
        '  dns ok, tcp refused',
      ],
    ],
  ])('at %i columns shows which target is meant', (columns, lines) => {
    expect(
      renderTable(rows, columns, false)
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual(lines)
  })
})
