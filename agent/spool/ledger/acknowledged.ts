// Which records were acknowledged and are in no batch yet, in a file beside the segments. It tells damage from a power cut: of
// what a cut tears nothing was acknowledged; what is missing and stands here was safe once, and its number is not given again.
// It is written over in place after each commit and flushed at its making and at the end alone, so that it costs no flush: after
// a power cut it may be as old as the system lets writes wait, half a minute, and says less, never anything wrong. The first block is
// written at its making and never again, and two others take turns: no cut takes all of them. Where none can be believed, damage is
// the reason.

import * as v from 'valibot'
import { type DiskFile, isMissing, writeFileDurably, writeFully } from '../../platform/atomic-file.ts'
import { decodeState, encodeState } from '../../platform/state-file.ts'
import { type Disk, isDiskFailure, readWhatIsLeft } from '../log/disk.ts'
import { RangeSet } from './ranges.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const content = v.object({
  epoch: v.string(),
  /** One more than the highest number that was acknowledged in this epoch. */
  next: count,
  ranges: v.array(v.tuple([count, count])),
  /** Counts up with each writing: of two blocks the newer counts. Absent from an older agent. */
  turn: v.optional(count, 0),
})
type Content = v.InferOutput<typeof content>

/** Numbers of one epoch that were acknowledged. */
export interface Known {
  readonly epoch: string
  /** Size of the file. */
  readonly bytes: number
  readonly next: number
  readonly numbers: RangeSet
  readonly turn: number
}

/** Ranges that fit a block. There are more only while records of many cycles are torn out of their order. */
const maxRanges = 150
const blockBytes = 4096
/** Number of blocks that take turns, behind the first. */
const turns = 2

export class Acknowledged {
  readonly #disk: Disk
  readonly #path: string
  #known: Known
  #file: DiskFile | null = null
  #isFlushed = true

  constructor(disk: Disk, path: string, known: Known) {
    this.#disk = disk
    this.#path = path
    this.#known = known
  }

  /**
   * @returns What is known of `epoch`, which is nothing where the file is of another one; null when the file is gone, or is not
   * what was written.
   * @throws The disk's error, when it may give the file another day.
   */
  static async read(disk: Disk, path: string, epoch: string): Promise<Known | null> {
    const bytes = await readOrNull(disk, path)
    const found = bytes === null ? [] : contentsOf(bytes)
    if (bytes === null || found.length === 0) return null
    const turn = Math.max(...found.map((each) => each.turn))
    const [newest] = found.filter((each) => each.epoch === epoch).sort((a, b) => b.turn - a.turn)
    const { next, ranges } = newest ?? { next: 0, ranges: [] }
    return { epoch, bytes: bytes.length, next, numbers: RangeSet.of(ranges), turn }
  }

  /**
   * Makes the file anew, durably, for an epoch of which nothing was acknowledged.
   * @throws The disk's error.
   */
  static async begin(disk: Disk, path: string, epoch: string): Promise<Known> {
    const text = Buffer.alloc((1 + turns) * blockBytes, ' ')
    encodeState({ epoch, next: 0, ranges: [], turn: 0 }).copy(text)
    await writeFileDurably(path, text, { disk })
    return { epoch, bytes: text.length, next: 0, numbers: new RangeSet(), turn: 0 }
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.#known.bytes
  }

  /** Takes note of records that are durable. Never fails for the disk: what cannot be noted is not known. */
  async note(epoch: string, numbers: readonly number[], settled: RangeSet): Promise<void> {
    const { bytes, turn } = this.#known
    const before = this.#known.epoch === epoch ? this.#known : { next: 0, numbers: new RangeSet() }
    const all = before.numbers.minus(settled)
    for (const n of numbers) all.add(n)
    const next = Math.max(before.next, ...numbers.map((n) => n + 1))
    this.#known = { epoch, bytes, next, numbers: all, turn: turn + 1 }
    const ranges = all.list().slice(-maxRanges)
    await this.#attempt(async () => {
      // Blanks to the end of the block: what was longer before is written over.
      const text = Buffer.alloc(blockBytes, ' ')
      encodeState({ epoch, next, ranges, turn: turn + 1 }).copy(text)
      this.#file ??= await this.#open()
      await writeFully(this.#file, text, (1 + ((turn + 1) % turns)) * blockBytes)
      this.#known = { ...this.#known, bytes: (1 + turns) * blockBytes }
      this.#isFlushed = false
    })
  }

  async close(): Promise<void> {
    await this.#attempt(async () => {
      if (!this.#isFlushed) await this.#file?.datasync()
      this.#isFlushed = true
    })
    await this.#letGo()
  }

  #open(): Promise<DiskFile> {
    return this.#disk.openExisting(this.#path).catch((error) => {
      if (!isDiskFailure(error)) throw error
      return this.#disk.create(this.#path, 0o600)
    })
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      await this.#letGo()
    }
  }

  async #letGo(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close().catch(() => {})
  }
}

/** @returns null when there is none, or nothing of it can be read, and it was moved out of the way. */
async function readOrNull(disk: Disk, path: string): Promise<Buffer | null> {
  try {
    return await readWhatIsLeft(disk, path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** What the blocks hold; an older agent wrote one. */
function contentsOf(bytes: Buffer): Content[] {
  const found: Content[] = []
  for (let at = 0; at < bytes.length; at += blockBytes) {
    try {
      found.push(v.parse(content, decodeState(bytes.subarray(at, at + blockBytes))))
    } catch {
      // Torn, or damaged.
    }
  }
  return found
}
