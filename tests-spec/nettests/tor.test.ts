// Golden verdicts of tor: each way into the network by itself.

import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { connect, good, handshake, join, link, response } from '../../test/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { isBogon } from './bogon.ts'
import { judgeTor, torKeys, torOptions } from './tor.ts'
import { publicTorTargets, type TorProtocol, torTargets } from './tor-targets.ts'
import { type Circumstances, verdict as verdictSchema } from './verdict.ts'

/** One target: its kind, and the step at which it failed. */
interface Tried {
  readonly protocol: TorProtocol
  readonly at?: 'connect' | 'next'
  readonly failure?: Failure
  readonly page?: boolean
}

function seen(...all: readonly Tried[]): Observations {
  const targets = all.map(({ protocol }, index) => {
    const target_address = `21.0.0.${index}:443`
    return [`${target_address}/${protocol}`, { target_address, target_protocol: protocol }] as const
  })
  const parts = all.map((tried, index) =>
    steps(tried, { tags: [`target=${targets[index]?.[0]}`], id: 40_001 + index }),
  )
  return { ...join(...parts), targets: Object.fromEntries(targets) }
}

function steps(
  { protocol, at, failure = 'generic_timeout_error', page = false }: Tried,
  options: { tags: string[]; id: number },
) {
  if (at === 'connect') return connect(failure, options)
  const connected = connect(null, options)
  const outcome = at === 'next' ? failure : null
  if (protocol === 'obfs4') return connected
  if (protocol !== 'dir_port') return join(connected, handshake(outcome, options))
  const made = join(connected, response(outcome ?? 200, { ...options, url: 'http://21.0.0.1/' }))
  const type = page ? 'text/html; charset=utf-8' : 'text/plain'
  const headers = { 'Content-Type': type }
  return {
    ...made,
    requests: made.requests.map((each) => ({ ...each, response: { ...each.response, headers } })),
  }
}

const many = (tried: Tried, count = 4) => Array.from({ length: count }, () => tried)
const silent = (protocol: TorProtocol): Tried => ({ protocol, at: 'connect' })
const fine = (protocol: TorProtocol): Tried => ({ protocol })
const reset = (protocol: TorProtocol): Tried => ({ protocol, at: 'next', failure: 'connection_reset' })

type Row = readonly [string, Observations, string, Record<string, string>, Partial<Circumstances>?]
const rows: readonly Row[] = [
  [
    'everything open',
    seen(fine('dir_port'), fine('or_port_dirauth'), fine('or_port'), fine('obfs4')),
    'ok dir_port_reached',
    { dir_port: 'ok', or_port_dirauth: 'ok', or_port: 'ok', obfs4: 'ok' },
  ],
  [
    'one authority of four open',
    seen(...many(silent('dir_port'), 3), fine('dir_port')),
    'ok dir_port_reached',
    { dir_port: 'ok' },
  ],
  [
    'every directory port silent, the rest open',
    seen(...many(silent('dir_port')), fine('or_port_dirauth')),
    'anomaly dir_port_all_fail',
    { dir_port: 'anomaly', or_port_dirauth: 'ok' },
  ],
  [
    'every authority refused on its other port',
    seen(...many({ protocol: 'or_port_dirauth', at: 'connect', failure: 'connection_refused' })),
    'anomaly or_port_dirauth_all_fail',
    { or_port_dirauth: 'anomaly' },
  ],
  [
    'two silent authorities: a coincidence is thinkable',
    seen(...many(silent('dir_port'), 2)),
    'undetermined no_outside_view',
    { dir_port: 'undetermined' },
  ],
  [
    'every authority silent, with a control lost',
    seen(...many(silent('dir_port'))),
    'undetermined a_control_failed',
    { dir_port: 'undetermined' },
    { link: link('up', 3) },
  ],
  [
    'silent relays: the list may be old',
    seen(fine('or_port_dirauth'), ...many(silent('or_port'), 5), ...many(silent('obfs4'))),
    'ok or_port_dirauth_reached',
    { or_port_dirauth: 'ok', or_port: 'undetermined', obfs4: 'undetermined' },
  ],
  [
    'silent relays and nothing else tried',
    seen(...many(silent('or_port'), 5)),
    'undetermined no_outside_view',
    { or_port: 'undetermined' },
  ],
  [
    'relays cut behind the ClientHello',
    seen(fine('dir_port'), ...many(reset('or_port'))),
    'anomaly tls_handshake_interfered',
    { dir_port: 'ok', or_port: 'anomaly' },
  ],
  [
    'one relay cut, another reached',
    seen(reset('or_port'), fine('or_port')),
    'ok or_port_reached',
    { or_port: 'ok' },
  ],
  [
    'directory requests reset',
    seen(...many(reset('dir_port'))),
    'anomaly http_round_trip_interfered',
    { dir_port: 'anomaly' },
  ],
  [
    'a block page from every directory',
    seen(...many({ protocol: 'dir_port', page: true })),
    'anomaly http_round_trip_interfered',
    { dir_port: 'anomaly' },
  ],
  [
    'a page of one, the consensus of another',
    seen({ protocol: 'dir_port', page: true }, fine('dir_port')),
    'ok dir_port_reached',
    { dir_port: 'ok' },
  ],
  [
    'everything silent over a dead link',
    seen(...many(silent('dir_port')), ...many(silent('or_port'))),
    'link_down link_down',
    { dir_port: 'link_down', or_port: 'link_down' },
    { link: link('down') },
  ],
  [
    'a gateway that accepts everything over a dead link',
    seen(...many(silent('dir_port')), fine('obfs4')),
    'link_down link_down',
    { dir_port: 'link_down', obfs4: 'link_down' },
    { link: link('down') },
  ],
  [
    'a portal that answers for everyone',
    seen(...many({ protocol: 'dir_port', page: true }), fine('obfs4')),
    'link_down link_down',
    { dir_port: 'link_down', obfs4: 'link_down' },
    { link: link('captive_portal') },
  ],
  [
    'an agent that was stopped',
    seen(...many({ protocol: 'dir_port', at: 'connect', failure: 'interrupted' })),
    'undetermined interrupted',
    { dir_port: 'undetermined' },
  ],
  ['no targets', seen(), 'undetermined interrupted', {}],
]

