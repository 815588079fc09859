// One at a time per key: two posts from one probe are settled in order, posts from two probes do not wait for each
// other.

export class Turns {
  /** The end of each queue. A key is here only while something runs under it. */
  readonly #last = new Map<string, Promise<void>>()

  /** Runs `work` when everything asked for earlier under this key has ended, well or not. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const result = before.then(work)
    // Only the order is passed on: how the one before ended is the business of whoever asked for it.
    const end = result.then(nothing, nothing)
    this.#last.set(key, end)
    try {
      return await result
    } finally {
      if (this.#last.get(key) === end) this.#last.delete(key)
    }
  }
}

function nothing(): void {}
