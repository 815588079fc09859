// What was learnt of the ways, kept across restarts in one small file: which last brought a receipt, how long silences
// and flows last on each, and in which form it takes bodies. Losing it costs some seconds of trying. Ways are named by
// the ids of their endpoints, so that a seized device does not tell which way out it used.

import * as v from 'valibot'
import type { AtomicDisk } from '../../platform/atomic-file.ts'
import { readStateFile, replaceStateFile } from '../../platform/state-file.ts'
import type { FlowLife } from './flow-life.ts'
import type { Form } from './form.ts'
import type { Stalls } from './stall.ts'

export interface Learnt {
  readonly stalls: Stalls
  readonly life: FlowLife
  readonly form: Form
  /** Place among the ways that failed, from 1 for the one that failed longest ago; null when it was good since. */
  readonly failed: number | null
}

export interface Remembered {
  /** Id of the way that last brought a receipt; null when none has. */
  readonly lastGood: string | null
  readonly ways: ReadonlyMap<string, Learnt>
}

export interface WayMemory {
  /** Never fails: what cannot be read is not known. */
  read(): Promise<Remembered>
  /** Never fails: a sick disk must not stop an upload. */
  write(remembered: Remembered): Promise<void>
}

export const nothingRemembered: Remembered = { lastGood: null, ways: new Map() }

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(1_000_000_000))
const ms = v.pipe(v.number(), v.minValue(0), v.maxValue(86_400_000))
const content = v.object({
  v: v.literal(2),
  last_good: v.nullable(v.string()),
  ways: v.record(
    v.string(),
    v.object({
      stalls: v.object({ inARow: count, survivedMs: ms }),
      life: v.object({ deathsMs: v.pipe(v.array(ms), v.maxLength(2)), cuts: count }),
      form: v.object({
        partBytes: v.pipe(count, v.minValue(1_024)),
        capBytes: v.pipe(count, v.minValue(1_024)),
        capFor: count,
        smallFor: count,
        smallNext: v.pipe(count, v.minValue(1)),
        pauseMs: ms,
        wholeOnly: v.boolean(),
        continues: v.boolean(),
        cutOff: count,
        bytesPerMs: v.nullable(v.pipe(v.number(), v.minValue(0.01), v.maxValue(1_000_000))),
        family: v.nullable(v.picklist([4, 6])),
        shortHello: v.boolean(),
        sealedWhole: v.optional(v.boolean(), false),
        unaskedFor: v.optional(count, 0),
      }),
      failed: v.nullable(count),
    }),
  ),
})

export function wayMemoryIn(path: string, disk?: AtomicDisk): WayMemory {
  let written = ''
  return {
    async read() {
      // When the file has rotted or the disk refuses, the ways are tried as they are listed.
      const kept = await readStateFile(path, content)
      if (kept === null) return nothingRemembered
      return { lastGood: kept.last_good, ways: new Map(Object.entries(kept.ways)) }
    },
    async write({ lastGood, ways }) {
      const kept = { v: 2, last_good: lastGood, ways: Object.fromEntries(ways) }
      const text = JSON.stringify(kept)
      if (text === written) return
      written = text
      // The spool reports when the disk fails; this file is not worth a second alarm, nor a flush.
      await replaceStateFile(path, kept, disk && { disk }).catch(() => {
        written = ''
      })
    },
  }
}
