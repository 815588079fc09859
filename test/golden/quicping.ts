// Golden verdicts of quicping.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { join, link, query } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

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
interface Row extends GoldenRow {
  readonly how: string | null
}
export const rows: readonly Row[] = [
  {
    name: 'the first packet answered',
    seen: seen(resolved, null),
    verdict: 'ok version_negotiation',
    how: null,
  },
  {
    name: 'only the third answered',
    seen: seen(resolved, silence, silence, null),
    verdict: 'ok version_negotiation',
    how: null,
  },
  { name: 'an address for input', seen: seen({}, null), verdict: 'ok version_negotiation', how: null },
  {
    name: 'silence: the site may have no QUIC',
    seen: seen(resolved, silence, silence, silence),
    verdict: 'undetermined no_outside_view',
    how: silence,
  },
  {
    name: 'a closed port',
    seen: seen(resolved, 'connection_refused', silence),
    verdict: 'undetermined no_outside_view',
    how: 'connection_refused',
  },
  {
    name: 'silence with a control lost',
    seen: seen(resolved, silence),
    verdict: 'undetermined a_control_failed',
    how: silence,
    circumstances: { link: link('up', 3) },
  },
  {
    name: 'silence over a dead link',
    seen: seen(resolved, silence),
    verdict: 'link_down link_down',
    how: 'down',
    circumstances: { link: link('down') },
  },
  {
    name: 'silence over a degraded link',
    seen: seen(resolved, silence),
    verdict: 'undetermined link_degraded',
    how: silence,
    circumstances: { link: link('degraded', 2) },
  },
  {
    name: 'an agent that was stopped',
    seen: seen(resolved, 'interrupted'),
    verdict: 'undetermined interrupted',
    how: 'interrupted',
  },
  {
    name: 'a name that resolves to loopback',
    seen: seen(query(['127.0.0.1'], { tags: ['classic'] })),
    verdict: 'undetermined failed_once',
    how: 'dns_bogon_error',
  },
  {
    name: 'a name that resolves to loopback, again',
    seen: seen(query(['127.0.0.1'], { tags: ['classic'] })),
    verdict: 'anomaly resolve_interfered',
    how: 'dns_bogon_error',
    circumstances: { earlier: { step: 'resolve', how: 'dns_bogon_error', secondsAgo: 31 } },
  },
]

export const golden: Golden = {
  asked: { input: 'quic.example' },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
}
