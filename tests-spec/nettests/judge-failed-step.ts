// What a failed step may be called, given the link, the clock, and what else was seen: the part of the rules that every
// nettest shares. verdict.md, "A failed step", is the page: it asks the same questions under the same numbers, and a test
// holds the two together. Each answer is the least that the observations force.

import { type Failure, isLocalFailure } from '../data-formats/failure.ts'
import type { FailedStep } from './failed-step.ts'
import {
  type Circumstances,
  failedBefore,
  isCut,
  isCutOff,
  type LinkState,
  type Step,
  type Verdict,
} from './verdict.ts'

/** Every rule of a failed step, in the order of the questions that speak by them. */
export const failedStepRules = [
  'link_down',
  'link_degraded',
  'link_unknown',
  'interrupted',
  'local_failure',
  'family_unproven',
  'local_clock',
  'certificate_date',
  'passed_again',
  'said_inside_tls',
  'fails_outside_too',
  'broken_zone',
  'filtered_in_house',
  'name_gone',
  'resolvers_disagree',
  'failed_once',
  'server_name_interfered',
  'resolve_interfered',
  'tls_handshake_interfered',
  'http_round_trip_interfered',
  'a_control_failed',
  'resolve_fails_only_here',
  'connect_fails_only_here',
  'tls_handshake_fails_only_here',
  'http_round_trip_fails_only_here',
  'no_outside_view',
] as const
type FailedStepRule = (typeof failedStepRules)[number]

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
  circumstances: Circumstances,
  { outside, maybeBroken }: Standing = { outside: null, maybeBroken: false },
): Verdict {
  const { verdict, rule, how } = firstAnswer({ failed, circumstances, outside, maybeBroken })
  return {
    verdict,
    rule: `${nettest}/${rule}@${versionOf(rule)}`,
    step: failed.step,
    how: how ?? failed.failure,
    because: [...failed.because],
  }
}

interface Asked extends Standing {
  readonly failed: FailedStep
  readonly circumstances: Circumstances
}

interface Answer {
  readonly verdict: Verdict['verdict']
  readonly rule: FailedStepRule
  /** In place of the failure. */
  readonly how?: string
}

/** One question of the page. */
interface Question {
  readonly number: number
  /** The rules it may speak by. */
  readonly rules: readonly FailedStepRule[]
  /** @returns null when it has nothing to say, and the next one is asked. */
  readonly ask: (asked: Asked) => Answer | null
}

const undetermined = (rule: FailedStepRule): Answer => ({ verdict: 'undetermined', rule })
const anomaly = (rule: FailedStepRule): Answer => ({ verdict: 'anomaly', rule })

/** In the order of the page: the first that answers decides. */
export const failedStepQuestions: readonly Question[] = [
  { number: 1, rules: ['link_down'], ask: isLinkCutOff },
  { number: 2, rules: ['link_degraded', 'link_unknown'], ask: isLinkInDoubt },
  { number: 3, rules: ['interrupted'], ask: wasInterrupted },
  { number: 4, rules: ['local_failure'], ask: isLocal },
  { number: 5, rules: ['family_unproven'], ask: isFamilyUnproven },
  { number: 6, rules: ['local_clock', 'certificate_date'], ask: isDateWrong },
  { number: 7, rules: ['passed_again', 'said_inside_tls'], ask: didItPassOrSpeak },
  {
    number: 8,
    rules: ['fails_outside_too', 'broken_zone', 'filtered_in_house', 'name_gone'],
    ask: isElsewhereAsWell,
  },
  { number: 9, rules: ['resolvers_disagree', 'failed_once'], ask: doResolversDisagree },
  { number: 10, rules: ['server_name_interfered', 'failed_once'], ask: isNameCutAtTwoHosts },
  {
    number: 11,
    rules: ['resolve_interfered', 'tls_handshake_interfered', 'http_round_trip_interfered', 'failed_once'],
    ask: wasSentBySomeone,
  },
  { number: 12, rules: ['a_control_failed'], ask: didAControlFail },
  { number: 13, rules: ['server_name_interfered'], ask: doesOnlyTheNameDiffer },
  {
    number: 14,
    rules: [
      'failed_once',
      'resolvers_disagree',
      'resolve_fails_only_here',
      'connect_fails_only_here',
      'tls_handshake_fails_only_here',
      'http_round_trip_fails_only_here',
    ],
    ask: failsOnlyHere,
  },
  { number: 15, rules: ['no_outside_view'], ask: () => undetermined('no_outside_view') },
]

function firstAnswer(asked: Asked): Answer {
  for (const { ask } of failedStepQuestions) {
    const answer = ask(asked)
    if (answer !== null) return answer
  }
  throw new Error('The last question always answers')
}

/** 1 */
function isLinkCutOff({ circumstances: { link } }: Asked): Answer | null {
  return isCutOff(link) ? { verdict: 'link_down', rule: 'link_down', how: link.state } : null
}

