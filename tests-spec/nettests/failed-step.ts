// Which step of a flow failed, and what was seen beside it: the part of reading observations that every nettest shares.
// verdict.md is the page. What a failed step may be called is judge-failed-step.ts.

import type { Failure } from '../data-formats/failure.ts'
import type { DnsQuery, HttpRequest, Observations, TlsHandshake } from '../data-formats/observation.ts'
import { isBogon } from './bogon.ts'
import { isFilteredInHouse } from './house-filter.ts'
import { askedAgainSeconds } from './patience.ts'
import type { Step } from './verdict.ts'

/** The tag of endpoints whose address the system resolver gave; OONI's word. */
export const classicTag = 'classic'

export interface FailedStep {
  readonly step: Step
  /** Whose step it is, where hosts are asked one after the other, as in a chain of redirects; null elsewhere. */
  readonly host: string | null
  readonly failure: Failure
  readonly because: readonly number[]
  /** Faults of the certificate, when the step is a handshake. */
  readonly certificateFaults: readonly string[]
  /** Another resolver gave usable addresses for the name; null when no other was asked or none answered. */
  readonly resolvedElsewhere: boolean | null
  /** An address that only another resolver gave was reached. */
  readonly reachedElsewhere: boolean
  /** The zone itself is broken: its answers do not validate, or hold addresses outside the chain of its aliases. */
  readonly brokenZone: boolean
  /** The system's resolver has addresses for a name of which another one says that there is no such name. */
  readonly goneElsewhere: boolean
  /** Two answers of one resolver contradict each other: one of them was made on the way. */
  readonly forgerySeen: boolean
  /** The system's resolver answers for names of advertisers alike: a filter in the house. */
  readonly filteredInHouse: boolean
  /** Only the system's resolver gives the addresses that failed, and the site was reached at those of another. */
  readonly forgedAddress: boolean
  /** A helper has addresses for the name, and those that failed here are in no network of them. */
  readonly unknownOutside: boolean
  /**
   * What a handshake with the same host under a neutral name came to, between two with the name, or that it answered a request for a
   * neutral host; null: not tried, or the request was not answered.
   */
  readonly neutralName: 'answered' | 'failed_too' | null
  /**
   * What a handshake under the same name came to at somebody else's host, which had just answered in TLS under a name
   * as foreign to it; null: not tried, or that host did not.
   */
  readonly nameElsewhere: 'answered' | 'failed_too' | null
  /**
   * What became of the step when it was taken once more, at once, with the same address under the same name; null: not
   * tried.
   */
  readonly again: 'passed' | 'failed_too' | null
  /** The step is a lookup, and lost datagrams make this failure too. */
  readonly maybeLost: boolean
  /** Every address that failed at the step is one of IPv6. */
  readonly onlyIpv6: boolean
  /** It is an answer that came inside verified TLS, where nobody but the target writes. */
  readonly saidInside: boolean
  /** How many hosts of the target failed alike: a restart hits one. */
  readonly hosts: number
}

/** Of a failed step beside which nothing was seen. */
export const nothingElseKnown: Omit<FailedStep, 'step' | 'failure' | 'because'> = {
  host: null,
  certificateFaults: [],
  resolvedElsewhere: null,
  reachedElsewhere: false,
  brokenZone: false,
  goneElsewhere: false,
  forgerySeen: false,
  filteredInHouse: false,
  forgedAddress: false,
  unknownOutside: false,
  neutralName: null,
  nameElsewhere: null,
  again: null,
  maybeLost: false,
  onlyIpv6: false,
  saidInside: false,
  hosts: 1,
}

/** Tags of the follow-ups to a failed handshake: the same address under a neutral name, then under the name again. */
export const neutralNameTag = 'followup=neutral_name'
export const sameNameTag = 'followup=same_name'
/** The same request in clear text, at the same address: for a neutral host, then once more for its own. */
export const neutralRequestTag = 'followup=neutral_request'
export const sameRequestTag = 'followup=same_request'
/** The same name, once more to the system's resolver, which had not answered. */
export const sameLookupTag = 'followup=same_lookup'
/** The same name at the same resolver, which is told not to validate. */
export const checkingDisabledTag = 'followup=checking_disabled'
/** The address of a neutral host: looked up, under a name foreign to it, and under the name that failed. */
export const neutralHostTag = 'followup=neutral_host'
export const foreignNameTag = 'followup=foreign_name'
export const neutralAddressTag = 'followup=neutral_address'

