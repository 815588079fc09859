// How often this device has started, and how each run ended: a few bytes, written once at the start of a run and once at
// its end, so that a card is not worn by it. Nothing else tells a power cut from a kill from afar.

import * as v from 'valibot'
import { type AtomicDisk, isDiskFailure } from '../platform/atomic-file.ts'
import { readStateFile, replaceStateFile, writeStateFile } from '../platform/state-file.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const kept = v.object({
  v: v.literal(1),
  /** Of the run that wrote this. */
  boot: v.string(),
  boots: count,
  starts: count,
  /** null as long as it runs. */
  ended: v.nullable(v.picklist(['stopped', 'failed'])),
})

export interface Starts {
  readonly boots: number
  readonly starts: number
  /** How the run before this one ended: tests-spec/data-formats/heartbeat.md. */
  readonly before: 'first' | 'stopped' | 'failed' | 'killed' | 'power' | 'unknown'
  /** Never fails: a disk that refuses costs the word alone. */
  end(how: 'stopped' | 'failed'): Promise<void>
}

/** @param isNew - Whether no run was here before; otherwise a file that is gone is no sign of a first run. */
export async function noteStart(
  path: string,
  boot: string,
  isNew: boolean,
  disk?: AtomicDisk,
): Promise<Starts> {
  const writing = disk && { disk }
  const last = await readStateFile(path, kept)
  const now = {
    v: 1 as const,
    boot,
    boots: (last?.boots ?? 0) + (last?.boot === boot ? 0 : 1),
    starts: (last?.starts ?? 0) + 1,
    ended: null,
  }
  await writeStateFile(path, now, writing).catch(unlessDisk)
  return {
    boots: now.boots,
    starts: now.starts,
    before:
      last === null
        ? isNew
          ? 'first'
          : 'unknown'
        : (last.ended ?? (last.boot === boot ? 'killed' : 'power')),
    end: (ended) => replaceStateFile(path, { ...now, ended }, writing).catch(unlessDisk),
  }
}

function unlessDisk(error: unknown): void {
  if (!isDiskFailure(error)) throw error
}
