// Failures that wait for a second look. A cycle repeats only a few; of the others the next cycle's own measurement is the
// repeat, so that nothing stays unjudged because much is blocked. They are kept in memory alone: after a restart nobody
// knows whether the network is still the same.

import type { EarlierFailure } from '../../tests-spec/nettests/verdict.ts'
import { entryKey } from '../plan/kinship.ts'
import type { Task } from '../plan/plan-cycle.ts'

interface Waiting {
  readonly failed: EarlierFailure
  /** End of the measurement by the monotonic clock. Milliseconds. */
  readonly endedMs: number
}

export interface WaitingFailures {
  /** Text that differs when the network does: two failures over two networks are two stories. */
  readonly uplink: string
  readonly tasks: ReadonlyMap<string, Waiting>
}

export const noneWaiting: WaitingFailures = { uplink: '', tasks: new Map() }

/** Two failures further apart than this are two stories. */
const longestWaitMs = 24 * 3_600_000

export const waitingKey = ({ nettest, input, options }: Pick<Task, 'nettest' | 'input' | 'options'>) =>
  entryKey({ nettest, input, options })

/**
 * @param measured - What was measured since, and with it need not wait any longer for what it waited for.
 * @param now - What waits after that.
 * @returns What waits for the next cycle, or for a later one that measures it: a cycle may be a part of the list.
 */
export function stillWaiting(
  before: WaitingFailures,
  measured: readonly Task[],
  now: WaitingFailures,
  monotonicMs: number,
): WaitingFailures {
  if (before.uplink !== now.uplink) return now
  const isOver = new Set(measured.map(waitingKey))
  const kept = [...before.tasks].filter(
    ([key, { endedMs }]) => !isOver.has(key) && monotonicMs - endedMs <= longestWaitMs,
  )
  return { uplink: now.uplink, tasks: new Map([...kept, ...now.tasks]) }
}

/** What is so now. */
interface Present {
  readonly uplink: string
  readonly monotonicMs: number
}

/** @returns How `task` failed in the cycle before without being measured again; null when it did not, or not lately. */
export function waitingFor(
  { uplink, tasks }: WaitingFailures,
  task: Task,
  now: Present,
): EarlierFailure | null {
  const one = tasks.get(waitingKey(task))
  if (one === undefined || uplink !== now.uplink) return null
  const ms = now.monotonicMs - one.endedMs
  return ms > longestWaitMs ? null : { ...one.failed, secondsAgo: Math.floor(ms / 1000) }
}
