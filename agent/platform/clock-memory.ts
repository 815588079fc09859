// What is kept of the time across boots: a lower bound of the true time, and the moment when the machine was last
// told the time. Without it, a machine that has no clock of its own could not rule out 1970.

import * as v from 'valibot'
import type { AtomicDisk } from './atomic-file.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

const instant = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const clockMemory = v.object({
  /**
   * Lower bound of the true time, from a collector's receipt; 0 before the first. In milliseconds since 1970, as the
   * next field.
   */
  notBeforeMs: instant,
  /** When the machine was last told the time, by the system's time server or by a receipt; null when it never was. */
  toldMs: v.nullable(instant),
})
export type ClockMemory = v.InferOutput<typeof clockMemory>

/**
 * @returns null when there is no memory, or none that can be believed: the clock is then trusted less, and nothing
 * else changes.
 */
export async function readClockMemory(path: string): Promise<ClockMemory | null> {
  return readStateFile(path, clockMemory)
}

/** @throws The disk's error. */
export async function writeClockMemory(path: string, memory: ClockMemory, disk?: AtomicDisk): Promise<void> {
  await writeStateFile(path, memory, disk && { disk })
}
