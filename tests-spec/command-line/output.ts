// Where a program prints, and what becomes of it when nobody can take it any more. A pipe whose reader has gone, a
// terminal that was closed, a disk that is full: none may end the program, because what it does is worth more than what
// it says. The stream is an argument.

export interface OutputStream {
  write(text: string, done: (error?: Error | null) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  readonly isTTY?: boolean
}

export interface Output {
  write(text: string): void
  /**
   * Waits until everything is written, or will never be.
   * @returns Why something was lost that somebody still wants, or null. Who closed the pipe or the terminal wants nothing.
   */
  settled(): Promise<string | null>
  isBroken(): boolean
  /** Waits until what was written so far is out. @returns Whether writing more makes sense. */
  drained(): Promise<boolean>
}

/** After the first failure nothing more is written: a gap in the middle would look like the whole. */
export function outputOn(stream: OutputStream): Output {
  let failure: Error | null = null
  let underWay: Promise<void> = Promise.resolve()
  const note = (error: Error) => {
    failure ??= error
  }
  // Without a listener the stream's error would end the program.
  stream.on('error', note)
  return {
    isBroken: () => failure !== null,
    async drained() {
      await underWay
      return failure === null
    },
    write(text) {
      if (failure !== null) return
      const written = new Promise<void>((resolve) => {
        try {
          stream.write(text, (error) => {
            if (error) note(error)
            resolve()
          })
        } catch (error) {
          // Some Node.js throw it, where others tell the stream.
          note(error instanceof Error ? error : new Error(String(error)))
          resolve()
        }
      })
      underWay = underWay.then(() => written)
    },
    async settled() {
      await underWay
      return failure === null || isUnwanted(failure, stream.isTTY === true) ? null : failure.message
    },
  }
}

/** EIO is what a terminal answers that is closed, and a disk that fails. */
function isUnwanted(error: Error, isTerminal: boolean): boolean {
  const code = 'code' in error ? error.code : undefined
  return code === 'EPIPE' || code === 'ECONNRESET' || (isTerminal && (code === 'EIO' || code === 'ENXIO'))
}

/** What is said of it, and the exit code of a command that went well but could not say so (sysexits: EX_IOERR). */
export const outputLost = {
  exitCode: 74,
  code: 'output_lost',
  sentence: (why: string) =>
    `What it had to print could not be written: ${why}. What it had to do is done, and nothing that it keeps is lost.`,
} as const
