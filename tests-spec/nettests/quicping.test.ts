// Golden verdicts of quicping.

import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { good, join, link, query } from '../../test/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { judgeQuicping, quicpingInput, quicpingKeys, quicpingOptions } from './quicping.ts'
import type { Circumstances } from './verdict.ts'

const resolved = query(['21.0.0.10'], { tags: ['classic'] })

function seen(lookup: Partial<Observations>, ...failures: (Failure | null)[]): Observations {
  const pings = failures.map((failure, index) => ({
    t0: 0.1,
    t: 0.2,
    transaction_id: 60_001 + index,
    tags: [],
    network: 'udp',
    address: '21.0.0.10:443',
    conn_id_dst: '00',
    conn_id_src: '01',
    failure,
    request: { data: '', format: 'base64' },
    responses: [],
  }))
  return { ...join(lookup), pings, unexpected_responses: [] }
}

const silence: Failure = 'generic_timeout_error'
type Row = readonly [string, Observations, string, string | null, Partial<Circumstances>?]
const rows: readonly Row[] = [
  ['the first packet answered', seen(resolved, null), 'ok version_negotiation', null],
  ['only the third answered', seen(resolved, silence, silence, null), 'ok version_negotiation', null],
  ['an address for input', seen({}, null), 'ok version_negotiation', null],
  [
    'silence: the site may have no QUIC',
    seen(resolved, silence, silence, silence),
    'undetermined no_outside_view',
    silence,
  ],
  [
    'a closed port',
    seen(resolved, 'connection_refused', silence),
    'undetermined no_outside_view',
    'connection_refused',
  ],
  [
    'silence with a control lost',
    seen(resolved, silence),
    'undetermined a_control_failed',
    silence,
    { link: link('up', 3) },
  ],
  [
    'silence over a dead link',
    seen(resolved, silence),
    'link_down link_down',
    'down',
    { link: link('down') },
  ],
  [
    'silence over a degraded link',
    seen(resolved, silence),
    'undetermined link_degraded',
    silence,
    { link: link('degraded', 2) },
  ],
  ['an agent that was stopped', seen(resolved, 'interrupted'), 'undetermined interrupted', 'interrupted'],
  [
    'a name that resolves to loopback',
    seen(query(['127.0.0.1'], { tags: ['classic'] })),
    'anomaly resolve_interfered',
    'dns_bogon_error',
  ],
]

describe('judgeQuicping()', () => {
  for (const [name, observations, expected, how, circumstances] of rows) {
    test(name, () => {
      const verdict = judgeQuicping(observations, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(expected.replace(' ', ' quicping/').concat('@1'))
      expect(verdict.how).toBe(how)
    })
  }

  test('rests on every packet that was not answered', () => {
    expect(judgeQuicping(seen(resolved, silence, silence), good).because).toEqual([60_001, 60_002])
  })
})

test('quicpingKeys() counts what was sent', () => {
  expect(quicpingKeys(seen(resolved, silence, null), 'quic.example')).toEqual({
    domain: 'quic.example',
    repetitions: 2,
  })
})

test('the input is a name or an address, the options have their defaults', () => {
  for (const text of ['quic.example', '192.0.2.1', '2001:db8::1']) {
    expect(v.safeParse(quicpingInput, text).success, text).toBe(true)
  }
  for (const text of ['https://quic.example/', 'QUIC.example', 'quic', '', 'a b.example']) {
    expect(v.safeParse(quicpingInput, text).success, text).toBe(false)
  }
  expect(v.parse(quicpingOptions, {})).toEqual({ port: 443, repetitions: 3 })
  expect(v.safeParse(quicpingOptions, { repetitions: 11 }).success).toBe(false)
})
