// What this probe says of itself with each batch: tests-spec/data-formats/heartbeat.md.

import type { Heartbeat } from '../../tests-spec/data-formats/heartbeat.ts'
import type { MachineState } from '../platform/machine-state.ts'
import type { Starts } from './starts.ts'

export interface Pulse {
  readonly upMs: number
  readonly starts: Pick<Starts, 'boots' | 'starts' | 'before'>
  readonly link: string
  readonly rssBytes: number
  readonly freeMb: number | null
  /** Milliseconds since the oldest record was made that waits; null when none does. */
  readonly oldestMs: number | null
  readonly memoryOnly: boolean
  readonly machine: MachineState
  /** The newest last. */
  readonly codes: readonly string[]
}

/** As the page says, in bytes. */
const most = 300

export function heartbeatOf(pulse: Pulse): Heartbeat {
  const seconds = (ms: number) => Math.max(0, Math.round(ms / 1000))
  const { starts, oldestMs } = pulse
  const said = {
    v: 1 as const,
    upS: seconds(pulse.upMs),
    boots: starts.boots,
    starts: starts.starts,
    ended: starts.before,
    link: pulse.link,
    rssMb: Math.round(pulse.rssBytes / 1e6),
    freeMb: pulse.freeMb,
    oldestS: oldestMs === null ? null : seconds(oldestMs),
    ...(pulse.memoryOnly && { memoryOnly: true }),
    ...pulse.machine,
  }
  const codes = pulse.codes.slice(-8)
  while (codes.length > 0 && JSON.stringify({ ...said, codes }).length > most) codes.shift()
  return { ...said, codes }
}
