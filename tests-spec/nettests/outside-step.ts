// Whether a helper outside got past the step that failed here. Like is compared with like: of a connect and a handshake only
// what was seen at the same address counts, of a request what was asked at an address that the helper has too.
// web-connectivity.md, "With a helper", is the page; what it means is judge-failed-step.ts.

import type { DnsQuery, HttpRequest, Observations } from '../data-formats/observation.ts'
import { readEndpoint, writeEndpoint } from '../protocol/test-helper.ts'
import { bitsOf, untranslated } from './address-range.ts'
import { isBogon } from './bogon.ts'
import { addressesIn, classicTag, type FailedStep, tagged, withoutFollowUps } from './failed-step.ts'
import { keyOutside, type OutsideView, sharesNetwork } from './outside-view.ts'
import type { Circumstances } from './verdict.ts'

export interface FailedHop {
  /** 0 where nothing redirected. */
  readonly depth: number
  readonly observations: Observations
  readonly failed: FailedStep
  /** The site sent the probe there over TLS, and the helper elsewhere. */
  readonly onlyHere: boolean
}

/** @returns null when the helper's answer does not say. */
export function gotPast(
  { depth, observations, failed, onlyHere }: FailedHop,
  outside: OutsideView | null,
  { link, lab }: Circumstances,
): boolean | null {
  if (outside === null || onlyHere) return null
  const reached = outside.http_request.failure === null
  // It was led on, so that the first host had answered it.
  const isLedOn = (outside.http_request.x_sonde_hosts ?? []).length > 1
  // The helper reports no endpoints of later hops, only how its own chain ended.
  if (depth > 0) return reached
  if (failed.step === 'resolve') {
    if (outside.dns.failure !== null) return false
    const addresses = outside.dns.addrs.filter((ip) => lab || !isBogon(ip))
    // A name that has addresses of IPv6 alone has none for a link without it, and some resolvers leave those out.
    const usable = addresses.filter((ip) => !ip.includes(':') || link.ipv6 === true)
    return usable.length > 0 ? true : addresses.length > 0 ? null : false
  }
  // Where the name is gone a resolver may invent an address, at which others see what is there.
  if (!reached && outside.dns.failure === 'dns_name_error') return false
  const classic = observations.queries.length > 0 ? tagged(observations, classicTag) : observations
  if (failed.step === 'http_round_trip') {
    if (!reached && !isLedOn) return false
    return failedWhereHelperWas(observations, outside) ? true : null
  }
  // Silence at the address people here are sent to is not refuted by an answer from another one; a wrong certificate is.
  const statuses =
    failed.step === 'connect'
      ? classic.tcp_connect
          // That it got there over an IPv6 that this link may not have says nothing of the link's IPv4.
          .filter(({ ip }) => !ip.includes(':') || link.ipv6 === true)
          .map(({ ip, port }) => outside.tcp_connect[keyOutside(writeEndpoint({ ip, port }))])
      : observations.tls_handshakes.map(({ address }) => outside.tls_handshake?.[keyOutside(address)])
  const known = statuses.flatMap((each) =>
    each === undefined ? [] : each.status || (isCutHandshake(failed) && wasShownCertificate(each.failure)),
  )
  if (known.length === 0) return null
  if (known.includes(true)) return true
  // That a helper does not reach an address which only this resolver gives says nothing of the site, be it in the site's own network.
  const isUnknown = isUnknownOutside(observations, outside) || isGivenHereAlone(observations, outside)
  return (reached || isLedOn) && isUnknown ? null : false
}

const untrusted: ReadonlySet<string> = new Set(['ssl_unknown_authority', 'ssl_invalid_certificate'])

/** A helper that was shown a certificate, good or not, got further than a handshake that was cut or met silence. */
export function wasShownCertificate(failureThere: string | null): boolean {
  return failureThere !== null && untrusted.has(failureThere)
}

