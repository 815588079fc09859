// When an operation has to end although the network has not answered. Every operation races its own events
// against one of these, so that none outlives its time or the measurement it belongs to.

import { setMaxListeners } from 'node:events'

/** The two endings that are ours and not the network's. */
export type Cutoff = 'generic_timeout_error' | 'interrupted'

export interface Deadline {
  /** Resolves once, with the reason; never rejects; stays pending for ever when cleared first. */
  readonly passed: Promise<Cutoff>
  /** Milliseconds left, for a part of the operation with a limit of its own. At least 1. */
  remainingMs(): number
  /** Lets go of the timer and of the signal. Must be called on every way out of the operation. */
  clear(): void
}

/**
 * Starts the time of one operation. A signal that was aborted before gives `interrupted`.
 *
 * @param timeoutMs - Milliseconds from this call. Below 1 counts as 1.
 */
export function startDeadline(signal: AbortSignal, timeoutMs: number): Deadline {
  const endsAt = performance.now() + timeoutMs
  // Node.js 20 calls eleven operations under one signal a leak, on stderr.
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
