// Golden verdicts of web_connectivity about answers that look made up: a resolver that lies, a filter in the house, a broken zone.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { connect, handshake, join, query, response } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

const gone: Failure = 'dns_nxdomain_error'
const silence: Failure = 'generic_timeout_error'
/** What a C library says of a refusal, and of no answer. */
const failed: Failure = 'dns_server_misbehaving'
const lateOf = ({ queries = [] }: Partial<Observations>): Partial<Observations> => ({
  queries: queries.map((each) => ({ ...each, t: each.t0 + 5.5 })),
})
const elsewhere = (outcome: Failure | readonly string[], over = {}) =>
  query(outcome, { engine: 'udp', tags: ['depth=0'], id: 20_001, ...over })
const there = { tags: ['depth=0'], id: 50_002 }
/** The other one has the address, at which the site shows. */
const known = join(
  elsewhere(['21.0.0.10']),
  connect(null, there),
  handshake(null, there),
  response(200, there),
)

type Outcome = Failure | readonly string[]
/** What the system's resolver says of names of advertisers, and what the other one. */
const ofAdvertisers = (outcomes: readonly Outcome[], named: (outcome: Outcome) => Outcome) =>
  join(
    ...outcomes.flatMap((outcome, index) => {
      const over = {
        tags: ['depth=0', 'followup=filtered_name'],
        hostname: `ads-${index}.example`,
        id: 30_001 + index,
      }
      return [query(outcome, over), elsewhere(named(outcome), over)]
    }),
  )
/** The other one knows them. */
const advertisers = (...outcomes: readonly Outcome[]) => ofAdvertisers(outcomes, () => ['21.0.9.9'])
/** A filter on the way of both. */
const onTheWay = (...outcomes: readonly Outcome[]) => ofAdvertisers(outcomes, (outcome) => outcome)
const mute = (...outcomes: readonly Outcome[]) => ofAdvertisers(outcomes, () => silence)
const byBoth = (outcome: Outcome) => join(query(outcome), elsewhere(outcome))
/** A message whose address is outside the chain. */
const outOfChain: Partial<Observations> = {
  queries: (elsewhere(['21.0.0.10']).queries ?? []).map((each) => ({ ...each, failure: 'dns_no_answer' })),
}
const unchecked = (outcome: Failure | readonly string[]) =>
  elsewhere(outcome, { tags: ['depth=0', 'followup=checking_disabled'], id: 20_009 })
const refusedByBoth = join(query('dns_server_misbehaving'), elsewhere('dns_servfail_error'))

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
    name: 'no such name, and no address for advertisers: a filter says one for each of its lists',
    seen: join(query(gone), known, advertisers('dns_no_answer', ['0.0.0.0'])),
    verdict: 'undetermined filtered_in_house',
    step: 'resolve',
  },
  {
    name: 'refused at once, again, as of two advertisers',
    seen: join(query(failed), known, advertisers(failed, failed)),
    verdict: 'undetermined filtered_in_house',
    step: 'resolve',
    circumstances: { earlier: { step: 'resolve', how: failed, secondsAgo: 31 } },
  },
  {
    name: 'refused at once, again, while advertisers have addresses',
    seen: join(query(failed), known, advertisers(['21.0.9.9'], ['21.0.9.8'])),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
    circumstances: { earlier: { step: 'resolve', how: failed, secondsAgo: 31 } },
  },
  {
    name: 'no answer until late, again, as of two advertisers: a resolver that is slow for all of them filters nobody',
    seen: join(lateOf(query(failed)), known, lateOf(advertisers(failed, failed))),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
    circumstances: { earlier: { step: 'resolve', how: failed, secondsAgo: 31 } },
  },
  {
    name: '0.0.0.0, as for two advertisers',
    seen: join(query(['0.0.0.0']), known, advertisers(['0.0.0.0'], ['0.0.0.0'])),
    verdict: 'undetermined filtered_in_house',
    step: 'resolve',
  },
  {
    name: '10.10.34.34, while advertisers have 0.0.0.0: the page of a filter in the house may be there',
    seen: join(query(['10.10.34.34']), known, advertisers(['0.0.0.0'], ['0.0.0.0'])),
    verdict: 'undetermined filtered_in_house',
    step: 'resolve',
  },
  {
    name: 'an address of its own with a foreign certificate, while advertisers have 0.0.0.0: no filter sends one so far',
    seen: join(
      query(['66.0.0.2']),
      elsewhere(['66.0.0.2']),
      advertisers(['0.0.0.0'], ['0.0.0.0']),
      connect(null, { ip: '66.0.0.2' }),
      handshake('ssl_invalid_hostname', { address: '66.0.0.2:443' }),
    ),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  ...([gone, 'dns_no_answer', ['0.0.0.0']] as const).flatMap((outcome) => [
    {
      name: `${outcome} from both resolvers, and for advertisers too: a filter on the way of both`,
      seen: join(byBoth(outcome), onTheWay(outcome, ['0.0.0.0'])),
      verdict: 'undetermined filtered_in_house',
      step: 'resolve',
    },
    {
      name: `${outcome} from both resolvers, and advertisers have addresses`,
      seen: join(byBoth(outcome), onTheWay(['21.0.9.9'], ['21.0.9.8'])),
      verdict: 'undetermined no_outside_view',
      step: 'resolve',
    },
  ]),
  {
    name: 'a private address from both resolvers, and for advertisers too, and behind one of them the true answer',
    seen: join(
      query(['10.10.34.34']),
      {
        queries: (elsewhere(['10.10.34.34']).queries ?? []).map((each) => ({
          ...each,
          x_sonde_late_replies: [{ t: 0.3, raw: '', addresses: ['21.0.0.10'] }],
        })),
      },
      onTheWay(['0.0.0.0'], ['0.0.0.0']),
    ),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'no such name, as of advertisers, while the other resolver answers nobody',
    seen: join(query(gone), elsewhere(silence), mute(gone, gone)),
    verdict: 'undetermined filtered_in_house',
    step: 'resolve',
  },
  {
    name: 'no such name, as of advertisers, of which the other resolver alone is silent',
    seen: join(query(gone), known, mute(gone, gone)),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'the page of a filter, at an address that both resolvers give, for advertisers too',
    seen: join(
      byBoth(['66.0.0.2']),
      onTheWay(['66.0.0.2'], ['66.0.0.2']),
      connect(null, { ip: '66.0.0.2' }),
      handshake('ssl_invalid_hostname', { address: '66.0.0.2:443' }),
    ),
    verdict: 'undetermined filtered_in_house',
    step: 'tls_handshake',
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
