// Room set aside on the file system itself. When other programs have filled the disk, the spool can still seal: it
// gives the reserve back, seals, and what the collector receipts makes room again. Without the reserve, a full disk
// would stay full for ever.

import { writeFully } from '../../platform/atomic-file.ts'
import { type Disk, isDiskFailure, isFull } from './disk.ts'

export class Reserve {
  readonly #disk: Disk
  readonly #path: string
  readonly #size: number
  readonly #onGivenBack: () => void
  #held = false

  constructor(disk: Disk, path: string, size: number, onGivenBack: () => void) {
    this.#disk = disk
    this.#path = path
    this.#size = size
    this.#onGivenBack = onGivenBack
  }

  /** Bytes that are held at the moment. */
  get bytes(): number {
    return this.#held ? this.#size : 0
  }

  /**
   * Sets the room aside unless that is done already. A disk that refuses is no failure: the next call tries again.
   */
  async hold(): Promise<void> {
    if (this.#held) return
    try {
      this.#held = (await this.#sizeOnDisk()) === this.#size || (await this.#fill())
    } catch (error) {
      if (!isDiskFailure(error)) throw error
    }
  }

  /**
   * Does `work`; if the disk is full, gives the room back and does `work` once more.
   * @throws What `work` throws, the second time if there was one.
   */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!isFull(error) || !this.#held) throw error
    }
    this.#held = false
    await this.#disk.unlink(this.#path)
    this.#onGivenBack()
    return await work()
  }

  async #sizeOnDisk(): Promise<number | null> {
    try {
      return await this.#disk.size(this.#path)
    } catch {
      // The file is not there, or not readable: in both cases it is written anew.
      return null
    }
  }

  /** The file is not durable and need not be: a power cut may take it, and the next start makes it again. */
  async #fill(): Promise<boolean> {
    const file = await this.#disk.create(this.#path, 0o600)
    let full = false
    try {
      await writeFully(file, Buffer.alloc(this.#size), 0)
      full = true
    } finally {
      await file.close()
      // A file of part of the size would only take the room that it is meant to keep.
      if (!full) await this.#disk.unlink(this.#path)
    }
    return full
  }
}
