// Whether an answer to a question over UDP looks forged on the way, so that it is worth asking where. web-connectivity.md, "Where
// answers are forged", is the page. Pure; no verdict rests on it.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import type { TestHelperResponse } from '../protocol/test-helper.ts'
import { isBogon } from './bogon.ts'
import { addressesIn, isContradicted, withoutFollowUps } from './failed-step.ts'

const ttl = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(255)))
/** The lowest time to live at which a question was answered; null: none was. */
export const dnsHops = v.object({
  /** `IP:PORT` of the named resolver. */
  resolver: v.string(),
  target: ttl,
  /** Of the list's neutral name, which nobody forges: how far the resolver is. */
  neutral: ttl,
  /** Of the target's name at a host that is no resolver; null also when no such host was known. */
  without_resolver: ttl,
})

/**
 * @param hop - What was seen of the first hop.
 * @param outside - What a helper saw, or why none did; absent where none was asked.
 */
export function isForgedAnswerLikely(
  hop: Observations,
  outside: TestHelperResponse | Failure | undefined,
  lab: boolean,
): boolean {
  const { queries, requests } = withoutFollowUps(hop)
  const plain = queries.filter(({ engine }) => engine === 'udp')
  const contradicted = isContradicted({ queries: plain })
  const impossible = plain.some((each) => {
    const addresses = addressesIn(each)
    return !lab && addresses.length > 0 && addresses.every(isBogon)
  })
  const there = typeof outside === 'object' ? outside.dns.addrs : []
  const here = plain.flatMap(addressesIn)
  // Where both resolvers give what no helper has, and nothing was reached by it, the line may answer for all resolvers.
  const system = queries.filter(({ engine }) => engine === 'getaddrinfo').flatMap(addressesIn)
  const isReached = requests.some(({ failure }) => failure === null)
  const agreed =
    !isReached &&
    here.length > 0 &&
    here.every((ip) => system.includes(ip)) &&
    there.length > 0 &&
    differ(here, there)
  return contradicted || impossible || agreed
}

const differ = (some: readonly string[], others: readonly string[]) =>
  !some.some((each) => others.includes(each))
