// From unsealed records to the bytes of a batch (tests-spec/protocol/batch.md). Reads segments, writes nothing.

import { createHash, type Hash } from 'node:crypto'
import { constants, createBrotliCompress } from 'node:zlib'
import type { RecordClass } from '../../tests-spec/data-formats/measurement.ts'
import type { Manifest } from '../../tests-spec/protocol/batch.ts'
import { inflateBody } from './dictionary.ts'
import { type Disk, isDiskFailure, readAround } from './disk.ts'
import { scanFrames } from './frame.ts'
import { RangeSet } from './ranges.ts'
import { headerBytes } from './segment.ts'
import { type StoredSegment, type Stream, wallMsIn } from './stream.ts'

/**
 * A batch goes up whole or not at all: 64 KiB is what a link of 100 kbit/s with 5 % loss still carries in one piece.
 * The envelope takes the rest.
 */
const targetPayloadBytes = 60 * 1024
/** What is missing to the target is not worth another round of packing. */
const nearEnough = 0.92
/** Bounds the time a small device packs while records wait to be written: some seconds on the slowest. */
const maxRawBytes = 8 * 1024 * 1024
const maxRecords = 4_096
/** A run is 16 bytes of manifest at most: keeps the envelope, base64 and losses included, far below its ceiling. */
const maxRuns = 1_000

/** Records packed as the payload of a batch. */
export interface Packed {
  readonly payload: Buffer
  readonly raw: { readonly len: number; readonly sha256: string }
  readonly numbers: RangeSet
  readonly classes: Readonly<Record<RecordClass, number>>
  readonly oldestWallMs: number | null
  /** Numbers that should be in the segments read and are not: rot found on the way. They are not in `numbers`. */
  readonly corrupt: RangeSet
}

const classOf = { a: 'anomaly', r: 'routine', d: 'diagnostic' } as const

/**
 * Packs unsealed records until a batch is full.
 *
 * @param streams - In the order of their urgency. Within one, the oldest records go first.
 * @param settled - Numbers that are not to be packed any more.
 */
export async function packRecords(
  reader: SegmentReader,
  streams: readonly Stream[],
  settled: RangeSet,
): Promise<Packed> {
  const packer = new Packer()
  const corrupt = new RangeSet()
  for (const stream of streams) {
    for (const segment of stream.segments) {
      if (packer.isFull) break
      const unsealed = segment.numbers.minus(settled)
      if (unsealed.isEmpty) continue
      corrupt.addAll(await packSegment(reader, segment, unsealed, classOf[stream.letter], packer))
    }
  }
  return { ...(await packer.finish()), corrupt }
}

/** @returns Those of `unsealed` that the segment should hold and does not. */
async function packSegment(
  reader: SegmentReader,
  segment: StoredSegment,
  unsealed: RangeSet,
  recordClass: RecordClass,
  packer: Packer,
): Promise<RangeSet> {
  const { dictionary } = segment
  const bytes = dictionary === null ? null : await reader.read(segment)
  if (dictionary === null || bytes === null) return new RangeSet()
  const missing = new RangeSet()
  missing.addAll(unsealed)
  for (const { sequence, body } of scanFrames(bytes, headerBytes).frames) {
    if (!missing.has(sequence)) continue
    // What is left was not looked at.
    if (packer.isFull) return new RangeSet()
    const json = readRecord(() => inflateBody(body, dictionary))
    if (json === null) continue
    await packer.add({ n: sequence, class: recordClass, json, storedBytes: body.length })
    missing.remove(sequence)
  }
  return missing
}

/** @returns Those of `numbers` that the segment holds and that can be read; none when the disk refuses. */
export async function readRecords(
  reader: SegmentReader,
  segment: StoredSegment,
  numbers: RangeSet,
): Promise<{ n: number; json: Buffer; wallMs: number }[]> {
  const { dictionary } = segment
  const bytes = dictionary === null ? null : await reader.read(segment)
  if (dictionary === null || bytes === null) return []
  return scanFrames(bytes, headerBytes).frames.flatMap(({ sequence: n, body }) => {
    const json = numbers.has(n) ? readRecord(() => inflateBody(body, dictionary)) : null
    return json === null ? [] : [{ n, json, wallMs: wallMsIn(json) ?? segment.oldestWallMs ?? 0 }]
  })
}

/**
 * Reads segments into one buffer that is kept: a megabyte thrown away at every sealing is a megabyte that the garbage
 * collector notices late.
 */
export class SegmentReader {
  readonly #disk: Disk
  #buffer = Buffer.alloc(0)

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** @returns The segment, good until the next one is read; null when the disk refuses. */
  async read({ path, bytes }: StoredSegment): Promise<Buffer | null> {
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes)
    try {
      const file = await this.#disk.openExisting(path)
      try {
        return this.#buffer.subarray(0, await readAround(file, this.#buffer.subarray(0, bytes)))
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      // One sick place on a card must not hold up everything else. The next sealing tries it again.
      return null
    }
  }
}

