// How much of the disk each probe has: one with a good key, its own or a stolen one, must not take the room of all others.

/** Bytes. At 10 MB a day, those of a year. */
export const usualShareBytes = 4 * 1024 * 1024 * 1024
/** What a batch takes beside its own bytes: its receipt, and the rest of a block of each. */
const besideBytes = 4_096

export class DiskShares {
  readonly #most: number
  readonly #held = new Map<string, number>()

  /** @param most - Bytes of one probe. */
  constructor(most: number = usualShareBytes) {
    this.#most = most
  }

  /** Whether a batch of so many bytes fits into what its probe has left. */
  hasRoom(device: string, bytes: number): boolean {
    return this.heldBy(device) + bytes + besideBytes <= this.#most
  }

  add(device: string, bytes: number): void {
    this.#held.set(device, this.heldBy(device) + bytes + besideBytes)
  }

  heldBy(device: string): number {
    return this.#held.get(device) ?? 0
  }
}
