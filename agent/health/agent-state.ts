// Whether the agent of a state folder lives, and whether it still does its work: judged by its lock, and by its last
// status. It only reads.

import { namedBoot } from '../platform/clock.ts'
import { livingOwner } from '../platform/lock.ts'
import { isAlive } from '../platform/running-process.ts'
import type { Status } from './status.ts'

/** `stale`: the agent runs, but is long overdue with a cycle that it has not finished. */
export type AgentState =
  | { readonly state: 'running' | 'stale'; readonly pid: number }
  | { readonly state: 'not_running'; readonly pid: null }

/** Milliseconds. No cycle takes this much longer than planned, on the slowest link and with the longest list. */
const overdueMs = 3_600_000

/**
 * @param lock - Path of the lock.
 * @param now - Milliseconds since 1970.
 * @param boot - Name of the present boot; null where it is hidden.
 */
export function agentState(
  lock: string,
  status: Status | null,
  now: number,
  boot: string | null = namedBoot(),
): AgentState {
  const pid = livingAgent(livingOwner(lock), status, boot)
  if (pid === null) return { state: 'not_running', pid }
  // What another run of the agent planned does not count for this one.
  const dueAt = status?.agent?.pid === pid ? status.next_cycle_at : null
  return { state: dueAt !== null && now - dueAt > overdueMs ? 'stale' : 'running', pid }
}

function livingAgent(owner: number | null, status: Status | null, boot: string | null): number | null {
  const said = status?.agent
  if (said === undefined) return owner
  const isOfAnotherBoot = boot !== null && said.boot_id !== null && said.boot_id !== boot
  // The number was the agent's before the machine started again; now another process has it, whose name resembles an
  // agent's.
  if (isOfAnotherBoot) return owner === said.pid ? null : owner
  // On a card that refuses even the lock, the agent measures without one.
  // Its boot was compared above.
  const named = { pid: said.pid, boot: null, start: said.start ?? null }
  return owner ?? (said.pid !== process.pid && isAlive(named) ? said.pid : null)
}
