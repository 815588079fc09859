// Runs work one at a time per key: two posts from one probe are settled in order, and posts from two probes do not
// wait for each other.

export class Turns {
  /** The end of each queue. A key is in the map only while something runs under it. */
  readonly #last = new Map<string, Promise<void>>()

  /** Runs `work` when everything that was asked for earlier under this key has ended, successfully or not. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const result = before.then(work)
    // Only the order is passed on: how the work before ended concerns only its own caller.
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
