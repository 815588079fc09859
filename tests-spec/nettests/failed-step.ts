// The part of the rules that every nettest shares: which step of a flow failed, and what that may be called given
// the link and the clock. verdict.md is the page. Each answer is the least that the observations force.

import type { Failure } from '../data-formats/failure.ts'
import type { DnsQuery, HttpRequest, Observations, TlsHandshake } from '../data-formats/observation.ts'
import { isBogon } from './bogon.ts'
import { type Circumstances, failedBefore, isCutOff, type Step, type Verdict } from './verdict.ts'

/** The tag of endpoints whose address the system resolver gave; OONI's word. */
export const classicTag = 'classic'

export interface FailedStep {
  readonly step: Step
  readonly failure: Failure
  readonly because: readonly number[]
  /** Faults of the certificate, when the step is a handshake. */
  readonly certificateFaults: readonly string[]
  /** Another resolver gave usable addresses for the name; null when no other was asked or none answered. */
  readonly resolvedElsewhere: boolean | null
  /** An address that only another resolver gave was reached. */
  readonly reachedElsewhere: boolean
  /** What a handshake with the same host under a neutral name came to, between two with the name; null: not tried. */
  readonly neutralName: 'answered' | 'failed_too' | null
  /**
   * What a handshake under the same name came to at somebody else's host, which had just answered in TLS under a name
   * as foreign to it; null: not tried, or that host did not.
   */
  readonly nameElsewhere: 'answered' | 'failed_too' | null
  /** The step is a lookup, and lost datagrams make this failure too. */
  readonly maybeLost: boolean
  /** Every address that failed at the step is one of IPv6. */
  readonly onlyIpv6: boolean
}

