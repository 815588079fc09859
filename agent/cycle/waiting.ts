// Failures that wait for a second look. A cycle repeats only a few; of the others the next cycle's own measurement is the
// repeat, so that nothing stays unjudged because much is blocked.

import * as v from 'valibot'
import { type EarlierFailure, earlierFailureKey } from '../../tests-spec/nettests/verdict.ts'
import type { Task } from '../plan/plan-cycle.ts'

/** By nettest and input. */
export const waitingFailures = v.record(
  v.string(),
  v.object({
    failed: earlierFailureKey,
    /** When it was measured, by the wall clock, in milliseconds since 1970. */
    atMs: v.number(),
  }),
)
export type WaitingFailures = Readonly<v.InferOutput<typeof waitingFailures>>

/** Two failures further apart than this are two stories. */
const longestWaitMs = 24 * 3_600_000

export const waitingKey = ({ nettest, input }: Pick<Task, 'nettest' | 'input'>) => `${nettest} ${input ?? ''}`

/** @returns How `task` failed in the cycle before without being measured again; null when it did not, or not lately. */
export function waitingFor(waiting: WaitingFailures, task: Task, nowMs: number): EarlierFailure | null {
  const one = waiting[waitingKey(task)]
  if (one === undefined) return null
  const ms = nowMs - one.atMs
  // A clock that was set meanwhile may make any number of it.
  return ms < 0 || ms > longestWaitMs ? null : { ...one.failed, secondsAgo: Math.floor(ms / 1000) }
}
