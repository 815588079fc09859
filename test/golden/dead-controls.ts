// Golden verdicts of web_connectivity while controls fail: what they excuse, and what they do not.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Step } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

const resolved = query(['21.0.0.10'])

/** Under its name at its own address twice and at a neutral host, which answers under a foreign name. */
function cutByName(failure: Failure) {
  const followUp = (tag: string, of: Failure) =>
    handshake(of, { tags: ['depth=0', `followup=${tag}`], id: 50_011 })
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
    name: 'silence under its name at two hosts, while two controls are dead: loss does that',
    seen: cutByName('generic_timeout_error'),
    verdict: 'undetermined link_degraded',
    step: 'tls_handshake',
    circumstances: degraded,
  },
  {
    name: 'reset under its name at two hosts, while nobody knows whether there is a link',
    seen: cutByName('connection_reset'),
    verdict: 'undetermined link_unknown',
    step: 'tls_handshake',
    circumstances: { link: link('unknown', 0) },
  },
]
