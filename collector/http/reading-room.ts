// Places for readers whose questions cost: so many at once, and of these so many from one source. Whoever finds none asks
// again in a moment.

import { Refused } from '../intake/refusal.ts'

export class ReadingRoom {
  readonly #places: number
  readonly #placesEach: number
  readonly #taken = new Map<string, number>()
  #all = 0

  constructor(places: number, placesEach: number) {
    this.#places = places
    this.#placesEach = placesEach
  }

  /**
   * @param source - Whom the reader counts with.
   * @returns What to call when the reader has gone.
   * @throws {Refused} `busy`.
   */
  enter(source: string): () => void {
    const own = this.#taken.get(source) ?? 0
    if (this.#all >= this.#places || own >= this.#placesEach)
      throw new Refused('busy', 'Too many are reading at once')
    this.#all++
    this.#taken.set(source, own + 1)
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      this.#all--
      const left = (this.#taken.get(source) ?? 1) - 1
      if (left === 0) this.#taken.delete(source)
      else this.#taken.set(source, left)
    }
  }
}
