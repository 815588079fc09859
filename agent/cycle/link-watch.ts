// The state of the link around each measurement. A link that died while a target was measured must not make the
// target look blocked, so a failure is only judged by controls that were asked after it.

import { isCutOff, type LinkState } from '../../tests-spec/nettests/verdict.ts'

export interface LinkWatch {
  /** @returns The newest state known. */
  current(): LinkState
  /**
   * @returns The state by controls asked after this call. Calls made while a check runs share the next one, so that
   * twenty failures cost two checks and not twenty.
   */
  recheck(): Promise<LinkState>
}

/** @param check - Asks the controls once and returns the new state. */
export function linkWatch(initial: LinkState, check: (previous: LinkState) => Promise<LinkState>): LinkWatch {
  let state = initial
  let running: Promise<void> | null = null
  let waiting: Promise<LinkState> | null = null

  const run = async (): Promise<LinkState> => {
    state = await check(state)
    return state
  }
  return {
    current: () => state,
    recheck() {
      if (running !== null) {
        waiting ??= running.then(() => {
          waiting = null
          return this.recheck()
        })
        return waiting
      }
      const result = run()
      running = result.then(
        () => {
          running = null
        },
        () => {
          running = null
        },
      )
      return result
    },
  }
}

/** What is cut off is worse than what is not known, and that than what is in doubt. */
function badness(link: LinkState): number {
  if (isCutOff(link)) return 3
  return link.state === 'unknown' ? 2 : link.state === 'degraded' ? 1 : 0
}

/** The state of the link during a measurement: the worse of those before and after it. */
export function worseOf(before: LinkState, after: LinkState): LinkState {
  const [a, b] = [badness(before), badness(after)]
  const isLost = before.controls - before.controls_ok > after.controls - after.controls_ok
  const worse = a > b || (a === b && isLost) ? before : after
  const tls = [before.tls, after.tls].filter((each) => each !== undefined)
  const both = tls.length === 0 ? worse : { ...worse, tls: tls.every(Boolean) }
  return before.ipv6 === undefined ? both : { ...both, ipv6: before.ipv6 && after.ipv6 === true }
}
