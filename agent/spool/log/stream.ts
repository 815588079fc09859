// The records of one class, as a row of segments: new records go to the newest, and the oldest is given up first. A
// stream knows which numbers stand in which segment and nothing of their content.

import { join } from 'node:path'
import { removeFile } from '../../platform/atomic-file.ts'
import { RangeSet } from '../ledger/ranges.ts'
import { currentDictionary, type Dictionary, dictionaryNamed, inflateBody } from './dictionary.ts'
import { type Disk, isDiskFailure, readWhatIsLeft } from './disk.ts'
import {
  blockAligned,
  encodeFrame,
  type FoundFrame,
  frameHeadBytes,
  type StreamLetter,
  scanFrames,
} from './frame.ts'
import { dictionaryOf, headerBytes, SegmentWriter, segmentName, segmentNumbers } from './segment.ts'

export type RecordStreamLetter = Exclude<StreamLetter, 'c'>

/** A record ready to be written. */
export interface StoredRecord {
  readonly n: number
  /** The record's JSON, deflated with the current dictionary. */
  readonly body: Uint8Array
  readonly wallMs: number
}

export interface StoredSegment {
  readonly number: number
  readonly path: string
  /** Size of the segment on disk. */
  bytes: number
  /** Numbers of the records in the segment; no number is in two segments. */
  readonly numbers: RangeSet
  /** Wall clock of the first record; null while there is no record, or none that can be read. */
  oldestWallMs: number | null
  /**
   * null when the segment was made with a dictionary that this agent does not have; it is left for an agent that has
   * it.
   */
  readonly dictionary: Dictionary | null
  /** True when no record in the segment repeats another one in it; forgotten at a restart. */
  thinned?: boolean
}

/** Where and how a stream keeps its segments. */
export interface StreamPlace {
  readonly disk: Disk
  readonly dir: string
  readonly epoch: string
  readonly segmentBytes: number
  readonly prefill: boolean
}

export class Stream {
  readonly letter: RecordStreamLetter
  /** Segments of the stream, oldest first. */
  readonly segments: StoredSegment[]
  readonly #place: StreamPlace
  /** Appends to the last of `segments`; null when the next commit begins a new one. */
  #writer: SegmentWriter | null
  #newest: number

  constructor(
    place: StreamPlace,
    letter: RecordStreamLetter,
    found?: { readonly segments: readonly StoredSegment[]; readonly writer: SegmentWriter | null },
  ) {
    this.#place = place
    this.letter = letter
    this.segments = [...(found?.segments ?? [])]
    this.#writer = found?.writer ?? null
    this.#newest = this.segments.at(-1)?.number ?? 0
  }

  get bytes(): number {
    return this.segments.reduce((sum, each) => sum + each.bytes, 0)
  }

  /** @returns By how many bytes the stream may grow on disk when `records` are appended. */
  growth(records: readonly StoredRecord[]): number {
    const bytes = records.reduce((sum, { body }) => sum + frameHeadBytes + body.length, 0)
    const fits = this.#writer?.fits(bytes) ?? false
    if (fits) return this.#place.prefill ? 0 : blockAligned(bytes)
    return blockAligned(bytes) + this.#place.segmentBytes
  }

  /**
   * Writes the first of `records`, as many as one commit takes, and waits until they are durable.
   *
   * @returns How many were written: at least one.
   * @throws The disk's error. Some of the records may be on disk all the same. Writing them again is right: only the
   * last copy counts here, and at the next start one of the two counts.
   */
  async append(records: readonly StoredRecord[]): Promise<number> {
    const most = this.#place.segmentBytes - headerBytes
    const frames: Buffer[] = []
    let bytes = 0
    for (const { n, body } of records) {
      const frame = encodeFrame({ stream: this.letter, sequence: n, body })
      if (bytes > 0 && bytes + frame.length > most) break
      frames.push(frame)
      bytes += frame.length
    }
    await this.#commit(records.slice(0, frames.length), Buffer.concat(frames))
    return frames.length
  }

  async #commit(records: readonly StoredRecord[], group: Buffer): Promise<void> {
    if (this.#writer === null || !this.#writer.fits(group.length)) await this.#rotate(group.length)
    const writer = this.#writer
    const segment = this.segments.at(-1)
    if (writer === null || segment === undefined) throw new Error(`Stream ${this.letter} has no segment`)
    try {
      await writer.commit(group)
    } catch (error) {
      // After a failed sync the spool trusts this file with nothing more: the records that went to it are written
      // again elsewhere.
      await this.closeWriter()
      throw error
    }
    segment.bytes = writer.bytes
    segment.oldestWallMs ??= records[0]?.wallMs ?? null
    for (const { n } of records) segment.numbers.add(n)
  }

