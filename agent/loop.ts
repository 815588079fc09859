// Cycles, one after the other, on the schedule, until the signal fires. Never two at once: a cycle that outlasts its
// slot costs the next start, which is logged and not made up for.

import type { CycleReport } from './cycle.ts'
import type { Schedule } from './plan/cron-schedule.ts'
import type { Clock } from './platform/clock.ts'
import type { Log } from './platform/log.ts'

export interface Loop {
  readonly clock: Clock
  readonly log: Log
  readonly schedule: Schedule
  cycle(): Promise<CycleReport>
  /** Called when a cycle is over, with the time of the next start in milliseconds since 1970. */
  onCycle(report: CycleReport, nextStartMs: number): Promise<void>
  /** Resolves after `ms` milliseconds, or at once when the signal fires. */
  sleep(ms: number): Promise<void>
  readonly signal: AbortSignal
}

/**
 * A wall clock may jump and a phone may sleep, and timers know of neither: nobody sleeps longer than this without
 * looking at the clock again. Once a minute costs nothing measurable.
 */
const longestSleepMs = 60_000

/** Starts the first cycle at once: after a power cut the state of the network now is what matters. */
export async function runLoop(loop: Loop): Promise<void> {
  const { clock, log, schedule, signal } = loop
  while (!signal.aborted) {
    const startedMs = clock.now()
    const start = clock.monotonicMs()
    const report = await loop.cycle()
    const finishedMs = clock.now()
    // By the monotonic clock: one that is set during a cycle skips nothing.
    if (schedule.next(startedMs) <= startedMs + clock.monotonicMs() - start) log.info('S2003')
    await loop.onCycle(report, schedule.next(finishedMs))
    await sleepUntil(loop, finishedMs)
  }
}

/** Waits for the first start after `sinceMs`. A clock that was set back starts a new wait from where it stands. */
async function sleepUntil({ clock, schedule, sleep, signal }: Loop, sinceMs: number): Promise<void> {
  let last = sinceMs
  let due = schedule.next(sinceMs)
  while (!signal.aborted) {
    const now = clock.now()
    if (now < last - longestSleepMs) due = schedule.next(now)
    if (now >= due) return
    last = now
    await sleep(Math.min(due - now, longestSleepMs))
  }
}
