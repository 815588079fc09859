// Golden verdicts of quicping.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { join, link, query } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

export const resolved = query(['21.0.0.10'], { tags: ['classic'] })

export function seen(lookup: Partial<Observations>, ...failures: (Failure | null)[]): Observations {
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

export const silence: Failure = 'generic_timeout_error'
type Row = readonly [string, Observations, string, string | null, Partial<Circumstances>?]
export const rows: readonly Row[] = [
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

export const golden: Golden = {
  asked: { input: 'quic.example' },
  samples: rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
}
