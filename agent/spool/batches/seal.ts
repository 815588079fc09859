// From unsealed records to the bytes of a batch (tests-spec/protocol/batch.md). Reads segments, writes nothing.

import type { KeyObject } from 'node:crypto'
import type { RecordClass } from '../../../tests-spec/data-formats/measurement.ts'
import { type DeviceId, type Manifest, sha256Hex } from '../../../tests-spec/protocol/batch.ts'
import type { Losses } from '../ledger/ledger.ts'
import { RangeSet } from '../ledger/ranges.ts'
import { currentDictionary, inflateBody } from '../log/dictionary.ts'
import { scanFrames } from '../log/frame.ts'
import { headerBytes } from '../log/segment.ts'
import { readRecord, type SegmentReader } from '../log/segment-reader.ts'
import { type RecordStreamLetter, type Stream, wallMsIn } from '../log/stream.ts'
import { fill } from './fill.ts'
import { type Payload, packPayload, targetIn, type UnsealedRecord } from './pack-payload.ts'

/**
 * A batch goes up whole or not at all: 64 KiB is what a link of 100 kbit/s with 5 % loss still carries in one piece.
 * The envelope takes the other 4 KiB.
 */
const targetPayloadBytes = 60 * 1024
/**
 * Bounds the time and the memory that packing takes on a small device: some seconds on the slowest, and some 10 MB.
 */
const maxRawBytes = 4 * 1024 * 1024
const maxRecords = 4_096
/**
 * A run of numbers takes at most 16 bytes of the manifest: this keeps the envelope, base64 and losses included, far
 * below its ceiling.
 */
const maxRuns = 1_000

/** What the manifest says beside what concerns the records. */
export interface Signing {
  readonly device: DeviceId
  readonly privateKey: KeyObject
  readonly why: Manifest['why']
  /** The `prev` of a batch with seq 0. */
  readonly enrolmentDigest: string
  readonly time: Manifest['time']
  /** Whether the evidence of the time alone is worth a batch. */
  readonly evenEmpty: boolean
  /** Which lists and which software. */
  readonly said: Pick<Manifest, 'lists' | 'agent'> & Words
}

/** What the probe says of itself in a manifest. */
export type Words = Pick<Manifest, 'heartbeat' | 'answers' | 'log'>

/** Asked at each sealing. */
export interface Speaker {
  say(): {
    readonly words: Words
    /** Whether they are worth a batch of their own. */
    readonly isOwed: boolean
    /** Called when a batch has them. */
    sealed(): Promise<void>
  }
}

/** Records packed as the payload of a batch. */
export interface Packed extends Payload {
  readonly numbers: RangeSet
  readonly classes: Readonly<Record<RecordClass, number>>
  readonly oldestWallMs: number | null
  /**
   * Numbers that should be in the segments that were read, and are not: they have rotted. They are not in `numbers`.
   */
  readonly corrupt: RangeSet
}

/** A record of which it is not decided yet whether it goes into the batch. */
interface Candidate extends UnsealedRecord {
  readonly storedBytes: number
  readonly rawBytes: number
  readonly wallMs: number | null
}

const classOf = { a: 'anomaly', r: 'routine', d: 'diagnostic' } as const

/**
 * Packs unsealed records until a batch is full.
 *
 * @param streams - In the order of their urgency. Within a stream, the oldest records go first.
 * @param settled - Numbers of records that are not to be packed any more.
 */
export async function packRecords(
  reader: SegmentReader,
  streams: readonly Stream[],
  settled: RangeSet,
): Promise<Packed> {
  const corrupt = new RangeSet()
  return { ...(await packRow(candidates(reader, streams, settled, corrupt))), corrupt }
}

/**
 * Packs records that are on no disk, until a batch is full.
 * @param records - In the order of their urgency. They get the numbers from `firstN` on.
 */
export async function packWaiting(
  records: readonly {
    readonly letter: RecordStreamLetter
    readonly body: Uint8Array
    readonly wallMs: number
  }[],
  firstN: number,
): Promise<Packed> {
  return { ...(await packRow(waiting(records, firstN))), corrupt: new RangeSet() }
}

