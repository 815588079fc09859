// Which records were acknowledged and are in no batch yet, in a file beside the segments. It tells damage from a power cut: of
// what a cut tears nothing was acknowledged; what is missing and stands here was safe once, and its number is not given again.
// It is written over in place after each commit and flushed at the end alone, so that it costs no flush: after a power cut it
// may be as old as the system lets writes wait, half a minute, and says less, never anything wrong.

import * as v from 'valibot'
import { type DiskFile, writeFully } from '../../platform/atomic-file.ts'
import { encodeState, readStateFile } from '../../platform/state-file.ts'
import { type Disk, isDiskFailure } from '../log/disk.ts'
import { RangeSet } from './ranges.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const content = v.object({
  epoch: v.string(),
  /** One more than the highest number that was acknowledged in this epoch. */
  next: count,
  ranges: v.array(v.tuple([count, count])),
})

/** Numbers of one epoch that were acknowledged. */
export interface Known {
  readonly epoch: string
  /** Size of the file. */
  readonly bytes: number
  readonly next: number
  readonly numbers: RangeSet
}

/** Ranges that fit a block. There are more only while records of many cycles are torn out of their order. */
const maxRanges = 150
const blockBytes = 4096

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

  /** @returns What is known of `epoch`; nothing when the file is of another one, gone, torn or cannot be read. */
  static async read(disk: Disk, path: string, epoch: string): Promise<Known> {
    const kept = await readStateFile(path, content, disk)
    const bytes = await disk.size(path).catch(() => 0)
    if (kept?.epoch !== epoch) return { epoch, bytes, next: 0, numbers: new RangeSet() }
    return { epoch, bytes, next: kept.next, numbers: RangeSet.of(kept.ranges) }
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.#known.bytes
  }

  /** Takes note of records that are durable. Never fails for the disk: what cannot be noted is not known. */
  async note(epoch: string, numbers: readonly number[], settled: RangeSet): Promise<void> {
    const { bytes } = this.#known
    const before = this.#known.epoch === epoch ? this.#known : { next: 0, numbers: new RangeSet() }
    const all = before.numbers.minus(settled)
    for (const n of numbers) all.add(n)
    const next = Math.max(before.next, ...numbers.map((n) => n + 1))
    this.#known = { epoch, bytes, next, numbers: all }
    const ranges = all.list().slice(-maxRanges)
    await this.#attempt(async () => {
      // Blanks to the end of the block: what was longer before is written over.
      const text = Buffer.alloc(blockBytes, ' ')
      encodeState({ epoch, next, ranges }).copy(text)
      this.#file ??= await this.#open()
      await writeFully(this.#file, text, 0)
      this.#known = { ...this.#known, bytes: blockBytes }
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