describe('judgeTor()', () => {
  for (const [name, observations, expected, parts, circumstances] of rows) {
    test(name, () => {
      const judged = judgeTor(observations, { ...good, ...circumstances })
      expect(`${judged.verdict.verdict} ${judged.verdict.rule}`).toBe(
        expected.replace(' ', ' tor/').concat('@1'),
      )
      const kinds = Object.fromEntries(
        Object.entries(judged.parts).map(([kind, part]) => [kind, part.verdict]),
      )
      expect(kinds).toEqual(parts)
      for (const each of [judged.verdict, ...Object.values(judged.parts)]) v.parse(verdictSchema, each)
    })
  }
})

describe('torKeys()', () => {
  test('counts each kind and describes each target, as OONI does', () => {
    const keys = torKeys(
      seen(
        fine('dir_port'),
        { protocol: 'dir_port', page: true },
        silent('dir_port'),
        reset('or_port_dirauth'),
        fine('or_port'),
        silent('obfs4'),
      ),
    )
    expect(keys).toMatchObject({
      dir_port_total: 3,
      // OONI counts any answer.
      dir_port_accessible: 2,
      or_port_dirauth_total: 1,
      or_port_dirauth_accessible: 0,
      or_port_total: 1,
      or_port_accessible: 1,
      obfs4_total: 1,
      obfs4_accessible: 0,
    })
    expect(keys.targets).toMatchObject({
      '21.0.0.2:443/dir_port': {
        agent: 'redirect',
        failure: 'generic_timeout_error',
        target_address: '21.0.0.2:443',
        target_protocol: 'dir_port',
        summary: { connect: { failure: 'generic_timeout_error' } },
      },
      '21.0.0.3:443/or_port_dirauth': {
        failure: 'connection_reset',
        summary: { connect: { failure: null }, handshake: { failure: 'connection_reset' } },
      },
      '21.0.0.4:443/or_port': { failure: null, summary: { handshake: { failure: null } } },
    })
  })
})

describe('publicTorTargets', () => {
  test('are targets, each public and named by itself', () => {
    expect(v.safeParse(torTargets, publicTorTargets).issues).toBeUndefined()
    for (const [id, { address, protocol }] of Object.entries(publicTorTargets)) {
      expect(id).toBe(`${address}/${protocol}`)
      expect(isBogon(address.replace(/:\d+$/, '')), address).toBe(false)
    }
  })

  test('hold enough authorities for their silence to mean something', () => {
    const of = (kind: TorProtocol) =>
      Object.values(publicTorTargets).filter(({ protocol }) => protocol === kind)
    expect(of('dir_port').length).toBeGreaterThanOrEqual(9)
    expect(of('or_port_dirauth').length).toBeGreaterThanOrEqual(9)
    expect(of('or_port').length).toBeGreaterThan(0)
    expect(of('obfs4').length).toBeGreaterThan(0)
  })
})

test.each([
  [{ targets: { 'a b': { address: '192.0.2.1:443', protocol: 'or_port' } } }],
  [{ targets: { a: { address: 'relay.example:443', protocol: 'or_port' } } }],
  [{ targets: { a: { address: '192.0.2.1:443', protocol: 'snowflake' } } }],
  [{ targets: { a: { address: '192.0.2.1', protocol: 'or_port' } } }],
  [{ target: {} }],
])('torOptions refuses %j', (options) => {
  expect(v.safeParse(torOptions, options).success).toBe(false)
})