async function* waiting(
  records: Parameters<typeof packWaiting>[0],
  firstN: number,
): AsyncGenerator<Candidate, undefined> {
  for (const [i, { letter, body, wallMs }] of records.entries()) {
    const json = inflateBody(body, currentDictionary)
    yield {
      ...{ n: firstN + i, class: classOf[letter], target: targetIn(json), dictionary: currentDictionary },
      ...{ body, storedBytes: body.length, rawBytes: json.length, wallMs },
    }
  }
  return undefined
}

async function packRow(row: AsyncGenerator<Candidate, undefined>): Promise<Omit<Packed, 'corrupt'>> {
  const taken = { numbers: new RangeSet(), rawBytes: 0 }
  const { items, packed } = await fill<Candidate, Payload>({
    targetBytes: targetPayloadBytes,
    next: async () => (await row.next()).value ?? null,
    isEnough({ n, rawBytes }) {
      taken.numbers.add(n)
      taken.rawBytes += rawBytes
      const { numbers } = taken
      return taken.rawBytes >= maxRawBytes || numbers.size >= maxRecords || numbers.runs >= maxRuns
    },
    pack: packPayload,
  })
  const numbers = new RangeSet()
  for (const { n } of items) numbers.add(n)
  const classes: Record<RecordClass, number> = { anomaly: 0, routine: 0, diagnostic: 0 }
  for (const each of items) classes[each.class]++
  const times = items.flatMap(({ wallMs }) => wallMs ?? [])
  return {
    ...packed,
    numbers,
    classes,
    oldestWallMs: times.length === 0 ? null : Math.min(...times),
  }
}

/**
 * @param corrupt - Gets the numbers that a segment should hold and does not hold, once the segment was read to its
 * end.
 */
async function* candidates(
  reader: SegmentReader,
  streams: readonly Stream[],
  settled: RangeSet,
  corrupt: RangeSet,
): AsyncGenerator<Candidate, undefined> {
  for (const stream of streams) {
    for (const segment of stream.segments) {
      const { dictionary } = segment
      const missing = segment.numbers.minus(settled)
      if (missing.isEmpty || dictionary === null) continue
      const bytes = await reader.read(segment)
      if (bytes === null) continue
      for (const { sequence: n, body } of scanFrames(bytes, headerBytes).frames) {
        if (!missing.has(n)) continue
        const json = readRecord(() => inflateBody(body, dictionary))
        if (json === null) continue
        missing.remove(n)
        yield {
          ...{ n, class: classOf[stream.letter], target: targetIn(json), dictionary },
          // The body is copied, because the reader uses its buffer again.
          body: Buffer.from(body),
          ...{ storedBytes: body.length, rawBytes: json.length, wallMs: wallMsIn(json) },
        }
      }
      corrupt.addAll(missing)
    }
  }
  return undefined
}

/** The part of a manifest that says what the payload is. */
export function describePayload(packed: Packed): Pick<Manifest, 'records' | 'payload'> {
  return {
    records: { n: packed.numbers.size, ranges: packed.numbers.list(), classes: { ...packed.classes } },
    payload: {
      codec: packed.codec,
      len: packed.payload.length,
      sha256: sha256Hex(packed.payload),
      rawLen: packed.raw.len,
      rawSha256: packed.raw.sha256,
      schema: 'sonde-record-1',
    },
  }
}

/** The schema's bound for one entry of `lost`. */
const rangesPerEntry = 32

/** The part of a manifest that names what will never be sent. */
export function describeLosses(losses: Losses): Manifest['lost'] {
  return losses.flatMap(({ reason, ranges }) => chunked(ranges).map((few) => ({ ranges: few, reason })))
}

function chunked(ranges: readonly [number, number][]): [number, number][][] {
  const chunks: [number, number][][] = []
  for (let i = 0; i < ranges.length; i += rangesPerEntry) chunks.push(ranges.slice(i, i + rangesPerEntry))
  return chunks
}
