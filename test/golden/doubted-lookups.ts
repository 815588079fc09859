// Golden verdicts of web_connectivity about answers that look made up: a resolver that lies, a filter in the house, a broken zone.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { connect, handshake, join, query } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

const gone: Failure = 'dns_nxdomain_error'
const elsewhere = (outcome: Failure | readonly string[], over = {}) =>
  query(outcome, { engine: 'udp', tags: ['depth=0'], id: 20_001, ...over })
const known = elsewhere(['21.0.0.10'])

/** What the system's resolver says of names of advertisers, which the other one knows. */
const advertisers = (...outcomes: readonly (Failure | readonly string[])[]) =>
  join(
    ...outcomes.flatMap((outcome, index) => {
      const over = {
        tags: ['depth=0', 'followup=filtered_name'],
        hostname: `ads-${index}.example`,
        id: 30_001 + index,
      }
      return [query(outcome, over), elsewhere(['21.0.9.9'], over)]
    }),
  )
/** A message whose address is outside the chain. */
const outOfChain: Partial<Observations> = {
  queries: (known.queries ?? []).map((each) => ({ ...each, failure: 'dns_no_answer' })),
}
const unchecked = (outcome: Failure | readonly string[]) =>
  elsewhere(outcome, { tags: ['depth=0', 'followup=checking_disabled'], id: 20_009 })
const refusedByBoth = join(query('dns_server_misbehaving'), elsewhere('dns_servfail_error'))

const silence: Failure = 'generic_timeout_error'
const again = (outcome: Failure | readonly string[], id: number) =>
  query(outcome, { tags: ['depth=0', 'followup=same_lookup'], id })
const halfAMinuteAgo = { earlier: { step: 'resolve', how: silence, secondsAgo: 31 } } as const

export const rows: readonly (GoldenRow & { readonly step: string | null })[] = [
  {
    name: 'silent twice half a minute apart, and answered at once when it was asked again: loss',
    seen: join(query(silence), known, again(silence, 10_002), again(['21.0.0.10'], 10_003)),
    verdict: 'undetermined passed_again',
    step: 'resolve',
    circumstances: halfAMinuteAgo,
  },
  {
    name: 'silent twice half a minute apart, and as often as it was asked again',
    seen: join(query(silence), known, again(silence, 10_002), again(silence, 10_003)),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
    circumstances: halfAMinuteAgo,
  },
  {
    name: 'no such name, as of two advertisers',
    seen: join(query(gone), known, advertisers(gone, gone)),
    verdict: 'undetermined filtered_in_house',
    step: 'resolve',
  },
  {
    name: 'no such name, while advertisers have addresses: the router hands on what its provider forged',
    seen: join(query(gone), known, advertisers(['21.0.9.9'], ['21.0.9.8'])),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'no such name, as of one advertiser alone',
    seen: join(query(gone), known, advertisers(gone, ['21.0.9.8'])),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'no such name, and another failure for advertisers',
    seen: join(query(gone), known, advertisers('dns_no_answer', 'dns_no_answer')),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: '0.0.0.0, as for two advertisers',
    seen: join(query(['0.0.0.0']), known, advertisers(['0.0.0.0'], ['0.0.0.0'])),
    verdict: 'undetermined filtered_in_house',
    step: 'resolve',
  },
  {
    name: '10.10.34.34, while advertisers have 0.0.0.0: the house filters, and the provider forges',
    seen: join(query(['10.10.34.34']), known, advertisers(['0.0.0.0'], ['0.0.0.0'])),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'the page of a filter, at its own address, as for two advertisers',
    seen: join(
      query(['66.0.0.2']),
      known,
      advertisers(['66.0.0.2'], ['66.0.0.2']),
      connect(null, { ip: '66.0.0.2' }),
      handshake('ssl_invalid_hostname', { address: '66.0.0.2:443' }),
    ),
    verdict: 'undetermined filtered_in_house',
    step: 'tls_handshake',
  },
  {
    name: 'no resolver that validates gives an answer, and one does that is told not to',
    seen: join(refusedByBoth, unchecked(['21.0.0.10'])),
    verdict: 'undetermined broken_zone',
    step: 'resolve',
  },
  {
    name: 'no resolver gives an answer, told to validate or not',
    seen: join(refusedByBoth, unchecked('dns_servfail_error')),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
  },
  {
    name: 'an answer that no C library takes, since its address is outside the chain',
    seen: join(query('dns_no_answer'), outOfChain),
    verdict: 'undetermined broken_zone',
    step: 'resolve',
  },
  {
    name: 'no address here, and one in the chain of another resolver',
    seen: join(query('dns_no_answer'), known),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
]