/** The observations that carry `tag`, in their order. */
export function tagged(seen: Observations, tag: string): Observations {
  return keeping(seen, ({ tags }) => tags.includes(tag))
}

/** The observations that do not carry `tag`, in their order. */
export function untagged(seen: Observations, tag: string): Observations {
  return keeping(seen, ({ tags }) => !tags.includes(tag))
}

function keeping(seen: Observations, has: (each: Tagged) => boolean): Observations {
  return {
    queries: seen.queries.filter(has),
    tcp_connect: seen.tcp_connect.filter(has),
    tls_handshakes: seen.tls_handshakes.filter(has),
    requests: seen.requests.filter(has),
    network_events: seen.network_events.filter(has),
  }
}

/**
 * Which step ended a flow: one URL, one hop, however many addresses.
 *
 * Only what the system resolver gave counts as reached, since that is what people on this link use; what another
 * resolver gave is the comparison. The deepest step that any address came to decides.
 *
 * @returns null when a response came over an address of the system resolver, or of the input itself.
 */
export function failedStepOf(seen: Observations, lab: boolean): FailedStep | null {
  // A request that passed when it was made once more says that the first may pass, not that it did.
  const answered = withoutFollowUps(seen).requests.filter((request) => request.failure === null)
  const asked = seen.queries.length > 0
  const classic = withoutFollowUps(asked ? tagged(seen, classicTag) : seen)
  const isClassic = (request: HttpRequest) => !asked || request.tags.includes(classicTag)
  if (answered.some(isClassic)) return null
  const elsewhere = {
    ...nothingElseKnown,
    resolvedElsewhere: resolvedElsewhere(seen, lab),
    reachedElsewhere: answered.length > 0,
    brokenZone: isZoneBroken(seen),
    goneElsewhere: isGoneElsewhere(seen),
    forgerySeen: isContradicted(seen),
    filteredInHouse: isFilteredInHouse(seen, lab),
  }
  const system = seen.queries.find((query) => query.engine === 'getaddrinfo' && !isFollowUp(query))
  // The question never left this machine: as good as not measured.
  if (system?.x_sonde_not_sent === true) {
    return { step: 'resolve', failure: 'interrupted', because: [system.transaction_id], ...elsewhere }
  }
  if (system !== undefined) {
    const failure = systemFailure(system, lab)
    const maybeLost = isMaybeLost(system)
    if (failure !== null) {
      const again = tagged(seen, sameLookupTag).queries
      return {
        step: 'resolve',
        failure,
        because: [system, ...again].map((each) => each.transaction_id),
        ...elsewhere,
        again: passedOrNot(again.find((each) => each.failure === null) ?? again[0]),
        maybeLost,
      }
    }
  }
  const requests = classic.requests.filter((each) => each.failure !== null)
  const request = requests[0]
  if (request?.failure) {
    return {
      step: 'http_round_trip',
      failure: request.failure,
      because: [request, ...seen.requests.filter(isFollowUp)].map((each) => each.transaction_id),
      ...elsewhere,
      neutralName: neutralRequest(seen),
      again: passedOrNot(tagged(seen, sameRequestTag).requests[0]),
      onlyIpv6: requests.every(isIpv6Endpoint),
      saidInside: request.request.url.startsWith('https:') && answers.has(request.failure),
    }
  }
  const handshakes = classic.tls_handshakes.filter((each) => each.failure !== null)
  const handshake = handshakes[0]
  if (handshake?.failure) {
    const certificateFaults = handshake.x_sonde_certificate_faults ?? []
    const followUps = isFollowedUp(handshake, seen) ? seen.tls_handshakes.filter(isFollowUp) : []
    const followed = { ...seen, tls_handshakes: followUps }
    return {
      step: 'tls_handshake',
      failure: handshake.failure,
      because: [handshake, ...followUps].map((each) => each.transaction_id),
      ...elsewhere,
      certificateFaults,
      neutralName: neutralName(followed),
      nameElsewhere: nameElsewhere(followed),
      again: passedOrNot(tagged(followed, sameNameTag).tls_handshakes[0]),
      onlyIpv6: handshakes.every(isIpv6Endpoint),
    }
  }
  const refused = classic.tcp_connect.filter((each) => each.status.failure !== null)
  const connect = refused[0]
  if (connect?.status.failure) {
    return {
      step: 'connect',
      failure: connect.status.failure,
      because: [connect.transaction_id],
      ...elsewhere,
      onlyIpv6: refused.every(({ ip }) => ip.includes(':')),
    }
  }
  // Nothing was tried although there are addresses that may be: none is of a family that this link has a way to.
  if (system !== undefined && classic.tcp_connect.length === 0) {
    const because = [system.transaction_id]
    const { resolvedElsewhere: another, reachedElsewhere: reached } = elsewhere
    // A forged address beside a true one of the other family.
    if (!lab && another === true && addressesIn(system).some(isBogon))
      return { step: 'resolve', failure: 'dns_bogon_error', because, ...elsewhere }
    // Of the other family alone, while there is more: half of the answer was lost, or kept back.
    if (reached) return { step: 'resolve', failure: 'dns_no_answer', because, ...elsewhere, maybeLost: true }
    return { step: 'connect', failure: 'address_family_not_supported', because, ...elsewhere }
  }
  // No address to try and no failure to blame: the flow was cut short before it began.
  return { step: 'resolve', failure: 'interrupted', because: [], ...elsewhere }
}

