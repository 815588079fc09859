// Measures while the host agrees and has ordered no pause; waits otherwise, with the lock in hand and nothing on the network.

import { setMaxListeners } from 'node:events'
import type { Log } from '../platform/log.ts'
import { isHeld, type Standing, standingKey } from './standing.ts'

export interface WhileAllowed {
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly signal: AbortSignal
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  look(): Promise<Standing>
  /** Called when measuring begins, and when what was agreed to has changed. */
  began(standing: Standing): Promise<void>
  /** Measures until its signal fires. */
  measure(ending: AbortSignal): Promise<void>
}

/** Two small files are looked at that often: a host who orders a pause may be in a hurry. */
const lookEveryMs = 5_000

export async function whileAllowed(around: WhileAllowed): Promise<void> {
  const { log, signal, look } = around
  let wasHeld = false
  while (!signal.aborted) {
    const standing = await look()
    const isNow = isHeld(standing)
    if (isNow) sayHeld(log, standing)
    else if (wasHeld) log.info('S1303')
    wasHeld = isNow
    const changed = new AbortController()
    const watching = watch(around, standingKey(standing), changed)
    if (!isNow) {
      await around.began(standing)
      const ending = AbortSignal.any([signal, changed.signal])
      // Every operation under way listens.
      setMaxListeners(0, ending)
      await around.measure(ending)
      changed.abort()
    }
    await watching
  }
}

function sayHeld(log: WhileAllowed['log'], { pausedUntil, agreement }: Standing): void {
  if (pausedUntil === null) log.warn('S1301', { why: agreement.state })
  else log.info('S1302', { until: new Date(pausedUntil).toISOString() })
}

/** Resolves when the standing is another, or nobody wants to know any more. */
async function watch(
  { signal, sleep, look }: WhileAllowed,
  key: string,
  changed: AbortController,
): Promise<void> {
  while (!signal.aborted && !changed.signal.aborted) {
    await sleep(lookEveryMs, changed.signal)
    if (standingKey(await look()) !== key) changed.abort()
  }
}