/** Whether it is no certificate that failed here. */
export function isCutHandshake({ step, failure }: FailedStep): boolean {
  return step === 'tls_handshake' && !failure?.startsWith('ssl_')
}

/** Whether a helper has addresses for the name, and none that the system's resolver gave is in a network of them. */
export function isUnknownOutside(observations: Observations, outside: OutsideView): boolean {
  return hasForeignAddresses(observations, addressesOutside(outside), outside)
}

/** Whether neither another resolver nor the helper's own lookup has an address that the system's resolver gave. */
function isGivenHereAlone(observations: Observations, outside: OutsideView): boolean {
  const queries = lookupsOf(observations)
  const given = (some: readonly DnsQuery[]) => some.flatMap(addressesIn).map(untranslated)
  const theirs = [...given(queries.filter((each) => !isSystem(each))), ...addressesOutside(outside)]
  const ours = given(queries.filter(isSystem))
  return ours.length > 0 && theirs.length > 0 && !ours.some((ip) => theirs.includes(ip))
}

/**
 * Whether a request failed at an address that the helper has too, or there is no telling. One that failed only at an address of
 * its own, while the site answered at another, failed at one front of the site.
 */
function failedWhereHelperWas(seen: Observations, outside: OutsideView): boolean {
  const theirs = addressesOutside(outside)
  const failed = withoutFollowUps(seen).requests.filter((each) => each.failure !== null)
  const known = failed.flatMap((each) => ipOf(each) ?? [])
  return theirs.length === 0 || known.length === 0 || known.some((ip) => theirs.includes(ip))
}

function ipOf({ address }: HttpRequest): string | null {
  const endpoint = readEndpoint(address)
  return endpoint === null ? null : untranslated(endpoint.ip)
}

/**
 * Whether the addresses that failed are the system resolver's alone, and those of another showed the site: a forged answer that
 * leads to an address where nobody is, or nobody who speaks for the site. A front near by that is broken looks the same, where
 * it is not in the network of the others.
 */
export function isForgedAddress(
  { depth, observations, failed }: FailedHop,
  outside: OutsideView | null,
): boolean {
  if (outside === null || depth > 0 || failed.step === 'resolve' || !failed.reachedElsewhere) return false
  const isVerified = withoutFollowUps(observations).requests.some(
    (each) => each.failure === null && each.request.url.startsWith('https:'),
  )
  // Another resolver that gives them too may be asked over the same line; or they are a front near by, and theirs as well.
  const others = lookupsOf(observations)
    .filter((each) => !isSystem(each))
    .flatMap(addressesIn)
  const theirs = [...others.map(untranslated), ...addressesOutside(outside)]
  return isVerified && hasForeignAddresses(observations, theirs, outside)
}

/** @param theirs - Addresses of others. @returns Whether none that the system's resolver gave is one of them, or near one. */
function hasForeignAddresses(
  observations: Observations,
  theirs: readonly string[],
  outside: OutsideView,
): boolean {
  const ours = lookupsOf(observations).filter(isSystem).flatMap(addressesIn).map(untranslated)
  const isKin = (ip: string) =>
    theirs.some((other) => other === ip || headOf(other) === headOf(ip)) || sharesNetwork(ip, theirs, outside)
  return ours.length > 0 && theirs.length > 0 && !ours.some(isKin)
}

/** Of the name itself, and not of those that were asked to understand a failure. */
const lookupsOf = (observations: Observations) => withoutFollowUps(observations).queries

const isSystem = ({ engine }: DnsQuery) => engine === 'getaddrinfo'
const addressesOutside = ({ dns }: OutsideView) => dns.addrs.map(untranslated)

/** The first half of an address of IPv4, a quarter of one of IPv6: what one operator mostly has in one piece. */
function headOf(ip: string): string | null {
  const bits = bitsOf(ip)
  return bits === null ? ip : bits.slice(0, bits.length === 32 ? 16 : 32)
}
