// The ledger on disk: a log of what changed it, in segments that each begin with the whole ledger. Every entry is on
// the medium before the spool acts on it; in particular before a file that it names is removed. An entry that the
// spool does not act on yet may wait for the next one, which spares the medium a write.

import { join } from 'node:path'
import * as v from 'valibot'
import { removeFile } from '../../platform/atomic-file.ts'
import { currentDictionary, deflateBody, dictionaryNamed, inflateBody } from '../log/dictionary.ts'
import { type Disk, readWhatIsLeft } from '../log/disk.ts'
import { blockAligned, blockBytes, encodeFrame, scanFrames } from '../log/frame.ts'
import { dictionaryOf, headerBytes, SegmentWriter, segmentName, segmentNumbers } from '../log/segment.ts'
import { type Change, type ControlRecord, controlRecord, Ledger } from './ledger.ts'
import { type Range, RangeSet } from './ranges.ts'

/** What the segments found on disk say. */
export type ControlReading =
  | { readonly kind: 'intact'; readonly ledger: Ledger; readonly place: Place }
  /**
   * Entries are missing, or there are none. What can still be known about the records goes along: numbers that were
   * sealed or lost, and the life of the spool they belong to, if that could be read.
   */
  | {
      readonly kind: 'lost'
      readonly epoch: string | null
      readonly settled: RangeSet
      readonly newest: number
      readonly sequence: number
    }

interface Place {
  /** Number of the newest segment; 0 when there is none. */
  readonly newest: number
  /** Sequence number that the next entry will get. */
  readonly sequence: number
  /**
   * Offset in the newest segment at which writing can go on; null when nothing more can be written to that segment.
   */
  readonly tail: number | null
  readonly bytes: number
}

/** More entries than any segment holds. A sequence number that is further ahead is damage, not an entry. */
const plausibleEntries = 10_000
/** Number of entries for which there is room behind a snapshot that is larger than a segment should be. */
const leastEntries = 16

type Receipted = Extract<Change, { kind: 'receipted' }>

interface Entry {
  readonly sequence: number
  readonly record: ControlRecord
}

export class ControlLog {
  ledger: Ledger
  readonly #disk: Disk
  readonly #dir: string
  readonly #segmentBytes: number
  #writer: SegmentWriter | null = null
  #newest: number
  #sequence: number
  /** Changes that are in the ledger, and get onto the medium only with the next entry. */
  #deferred: Receipted[] = []

  private constructor(
    at: { readonly disk: Disk; readonly dir: string; readonly segmentBytes: number },
    ledger: Ledger,
    place: { readonly newest: number; readonly sequence: number },
  ) {
    this.#disk = at.disk
    this.#dir = at.dir
    this.#segmentBytes = at.segmentBytes
    this.ledger = ledger
    this.#newest = place.newest
    this.#sequence = place.sequence
  }

