// Golden verdicts of stunreachability. Mostly what must not be called an anomaly: from one place, a server that is gone
// and one that is blocked are silent alike.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations, StunBinding } from '../../tests-spec/data-formats/observation.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { join, link, query } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

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

type Row = readonly [string, Observations, string, string | null, Partial<Circumstances>?]
export const rows: readonly Row[] = [
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

export const golden: Golden = {
  asked: { input: input },
  samples: rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
}