/** @returns Whose the operation with this id is, of a chain of redirects; null where no name was looked up for it. */
export function hostOfStep(
  { queries, ...lists }: Observations,
  transactionId: number | undefined,
): string | null {
  const { tcp_connect, tls_handshakes, requests } = lists
  const one = [...queries, ...tcp_connect, ...tls_handshakes, ...requests].find(
    (each) => each.transaction_id === transactionId,
  )
  const depth = one?.tags.find((tag) => tag.startsWith('depth='))
  if (depth === undefined) return null
  return queries.find((each) => each.tags.includes(depth) && !isFollowUp(each))?.hostname ?? null
}

/** Failures of a request that was answered, though not as HTTP is. */
const answers: ReadonlySet<Failure> = new Set([
  'http_invalid_response',
  'http_request_failed',
  'ssl_failed_handshake',
])

/** Whether the follow-ups were made at the address of `handshake`, and not at another that failed as well. */
function isFollowedUp({ address }: TlsHandshake, seen: Observations): boolean {
  const first = tagged(seen, neutralNameTag).tls_handshakes[0] ?? tagged(seen, sameNameTag).tls_handshakes[0]
  return first === undefined || first.address === address || first.address === ''
}

type Tagged = { readonly tags: readonly string[] }

const isFollowUp = ({ tags }: Tagged) => tags.some((tag) => tag.startsWith('followup='))

function isIpv6Endpoint({ address }: { readonly address: string }): boolean {
  return address.startsWith('[')
}

/** What was seen of the target as it is used, without what was asked again to understand a failure. */
export function withoutFollowUps(seen: Observations): Observations {
  return keeping(seen, (each) => !isFollowUp(each))
}

/**
 * `answered` only when the host spoke TLS under the neutral name, with whatever certificate or alert, and was silent
 * or cut again under its own: what differed between the three was the name in the ClientHello.
 */
function neutralName(seen: Observations): FailedStep['neutralName'] {
  const neutral = tagged(seen, neutralNameTag).tls_handshakes[0]
  const again = tagged(seen, sameNameTag).tls_handshakes[0]
  if (neutral === undefined) return null
  return answeredInTls(neutral) && again !== undefined && !answeredInTls(again) ? 'answered' : 'failed_too'
}

/** `answered` when the address spoke HTTP for a neutral host, with whatever status, and not for its own. */
function neutralRequest(seen: Observations): FailedStep['neutralName'] {
  const neutral = tagged(seen, neutralRequestTag).requests[0]
  const again = tagged(seen, sameRequestTag).requests[0]
  return neutral?.failure === null && again !== undefined && again.failure !== null ? 'answered' : null
}

function passedOrNot(again: { readonly failure: Failure | null } | undefined): FailedStep['again'] {
  if (again === undefined) return null
  return again.failure === null ? 'passed' : 'failed_too'
}