  async #rotate(groupBytes: number): Promise<void> {
    await this.closeWriter()
    const number = this.#newest + 1
    const { disk, dir, epoch, segmentBytes, prefill } = this.#place
    const header = { stream: this.letter, number, epoch, dictionary: currentDictionary.name }
    const writer = await SegmentWriter.create(disk, dir, header, {
      // A record that is larger than a segment gets a segment of its own size.
      capacity: Math.max(segmentBytes, headerBytes + blockAligned(groupBytes)),
      prefill,
    })
    this.#newest = number
    this.#writer = writer
    this.segments.push({
      number,
      path: join(dir, segmentName(this.letter, number)),
      bytes: writer.bytes,
      numbers: new RangeSet(),
      oldestWallMs: null,
      dictionary: currentDictionary,
    })
  }

  /** Whether `segment` is the one that is being written. */
  isOpen(segment: StoredSegment): boolean {
    return this.#writer !== null && segment === this.segments.at(-1)
  }

  /**
   * Forgets and removes a segment. Before that, it must be durable that nothing in the segment is needed any more.
   */
  async remove(segment: StoredSegment): Promise<void> {
    if (this.isOpen(segment)) await this.closeWriter()
    this.segments.splice(this.segments.indexOf(segment), 1)
    // A segment that cannot be removed is found at the next start, holds nothing that counts, and is removed then.
    await removeFile(segment.path, this.#place.disk).catch(() => {})
  }

  /** As `remove()`, but goes on in the segment that is being written, without the records in it. */
  async clear(segment: StoredSegment): Promise<void> {
    try {
      if (this.isOpen(segment)) return await this.#writer?.wipe(segment.numbers.max)
    } catch (error) {
      if (!isDiskFailure(error)) throw error
    }
    await this.remove(segment)
  }

  async closeWriter(): Promise<void> {
    await this.#writer?.close()
    this.#writer = null
  }
}

/** What was read from a stream's folder. */
export interface StreamReading {
  readonly segments: readonly StoredSegment[]
  /**
   * Numbers that may have stood, if they were of this stream, where committed records are now missing. Damage in the
   * last commit is not among them: there a power cut is the likely cause, and no `put` had resolved for those
   * records.
   */
  readonly damaged: RangeSet
  /** Numbers that unreadable heads name; they cannot be trusted. */
  readonly suspects: readonly number[]
  /** Offset in the last segment at which writing can go on; null when a new segment is due. */
  readonly tail: number | null
}

/** Reads all segments of a stream. Damage is reported, never thrown. */
export async function readStream(
  disk: Disk,
  dir: string,
  letter: RecordStreamLetter,
): Promise<StreamReading> {
  const segments: StoredSegment[] = []
  const suspects: number[] = []
  const seen = new RangeSet()
  const damaged = new RangeSet()
  /** First number that the damage may cover; where it ends is known only from the next segment. */
  let damageFrom: number | null = null
  let last = -1
  let tail: number | null = null
  const numbers = await segmentNumbers(disk, dir, letter)
  for (const number of numbers) {
    const path = join(dir, segmentName(letter, number))
    const bytes = await readWhatIsLeft(disk, path)
    if (bytes === null) {
      damageFrom ??= last + 1
      tail = null
      continue
    }
    const name = dictionaryOf(bytes)
    // Without a header, the current dictionary is the best guess; frames that it does not unpack are lost.
    const dictionary = name === null ? currentDictionary : dictionaryNamed(name)
    const scan = scanFrames(bytes, headerBytes)
    const first = scan.frames[0]?.sequence
    if (damageFrom !== null && first !== undefined) {
      damaged.add(damageFrom, first - 1)
      damageFrom = null
    }
    for (const gap of scan.gaps) {
      if (gap.inLastCommit && number === numbers.at(-1)) continue
      const from = (gap.after ?? last) + 1
      if (gap.before !== null) damaged.add(from, gap.before - 1)
      else damageFrom ??= from
    }
    last = scan.frames.at(-1)?.sequence ?? last
    // After a failed sync a commit is written again: the first copy counts, and the second is ignored.
    const fresh = scan.frames.filter((frame) => frame.stream === letter && !seen.has(frame.sequence))
    for (const { sequence } of fresh) seen.add(sequence)
    segments.push({
      number,
      path,
      bytes: bytes.length,
      numbers: RangeSet.of(fresh.map(({ sequence }) => [sequence, sequence])),
      oldestWallMs: dictionary === null ? null : wallMsOf(fresh[0], dictionary),
      dictionary,
    })
    suspects.push(...scan.suspects)
    tail = name === currentDictionary.name ? scan.tail : null
  }
  return { segments, damaged, suspects, tail }
}

function wallMsOf(frame: FoundFrame | undefined, dictionary: Dictionary): number | null {
  if (frame === undefined) return null
  try {
    return wallMsIn(inflateBody(frame.body, dictionary))
  } catch {
    // Without this time, only the spool's age in the statistics is missing.
    return null
  }
}

/** @returns The record's wall clock, read without parsing the record: class and time are written first. */
export function wallMsIn(json: Buffer): number | null {
  const match = /"wall_ms":(\d+)/.exec(json.toString('latin1', 0, 120))
  return match === null ? null : Number(match[1])
}
