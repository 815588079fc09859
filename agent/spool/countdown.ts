// The wait for a write that no record makes due by itself. The countdown runs or it does not: starting it twice leads
// to one write.

/** Calls `run` once after `ms` milliseconds, unless the function that is returned is called before. */
export type Timer = (ms: number, run: () => void) => () => void

export class Countdown {
  readonly #timer: Timer
  readonly #ms: number
  readonly #run: () => void
  /** null while the countdown does not run. */
  #cancel: (() => void) | null = null

  /** @param run - Called at the end of each countdown, which is over by then. */
  constructor(timer: Timer, ms: number, run: () => void) {
    this.#timer = timer
    this.#ms = ms
    this.#run = run
  }

  /**
   * Starts the countdown. One that already runs stays as it is: the first record that waits must not wait longer
   * because others came behind it.
   */
  start(): void {
    this.#cancel ??= this.#timer(this.#ms, () => {
      this.#cancel = null
      this.#run()
    })
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }
}

/** The timer does not keep the process alive: the agent closes the spool before it ends. */
export const systemTimer: Timer = (ms, run) => {
  const timeout = setTimeout(run, ms)
  timeout.unref()
  return () => clearTimeout(timeout)
}
