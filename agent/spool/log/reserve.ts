// Room set aside on the file system itself. When others have filled the disk, the spool can still seal: it gives the
// reserve back, seals, and what the collector receipts makes room again. Without it a full disk would be for ever.

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

  /** Bytes held at the moment. */
  get bytes(): number {
    return this.#held ? this.#size : 0
  }

  /** Sets the room aside if it is not. A disk that refuses is no failure: the next call tries again. */
  async hold(): Promise<void> {
    if (this.#held) return
    try {
      this.#held = (await this.#sizeOnDisk()) === this.#size || (await this.#fill())
    } catch (error) {
      if (!isDiskFailure(error)) throw error
    }
  }

  /**
   * Does `work`; if the disk is full, gives the room back and does it once more.
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
      // Not there, or not readable: it is written anew either way.
      return null
    }
  }

  /** Not durable and not meant to be: a power cut may take it, and the next start makes it again. */
  async #fill(): Promise<boolean> {
    const file = await this.#disk.create(this.#path, 0o600)
    let full = false
    try {
      await writeFully(file, Buffer.alloc(this.#size), 0)
      full = true
    } finally {
      await file.close()
      // A piece of it would only take the room it is meant to keep.
      if (!full) await this.#disk.unlink(this.#path)
    }
    return full
  }
}