/** 2: controls are witnesses, and no quorum. */
function isLinkInDoubt({ failed, circumstances: { link } }: Asked): Answer | null {
  if (link.state === 'up' || (link.state === 'degraded' && isWitnessed(failed, link))) return null
  return undetermined(link.state === 'degraded' ? 'link_degraded' : 'link_unknown')
}

/** 3 */
function wasInterrupted({ failed }: Asked): Answer | null {
  return failed.failure === 'interrupted' ? undetermined('interrupted') : null
}

/** 4 */
function isLocal({ failed }: Asked): Answer | null {
  return isLocalFailure(failed.failure, failed.onlyIpv6) ? undetermined('local_failure') : null
}

/** 5: controls that were reached over IPv4 say nothing of an IPv6 that ends at the router, or loses what is large. */
function isFamilyUnproven({ failed, circumstances: { link } }: Asked): Answer | null {
  const unproven =
    failed.step === 'connect' ? link.ipv6 !== true : isSilent(failed) && failed.neutralName !== 'answered'
  return failed.onlyIpv6 && unproven ? undetermined('family_unproven') : null
}

/**
 * 6: a clock set back by a power cut makes every certificate "not yet valid": our fault, not the network's. Of an unknown
 * authority no clock makes a known one.
 */
function isDateWrong(asked: Asked): Answer | null {
  const { failed, circumstances } = asked
  const wrong = failed.certificateFaults.some((fault) => fault === 'expired' || fault === 'not_yet_valid')
  if (!wrong || isForeignAuthority(asked)) return null
  return undetermined(circumstances.clock === 'synced' ? 'certificate_date' : 'local_clock')
}

/**
 * 7: a failure counts when it was seen twice under the same name, and no success stands between. What was said inside
 * verified TLS is the target's own word, be it as odd as it may.
 */
function didItPassOrSpeak({ failed }: Asked): Answer | null {
  if (failed.again === 'passed') return undetermined('passed_again')
  return failed.saidInside ? undetermined('said_inside_tls') : null
}

/** 8: the target's own trouble, or the will of those who own the house. */
function isElsewhereAsWell({ failed, outside }: Asked): Answer | null {
  if (outside === false) return undetermined('fails_outside_too')
  if (failed.step === 'resolve' && failed.brokenZone) return undetermined('broken_zone')
  // Of a house that filters, too, an answer that was made on the way is the provider's.
  if (failed.filteredInHouse && !failed.forgerySeen) return undetermined('filtered_in_house')
  return failed.goneElsewhere && outside !== true ? undetermined('name_gone') : null
}

/**
 * 9: answers alone are no anomaly, however they differ: a resolver may keep one that is out of date. That the other's address shows the
 * site is more; or that an answer was made on the way.
 */
function doResolversDisagree(asked: Asked): Answer | null {
  const { failed, circumstances } = asked
  if (!isResolvedElsewhere(failed) || isSilent(failed)) return null
  if (failed.reachedElsewhere || failed.forgerySeen) return anomaly('resolvers_disagree')
  if (!failedBefore(circumstances.earlier, failed.step, failed.host)) return undetermined('failed_once')
  return isNameVouchedFor(asked) ? anomaly('resolvers_disagree') : null
}

/**
 * Whether the other resolver's answer is the right one. Of a zone with servers that are gone a resolver may fail while another has
 * the site, so that a failure of the server takes a helper.
 */
function isNameVouchedFor({ failed, outside, maybeBroken }: Asked): boolean {
  const { failure, reachedElsewhere } = failed
  return outside === true || !maybeBroken || (reachedElsewhere && failure !== 'dns_server_misbehaving')
}

/**
 * 10: two hosts of different people cannot both be broken for one name. Silence for one name at both is loss four times over
 * that spared every other name; on a line that loses controls it is seen twice all the same.
 */
function isNameCutAtTwoHosts({ failed, circumstances: { link, earlier } }: Asked): Answer | null {
  if (failed.nameElsewhere !== 'failed_too') return null
  if (!isSilent(failed)) return anomaly('server_name_interfered')
  if (!isWitnessed(failed, link)) return null
  const isWell = link.state === 'up' && link.controls_ok === link.controls
  return isWell || failedBefore(earlier, failed.step, failed.host)
    ? anomaly('server_name_interfered')
    : undetermined('failed_once')
}

/**
 * Failures that a machine on the path had to send: silence can be a dead host, a reset behind a ClientHello that the
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

/** 11 */
function wasSentBySomeone(asked: Asked): Answer | null {
  const { step, failure } = asked.failed
  if (step === 'connect') return null
  const sent = sentBySomeone[step].has(failure) || isForeignAuthority(asked)
  if (!sent || isMaybeItsOwnTrouble(asked)) return null
  return isPaired(asked) ? anomaly(`${step}_interfered`) : undetermined('failed_once')
}

