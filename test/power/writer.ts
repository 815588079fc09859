// A program whose promises are tried by power cuts: what it does, and how what is left is judged.

/** Says something to the world outside: from then on a power cut must not contradict it. */
export type Say = (word: object) => void

export interface Writer {
  /**
   * Writes under `dir` until it is killed.
   *
   * @param life - From 0. Later ones find what the ones before have left.
   */
  write(dir: string, life: number, say: Say): Promise<never>
  /**
   * Starts again on what a power cut has left.
   *
   * @param said - All that was said before the cut, by all lives.
   * @returns What is wrong: what was promised and is gone, or is there and should not be. Empty when all is well.
   */
  check(dir: string, said: readonly unknown[]): Promise<string[]>
}

/** Lets the event loop run, so that promises of others are kept. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
