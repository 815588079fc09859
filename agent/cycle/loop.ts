// Runs cycles, one after the other, on the schedule, until the signal fires. There are never two at once: a cycle
// that outlasts its slot costs the next start, which is logged and not made up for. Batches that could not be
// uploaded are tried again between cycles and never during one: an upload would change what is measured, and the next
// cycle does not wait for it.

import type { Schedule } from '../plan/cron-schedule.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { CycleReport } from './cycle.ts'
import type { Delivery } from './deliver.ts'

export interface Loop {
  readonly clock: Clock
  readonly log: Log
  readonly schedule: Schedule
  /** @param untilNextMs - Gives the milliseconds that the upload may take from the moment of the call. */
  cycle(untilNextMs: () => number): Promise<CycleReport>
  /** Tries once more to upload the batches that wait. */
  deliver(untilNextMs: () => number): Promise<Delivery>
  /** Called when a cycle is over, with the time of the next start in milliseconds since 1970. */
  onCycle(report: CycleReport, nextStartMs: number): Promise<void>
  /** Resolves after `ms` milliseconds, or at once when the signal fires. */
  sleep(ms: number): Promise<void>
  readonly signal: AbortSignal
}

/**
 * A wall clock may jump and a phone may sleep, and timers notice neither: the loop never waits longer than this
 * without reading the clock again. Once a minute costs too little to measure.
 */
const longestSleepMs = 60_000

/**
 * An upload ends this many milliseconds before the next start, which would otherwise be skipped while the upload
 * still closes.
 */
const handoverMs = 2_000

/** Starts the first cycle at once: after a power cut, the present state of the network is what matters. */
export async function runLoop(loop: Loop): Promise<void> {
  const { clock, log, schedule, signal } = loop
  while (!signal.aborted) {
    const startedMs = clock.now()
    const start = clock.monotonicMs()
    const untilNextMs = () => {
      const now = clock.now()
      const next = schedule.next(startedMs)
      return (next > now ? next : schedule.next(now)) - now - handoverMs
    }
    let report = await loop.cycle(untilNextMs)
    const finishedMs = clock.now()
    const tookMs = clock.monotonicMs() - start
    logCycle(log, report, tookMs)
    // Measured by the monotonic clock: setting the wall clock during a cycle skips no start.
    if (schedule.next(startedMs) <= startedMs + tookMs) log.info('S2003')
    const wait = new Wait(loop, finishedMs)
    await loop.onCycle(report, wait.dueMs)
    for (let again = againAt(loop, report.delivery); await wait.until(again); ) {
      const delivery = await loop.deliver(() => wait.dueMs - clock.now() - handoverMs)
      again = againAt(loop, delivery)
      report = { ...report, delivery }
      await loop.onCycle(report, wait.dueMs)
    }
  }
}

/** Logs one line a cycle, at its end: how many results, and never which. */
function logCycle(log: Log, { measurements, anomalies, bugs }: CycleReport, tookMs: number): void {
  log.info('S2002', { measurements, anomalies, bugs, seconds: Math.round(tookMs / 1000) })
}

/**
 * @returns When to upload again, on the monotonic clock; never (infinity) when no batch waits or no time was given.
 */
function againAt({ clock }: Loop, { kind, retryAfterMs }: Delivery): number {
  const waits = kind === 'deferred' && retryAfterMs !== null
  return waits ? clock.monotonicMs() + retryAfterMs : Number.POSITIVE_INFINITY
}

/** The wait for the first start after `sinceMs`. When the clock is set back, a new wait begins from the new time. */
class Wait {
  readonly #loop: Loop
  #last: number
  /** The start in milliseconds since 1970. */
  dueMs: number

  constructor(loop: Loop, sinceMs: number) {
    this.#loop = loop
    this.#last = sinceMs
    this.dueMs = loop.schedule.next(sinceMs)
  }

  /**
   * @returns True when `atMs` on the monotonic clock came first; false when the start is due or the signal has fired.
   */
  async until(atMs: number): Promise<boolean> {
    const { clock, schedule, sleep, signal } = this.#loop
    while (!signal.aborted) {
      const now = clock.now()
      if (now < this.#last - longestSleepMs) this.dueMs = schedule.next(now)
      if (now >= this.dueMs) return false
      const left = atMs - clock.monotonicMs()
      const untilDueMs = this.dueMs - now
      if (left <= 0 && untilDueMs > handoverMs) return true
      this.#last = now
      await sleep(Math.min(untilDueMs, left > 0 ? Math.ceil(left) : untilDueMs, longestSleepMs))
    }
    return false
  }
}