  /** Goes on at the end of an intact log. */
  static async resume(
    at: { readonly disk: Disk; readonly dir: string; readonly segmentBytes: number },
    { ledger, place }: Extract<ControlReading, { kind: 'intact' }>,
  ): Promise<ControlLog> {
    const log = new ControlLog(at, ledger, place)
    if (place.tail === null) return log
    const path = join(at.dir, segmentName('c', place.newest))
    log.#writer = await SegmentWriter.reopen(at.disk, path, {
      tail: place.tail,
      bytes: place.bytes,
      capacity: place.bytes,
    })
    // The last entries, and the file's name, may so far be in the page cache only, and the spool is about to act on
    // them.
    await log.#writer.datasync()
    await at.disk.syncDirectory(at.dir)
    return log
  }

  /** Begins a life of the spool: the new ledger is durable when this resolves, and the old entries are gone. */
  static async begin(
    at: { readonly disk: Disk; readonly dir: string; readonly segmentBytes: number },
    ledger: Ledger,
    after: { readonly newest: number; readonly sequence: number },
  ): Promise<ControlLog> {
    const log = new ControlLog(at, ledger, after)
    await log.#rotate(0)
    return log
  }

  /** Size of the log on disk in bytes. */
  get bytes(): number {
    return this.#writer?.bytes ?? 0
  }

  /**
   * Makes `change` durable together with all that was deferred, then applies it to the ledger.
   * @throws The disk's error. The ledger is then as before; the disk may hold the entry or not, and the next start
   * understands both states.
   */
  async append(change: Change): Promise<void> {
    await this.#write([...this.#deferred, change])
    this.ledger.apply(change)
  }

  /**
   * Applies `change` to the ledger. If the power goes before the next entry, the change has never happened: nothing
   * may be done yet that depends on it.
   */
  defer(change: Receipted): void {
    this.ledger.apply(change)
    this.#deferred.push(change)
  }

  /**
   * Makes durable what was deferred.
   * @throws The disk's error; the deferred changes then go on waiting.
   */
  async settle(): Promise<void> {
    if (this.#deferred.length > 0) await this.#write(this.#deferred)
  }

  async #write(changes: readonly Change[]): Promise<void> {
    const [only] = changes
    const record: ControlRecord =
      only !== undefined && changes.length === 1 ? only : { kind: 'several', changes: [...changes] }
    // An entry that cannot be read back would cost the whole log at the next start.
    v.assert(controlRecord, record)
    const frame = this.#encode(record)
    if (this.#writer === null || !this.#writer.fits(frame.length)) await this.#rotate(frame.length)
    // This number was meant for `record`, and rotating has used one since. What was deferred then stands in the
    // snapshot as well, and applying a receipt twice changes nothing.
    await this.#commit(this.#encode(record))
    this.#deferred = []
  }

  /** Replaces the ledger by that of a new life of the spool, durably. */
  async restart(ledger: Ledger): Promise<void> {
    const before = this.ledger
    this.ledger = ledger
    try {
      await this.#rotate(0)
      this.#deferred = []
    } catch (error) {
      this.ledger = before
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#writer?.close()
    this.#writer = null
  }

  #encode(record: ControlRecord): Buffer {
    const body = deflateBody(JSON.stringify(record), currentDictionary)
    return encodeFrame({ stream: 'c', sequence: this.#sequence, body })
  }

  async #commit(frame: Buffer): Promise<void> {
    const writer = this.#writer
    if (writer === null) throw new Error('Cannot write to a closed control log')
    // The number counts as used even if the write fails: no two different entries ever have the same number.
    this.#sequence++
    try {
      await writer.commit(frame)
    } catch (error) {
      // After a failed sync the kernel may call pages clean that are not on the medium: nothing more is entrusted to
      // this file. The next entry begins a segment with the whole ledger.
      await this.close()
      throw error
    }
  }

  /** Begins a segment with the whole ledger, then removes the older ones. */
  async #rotate(nextFrameBytes: number): Promise<void> {
    await this.close()
    const older = await segmentNumbers(this.#disk, this.#dir, 'c')
    const number = Math.max(this.#newest, ...older) + 1
    const snapshot = this.#encode(this.ledger.snapshot())
    const least = headerBytes + blockAligned(snapshot.length) + blockAligned(nextFrameBytes)
    const header = {
      stream: 'c',
      number,
      epoch: this.ledger.epoch,
      dictionary: currentDictionary.name,
    } as const
    this.#newest = number
    this.#writer = await SegmentWriter.create(this.#disk, this.#dir, header, {
      capacity: Math.max(this.#segmentBytes, least + leastEntries * blockBytes),
      // Zeros are written first on every file system: these are the entries that free room, and they must not need
      // any themselves.
      prefill: true,
    })
    await this.#commit(snapshot)
    for (const old of older) await this.#removeSegment(old)
  }

  async #removeSegment(number: number): Promise<void> {
    // An old segment that cannot be removed only takes room: the newest snapshot is what counts.
    await removeFile(join(this.#dir, segmentName('c', number)), this.#disk).catch(() => {})
  }
}

/** Reads the control log. Damage is a kind of reading, never an exception. */
export async function readControlLog(disk: Disk, dir: string): Promise<ControlReading> {
  const entries: Entry[] = []
  const suspects: number[] = []
  let unreadable = false
  let place: Omit<Place, 'sequence'> = { newest: 0, tail: null, bytes: 0 }
  for (const number of await segmentNumbers(disk, dir, 'c')) {
    const bytes = await readWhatIsLeft(disk, join(dir, segmentName('c', number)))
    if (bytes === null) {
      // The spool acted on what this segment said, whatever the other segments say.
      unreadable = true
      place = { newest: number, tail: null, bytes: 0 }
      continue
    }
    const scan = scanFrames(bytes, headerBytes)
    const name = dictionaryOf(bytes)
    const current = name === currentDictionary.name
    const dictionary = name === null ? currentDictionary : dictionaryNamed(name)
    for (const { sequence, body } of scan.frames) {
      const record =
        dictionary === null ? null : readRecord(() => inflateBody(body, dictionary).toString('utf8'))
      if (record === null) suspects.push(sequence)
      else entries.push({ sequence, record })
    }
    suspects.push(...scan.suspects)
    place = { newest: number, tail: current ? scan.tail : null, bytes: bytes.length }
  }
  entries.sort((a, b) => a.sequence - b.sequence)
  const last = entries.at(-1)?.sequence ?? -1
  const sequence = last + 1
  const ledger = replay(entries)
  // One unreadable entry at the end was being written when the power went, and the spool had not acted on it. A
  // second one behind it means that entries are missing on which the spool did act.
  const behind = suspects.some((each) => each > sequence && each < sequence + plausibleEntries)
  if (ledger === null || behind || unreadable)
    return { kind: 'lost', ...remains(entries), newest: place.newest, sequence }
  return { kind: 'intact', ledger, place: { ...place, sequence } }
}

function readRecord(text: () => string): ControlRecord | null {
  try {
    return v.parse(controlRecord, JSON.parse(text()))
  } catch {
    // The checksum holds, so another version wrote the entry: its meaning is not guessed.
    return null
  }
}

/** @returns The ledger; null when an entry since the snapshot is missing. */
function replay(entries: readonly Entry[]): Ledger | null {
  let ledger: Ledger | null = null
  let expected = 0
  for (const { sequence, record } of entries) {
    if (record.kind === 'snapshot') ledger = Ledger.restore(record)
    else if (sequence === expected) ledger?.apply(record)
    else ledger = null
    expected = sequence + 1
  }
  return ledger
}

/** What single entries still tell when their sum cannot be trusted. */
function remains(entries: readonly Entry[]): { epoch: string | null; settled: RangeSet } {
  let epoch: string | null = null
  const settled = new RangeSet()
  for (const { record } of entries) {
    if (record.kind === 'snapshot') epoch = record.epoch
    for (const each of record.kind === 'several' ? record.changes : [record])
      if (each.kind === 'sealed') epoch = each.batch.epoch
    for (const [first, last] of settledBy(record)) settled.add(first, last)
  }
  return { epoch, settled }
}

function settledBy(record: ControlRecord): readonly Range[] {
  switch (record.kind) {
    case 'snapshot':
      return record.settled
    case 'sealed':
      return record.batch.ranges
    case 'receipted':
      return record.ranges
    case 'lost':
      return record.losses.flatMap((each) => each.ranges)
    case 'several':
      return record.changes.flatMap(settledBy)
    default:
      return []
  }
}
