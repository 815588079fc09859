// Which records the next batch is made of: everything when it is about to leave, and only what is worth a batch while there is
// no way out.

import { RangeSet } from './ledger/ranges.ts'
import { readRecords, type SegmentReader } from './log/segment-reader.ts'
import type { StoredSegment, Stream } from './log/stream.ts'
import type { Streams } from './recovery.ts'
import { type NumberedRecord, repeatsIn } from './repeats.ts'

/**
 * Number of records that make a batch worth sealing for room alone. A thousand routine records are six hours of forty
 * targets, and what they have in common is a third of the batch; a segment takes two kilobytes for the record of an
 * anomaly, and a batch a seventh of that.
 */
const fullRoutine = 1_000
const fullAnomalies = 400

export interface Choice {
  readonly streams: readonly Stream[]
  /** Numbers of records that the sealing leaves alone. */
  readonly without: RangeSet
  /** Whether the records are nothing but repeats of one outcome. */
  readonly repeats: boolean
}

export function everything({ a, r, d }: Streams, settled: RangeSet): Choice {
  return { streams: [a, r, d], without: settled, repeats: false }
}

/**
 * Chooses what is sealed to save room while there is no way out. Records of different worth go into different
 * batches, so that one batch can be given up without the other.
 * @returns null while there is too little of everything.
 */
export async function worthSealing(
  { a, r }: Streams,
  settled: RangeSet,
  reader: SegmentReader,
): Promise<Choice | null> {
  if (waitingIn(r, settled) >= fullRoutine) return { streams: [r], without: settled, repeats: false }
  if (waitingIn(a, settled) < fullAnomalies) return null
  const repeats = RangeSet.of((await repeatsOf(a.segments, settled, reader)).map((n) => [n, n]))
  const all = RangeSet.of(a.segments.flatMap(({ numbers }) => numbers.minus(settled).list()))
  const first = repeats.size * 4 >= all.size
  const without = RangeSet.of([...settled.list(), ...(first ? all.minus(repeats) : repeats).list()])
  return { streams: [a], without, repeats: first }
}

/** Looks at all segments together: a row of one outcome runs through several of them. */
async function repeatsOf(
  segments: readonly StoredSegment[],
  settled: RangeSet,
  reader: SegmentReader,
): Promise<number[]> {
  const records: NumberedRecord[] = []
  for (const segment of segments) {
    for (const each of await readRecords(reader, segment, segment.numbers.minus(settled))) records.push(each)
  }
  return repeatsIn(records)
}

function waitingIn({ segments }: Stream, settled: RangeSet): number {
  return segments.reduce((sum, { numbers }) => sum + numbers.minus(settled).size, 0)
}
