// Rules of `link_check`: whether the link itself works, judged from neutral targets in several networks.
// link-check.md is the page.

import type { Observations } from '../data-formats/observation.ts'
import type { LinkState, Verdict } from './verdict.ts'

export const linkCheckName = 'link_check'
export const linkCheckVersion = '0.1.0'

/** One control and what became of it. */
export interface ControlResult {
  readonly url: string
  /**
   * `ok`: the expected answer. `other_resolver_only`: the expected answer, but over an address that the system's
   * resolver did not give. `other_answer`: some answer, not the expected one. `failed`: none.
   */
  readonly result: 'ok' | 'other_resolver_only' | 'other_answer' | 'failed'
  readonly transaction_id: number
}

export interface LinkCheckTestKeys extends Observations {
  readonly x_sonde_controls: readonly ControlResult[]
}

/**
 * @param previous - State before, so that `since` survives a check that changes nothing.
 * @param at - ISO 8601 time of this check by the probe's clock.
 */
export function judgeLink(controls: readonly ControlResult[], previous: LinkState, at: string): LinkState {
  const count = (result: ControlResult['result']) => controls.filter((each) => each.result === result).length
  const ok = count('ok')
  const state = stateFrom(controls.length, ok, count('other_answer'), count('other_resolver_only'))
  const since = state === previous.state && previous.since !== null ? previous.since : at
  return { state, controls_ok: ok, controls: controls.length, checked_at: at, since }
}

function stateFrom(all: number, ok: number, other: number, otherResolverOnly: number): LinkState['state'] {
  if (all === 0) return 'unknown'
  // A portal answers in the name of everyone; one changed page could be the control's own doing.
  if (other >= 2 && other >= ok) return 'captive_portal'
  // The link carries, but its resolver does not answer for anyone: no name that fails now says anything.
  if (ok === 0) return otherResolverOnly > 0 ? 'degraded' : 'down'
  // One control may be blocked or gone without the link being at fault.
  return all - ok <= 1 ? 'up' : 'degraded'
}

/** The link check's own verdict: it is about the link, so it is never an anomaly. */
export function judgeLinkCheck(testKeys: LinkCheckTestKeys, link: LinkState): Verdict {
  const because = testKeys.x_sonde_controls.map((control) => control.transaction_id)
  const rule = `link_check/${link.state}@1`
  switch (link.state) {
    case 'up':
      return { verdict: 'ok', rule, step: null, how: null, because }
    case 'down':
    case 'captive_portal':
      return { verdict: 'link_down', rule, step: null, how: link.state, because }
    default:
      return { verdict: 'undetermined', rule, step: null, how: link.state, because }
  }
}
