// What the kernel says of a process. Linux only, as the devices are.

import { readFileSync } from 'node:fs'

export interface Memory {
  readonly rssMib: number
  /** The most memory that the process ever had, in MiB. */
  readonly peakMib: number
}

/** @param pid - A process that lives, or `self`. */
export function memoryOf(pid: number | 'self'): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { rssMib: mib('VmRSS'), peakMib: mib('VmHWM') }
}

/** Linux counts in hundredths of a second on every architecture that Node.js runs on. */
const msPerTick = 10

/** @returns Milliseconds of processor time, user and system, since the process started. */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the name in parentheses, which may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * msPerTick
}