/** Tags of the follow-ups to a failed handshake: the same address under a neutral name, then under the name again. */
export const neutralNameTag = 'followup=neutral_name'
export const sameNameTag = 'followup=same_name'
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
  const answered = seen.requests.filter((request) => request.failure === null)
  const asked = seen.queries.length > 0
  const classic = withoutFollowUps(asked ? tagged(seen, classicTag) : seen)
  const isClassic = (request: HttpRequest) => !asked || request.tags.includes(classicTag)
  if (answered.some(isClassic)) return null
  const elsewhere = {
    resolvedElsewhere: resolvedElsewhere(seen, lab),
    reachedElsewhere: answered.length > 0,
    neutralName: null,
    nameElsewhere: null,
    certificateFaults: [],
    maybeLost: false,
    onlyIpv6: false,
  }
  const system = seen.queries.find((query) => query.engine === 'getaddrinfo')
  // The question never left this machine: as good as not measured.
  if (system?.x_sonde_not_sent === true) {
    return { step: 'resolve', failure: 'interrupted', because: [system.transaction_id], ...elsewhere }
  }
  if (system !== undefined) {
    const failure = systemFailure(system, lab)
    const maybeLost = isMaybeLost(system)
    if (failure !== null)
      return { step: 'resolve', failure, because: [system.transaction_id], ...elsewhere, maybeLost }
  }
  const requests = classic.requests.filter((each) => each.failure !== null)
  const request = requests[0]
  if (request?.failure) {
    return {
      step: 'http_round_trip',
      failure: request.failure,
      because: [request.transaction_id],
      ...elsewhere,
      onlyIpv6: requests.every(isIpv6Endpoint),
    }
  }
  const handshakes = classic.tls_handshakes.filter((each) => each.failure !== null)
  const handshake = handshakes[0]
  if (handshake?.failure) {
    const certificateFaults = handshake.x_sonde_certificate_faults ?? []
    const followUps = seen.tls_handshakes.filter(isFollowUp)
    return {
      step: 'tls_handshake',
      failure: handshake.failure,
      because: [handshake, ...followUps].map((each) => each.transaction_id),
      ...elsewhere,
      certificateFaults,
      neutralName: neutralName(seen),
      nameElsewhere: nameElsewhere(seen),
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
  // No address to try and no failure to blame: the flow was cut short before it began.
  return { step: 'resolve', failure: 'interrupted', because: [], ...elsewhere }
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

function nameElsewhere(seen: Observations): FailedStep['nameElsewhere'] {
  const foreign = tagged(seen, foreignNameTag).tls_handshakes[0]
  const moved = tagged(seen, neutralAddressTag).tls_handshakes[0]
  if (foreign === undefined || !answeredInTls(foreign) || moved === undefined) return null
  return answeredInTls(moved) ? 'answered' : 'failed_too'
}

function answeredInTls({ failure }: TlsHandshake): boolean {
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
const askedAgainSeconds = 4
function isMaybeLost({ failure, t0, t }: DnsQuery): boolean {
  return failure === 'dns_server_misbehaving' || (failure === 'dns_no_answer' && t - t0 >= askedAgainSeconds)
}

/** An answer that came late counts as well: where answers are forged, the true one follows. */
function resolvedElsewhere(seen: Observations, lab: boolean): boolean | null {
  const others = seen.queries.filter((query) => query.engine !== 'getaddrinfo')
  const all = (query: DnsQuery) => [
    ...addressesIn(query),
    ...(query.x_sonde_late_replies ?? []).flatMap((reply) => reply.addresses),
  ]
  if (others.some((query) => all(query).some((ip) => lab || !isBogon(ip)))) return true
  return others.some((query) => query.rcode !== undefined) ? false : null
}

export function addressesIn(query: DnsQuery): string[] {
  return (query.answers ?? []).flatMap((answer) => answer.ipv4 ?? answer.ipv6 ?? [])
}

/**
 * Failures that somebody on the path had to send: silence can be a dead host, a reset behind a ClientHello that the
 * host had answered with SYN-ACK is seldom one.
 */
const sentBySomeone: Readonly<Record<Exclude<Step, 'connect'>, ReadonlySet<Failure>>> = {
  resolve: new Set(['dns_bogon_error']),
  tls_handshake: new Set([
    'connection_reset',
    'eof_error',
    'ssl_not_tls',
    'ssl_unknown_authority',
    'ssl_invalid_hostname',
  ]),
  http_round_trip: new Set(['connection_reset', 'http_invalid_response']),
}

/** Nothing came back: what one lost datagram looks like. */
const silence: ReadonlySet<Failure> = new Set(['generic_timeout_error', 'timed_out'])

/** This machine's own: no packet was sent, or none could have come back. */
const local: ReadonlySet<Failure> = new Set([
  'address_family_not_supported',
  'address_in_use',
  'address_not_available',
  'invalid_argument',
  'network_down',
  'no_buffer_space',
])

/** Every rule of a failed step: verdict.md has them in the order they are asked. */
export const failedStepRules = [
  'link_down',
  'link_degraded',
  'link_unknown',
  'interrupted',
  'local_failure',
  'family_unproven',
  'local_clock',
  'certificate_date',
  'fails_outside_too',
  'resolvers_disagree',
  'server_name_interfered',
  'resolve_interfered',
  'tls_handshake_interfered',
  'http_round_trip_interfered',
  'a_control_failed',
  'failed_once',
  'resolve_fails_only_here',
  'connect_fails_only_here',
  'tls_handshake_fails_only_here',
  'http_round_trip_fails_only_here',
  'no_outside_view',
] as const
type FailedStepRule = (typeof failedStepRules)[number]

/**
 * Rules that changed their mind since their first version: about lost answers, about IPv6, and, where a target may be
 * broken, about what it sends itself.
 */
function versionOf(rule: FailedStepRule, maybeBroken: boolean): number {
  if (rule.endsWith('_interfered') && rule !== 'server_name_interfered') return maybeBroken ? 2 : 1
  return rule === 'resolvers_disagree' || rule.endsWith('_fails_only_here') ? 2 : 1
}

/** What is known of the target itself. */
export interface Standing {
  /** Whether a helper outside got past the same step; null when none was asked or it could not tell. */
  readonly outside: boolean | null
  /**
   * Whether it may well be broken, as any site of a list may; a service that millions use is not, with every host of
   * it under watch.
   */
  readonly maybeBroken: boolean
}

/** What a failed step may be called. */
export function judgeFailedStep(
  nettest: string,
  failed: FailedStep,
  { link, clock, earlier }: Circumstances,
  { outside, maybeBroken }: Standing = { outside: null, maybeBroken: false },
): Verdict {
  const say = (verdict: Verdict['verdict'], rule: FailedStepRule, how: string = failed.failure): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@${versionOf(rule, maybeBroken)}`,
    step: failed.step,
    how,
    because: [...failed.because],
  })
  if (isCutOff(link)) return say('link_down', 'link_down', link.state)
  if (link.state !== 'up')
    return say('undetermined', link.state === 'degraded' ? 'link_degraded' : 'link_unknown')
  if (failed.failure === 'interrupted') return say('undetermined', 'interrupted')
  if (local.has(failed.failure)) return say('undetermined', 'local_failure')
  const silent = silence.has(failed.failure) || failed.maybeLost
  // Controls that were reached over IPv4 say nothing of an IPv6 that ends at the router, or loses what is large.
  const unproven =
    failed.step === 'connect' ? link.ipv6 !== true : silent && failed.neutralName !== 'answered'
  if (failed.onlyIpv6 && unproven) return say('undetermined', 'family_unproven')
  const foreignAuthority = failed.certificateFaults.includes('ssl_unknown_authority') && clock === 'synced'
  // A clock set back by a power cut makes every certificate "not yet valid": our fault, not the network's. Of an
  // unknown authority no clock makes a known one.
  if (
    !foreignAuthority &&
    failed.certificateFaults.some((fault) => fault === 'expired' || fault === 'not_yet_valid')
  ) {
    return say('undetermined', clock === 'synced' ? 'certificate_date' : 'local_clock')
  }
  if (outside === false) return say('undetermined', 'fails_outside_too')
  const elsewhere =
    failed.step === 'resolve' && (failed.resolvedElsewhere === true || failed.reachedElsewhere)
  if (elsewhere && !silent) return say('anomaly', 'resolvers_disagree')
  // Two hosts of different people cannot both be broken for one name.
  if (failed.nameElsewhere === 'failed_too' && !silent) return say('anomaly', 'server_name_interfered')
  // A site may show a wrong certificate by itself, or have a private address in its zone; only another look could tell.
  const unseen =
    maybeBroken &&
    failed.neutralName !== 'answered' &&
    failed.nameElsewhere !== 'failed_too' &&
    !failed.reachedElsewhere
  // A host that cuts every handshake, whatever the name, may just be broken, and so may one under whose own name alone
  // it fails while the name passes elsewhere: only a look from outside could tell.
  const itsOwnTrouble =
    outside !== true &&
    (unseen ||
      failed.nameElsewhere === 'answered' ||
      (failed.neutralName === 'failed_too' && failed.nameElsewhere === null))
  const { step } = failed
  const sent = step !== 'connect' && (sentBySomeone[step].has(failed.failure) || foreignAuthority)
  if (sent && !itsOwnTrouble) return say('anomaly', `${step}_interfered`)
  // From here on the finding is silence or refusal, which loss and a busy host make too: never with a control lost.
  if (link.controls_ok < link.controls) return say('undetermined', 'a_control_failed')
  const nameDecides = failed.neutralName === 'answered' || failed.nameElsewhere === 'failed_too'
  if (nameDecides && !itsOwnTrouble) return say('anomaly', 'server_name_interfered')
  if (outside === true || elsewhere) {
    if (!failedBefore(earlier, failed.step)) return say('undetermined', 'failed_once')
    return say('anomaly', elsewhere ? 'resolvers_disagree' : `${failed.step}_fails_only_here`)
  }
  // A dead site looks the same from here; only a look from outside could tell.
  return say('undetermined', 'no_outside_view')
}
