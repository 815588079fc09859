// A filter in the house: an ad blocker or a parental control on the router answers for names that its lists have, with no address,
// 0.0.0.0 or a page of its own. That is its owner's will and no interference by a network. It is known by what no state blocks and
// every such list has: names of advertisers. verdict.md, question 8.

import type { DnsQuery, Observations } from '../data-formats/observation.ts'
import { isInRanges } from './address-range.ts'
import { isBogon } from './bogon.ts'
import { askedAgainSeconds } from './patience.ts'

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
 * Whether the system's resolver filters names of advertisers as it did the target. An address that a public host may have must be
 * theirs as well; of answers that lead nowhere one is as good as another, since filters have one for each list. That the names exist
 * shows in another resolver's answers; or that one answers for them as it did for the target, which is a filter on the way of both.
 */
export function isFilteredInHouse({ queries }: Pick<Observations, 'queries'>, lab: boolean): boolean {
  const followUps = queries.filter(({ tags }) => tags.includes(filteredNameTag))
  const asked = queries.filter(({ tags }) => !tags.some((tag) => tag.startsWith('followup=')))
  const target = asked.find(isSystem)
  if (target === undefined) return false
  const others = (some: readonly DnsQuery[]) => some.filter((each) => !isSystem(each))
  const isFilteredToo = (system: DnsQuery) => {
    if (!isAlike(target, system, lab)) return false
    const named = others(followUps).filter(({ hostname }) => hostname === system.hostname)
    return named.some((each) => isUsable(each, lab)) || isOnTheWay(others(asked).filter(isOfIpv4), named, lab)
  }
  return followUps.filter((each) => isSystem(each) && isFilteredToo(each)).length >= enough
}

/** Whether no other resolver, asked for the target and for an advertiser, gave more for the one than for the other. */
function isOnTheWay(target: readonly DnsQuery[], advertiser: readonly DnsQuery[], lab: boolean): boolean {
  if (target.length === 0 || advertiser.length === 0) return false
  return target.every((one) => advertiser.every((other) => isAlike(one, other, lab) || areSilent(one, other)))
}

/** Advertisers are asked for by A alone. */
const isOfIpv4 = ({ query_type }: DnsQuery) => query_type === 'A'

/** Of a resolver that no packet reaches there is none to hear. */
const areSilent = (one: DnsQuery, other: DnsQuery) =>
  one.failure === 'generic_timeout_error' && other.failure === one.failure

/** Whether two answers may be one filter's. */
export function isAlike(one: DnsQuery, other: DnsQuery, lab: boolean): boolean {
  if (leadsNowhere(one, lab)) return leadsNowhere(other, lab)
  return one.failure === null && addressesOf(one).some((ip) => addressesOf(other).includes(ip))
}

/** Whether an answer is what filters say of a name: that there is none, no address, or one that no public host has. */
export function leadsNowhere(query: DnsQuery, lab: boolean): boolean {
  if (query.failure !== null) return saysNo.has(query.failure) || isRefusal(query)
  const addresses = addressesOf(query)
  return addresses.every((ip) => (lab ? isNull(ip) : isBogon(ip)))
}

/** In a laboratory private addresses are the real ones. */
const isNull = (ip: string) => isInRanges(ip, ['0.0.0.0/8', '::/128'])

/** A C library has one word for a refusal, a failure of the server and no answer; but of no answer it says so late. */
const isRefusal = (query: DnsQuery) =>
  query.failure === 'dns_server_misbehaving' && query.t - query.t0 < askedAgainSeconds

/** Of no answer at all, and of a resolver that is ill, names have nothing in common but the resolver. */
const saysNo: ReadonlySet<string> = new Set(['dns_nxdomain_error', 'dns_no_answer', 'dns_refused_error'])

const isSystem = ({ engine }: DnsQuery) => engine === 'getaddrinfo'
const isUsable = (query: DnsQuery, lab: boolean) =>
  query.failure === null && addressesOf(query).some((ip) => lab || !isBogon(ip))
const addressesOf = ({ answers }: DnsQuery) => (answers ?? []).flatMap(({ ipv4, ipv6 }) => ipv4 ?? ipv6 ?? [])
