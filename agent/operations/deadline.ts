// When an operation must end although the network has not answered. Every operation races its own events against such
// a deadline, so that none takes longer than its time or than the measurement it belongs to.

import { setMaxListeners } from 'node:events'

/** The two reasons to end that come from the agent and not from the network. */
export type Cutoff = 'generic_timeout_error' | 'interrupted'

export interface Deadline {
  /** Resolves once, with the reason; never rejects; stays pending for ever when cleared first. */
  readonly passed: Promise<Cutoff>
  /** @returns Milliseconds that are left, at least 1; for a part of the operation that has a limit of its own. */
  remainingMs(): number
  /** Frees the timer and the listener on the signal. Must be called however the operation ends. */
  clear(): void
}

/**
 * Starts the time of one operation. A signal that was aborted before gives `interrupted`.
 *
 * @param timeoutMs - Milliseconds from this call. Values below 1 count as 1.
 */
export function startDeadline(signal: AbortSignal, timeoutMs: number): Deadline {
  const endsAt = performance.now() + timeoutMs
  // Node.js 20 reports a leak on stderr when eleven operations listen to one signal.
  setMaxListeners(0, signal)
  let clear = () => {}
  const passed = new Promise<Cutoff>((resolve) => {
    const onAbort = () => resolve('interrupted')
    const timer = setTimeout(resolve, timeoutMs, 'generic_timeout_error')
    clear = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
  return { passed, remainingMs: () => Math.max(1, endsAt - performance.now()), clear: () => clear() }
}