function nameElsewhere(seen: Observations): FailedStep['nameElsewhere'] {
  const foreign = tagged(seen, foreignNameTag).tls_handshakes[0]
  const moved = tagged(seen, neutralAddressTag).tls_handshakes[0]
  // A host that bears the "foreign" name says nothing of names that it does not bear: it may cut those itself.
  if (foreign === undefined || foreign.failure === null || moved === undefined) return null
  if (!answeredInTls(foreign)) return null
  return answeredInTls(moved) ? 'answered' : 'failed_too'
}

/** With whatever certificate or alert. */
export function answeredInTls({ failure }: TlsHandshake): boolean {
  return failure === null || spokeTls.has(failure)
}

/** Handshakes that failed after the host had answered in TLS. */
const spokeTls: ReadonlySet<Failure> = new Set([
  'ssl_failed_handshake',
  'ssl_invalid_hostname',
  'ssl_invalid_certificate',
  'ssl_unknown_authority',
])

/** The system resolver's failure; answers that nobody on the internet can have count as one. */
function systemFailure(system: DnsQuery, lab: boolean): Failure | null {
  if (system.failure !== null) return system.failure
  const addresses = addressesIn(system)
  if (!lab && addresses.length > 0 && addresses.every(isBogon)) return 'dns_bogon_error'
  return addresses.length === 0 ? 'dns_no_answer' : null
}

/**
 * A C library asks again after five seconds. When then only one of its two questions, for either family, is answered,
 * it reports what that one said, which may be that there is no address; and of no answer at all it says what it says
 * of a server's failure.
 */
export function isMaybeLost({ failure, t0, t }: DnsQuery): boolean {
  return failure === 'dns_server_misbehaving' || (failure === 'dns_no_answer' && t - t0 >= askedAgainSeconds)
}

/** An answer that came late counts as well: where answers are forged, the true one follows. */
function resolvedElsewhere(seen: Observations, lab: boolean): boolean | null {
  const others = seen.queries.filter((query) => query.engine !== 'getaddrinfo' && !isFollowUp(query))
  const all = (query: DnsQuery) => [
    ...(query.failure === null ? addressesIn(query) : []),
    ...(query.x_sonde_late_replies ?? []).flatMap((reply) => reply.addresses),
  ]
  if (others.some((query) => all(query).some((ip) => lab || !isBogon(ip)))) return true
  return others.some((query) => query.rcode !== undefined) ? false : null
}

/** A resolver that invents an address where there is no name sends everybody who mistypes, or asks for a host that was retired, there. */
function isGoneElsewhere({ queries }: Observations): boolean {
  const plain = queries.filter((each) => !isFollowUp(each))
  const others = plain.filter(({ engine }) => engine !== 'getaddrinfo')
  const invented = plain.some((each) => each.engine === 'getaddrinfo' && addressesIn(each).length > 0)
  return invented && others.some(isNoSuchName) && !others.some((each) => repliesOf(each).flat().length > 0)
}

const isNoSuchName = ({ failure }: DnsQuery) => failure === 'dns_nxdomain_error'

/** Whether a resolver that was asked once answered twice, and not alike. */
export function isContradicted({ queries }: Pick<Observations, 'queries'>): boolean {
  return queries.some((each) => {
    const [first = [], ...late] = repliesOf(each)
    const differs = (ips: readonly string[]) =>
      ips.length + first.length > 0 && !ips.some((ip) => first.includes(ip))
    return !isFollowUp(each) && late.some(differs)
  })
}

/** The addresses of each reply, the first one's before those of late ones. */
const repliesOf = (query: DnsQuery) => [
  addressesIn(query),
  ...(query.x_sonde_late_replies ?? []).map(({ addresses }) => addresses),
]

/** Another resolver has an answer that it may not give, or that no C library takes. */
function isZoneBroken({ queries }: Observations): boolean {
  const others = queries.filter(({ engine }) => engine !== 'getaddrinfo')
  const unchecked = others.filter(({ tags }) => tags.includes(checkingDisabledTag))
  const plain = others.filter((each) => !isFollowUp(each))
  const unvalidated =
    plain.some(({ failure }) => failure === 'dns_servfail_error') &&
    unchecked.some((each) => each.failure === null && addressesIn(each).length > 0)
  return unvalidated || plain.some((each) => each.failure === 'dns_no_answer' && addressesIn(each).length > 0)
}

export function addressesIn(query: DnsQuery): string[] {
  return (query.answers ?? []).flatMap((answer) => answer.ipv4 ?? answer.ipv6 ?? [])
}
