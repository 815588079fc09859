// Golden verdicts of web_connectivity while controls fail: what they excuse, and what they do not.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Step } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

const resolved = query(['21.0.0.10'])
const followUp = (tag: string, of: Failure) =>
  handshake(of, { tags: ['depth=0', `followup=${tag}`], id: 50_011 })
const elsewhere = { tags: ['depth=0'], id: 50_002 }
const goneHere = join(
  query('dns_nxdomain_error'),
  query(['21.0.0.10'], { engine: 'udp', tags: ['depth=0'], id: 20_001 }),
  connect(null, elsewhere),
  handshake(null, elsewhere),
  response(200, elsewhere),
)
const silentBefore = { step: 'tls_handshake', how: 'generic_timeout_error', secondsAgo: 31 } as const

/** Under its name at its own address twice and at a neutral host, which answers under a foreign name. */
function cutByName(failure: Failure) {
  return join(
    resolved,
    connect(null),
    handshake(failure),
    followUp('neutral_name', 'ssl_invalid_hostname'),
    followUp('same_name', failure),
    followUp('foreign_name', 'ssl_invalid_hostname'),
    followUp('neutral_address', failure),
  )
}
const degraded = { link: link('degraded', 2) }

export const rows: readonly (GoldenRow & { readonly step: Step })[] = [
  {
    name: 'reset on a link that loses controls',
    seen: join(resolved, connect(null), handshake('connection_reset')),
    verdict: 'undetermined link_degraded',
    step: 'tls_handshake',
    circumstances: { link: link('degraded', 2) },
  },
  {
    name: 'reset under its name at two hosts, while two controls are dead: no lost packet does that',
    seen: cutByName('connection_reset'),
    verdict: 'anomaly server_name_interfered',
    step: 'tls_handshake',
    circumstances: degraded,
  },
  {
    name: 'silence under its name at two hosts that answer others, while two controls are dead',
    seen: cutByName('generic_timeout_error'),
    verdict: 'undetermined failed_once',
    step: 'tls_handshake',
    circumstances: degraded,
  },
  {
    name: 'silence under its name at two hosts that answer others, while two controls are dead, again',
    seen: cutByName('generic_timeout_error'),
    verdict: 'anomaly server_name_interfered',
    step: 'tls_handshake',
    circumstances: { ...degraded, earlier: silentBefore },
  },
  {
    name: 'silence under its name at two hosts that answer others, while one control is dead, again',
    seen: cutByName('generic_timeout_error'),
    verdict: 'anomaly server_name_interfered',
    step: 'tls_handshake',
    circumstances: { link: link('up', 3), earlier: silentBefore },
  },
  {
    name: 'silence under its name alone, while two controls are dead, again: loss does that',
    seen: join(resolved, connect(null), handshake('generic_timeout_error')),
    verdict: 'undetermined link_degraded',
    step: 'tls_handshake',
    circumstances: { ...degraded, earlier: silentBefore },
  },
  {
    name: 'reset under its name and not under a neutral one, while two controls are dead: the site may be broken',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', 'connection_reset'),
    ),
    verdict: 'undetermined a_control_failed',
    step: 'tls_handshake',
    circumstances: degraded,
  },
  {
    name: 'reset under every name, while two controls are dead',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'connection_reset'),
      followUp('same_name', 'connection_reset'),
    ),
    verdict: 'undetermined link_degraded',
    step: 'tls_handshake',
    circumstances: degraded,
  },
  {
    name: 'no such name, which another resolver has and shows, while two controls are dead',
    seen: goneHere,
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
    circumstances: degraded,
  },
  {
    name: 'no such name, which another resolver has and shows, while no control has a name here either',
    seen: goneHere,
    verdict: 'undetermined link_degraded',
    step: 'resolve',
    circumstances: { link: link('degraded', 0) },
  },
  {
    name: 'no such name, which another resolver has and shows, on a line that lets telephones ask whether there is one',
    seen: goneHere,
    verdict: 'undetermined link_degraded',
    step: 'resolve',
    circumstances: { link: { ...link('degraded', 3), tls: false } },
  },
  {
    name: 'reset under its name at two hosts, while nobody knows whether there is a link',
    seen: cutByName('connection_reset'),
    verdict: 'undetermined link_unknown',
    step: 'tls_handshake',
    circumstances: { link: link('unknown', 0) },
  },
]
