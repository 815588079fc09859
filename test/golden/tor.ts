// Golden verdicts of tor: each way into the network by itself.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { TorProtocol } from '../../tests-spec/nettests/tor-targets.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, response } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

/** One target: its kind, and the step at which it failed. */
interface Tried {
  readonly protocol: TorProtocol
  readonly at?: 'connect' | 'next'
  readonly failure?: Failure
  readonly page?: boolean
}

export function seen(...all: readonly Tried[]): Observations {
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
export const silent = (protocol: TorProtocol): Tried => ({ protocol, at: 'connect' })
export const fine = (protocol: TorProtocol): Tried => ({ protocol })
export const reset = (protocol: TorProtocol): Tried => ({ protocol, at: 'next', failure: 'connection_reset' })

type Row = readonly [string, Observations, string, Record<string, string>, Partial<Circumstances>?]
export const rows: readonly Row[] = [
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
    'every directory port silent',
    seen(...many(silent('dir_port'))),
    'anomaly dir_port_all_fail',
    { dir_port: 'anomaly' },
  ],
  [
    'three authorities refused on their other port, the fourth open',
    seen(
      ...many({ protocol: 'or_port_dirauth', at: 'connect', failure: 'connection_refused' }, 3),
      fine('or_port_dirauth'),
    ),
    'ok or_port_dirauth_reached',
    { or_port_dirauth: 'ok' },
  ],
  ['a bridge open', seen(fine('obfs4')), 'ok bridge_reached', { obfs4: 'ok' }],
  ['a bridge silent', seen(silent('obfs4')), 'undetermined no_outside_view', { obfs4: 'undetermined' }],
  [
    'both relays cut',
    seen(reset('or_port'), reset('or_port')),
    'anomaly tls_handshake_interfered',
    { or_port: 'anomaly' },
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

export const golden: Golden = {
  asked: { input: null },
  samples: rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
}
