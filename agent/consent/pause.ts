// A pause that the host ordered: until when nothing is measured or sent. It is kept on the disk, so that a restart does not end it,
// and it ends by itself, so that a device that was forgotten comes back.

import * as v from 'valibot'
import { type AtomicDisk, removeFile } from '../platform/atomic-file.ts'
import { readStateFile, writeStateFile } from '../platform/state-file.ts'

const hourMs = 3_600_000
export const usualPauseMs = 24 * hourMs
export const longestPauseMs = 30 * 24 * hourMs

const pause = v.looseObject({ v: v.literal(1), until: v.number() })

const units: Readonly<Record<string, number>> = {
  m: 60_000,
  min: 60_000,
  h: hourMs,
  // `d` for days, `j` for jours.
  d: 24 * hourMs,
  j: 24 * hourMs,
}

/** @returns Milliseconds that `6h`, `30min`, `2d` or `2j` say; null for anything else, and for more than may be. */
export function pauseMs(text: string): number | null {
  const [, number = '', unit = ''] = /^(\d{1,4})\s?(m|min|h|d|j)$/i.exec(text.trim()) ?? []
  const ms = Number(number) * (units[unit.toLowerCase()] ?? 0)
  return ms > 0 && ms <= longestPauseMs ? ms : null
}

/**
 * @param now - Milliseconds since 1970. A clock that was set back more than a pause may last does not keep the device silent.
 * @returns When it ends, in milliseconds since 1970; null without one.
 */
export async function pausedUntil(path: string, now: number): Promise<number | null> {
  const kept = await readStateFile(path, pause)
  return kept !== null && kept.until > now && kept.until - now <= longestPauseMs ? kept.until : null
}

/** @throws The disk's error. */
export async function writePause(path: string, until: number, disk?: AtomicDisk): Promise<void> {
  await writeStateFile(path, { v: 1, until }, disk && { disk })
}

/** @throws The disk's error. */
export async function endPause(path: string): Promise<void> {
  await removeFile(path)
}
