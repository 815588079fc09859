// When an operation of the helper must end: after its own time, after the time of the operation it is part of, or
// because the probe has gone away. All three come as one signal.

import { setMaxListeners } from 'node:events'

/**
 * Runs `work` with a signal that fires after `timeoutMs`, or with `parent` if that is earlier. `work` must end by
 * itself when the signal fires; timer and listener are freed when it has ended.
 */
export async function within<T>(
  parent: AbortSignal,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const end = new AbortController()
  // Every endpoint of a request listens to one signal, which Node.js would report as a leak.
  setMaxListeners(0, end.signal)
  const stop = () => end.abort()
  const timer = setTimeout(stop, timeoutMs)
  parent.addEventListener('abort', stop)
  if (parent.aborted) stop()
  try {
    return await work(end.signal)
  } finally {
    clearTimeout(timer)
    parent.removeEventListener('abort', stop)
  }
}

/** Resolves with the first of several events that may come in any order; the end of `signal` is one of them. */
export function firstOf<T>(
  signal: AbortSignal,
  ended: T,
  listen: (settle: (answer: T) => void) => void,
): Promise<T> {
  return new Promise((resolve) => {
    const onAbort = () => settle(ended)
    const settle = (answer: T) => {
      signal.removeEventListener('abort', onAbort)
      resolve(answer)
    }
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) return settle(ended)
    listen(settle)
  })
}
