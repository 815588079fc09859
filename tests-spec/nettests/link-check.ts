// Rules of `link_check`: whether the link itself works, judged from neutral targets in several networks, and how far it
// leads when none of them answers: to the collector, or to the provider's own site. link-check.md is the page.

import * as v from 'valibot'
import type { Observations } from '../data-formats/observation.ts'
import { defineNettest, unlisted } from './nettest-spec.ts'
import { type LinkState, linkState, type Verdict } from './verdict.ts'

/** `neutral`: a control of the test list; it alone makes a link `up`. */
const controlRole = v.picklist(['neutral', 'collector', 'provider'])
export type ControlRole = v.InferOutput<typeof controlRole>

/** One control and what became of it. */
const controlResult = v.object({
  url: v.string(),
  /** Absent in measurements of agents that asked neutral controls only. */
  role: v.optional(controlRole),
  /**
   * `ok`: the expected answer. `other_resolver_only`: the expected answer, but over an address that the system's
   * resolver did not give. `other_answer`: some answer, not the expected one. `failed`: none. `local_failure`: this
   * machine itself could not ask, which says nothing of the link.
   */
  result: v.picklist(['ok', 'other_resolver_only', 'other_answer', 'failed', 'local_failure']),
  /** Host of the page that came, or of the last redirect; null or absent when nothing came. */
  led_to: v.optional(v.nullable(v.string())),
  /** Of the checks on end in which it was not `ok`, how many found every other `ok`. Absent: none. */
  failed_alone: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** What a helper outside made of it, asked because it had failed before. Absent: not asked, or no helper answered. */
  outside: v.optional(v.picklist(['ok', 'fails_too'])),
  transaction_id: v.pipe(v.number(), v.integer(), v.minValue(0)),
})
export type ControlResult = Readonly<v.InferOutput<typeof controlResult>>

export const linkCheck = defineNettest({
  name: 'link_check',
  version: '0.1.0',
  about: 'whether the link itself works',
  input: unlisted,
  options: null,
  observations: { x_sonde_controls: v.array(controlResult) },
  findings: {},
  parts: null,
  /** One for each state of a link. */
  rules: linkState.entries.state.options,
  subject: 'link',
  judge: ({ own }) => ({ keys: {}, verdict: judgeControls(own.x_sonde_controls), parts: null }),
})

/** How often a control must have failed alone before it counts as dead in itself: what chance loses comes back sooner. */
const checksOfTheDead = 3
/** One that is well outside may be what this line has lost for a while, and its loss is a sign for that long. */
const checksOfTheBlocked = 12

/**
 * Whether it is the control that is dead and not the link: it fails outside too, or it alone has failed for several checks on
 * end while every other was `ok`. It is asked as before, and not counted.
 */
export function isDead({ result, outside, failed_alone = 0 }: ControlResult): boolean {
  if (result === 'ok') return false
  const enough = outside === 'ok' ? checksOfTheBlocked : checksOfTheDead
  return outside === 'fails_too' || failed_alone >= enough
}

/** Over TLS nobody but the control answers, and what is asked is as large as what a site is asked. */
export const isOverTls = ({ url }: Pick<ControlResult, 'url'>) => url.startsWith('https:')

/**
 * @param previous - State before, so that `since` survives a check that changes nothing.
 * @param at - ISO 8601 time of this check by the probe's clock.
 * @param ipv6 - Whether any control took a connection over IPv6.
 */
export function judgeLink(
  controls: readonly ControlResult[],
  previous: LinkState,
  at: string,
  ipv6 = false,
): LinkState {
  const neutral = asked(ofRole(controls, 'neutral'))
  const state = stateFrom(controls)
  const since = state === previous.state && previous.since !== null ? previous.since : at
  const secure = neutral.filter(isOverTls)
  const tls = secure.length === 0 ? {} : { tls: count(secure, 'ok') > 0 }
  const counts = { controls_ok: count(neutral, 'ok'), controls: neutral.length }
  return { state, ...counts, ipv6, ...tls, checked_at: at, since }
}

