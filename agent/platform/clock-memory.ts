// What is kept of the time across boots: a bound that no true time is before, and when somebody last told the time.
// Without it a machine that has no clock of its own would take 1970 for as likely as anything.

import * as v from 'valibot'
import { readStateFile, writeStateFile } from './state-file.ts'

const instant = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const clockMemory = v.object({
  /** By a collector's receipt; 0 before the first. Milliseconds since 1970, as the next. */
  notBeforeMs: instant,
  /** By whoever told it, the system's time server or a receipt; null when nobody has. */
  toldMs: v.nullable(instant),
})
export type ClockMemory = v.InferOutput<typeof clockMemory>

/** @returns null when there is none, or none that can be believed: the clock is then trusted less, no more than that. */
export async function readClockMemory(path: string): Promise<ClockMemory | null> {
  return readStateFile(path, clockMemory)
}

/** @throws What the disk says. */
export async function writeClockMemory(path: string, memory: ClockMemory): Promise<void> {
  await writeStateFile(path, memory)
}
