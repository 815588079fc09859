// A process by more than its number, which another program may have by now: its boot, and when it started in it.

import { readFileSync } from 'node:fs'
import { namedBoot } from './clock.ts'

export interface ProcessName {
  readonly pid: number
  /** null where the system hides it. */
  readonly boot: string | null
  /** Ticks from the boot to the start of the process; null where the system hides it. */
  readonly start: string | null
}

export function ownName(): ProcessName {
  return { pid: process.pid, boot: namedBoot(), start: startOf(process.pid) }
}

/** Whether this very process is alive, as far as the system tells. */
export function isAlive({ pid, boot, start }: ProcessName): boolean {
  const now = namedBoot()
  if (boot !== null && now !== null && boot !== now) return false
  if (!isThere(pid)) return false
  const present = startOf(pid)
  return start === null || present === null ? runsAgent(pid) : start === present
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    // It does not exist, or belongs to another user: the state folder is private, so we could send signals to its agent.
    return false
  }
}

/** The weaker sign, where no start is known: an editor that has a file of the agent open shows it too. */
function runsAgent(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('sonde')
  } catch {
    // The system hides the process's command line from us, so the number is believed.
    return true
  }
}

/** proc_pid_stat(5), field 22. The name of the program, in parentheses before it, may have blanks and parentheses itself. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