function stateFrom(controls: readonly ControlResult[]): LinkState['state'] {
  const neutral = asked(ofRole(controls, 'neutral'))
  const [ok, other] = [count(neutral, 'ok'), count(neutral, 'other_answer')]
  if (neutral.length === 0) return 'unknown'
  const secure = neutral.filter(isOverTls)
  const isSecure = count(secure, 'ok') > 0
  // A portal answers in the name of everyone; one changed page could be the control's own doing, and where a certificate
  // was verified nobody answers for everyone.
  if (other >= 2 && other >= ok && !isSecure)
    return isProvidersPortal(controls) ? 'bundle_exhausted' : 'captive_portal'
  if (ok === 0) return howFar(controls)
  // Half-free lines let the checks of telephones through and little else, and some lose all that is large.
  if (secure.length > 0 && !isSecure) return 'degraded'
  // One control may be blocked or gone without the link being at fault.
  return neutral.length - ok <= 1 ? 'up' : 'degraded'
}

/** No neutral control is `ok`. What answered all the same? */
function howFar(controls: readonly ControlResult[]): LinkState['state'] {
  // The link carries, but its resolver does not answer for anyone: no name that fails now says anything.
  if (count(ofRole(controls, 'neutral'), 'other_resolver_only') > 0) return 'degraded'
  // The collector stands in no provider's network: the controls themselves may be what does not work.
  if (count(ofRole(controls, 'collector'), 'ok') > 0) return 'degraded'
  return count(ofRole(controls, 'provider'), 'ok') > 0 ? 'provider_only' : 'down'
}

/** The provider's own site is what it always is, and everyone else leads there. */
function isProvidersPortal(controls: readonly ControlResult[]): boolean {
  return ofRole(controls, 'provider').some(({ url, result }) => {
    const home = new URL(url).hostname
    const led = ofRole(controls, 'neutral').filter(
      ({ result: theirs, led_to }) => theirs === 'other_answer' && isOfSite(led_to ?? '', home),
    )
    return result === 'ok' && led.length >= 2
  })
}

/** The same host, or another under the same two last labels, as a provider's portal mostly is. */
export function isOfSite(host: string, home: string): boolean {
  const site = (name: string) => name.toLowerCase().split('.').slice(-2).join('.')
  const isName = (name: string) => /[a-z]$/i.test(name) && name.includes('.')
  return host === home || (isName(host) && isName(home) && site(host) === site(home))
}

const ofRole = (controls: readonly ControlResult[], role: ControlRole) =>
  controls.filter((each) => (each.role ?? 'neutral') === role)

/** Those that this machine could ask, and that are not dead in themselves. */
function asked(controls: readonly ControlResult[]): ControlResult[] {
  const tried = controls.filter(({ result }) => result !== 'local_failure')
  const living = tried.filter((each) => !isDead(each))
  // That most are dead in themselves is less likely than a helper without a network of its own.
  return living.length * 2 < tried.length ? tried : living
}

const count = (controls: readonly ControlResult[], result: ControlResult['result']) =>
  controls.filter((each) => each.result === result).length

/** A connect is made to every address of a control, so one that came about over IPv6 shows that IPv6 works. */
export function ipv6Works({ tcp_connect }: Observations): boolean {
  return tcp_connect.some(({ ip, status }) => ip.includes(':') && status.success)
}

/** The link check's own verdict: it is about the link, so it is never an anomaly. */
export function judgeControls(controls: readonly ControlResult[]): Verdict {
  const because = controls.map((control) => control.transaction_id)
  const state = stateFrom(controls)
  const rule = `link_check/${state}@2`
  switch (state) {
    case 'up':
      return { verdict: 'ok', rule, step: null, how: null, because }
    case 'down':
    case 'captive_portal':
    case 'bundle_exhausted':
    case 'provider_only':
      return { verdict: 'link_down', rule, step: null, how: state, because }
    default:
      return { verdict: 'undetermined', rule, step: null, how: state, because }
  }
}
