// Golden verdicts of stunreachability. Mostly what must not be called an anomaly: from one place, a server that is gone
// and one that is blocked are silent alike.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations, StunBinding } from '../../tests-spec/data-formats/observation.ts'
import { join, link, query } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

export const input = 'stun://stun.example:3478'
export const resolved = query(['21.0.0.10'], { tags: ['classic'], hostname: 'stun.example' })

export function seen(lookup: Partial<Observations>, ...bindings: Partial<StunBinding>[]): Observations {
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

export const answered: Partial<StunBinding> = { response: 'success', mapped_address_family: 'ipv4' }
export const failing = (failure: Failure) => ({ failure })

interface Row extends GoldenRow {
  readonly failure: string | null
}
const knownElsewhere = join(
  query('dns_nxdomain_error', { tags: ['classic'] }),
  query(['21.0.0.10'], { engine: 'udp', tags: [], id: 20_001 }),
)

export const rows: readonly Row[] = [
  { name: 'a mapped address', seen: seen(resolved, answered), verdict: 'ok address_mapped', failure: null },
  {
    name: 'an address for input, so that nobody was asked',
    seen: seen({}, answered),
    verdict: 'ok address_mapped',
    failure: null,
  },
  {
    name: 'a mapped address over a link whose controls failed',
    seen: seen(resolved, answered),
    verdict: 'ok address_mapped',
    failure: null,
    circumstances: { link: link('down') },
  },
  {
    name: 'an error of the server',
    seen: seen(resolved, { response: 'error', error_code: 420 }),
    verdict: 'undetermined not_mapped',
    failure: 'error',
  },
  {
    name: 'a reply without an address',
    seen: seen(resolved, { response: 'success' }),
    verdict: 'undetermined not_mapped',
    failure: 'success',
  },
  {
    name: 'silence',
    seen: seen(resolved, failing('generic_timeout_error')),
    verdict: 'undetermined no_outside_view',
    failure: 'generic_timeout_error',
  },
  {
    name: 'a closed port',
    seen: seen(resolved, failing('connection_refused')),
    verdict: 'undetermined no_outside_view',
    failure: 'connection_refused',
  },
  {
    name: 'silence with one control lost',
    seen: seen(resolved, failing('generic_timeout_error')),
    verdict: 'undetermined a_control_failed',
    failure: 'generic_timeout_error',
    circumstances: { link: link('up', 3) },
  },
  {
    name: 'silence over a dead link',
    seen: seen(resolved, failing('generic_timeout_error')),
    verdict: 'link_down link_down',
    failure: 'down',
    circumstances: { link: link('down') },
  },
  {
    name: 'an agent that was stopped',
    seen: seen(resolved, failing('interrupted')),
    verdict: 'undetermined interrupted',
    failure: 'interrupted',
  },
  {
    name: 'a name that resolves to loopback',
    seen: seen(query(['127.0.0.1'], { tags: ['classic'] })),
    verdict: 'undetermined failed_once',
    failure: 'dns_bogon_error',
  },
  {
    name: 'a name that resolves to loopback, again',
    seen: seen(query(['127.0.0.1'], { tags: ['classic'] })),
    verdict: 'anomaly resolve_interfered',
    failure: 'dns_bogon_error',
    circumstances: { earlier: { step: 'resolve', how: 'dns_bogon_error', secondsAgo: 31 } },
  },
  {
    name: 'a name that only another resolver knows',
    seen: seen(knownElsewhere),
    verdict: 'undetermined failed_once',
    failure: 'dns_nxdomain_error',
  },
  {
    name: 'a name that only another resolver knows, again',
    seen: seen(knownElsewhere),
    verdict: 'anomaly resolvers_disagree',
    failure: 'dns_nxdomain_error',
    circumstances: { earlier: { step: 'resolve', how: 'dns_nxdomain_error', secondsAgo: 31 } },
  },
  {
    name: 'a name that nobody knows',
    seen: seen(
      join(
        query('dns_nxdomain_error', { tags: ['classic'] }),
        query('dns_nxdomain_error', { engine: 'udp', tags: [], id: 20_001 }),
      ),
    ),
    verdict: 'undetermined no_outside_view',
    failure: 'dns_nxdomain_error',
  },
]

export const golden: Golden = {
  asked: { input: input },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
}
