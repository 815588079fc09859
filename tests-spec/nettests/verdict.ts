// What the rules of a nettest conclude. A verdict is a pure function of observations and of the state of the link, computed
// on the probe. Nothing else goes in, so that newer rules can be run over old records. verdict.md is the page.

import * as v from 'valibot'
import { throttlingSuspected } from './throttling.ts'

/** The network steps, in the order a measurement takes them. OONI's names. */
export const steps = ['resolve', 'connect', 'tls_handshake', 'http_round_trip'] as const
export type Step = (typeof steps)[number]

/**
 * - `ok`: what was asked for was reached.
 * - `anomaly`: the link worked and the target did not, in a way this network's own fault does not explain. Not a
 *   claim of blocking: people say "confirmed", software does not.
 * - `link_down`: the controls failed too; nothing can be said about the target.
 * - `undetermined`: something failed and what would tell interference from a dead site was not measured.
 */
export const verdictKinds = ['ok', 'anomaly', 'link_down', 'undetermined'] as const
export type VerdictKind = (typeof verdictKinds)[number]

export const verdict = v.looseObject({
  verdict: v.picklist(verdictKinds),
  /** `nettest/rule@version`: which rule spoke. A rule that changes its mind gets a new version. */
  rule: v.pipe(v.string(), v.regex(/^[a-z_]+\/[a-z_]+@\d+$/)),
  /** The step that decided; null when no single step did. */
  step: v.nullable(v.picklist(steps)),
  /** The failure or finding at that step; null when there is none. */
  how: v.nullable(v.string()),
  /** `transaction_id` of the observations the rule rests on. */
  because: v.array(v.number()),
})
export type Verdict = v.InferOutput<typeof verdict>

/**
 * `x_sonde_parts` of a nettest whose parts are known: those that were judged, by name, or what of one others hide: a port as
 * `NAME:PORT`, hosts as `NAME:hosts`.
 */
export const partsOf = <const Names extends readonly string[]>(...names: Names) =>
  v.record(
    v.pipe(v.string(), v.regex(new RegExp(`^(?:${names.join('|')})(?::(?:\\d{1,5}|hosts))?$`))),
    verdict,
  )

/** What the controls of the same cycle on the same link say. */
export const linkState = v.looseObject({
  /**
   * `up`: at most one control failed. `degraded`: several failed and several did not, so a single failure elsewhere
   * says nothing. `unknown`: no control was measured; never a soft "up". The others say in which way there is no
   * internet: link-check.md.
   */
  state: v.picklist([
    'up',
    'degraded',
    'down',
    'captive_portal',
    'bundle_exhausted',
    'provider_only',
    'unknown',
  ]),
  controls_ok: v.pipe(v.number(), v.integer(), v.minValue(0)),
  controls: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Whether a control took a connection over IPv6. Left out by older agents, and when no control was asked. */
  ipv6: v.optional(v.boolean()),
  /** Whether a control answered over TLS. Left out by older agents, and when none was asked over it. */
  tls: v.optional(v.boolean()),
  /** When the controls that say so were measured, ISO 8601 UTC by this probe's clock; null when unknown. */
  checked_at: v.nullable(v.string()),
  /** Since when the link has been in this state, by this probe's clock; null when unknown. */
  since: v.nullable(v.string()),
})
export type LinkState = v.InferOutput<typeof linkState>

/** Someone on this line answers in everybody's name: whatever was reached without a certificate was not. */
export function isPortal({ state }: LinkState): boolean {
  return state === 'captive_portal' || state === 'bundle_exhausted'
}

/** Nothing beyond this line, or beyond its provider, was reached: a failure says nothing about a target. */
export function isCutOff(link: LinkState): boolean {
  return isPortal(link) || link.state === 'down' || link.state === 'provider_only'
}

export const unknownLink: LinkState = {
  state: 'unknown',
  controls_ok: 0,
  controls: 0,
  checked_at: null,
  since: null,
}

/**
 * How far this probe's wall clock can be believed. `synced`: the system says that the network set it. `receipt`: a
 * collector's receipt told how wrong it is, in this boot. `restored`: nobody has vouched for it in this boot, and
 * somebody had before. `unknown`: nobody ever has.
 */
export const clockQualities = ['synced', 'restored', 'receipt', 'unknown'] as const
export type ClockQuality = (typeof clockQualities)[number]

/** What a rule may look at besides the observations. */
export interface Circumstances {
  readonly link: LinkState
  readonly clock: ClockQuality
  /** A laboratory on one machine, where private and loopback addresses are the real ones. */
  readonly lab: boolean
  /** How the same target failed when it was last measured; null when it did not, or has been repeated since. */
  readonly earlier: EarlierFailure | null
}

/** A repeat sooner than this meets the same burst of loss. Seconds. */
export const leastSecondsToRepeat = 30

