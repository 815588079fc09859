// How far a long run has come, in a line for each thing that is done.

export class Progress {
  readonly #say: (line: string) => void
  readonly #startMs: number
  readonly #nowMs: () => number
  #done = 0
  #of = 0

  /** @param nowMs - A clock that does not jump. */
  constructor(say: (line: string) => void, nowMs: () => number = () => performance.now()) {
    this.#say = say
    this.#nowMs = nowMs
    this.#startMs = nowMs()
  }

  /** So many more things are to be done. */
  add(count: number): void {
    this.#of += count
  }

  /** Since the beginning. */
  seconds(): number {
    return (this.#nowMs() - this.#startMs) / 1000
  }

  /** One more is done. */
  note(what: string): void {
    this.#done += 1
    const minutes = (this.seconds() / 60).toFixed(1)
    this.#say(`${this.#done} of ${this.#of} after ${minutes} min: ${what}`)
  }
}