/** null when it is not a record. */
function readRecord(inflate: () => Buffer): Buffer | null {
  try {
    const json = inflate()
    return json.subarray(0, recordBegins.length).equals(recordBegins) ? json : null
  } catch {
    // Deflated with another dictionary, in a segment whose header could not say so.
    return null
  }
}

const recordBegins = Buffer.from('{"class":"')

class Packer {
  readonly #brotli = createBrotliCompress({
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 5,
      // 1 MiB, about what a batch unpacks to: the same target a cycle earlier is within reach. More gained nothing.
      [constants.BROTLI_PARAM_LGWIN]: 20,
    },
  })
  readonly #chunks: Buffer[] = []
  readonly #rawHash: Hash = createHash('sha256')
  readonly #numbers = new RangeSet()
  readonly #classes: Record<RecordClass, number> = { anomaly: 0, routine: 0, diagnostic: 0 }
  #line = Buffer.alloc(0)
  #oldestWallMs: number | null = null
  #rawBytes = 0
  #packedBytes = 0
  /** Size in the segments of what went in, and how much of it the packed bytes stand for. */
  #storedBytes = 0
  #storedBytesPacked = 0

  isFull = false

  constructor() {
    this.#brotli.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#packedBytes += chunk.length
    })
  }

  async add(record: { n: number; class: RecordClass; json: Buffer; storedBytes: number }): Promise<void> {
    const bytes = this.#lineOf(record)
    await new Promise<void>((resolve, reject) => {
      this.#brotli.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
    this.#rawHash.update(bytes)
    this.#rawBytes += bytes.length
    this.#storedBytes += record.storedBytes
    this.#numbers.add(record.n)
    this.#classes[record.class]++
    const wallMs = wallMsIn(record.json)
    if (wallMs !== null) this.#oldestWallMs = Math.min(this.#oldestWallMs ?? wallMs, wallMs)
    this.isFull = await this.#decideFull()
  }

  /** One line of NDJSON, with the number that only the frame had. Good until the next. */
  #lineOf({ n, json }: { n: number; json: Buffer }): Buffer {
    const head = `{"n":${n},`
    const length = head.length + json.length
    if (length > this.#line.length) this.#line = Buffer.allocUnsafe(2 * length)
    this.#line.write(head, 'latin1')
    json.copy(this.#line, head.length, 1)
    this.#line.write('\n', length - 1, 'latin1')
    return this.#line.subarray(0, length)
  }

  /**
   * Brotli says nothing of its size until it has read megabytes. So the size in the segments serves as a guess; when
   * that says full, brotli is told to write out, and the guess is made with the ratio found.
   */
  async #decideFull(): Promise<boolean> {
    const { anomaly, routine, diagnostic } = this.#classes
    if (anomaly + routine + diagnostic >= maxRecords) return true
    if (this.#rawBytes >= maxRawBytes || this.#numbers.runs >= maxRuns) return true
    if (this.#guess() < targetPayloadBytes) return false
    await new Promise<void>((resolve) => {
      this.#brotli.flush(constants.BROTLI_OPERATION_FLUSH, () => resolve())
    })
    this.#storedBytesPacked = this.#storedBytes
    return this.#packedBytes >= targetPayloadBytes * nearEnough
  }

  #guess(): number {
    const ratio = this.#storedBytesPacked === 0 ? 1 : this.#packedBytes / this.#storedBytesPacked
    return this.#packedBytes + (this.#storedBytes - this.#storedBytesPacked) * ratio
  }

  async finish(): Promise<Omit<Packed, 'corrupt'>> {
    await new Promise<void>((resolve, reject) => {
      this.#brotli.on('end', resolve).on('error', reject)
      this.#brotli.end()
    })
    return {
      payload: Buffer.concat(this.#chunks),
      raw: { len: this.#rawBytes, sha256: this.#rawHash.digest('hex') },
      numbers: this.#numbers,
      classes: this.#classes,
      oldestWallMs: this.#oldestWallMs,
    }
  }
}

/** The part of a manifest that says what the payload is. */
export function describePayload(packed: Packed): Pick<Manifest, 'records' | 'payload'> {
  return {
    records: { n: packed.numbers.size, ranges: packed.numbers.list(), classes: { ...packed.classes } },
    payload: {
      codec: 'br',
      len: packed.payload.length,
      sha256: createHash('sha256').update(packed.payload).digest('hex'),
      rawLen: packed.raw.len,
      rawSha256: packed.raw.sha256,
      schema: 'sonde-record-1',
    },
  }
}