/** Whether there is a second observation: a verdict is about two that differ, or agree where chance would not have them. */
function isPaired({ failed, outside, circumstances: { earlier } }: Asked): boolean {
  const { step, failure, host } = failed
  // Two cuts within a second are one restart of the host, whatever a helper met a moment later: unless another name passed between.
  const refuted = outside === true && !isCut(failure)
  const isSeenTwice = failed.hosts > 1 || failedBefore(earlier, step, host)
  return doesNameTell(failed) || isShownElsewhere(failed) || refuted || isSeenTwice
}

/** A neutral name passed where this one failed. */
const doesNameTell = ({ neutralName, nameElsewhere }: FailedStep) =>
  neutralName === 'answered' || nameElsewhere === 'failed_too'

/**
 * Whether the site at another's address says something of this one's. An address that one resolver keeps from last month may have
 * another owner by now, with a certificate of theirs: a helper has to know others, or an answer was made on the way.
 */
const isShownElsewhere = ({ reachedElsewhere, unknownOutside, forgerySeen }: FailedStep) =>
  reachedElsewhere && (unknownOutside || forgerySeen)

/** 12: what is left is silence or refusal, which loss and a busy host make too. */
function didAControlFail({ circumstances: { link } }: Asked): Answer | null {
  return link.controls_ok < link.controls ? undetermined('a_control_failed') : null
}

/** 13 */
function doesOnlyTheNameDiffer(asked: Asked): Answer | null {
  const { step } = asked.failed
  return step === 'tls_handshake' && doesNameTell(asked.failed) && !isMaybeItsOwnTrouble(asked)
    ? anomaly('server_name_interfered')
    : null
}

/** 14 */
function failsOnlyHere(asked: Asked): Answer | null {
  const { failed, outside, circumstances } = asked
  const elsewhere = isResolvedElsewhere(failed) || failed.forgedAddress
  if (outside !== true && !elsewhere) return null
  if (!failedBefore(circumstances.earlier, failed.step, failed.host)) return undetermined('failed_once')
  if (failed.step === 'resolve' && !isNameVouchedFor(asked)) return null
  return anomaly(elsewhere ? 'resolvers_disagree' : `${failed.step}_fails_only_here`)
}

/** Nothing came back: what one lost datagram looks like. */
const silence: ReadonlySet<Failure> = new Set(['generic_timeout_error', 'timed_out'])

function isSilent({ failure, maybeLost }: FailedStep): boolean {
  return silence.has(failure) || maybeLost
}

/**
 * What no lost packet explains, and no dead control: a name cut, or silent, at two hosts that answer under others; a name cut at
 * a host that answers under another; no address where another resolver has one.
 */
function isWitnessed(failed: FailedStep, link: LinkState): boolean {
  const { step, neutralName, nameElsewhere } = failed
  if (isSilent(failed)) return neutralName === 'answered' && nameElsewhere === 'failed_too'
  // Where no control was reached the resolver may answer for nobody, or for its friends alone.
  if (step === 'resolve') return isResolvedElsewhere(failed) && link.controls_ok > 0 && link.tls !== false
  return step === 'tls_handshake' && doesNameTell(failed)
}

function isForeignAuthority({ failed, circumstances: { clock } }: Asked): boolean {
  return failed.certificateFaults.includes('ssl_unknown_authority') && clock === 'synced'
}

function isResolvedElsewhere({ step, resolvedElsewhere, reachedElsewhere }: FailedStep): boolean {
  return step === 'resolve' && (resolvedElsewhere === true || reachedElsewhere)
}

/**
 * A host that cuts every handshake, whatever the name, may just be broken, and so may what stands behind one name of it, which only
 * the name at another host can tell. A site may show a wrong certificate by itself, or have a private address in its
 * zone. Only a look from outside, or another look from here, could tell.
 */
function isMaybeItsOwnTrouble({ failed, outside, maybeBroken }: Asked): boolean {
  const { neutralName, nameElsewhere } = failed
  if (outside === true) return false
  const unseen = maybeBroken && nameElsewhere !== 'failed_too' && !isShownElsewhere(failed)
  return unseen || nameElsewhere === 'answered' || (neutralName === 'failed_too' && nameElsewhere === null)
}

/**
 * Rules that changed their mind since their first version: about lost answers, about IPv6, about residual blocking, about dead
 * controls, about what a target may send by itself, about what was seen once, and about what resolvers keep.
 */
const versions: Readonly<Partial<Record<FailedStepRule, number>>> = {
  passed_again: 2,
  fails_outside_too: 2,
  filtered_in_house: 3,
  link_degraded: 3,
  resolvers_disagree: 3,
  server_name_interfered: 3,
  resolve_interfered: 4,
  tls_handshake_interfered: 4,
  http_round_trip_interfered: 4,
  resolve_fails_only_here: 3,
  connect_fails_only_here: 3,
  tls_handshake_fails_only_here: 2,
  http_round_trip_fails_only_here: 2,
}
const versionOf = (rule: FailedStepRule) => versions[rule] ?? 1
