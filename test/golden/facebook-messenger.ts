// Golden verdicts and OONI's keys of facebook_messenger: where OONI and we part is what a foreign address may be called.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations, TcpConnect } from '../../tests-spec/data-formats/observation.ts'
import { isBogon } from '../../tests-spec/nettests/bogon.ts'
import {
  type FacebookStem,
  facebookMessenger,
  facebookMessengerService,
  facebookStems,
} from '../../tests-spec/nettests/facebook-messenger.ts'
import { hostOf } from '../../tests-spec/nettests/service.ts'
import type { Circumstances, Verdict } from '../../tests-spec/nettests/verdict.ts'
import { judging } from '../support/judge.ts'
import { join, query } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

export const meta = '157.240.1.35'
export const foreign = '203.0.114.7'
export const timeout = 'generic_timeout_error'

/** What the resolver said of a group's host, and what its first address did. */
export function group(
  stem: FacebookStem,
  answer: Failure | readonly string[],
  failure: Failure | null = null,
): Observations {
  const endpoint = facebookMessengerService.groups.find(({ name }) => name === stem)?.endpoints[0]
  const tags = [`group=${stem}`, `host=${endpoint === undefined ? '' : hostOf(endpoint)}`, 'classic']
  // The agent never contacts private addresses.
  const ip = typeof answer === 'string' ? undefined : answer.find((each) => !isBogon(each))
  const connect: TcpConnect[] =
    ip === undefined || stem === 'stun'
      ? []
      : [
          {
            t0: 0,
            t: 0,
            transaction_id: 40_001,
            tags,
            ip,
            port: 443,
            status: { success: failure === null, failure },
          },
        ]
  return join(query(answer, { tags }), { tcp_connect: connect })
}

/** Everything of Meta's and open, but for the given groups. */
export const seenWith = (others: Partial<Record<FacebookStem, Observations>>) =>
  join(...facebookStems.map((stem) => others[stem] ?? group(stem, [meta])))

export const kindsOf = (parts: Readonly<Record<string, Verdict>>) =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.verdict]))
export const judge = judging(facebookMessenger)
export const kinds = (seen: Observations, circumstances?: Partial<Circumstances>) =>
  kindsOf(judge(seen, circumstances).parts)
export const allOk = Object.fromEntries(facebookStems.map((stem) => [stem, 'ok']))

export const allGood = Object.fromEntries([
  ...facebookStems.flatMap((stem) => [
    [`facebook_${stem}_dns_consistent`, true],
    [`facebook_${stem}_reachable`, stem === 'stun' ? null : true],
  ]),
  ['facebook_dns_blocking', false],
  ['facebook_tcp_blocking', false],
])

/** Its rule and a near miss: rules.test.ts. */
const rows: readonly Pick<GoldenRow, 'name' | 'seen'>[] = [
  { name: "an address of Meta's that takes the connection", seen: seenWith({ edge: group('edge', [meta]) }) },
  { name: 'a foreign address that takes the connection', seen: seenWith({ edge: group('edge', [foreign]) }) },
]

export const golden: Golden = {
  asked: { input: null },
  samples: rows.map(({ name, seen }) => sample(name, seen, {})),
}
