// Golden verdicts of stunreachability. Mostly what must not be called an anomaly: from one place, a server that is gone
// and one that is blocked are silent alike.

import { describe, expect, test } from 'vitest'
import { good, join, link, query } from '../../test/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations, StunBinding } from '../data-formats/observation.ts'
import { judgeStunReachability, parseStunInput, stunReachabilityKeys } from './stunreachability.ts'
import type { Circumstances } from './verdict.ts'

const input = 'stun://stun.example:3478'
const resolved = query(['21.0.0.10'], { tags: ['classic'], hostname: 'stun.example' })

function seen(lookup: Partial<Observations>, ...bindings: Partial<StunBinding>[]): Observations {
  const each = bindings.map((parts) => ({
    t0: 0.1,
    t: 0.2,
    transaction_id: 60_001,
    tags: [],
    network: 'udp',
    address: '21.0.0.10:3478',
    failure: null,
    requests: 1,
    response: null,
    mapped_address_family: null,
    error_code: null,
    unfit_replies: 0,
    ...parts,
  }))
  return { ...join(lookup), x_sonde_stun_bindings: each }
}

const answered: Partial<StunBinding> = { response: 'success', mapped_address_family: 'ipv4' }
const failing = (failure: Failure) => ({ failure })

type Row = readonly [string, Observations, string, string | null, Partial<Circumstances>?]
const rows: readonly Row[] = [
  ['a mapped address', seen(resolved, answered), 'ok address_mapped', null],
  ['an address for input, so that nobody was asked', seen({}, answered), 'ok address_mapped', null],
  [
    'a mapped address over a link whose controls failed',
    seen(resolved, answered),
    'ok address_mapped',
    null,
    { link: link('down') },
  ],
  [
    'an error of the server',
    seen(resolved, { response: 'error', error_code: 420 }),
    'undetermined not_mapped',
    'error',
  ],
  [
    'a reply without an address',
    seen(resolved, { response: 'success' }),
    'undetermined not_mapped',
    'success',
  ],
  [
    'silence',
    seen(resolved, failing('generic_timeout_error')),
    'undetermined no_outside_view',
    'generic_timeout_error',
  ],
  [
    'a closed port',
    seen(resolved, failing('connection_refused')),
    'undetermined no_outside_view',
    'connection_refused',
  ],
  [
    'silence with one control lost',
    seen(resolved, failing('generic_timeout_error')),
    'undetermined a_control_failed',
    'generic_timeout_error',
    { link: link('up', 3) },
  ],
  [
    'silence over a dead link',
    seen(resolved, failing('generic_timeout_error')),
    'link_down link_down',
    'down',
    { link: link('down') },
  ],
  [
    'an agent that was stopped',
    seen(resolved, failing('interrupted')),
    'undetermined interrupted',
    'interrupted',
  ],
  [
    'a name that resolves to loopback',
    seen(query(['127.0.0.1'], { tags: ['classic'] })),
    'anomaly resolve_interfered',
    'dns_bogon_error',
  ],
  [
    'a name that only another resolver knows',
    seen(
      join(
        query('dns_nxdomain_error', { tags: ['classic'] }),
        query(['21.0.0.10'], { engine: 'udp', tags: [], id: 20_001 }),
      ),
    ),
    'anomaly resolvers_disagree',
    'dns_nxdomain_error',
  ],
  [
    'a name that nobody knows',
    seen(
      join(
        query('dns_nxdomain_error', { tags: ['classic'] }),
        query('dns_nxdomain_error', { engine: 'udp', tags: [], id: 20_001 }),
      ),
    ),
    'undetermined no_outside_view',
    'dns_nxdomain_error',
  ],
]

describe('judgeStunReachability()', () => {
  for (const [name, observations, expected, how, circumstances] of rows) {
    test(name, () => {
      const verdict = judgeStunReachability(observations, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(
        expected
          .replace(' ', ' stunreachability/')
          .concat(expected.includes('resolvers_disagree') ? '@2' : '@1'),
      )
      expect(verdict.how).toBe(how)
    })
  }

  test('takes loopback for a real address in a laboratory', () => {
    const loopback = query(['127.0.0.1'], { tags: ['classic'] })
    expect(judgeStunReachability(seen(loopback, answered), { ...good, lab: true }).verdict).toBe('ok')
  })
})

describe('stunReachabilityKeys()', () => {
  test.each([
    ['a mapped address', seen(resolved, answered), null],
    ['silence', seen(resolved, failing('generic_timeout_error')), 'generic_timeout_error'],
    ['an error', seen(resolved, { response: 'error', error_code: 420 }), 'unknown_failure: stun error 420'],
    [
      'a reply without an address',
      seen(resolved, { response: 'success' }),
      'unknown_failure: stun reply without a mapped address',
    ],
    ['a failed lookup', seen(query('dns_nxdomain_error', { tags: ['classic'] })), 'dns_nxdomain_error'],
  ])('%s', (_name, observations, failure) => {
    expect(stunReachabilityKeys(observations, input, false)).toEqual({
      endpoint: 'stun.example:3478',
      failure,
    })
  })
})

describe('parseStunInput()', () => {
  test.each([
    ['stun://stun.example:3478', { host: 'stun.example', port: 3478 }],
    ['stun://192.0.2.1:19302', { host: '192.0.2.1', port: 19302 }],
    ['stun://[2001:db8::1]:3478', { host: '2001:db8::1', port: 3478 }],
  ])('reads %s', (text, server) => {
    expect(parseStunInput(text)).toEqual(server)
  })

  test.each([
    'stun://stun.example',
    'stun://stun.example:0',
    'stun://stun.example:65536',
    'stun://STUN.example:3478',
    'stun:stun.example:3478',
    'stuns://stun.example:5349',
    'stun://stun.example:3478/',
    'stun://user@stun.example:3478',
    'stun://:3478',
    '',
  ])('refuses "%s"', (text) => {
    expect(parseStunInput(text)).toBeNull()
  })
})
