// Records that were put and then given up in memory, because the disk refused for too long. The next manifest names
// them; until then they are held here, by number or, where no number could be given yet, by count.

import { RangeSet } from './ledger/ranges.ts'

/** The part of a store that takes note of dropped records. */
interface Noting {
  takeNumber(): number
  lose(reason: 'disk_full', numbers: RangeSet): Promise<void>
}

export class DroppedRecords {
  #numbers = new RangeSet()
  #unnumbered = 0

  get count(): number {
    return this.#numbers.size + this.#unnumbered
  }

  /** @param n - null for a record that had no number yet. */
  add(n: number | null): void {
    if (n === null) this.#unnumbered++
    else this.#numbers.add(n)
  }

  /** The numbers belonged to an epoch that is over: the records need other numbers to be named by. */
  forgetNumbers(): void {
    this.#unnumbered += this.#numbers.size
    this.#numbers = new RangeSet()
  }

  /**
   * Notes all dropped records in the ledger.
   * @throws The disk's error; the records are then held as before.
   */
  async settle(store: Noting): Promise<void> {
    const numbers = this.#numbers
    for (; this.#unnumbered > 0; this.#unnumbered--) numbers.add(store.takeNumber())
    // More records may be dropped while these are being noted.
    this.#numbers = new RangeSet()
    try {
      await store.lose('disk_full', numbers)
    } catch (error) {
      this.#numbers.addAll(numbers)
      throw error
    }
  }
}
