// What is asked once more when the system's resolver gave an answer that looks made up: names of advertisers, to tell a filter in
// the house from a resolver that lies; and the same name without validation, to tell a broken zone from a resolver that refuses.
// And a name that its resolver was silent about, since datagrams are lost. tests-spec/nettests/verdict.md, questions 7 and 8.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { DnsQuery } from '../../tests-spec/data-formats/observation.ts'
import {
  addressesIn,
  checkingDisabledTag,
  classicTag,
  isMaybeLost,
  sameLookupTag,
  tagged,
} from '../../tests-spec/nettests/failed-step.ts'
import { filteredNameTag, isAlike, leadsNowhere } from '../../tests-spec/nettests/house-filter.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import type { NettestContext } from './nettest.ts'
import { joinSeen, nothingSeen, type Seen } from './seen.ts'
import { askResolver, askSystem } from './steps.ts'

/**
 * @param seen - The lookup of one host, by the system and, where there is one, by the named resolver.
 * @param isForeign - Whether another answers at its address than the host that was asked for.
 */
export async function doubtLookup(
  context: NettestContext,
  host: string,
  seen: Seen,
  tags: readonly string[],
  isForeign = false,
): Promise<Seen> {
  const { queries } = seen.observations
  const system = queries.find((each) => each.engine === 'getaddrinfo' && each.hostname === host)
  const others = queries.filter((each) => each.engine !== 'getaddrinfo')
  if (context.resolver === null || system === undefined || others.length === 0) return nothingSeen
  const parts: Seen[] = []
  if (isSilent(system) && addressesOf(others).length > 0) parts.push(await askAgain(context, host, tags))
  if (system.failure !== null && others.every(({ failure }) => failure === 'dns_servfail_error'))
    parts.push(await askUnchecked(context, host, tags))
  if (isForeign || isMadeUp(system, others, context.lab))
    parts.push(await askForAdvertisers(context, system, tags))
  return joinSeen(parts)
}

/** Whether a handshake at an address of the system's resolver showed a foreign certificate, as that of a filter's own page. */
export function showsForeignCertificate(parts: readonly Seen[]): boolean {
  return parts.some(({ observations }) =>
    tagged(observations, classicTag).tls_handshakes.some((each) => foreignCertificate.has(each.failure)),
  )
}

const foreignCertificate: ReadonlySet<Failure | null> = new Set([
  'ssl_unknown_authority',
  'ssl_invalid_hostname',
])

/** A lookup that led to a foreign host, of which no other resolver has been asked yet. */
export async function doubtAddress(
  context: NettestContext,
  host: string,
  seen: Seen,
  tags: readonly string[],
): Promise<Seen> {
  if (context.resolver === null || seen.observations.queries.length === 0) return nothingSeen
  const asking = { tags, timeoutMs: patience.lookupMs }
  const named = (await askResolver(context, context.resolver, host, 'A', asking)).seen
  return joinSeen([named, await doubtLookup(context, host, joinSeen([seen, named]), tags, true)])
}

const addressesOf = (queries: readonly DnsQuery[]) =>
  queries.flatMap((each) => (each.failure === null ? addressesIn(each) : []))

function isSilent(system: DnsQuery): boolean {
  return system.failure === 'generic_timeout_error' || isMaybeLost(system)
}

/**
 * Of ten packets three lost each way, about half of all lookups fail, and of two measurements with seven in each one in
 * 2,000 where the resolver is well. With four in each one in 80, which a week on such a line would bring about.
 */
const askAgainAtMost = 6

/** Until there is an address; two at once, as many as the system may have under way. */
async function askAgain(context: NettestContext, host: string, tags: readonly string[]): Promise<Seen> {
  const asking = { tags: [...tags, sameLookupTag], timeoutMs: patience.lookupMs }
  const parts: Seen[] = []
  while (parts.length < askAgainAtMost) {
    const two = await Promise.all([askSystem(context, host, asking), askSystem(context, host, asking)])
    parts.push(...two.map(({ seen }) => seen))
    if (two.some(({ addresses }) => addresses.length > 0)) break
  }
  return joinSeen(parts)
}

/**
 * An answer that leads nowhere, whatever the others say, since a filter may stand on the way to them as well; or one that another
 * resolver contradicts, and no silence.
 */
function isMadeUp(system: DnsQuery, others: readonly DnsQuery[], lab: boolean): boolean {
  if (leadsNowhere(system, lab)) return true
  const theirs = addressesOf(others)
  if (theirs.length === 0 || system.failure !== null) return false
  return !addressesIn(system).some((ip) => theirs.includes(ip))
}

async function askUnchecked(context: NettestContext, host: string, tags: readonly string[]): Promise<Seen> {
  if (context.resolver === null) return nothingSeen
  const asking = {
    tags: [...tags, checkingDisabledTag],
    timeoutMs: patience.lookupMs,
    checkingDisabled: true,
  }
  return (await askResolver(context, context.resolver, host, 'A', asking)).seen
}

/** The named resolver is asked only for those that the system's answered as it did the target. */
async function askForAdvertisers(
  context: NettestContext,
  system: DnsQuery,
  tags: readonly string[],
): Promise<Seen> {
  const asking = { tags: [...tags, filteredNameTag], timeoutMs: patience.lookupMs }
  const each = await Promise.all(
    context.filteredNames.map(async (name) => {
      const { seen } = await askSystem(context, name, asking)
      const [answer] = seen.observations.queries
      if (answer === undefined || context.resolver === null || !isAlike(system, answer, context.lab))
        return seen
      return joinSeen([seen, (await askResolver(context, context.resolver, name, 'A', asking)).seen])
    }),
  )
  return joinSeen(each)
}