const failedPart = {
  step: v.picklist(steps),
  how: v.string(),
  /** There was another story for it, so that it does not count as the first of two. Absent: it does. */
  excused: v.optional(v.literal(true)),
}
export const earlierFailureKey = v.object({
  ...failedPart,
  secondsAgo: v.pipe(v.number(), v.minValue(0)),
  /** Whose step it was, in a chain of redirects. Absent: there is one host, or an older agent did not say. */
  host: v.optional(v.string()),
  /** Of a service, each part that was not reached, by name. */
  parts: v.optional(v.record(v.string(), v.object(failedPart))),
})
export type EarlierFailure = Readonly<v.InferOutput<typeof earlierFailureKey>>

/** Rules that leave a failure unexplained: another look may settle it. */
const unexplained = /\/(?:failed_once|no_outside_view|a_control_failed|slower_than_control)@/

function failedPartOf({ verdict, rule, step, how }: Verdict) {
  if (step === null || how === null) return null
  const counts = verdict === 'anomaly' || unexplained.test(rule)
  return { step, how, ...(!counts && { excused: true as const }) }
}

/** @returns null when nothing failed, no part either. */
export function earlierFailure(
  verdict: Verdict,
  parts: Readonly<Record<string, Verdict>> | null,
  secondsAgo: number,
  host: string | null = null,
): EarlierFailure | null {
  const failed = Object.entries(parts ?? {}).flatMap(([name, part]) => {
    const one = failedPartOf(part)
    return one === null ? [] : [[name, one] as const]
  })
  // Where only parts failed, as one family of two, the whole did not.
  const ofPart = failed[0] === undefined ? null : { ...failed[0][1], excused: true as const }
  const whole = failedPartOf(verdict) ?? ofPart
  if (whole === null) return null
  const of = host === null ? {} : { host }
  return { ...whole, secondsAgo, ...of, ...(parts !== null && { parts: Object.fromEntries(failed) }) }
}

/** How one part failed before; null when it did not. */
export function earlierPart(earlier: EarlierFailure | null, name: string): EarlierFailure | null {
  const own = earlier?.parts?.[name]
  return earlier === null || own === undefined ? null : { ...own, secondsAgo: earlier.secondsAgo }
}

/** What no lost packet makes. */
const cut: ReadonlySet<string> = new Set(['connection_reset', 'eof_error'])
export const isCut = (failure: string) => cut.has(failure)

/** How long a box that was set off may block an address. The longest that was reported is three minutes. */
export const residualSeconds = 180

/**
 * Whether `step` failed before, so long ago that no one burst of loss explains both. A box that cuts a flow may block the
 * address for a while (residual blocking), so that after a cut the next failure comes at an earlier step.
 */
export function failedBefore(
  earlier: EarlierFailure | null,
  step: Step,
  host: string | null = null,
): boolean {
  if (earlier === null || earlier.excused || earlier.secondsAgo < leastSecondsToRepeat) return false
  // Two hosts of a chain that failed once each are two stories.
  if (earlier.host !== undefined && host !== null && earlier.host !== host) return false
  if (earlier.step === step) return true
  return step === 'connect' && cut.has(earlier.how) && earlier.step !== 'resolve'
}

/**
 * What happened to the probe itself while it measured: the network under it changed, it slept, its clock was set, or it filled
 * its own line.
 * Whatever failed meanwhile says nothing about any network.
 */
export const disturbances = [
  'uplink_changed',
  'suspended',
  'clock_stepped',
  'after_a_cut',
  'own_traffic',
] as const
export type Disturbance = (typeof disturbances)[number]

/** What rests on names and not on what an address does. */
const byName = /\/(?:server_name_interfered|resolvers_disagree|resolve_\w+)@/

/** What a full queue makes: nothing came in time, or a resolver's library gave up. */
const silences: ReadonlySet<string> = new Set([
  'generic_timeout_error',
  'dns_server_misbehaving',
  throttlingSuspected,
])

/**
 * @returns The verdict, with doubt in place of anything but `ok`. A neighbour's cut explains what an address does, and neither
 * what a resolver says nor that only the name made the difference; and a full line explains silence alone.
 */
export function onDisturbance(verdict: Verdict, disturbance: Disturbance): Verdict {
  if (verdict.verdict === 'ok') return verdict
  if (disturbance === 'after_a_cut' && (byName.test(verdict.rule) || verdict.verdict === 'link_down'))
    return verdict
  const isSilence = silences.has(verdict.how ?? '') && verdict.verdict !== 'link_down'
  if (disturbance === 'own_traffic' && !isSilence) return verdict
  const nettest = verdict.rule.split('/')[0] ?? ''
  return { ...verdict, verdict: 'undetermined', rule: `${nettest}/${disturbance}@1` }
}

/** The graver verdict of several: an anomaly outweighs doubt, doubt outweighs a dead link, all outweigh `ok`. */
export function gravest(verdicts: readonly Verdict[]): Verdict | undefined {
  const weight: Record<VerdictKind, number> = { anomaly: 3, undetermined: 2, link_down: 1, ok: 0 }
  return verdicts.reduce<Verdict | undefined>(
    (worst, each) => (worst === undefined || weight[each.verdict] > weight[worst.verdict] ? each : worst),
    undefined,
  )
}
