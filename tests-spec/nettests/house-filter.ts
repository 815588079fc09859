// A filter in the house: an ad blocker or a parental control on the router answers for names that its lists have, with no address,
// 0.0.0.0 or a page of its own. That is its owner's will and no interference by a network. It is known by what no state blocks and
// every such list has: names of advertisers. verdict.md, question 8.

import type { DnsQuery, Observations } from '../data-formats/observation.ts'
import { isBogon } from './bogon.ts'

/** Asked of the system's resolver, and of another one, when the system's answer for a name looks made up. */
export const filteredNameTag = 'followup=filtered_name'

/** On the usual lists of ad blockers; four owners, so that no quarrel with one of them looks like a filter. */
export const advertisers = [
  'doubleclick.net',
  'ib.adnxs.com',
  'bidder.criteo.com',
  'ads.pubmatic.com',
] as const

/** One may be gone, or blocked for a reason of its own. */
const enough = 2

/**
 * Whether the system's resolver answered for names of advertisers as it did for the target: with the same failure, or an address
 * in common, while another resolver has addresses for them.
 */
export function isFilteredInHouse({ queries }: Observations, lab: boolean): boolean {
  const followUps = queries.filter(({ tags }) => tags.includes(filteredNameTag))
  const target = queries.find((each) => isSystem(each) && !followUps.includes(each))
  if (target === undefined) return false
  const others = followUps.filter((each) => !isSystem(each))
  const exists = (name: string) =>
    others.some(
      (each) =>
        each.hostname === name &&
        each.failure === null &&
        addressesOf(each).some((ip) => lab || !isBogon(ip)),
    )
  return (
    followUps.filter((each) => isSystem(each) && isAlike(target, each) && exists(each.hostname)).length >=
    enough
  )
}

function isAlike(target: DnsQuery, other: DnsQuery): boolean {
  if (target.failure !== null) return saysNo.has(target.failure) && other.failure === target.failure
  return other.failure === null && addressesOf(target).some((ip) => addressesOf(other).includes(ip))
}

/** Of no answer at all, and of a resolver that is ill, names have nothing in common but the resolver. */
const saysNo: ReadonlySet<string> = new Set(['dns_nxdomain_error', 'dns_no_answer', 'dns_refused_error'])

const isSystem = ({ engine }: DnsQuery) => engine === 'getaddrinfo'
const addressesOf = ({ answers }: DnsQuery) => (answers ?? []).flatMap(({ ipv4, ipv6 }) => ipv4 ?? ipv6 ?? [])
