// Sets of record numbers, kept as unbroken runs: a spool of a hundred thousand records is a few dozen runs.

/** First and last number, both included. */
export type Range = readonly [first: number, last: number]

/** A set of whole numbers from 0. Runs are ascending, do not touch and are never empty. */
export class RangeSet {
  #runs: [number, number][] = []

  static of(ranges: Iterable<Range>): RangeSet {
    const set = new RangeSet()
    for (const [first, last] of ranges) set.add(first, last)
    return set
  }

  /** Adds the numbers from `first` to `last`; none when `last` is below `first`. */
  add(first: number, last = first): void {
    if (last < first) return
    const runs = this.#runs
    const newest = runs.at(-1)
    // Numbers mostly arrive in order: with this, recovery of a full spool takes linear time.
    if (newest === undefined || first > newest[1] + 1) {
      runs.push([first, last])
      return
    }
    const from = this.#firstEndingFrom(first - 1)
    let to = from
    let low = first
    let high = last
    for (let run = runs[to]; run !== undefined && run[0] <= last + 1; run = runs[to]) {
      low = Math.min(low, run[0])
      high = Math.max(high, run[1])
      to++
    }
    runs.splice(from, to - from, [low, high])
  }

  remove(n: number): void {
    const i = this.#firstEndingFrom(n)
    const run = this.#runs[i]
    if (run === undefined || run[0] > n) return
    const [first, last] = run
    const left: [number, number][] = []
    if (first < n) left.push([first, n - 1])
    if (n < last) left.push([n + 1, last])
    this.#runs.splice(i, 1, ...left)
  }

  addAll(other: RangeSet): void {
    for (const [first, last] of other.#runs) this.add(first, last)
  }

  has(n: number): boolean {
    const run = this.#runs[this.#firstEndingFrom(n)]
    return run !== undefined && run[0] <= n
  }

  /** @returns The numbers in this set and not in `other`, as a new set. */
  minus(other: RangeSet): RangeSet {
    const left = new RangeSet()
    for (const [first, last] of this.#runs) {
      let next = first
      for (let i = other.#firstEndingFrom(first); next <= last; i++) {
        const hole = other.#runs[i]
        if (hole === undefined || hole[0] > last) {
          left.add(next, last)
          break
        }
        left.add(next, hole[0] - 1)
        next = hole[1] + 1
      }
    }
    return left
  }

  /** @returns The numbers in both sets, as a new set. */
  and(other: RangeSet): RangeSet {
    return this.minus(this.minus(other))
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  /** How many numbers are in the set. */
  get size(): number {
    return this.#runs.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  }

  /** How many unbroken runs the set is made of. */
  get runs(): number {
    return this.#runs.length
  }

  /** The highest number; −1 when the set is empty. */
  get max(): number {
    return this.#runs.at(-1)?.[1] ?? -1
  }

  /** @returns The first `most` runs, in ascending order. */
  list(most = Number.POSITIVE_INFINITY): [number, number][] {
    return this.#runs.slice(0, most).map(([first, last]) => [first, last])
  }

  /** Index of the first run that ends at `n` or later. */
  #firstEndingFrom(n: number): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const run = this.#runs[middle]
      if (run !== undefined && run[1] < n) low = middle + 1
      else high = middle
    }
    return low
  }
}
