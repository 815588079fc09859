// Golden verdicts of tor: each way into the network by itself.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { TorProtocol } from '../../tests-spec/nettests/tor-targets.ts'
import { connect, handshake, join, link, response } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

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

interface Row extends GoldenRow {
  /** Verdict of each kind. */
  readonly parts: Readonly<Record<string, string>>
}
export const rows: readonly Row[] = [
  {
    name: 'everything open',
    seen: seen(fine('dir_port'), fine('or_port_dirauth'), fine('or_port'), fine('obfs4')),
    verdict: 'ok dir_port_reached',
    parts: { dir_port: 'ok', or_port_dirauth: 'ok', or_port: 'ok', obfs4: 'ok' },
  },
  {
    name: 'one authority of four open',
    seen: seen(...many(silent('dir_port'), 3), fine('dir_port')),
    verdict: 'ok dir_port_reached',
    parts: { dir_port: 'ok' },
  },
  {
    name: 'every directory port silent, the rest open',
    seen: seen(...many(silent('dir_port')), fine('or_port_dirauth')),
    verdict: 'anomaly dir_port_all_fail',
    parts: { dir_port: 'anomaly', or_port_dirauth: 'ok' },
  },
  {
    name: 'every authority refused on its other port',
    seen: seen(...many({ protocol: 'or_port_dirauth', at: 'connect', failure: 'connection_refused' })),
    verdict: 'anomaly or_port_dirauth_all_fail',
    parts: { or_port_dirauth: 'anomaly' },
  },
  {
    name: 'every directory port silent',
    seen: seen(...many(silent('dir_port'))),
    verdict: 'anomaly dir_port_all_fail',
    parts: { dir_port: 'anomaly' },
  },
  {
    name: 'three authorities refused on their other port, the fourth open',
    seen: seen(
      ...many({ protocol: 'or_port_dirauth', at: 'connect', failure: 'connection_refused' }, 3),
      fine('or_port_dirauth'),
    ),
    verdict: 'ok or_port_dirauth_reached',
    parts: { or_port_dirauth: 'ok' },
  },
  { name: 'a bridge open', seen: seen(fine('obfs4')), verdict: 'ok bridge_reached', parts: { obfs4: 'ok' } },
  {
    name: 'a bridge silent',
    seen: seen(silent('obfs4')),
    verdict: 'undetermined no_outside_view',
    parts: { obfs4: 'undetermined' },
  },
  {
    name: 'both relays cut',
    seen: seen(reset('or_port'), reset('or_port')),
    verdict: 'anomaly tls_handshake_interfered',
    parts: { or_port: 'anomaly' },
  },
  {
    name: 'two silent authorities: a coincidence is thinkable',
    seen: seen(...many(silent('dir_port'), 2)),
    verdict: 'undetermined no_outside_view',
    parts: { dir_port: 'undetermined' },
  },
  {
    name: 'every authority silent, with a control lost',
    seen: seen(...many(silent('dir_port'))),
    verdict: 'undetermined a_control_failed',
    parts: { dir_port: 'undetermined' },
    circumstances: { link: link('up', 3) },
  },
  {
    name: 'silent relays: the list may be old',
    seen: seen(fine('or_port_dirauth'), ...many(silent('or_port'), 5), ...many(silent('obfs4'))),
    verdict: 'ok or_port_dirauth_reached',
    parts: { or_port_dirauth: 'ok', or_port: 'undetermined', obfs4: 'undetermined' },
  },
  {
    name: 'silent relays and nothing else tried',
    seen: seen(...many(silent('or_port'), 5)),
    verdict: 'undetermined no_outside_view',
    parts: { or_port: 'undetermined' },
  },
  {
    name: 'relays cut behind the ClientHello',
    seen: seen(fine('dir_port'), ...many(reset('or_port'))),
    verdict: 'anomaly tls_handshake_interfered',
    parts: { dir_port: 'ok', or_port: 'anomaly' },
  },
  {
    name: 'one relay cut, another reached',
    seen: seen(reset('or_port'), fine('or_port')),
    verdict: 'ok or_port_reached',
    parts: { or_port: 'ok' },
  },
  {
    name: 'directory requests reset',
    seen: seen(...many(reset('dir_port'))),
    verdict: 'anomaly http_round_trip_interfered',
    parts: { dir_port: 'anomaly' },
  },
  {
    name: 'a block page from every directory',
    seen: seen(...many({ protocol: 'dir_port', page: true })),
    verdict: 'anomaly http_round_trip_interfered',
    parts: { dir_port: 'anomaly' },
  },
  {
    name: 'a page of one, the consensus of another',
    seen: seen({ protocol: 'dir_port', page: true }, fine('dir_port')),
    verdict: 'ok dir_port_reached',
    parts: { dir_port: 'ok' },
  },
  {
    name: 'everything silent over a dead link',
    seen: seen(...many(silent('dir_port')), ...many(silent('or_port'))),
    verdict: 'link_down link_down',
    parts: { dir_port: 'link_down', or_port: 'link_down' },
    circumstances: { link: link('down') },
  },
  {
    name: 'a gateway that accepts everything over a dead link',
    seen: seen(...many(silent('dir_port')), fine('obfs4')),
    verdict: 'link_down link_down',
    parts: { dir_port: 'link_down', obfs4: 'link_down' },
    circumstances: { link: link('down') },
  },
  {
    name: 'a portal that answers for everyone',
    seen: seen(...many({ protocol: 'dir_port', page: true }), fine('obfs4')),
    verdict: 'link_down link_down',
    parts: { dir_port: 'link_down', obfs4: 'link_down' },
    circumstances: { link: link('captive_portal') },
  },
  {
    name: 'an agent that was stopped',
    seen: seen(...many({ protocol: 'dir_port', at: 'connect', failure: 'interrupted' })),
    verdict: 'undetermined interrupted',
    parts: { dir_port: 'undetermined' },
  },
  { name: 'no targets', seen: seen(), verdict: 'undetermined interrupted', parts: {} },
]

export const golden: Golden = {
  asked: { input: null },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
}
