// What the agent says of itself between cycles: one small file, rewritten after each, read by `sonde status`. It is
// for people who look while the machine runs, so it is not flushed: a power cut may take it until the next cycle is
// over.

import * as v from 'valibot'
import { linkState } from '../../tests-spec/nettests/verdict.ts'
import type { AtomicDisk } from '../platform/atomic-file.ts'
import { readStateFile, replaceStateFile } from '../platform/state-file.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
/** Milliseconds since 1970; null when it has not happened. */
const instant = v.nullable(v.number())

export const status = v.looseObject({
  v: v.literal(1),
  version: v.string(),
  device: v.string(),
  /** null while the device is not enrolled. */
  collector: v.nullable(v.string()),
  written_at: v.number(),
  clock: v.string(),
  list: v.looseObject({ name: v.string(), version: count, entries: count }),
  /** Of signed lists; absent where none are trusted, and from an older agent. */
  lists: v.optional(
    v.looseObject({
      versions: v.record(v.string(), count),
      /** Something that vouches for a list in force has expired. */
      stale: v.boolean(),
      /** Number of entries of groups' lists that are not measured, by reason. */
      left_out: v.record(v.string(), count),
      /** A newer list cannot be read, or the agent died over it. */
      set_aside: v.boolean(),
      /** Why the last refresh did not go through; null when it did. */
      refusal: v.nullable(v.string()),
    }),
  ),
  /** Of groups' lists: what is measured more often now, until when, and what will be. Absent from an older agent. */
  campaigns: v.optional(
    v.looseObject({
      current: v.array(v.looseObject({ name: v.string(), until: v.number() })),
      next: v.nullable(v.looseObject({ name: v.string(), from: v.number() })),
    }),
  ),
  link: linkState,
  last_cycle: v.looseObject({ finished_at: instant, measurements: count, anomalies: count, bugs: count }),
  /** Of the list's targets, those whose last state is an anomaly: a cycle may be a part of them. Absent from an older agent. */
  anomalous: v.optional(count),
  next_cycle_at: instant,
  spool: v.looseObject({
    unsealed: count,
    pending_batches: count,
    pending_bytes: count,
    quarantined: count,
    lost: count,
    oldest_at: instant,
    disk_bytes: count,
    health: v.picklist(['ok', 'memory_only']),
    /** What kept the spool from being read: what waits in it is not known. Absent from an older agent. */
    unread: v.nullish(v.looseObject({ code: v.string(), path: v.nullable(v.string()) })),
    /** Results that end with the process unless the disk or the collector takes them. Absent from an older agent. */
    in_memory: v.optional(count),
    /**
     * Bytes that the spool has written since `started_at`, which is what wears a card. Absent from an older agent.
     */
    written_bytes: v.optional(count),
    flushes: v.optional(count),
  }),
  /**
   * When this run of the agent began, in milliseconds since 1970 by the present clock. Absent from an older agent.
   */
  started_at: v.optional(v.number()),
  /**
   * The process that wrote this, its boot, and its start in ticks from there; the latter two are null where the system hides
   * them. Absent from an older agent.
   */
  agent: v.optional(
    v.looseObject({ pid: count, boot_id: v.nullable(v.string()), start: v.nullish(v.string()) }),
  ),
  /** What agent/platform/power.ts read, and why nothing is measured now: `battery`, `heat`. Absent from an older agent. */
  power: v.optional(v.looseObject({ resting: v.nullable(v.string()) })),
  /** How the last attempt to upload ended; null before the first. */
  upload: v.nullable(
    v.looseObject({ kind: v.string(), at: v.number(), accepted: count, reason: v.nullable(v.string()) }),
  ),
  /** What each transport has done since the agent started; absent in files of an older one. */
  ways: v.optional(
    v.array(
      v.looseObject({
        transport: v.string(),
        connected: count,
        failed: count,
        accepted: count,
        sent: count,
        received: count,
        last_failure: v.nullable(v.string()),
      }),
    ),
  ),
  log_lines_dropped: count,
})
export type Status = v.InferOutput<typeof status>

/** @throws The disk's error. */
export async function writeStatus(path: string, content: Status, disk?: AtomicDisk): Promise<void> {
  await replaceStateFile(path, content, disk === undefined ? {} : { disk })
}

/**
 * @returns null when there is no status yet, or none that can be believed: it is a convenience, never a reason to
 * fail.
 */
export async function readStatus(path: string): Promise<Status | null> {
  return readStateFile(path, status)
}
