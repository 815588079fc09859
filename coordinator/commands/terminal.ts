// Where a command prints and whom it asks: results to standard output, everything else beside it, questions too. Printing never
// fails: see output.ts.

import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { outputOn } from '../../tests-spec/command-line/output.ts'
import { safeLines } from '../../tests-spec/command-line/safe-text.ts'

export interface Terminal {
  /** Results: what a script would read. */
  out(text: string): void
  err(text: string): void
  /** Columns of the terminal behind `out`; 80 when it is none. */
  readonly columns: number
  /**
   * @param secret - Nothing of the answer is shown.
   * @returns The line that was typed; null where there is no terminal, or it was closed.
   */
  ask(question: string, secret?: boolean): Promise<string | null>
}

export interface ProcessTerminal extends Terminal {
  /** Waits for what is under way. @returns Why results could not be printed for somebody who wants them, or null. */
  settled(): Promise<string | null>
}

export function processTerminal(): ProcessTerminal {
  const out = outputOn(process.stdout)
  const err = outputOn(process.stderr)
  const asked = new Asked((text) => err.write(text))
  return {
    // A file or a pipe gets results to the byte. A terminal would obey what strangers have written into them.
    out: (text) => out.write(process.stdout.isTTY === true ? safeLines(text) : text),
    err: (text) => err.write(safeLines(text)),
    columns: process.stdout.columns || 80,
    async ask(question, secret = false) {
      if (process.stdin.isTTY !== true) return null
      await out.drained()
      return asked.ask(question, secret)
    },
    async settled() {
      asked.close()
      return out.settled()
    },
  }
}

/** One reader for all questions: what was typed ahead belongs to the next. */
class Asked {
  readonly #write: (text: string) => void
  #lines: Interface | null = null
  #isSecret = false
  #isClosed = false

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  ask(question: string, secret: boolean): Promise<string | null> {
    this.#lines ??= this.#open()
    const lines = this.#lines
    if (this.#isClosed) return Promise.resolve(null)
    this.#write(safeLines(question))
    this.#isSecret = secret
    return new Promise((resolve) => {
      const closed = () => resolve(null)
      lines.once('close', closed)
      lines.once('line', (line) => {
        lines.off('close', closed)
        this.#isSecret = false
        if (secret) this.#write('\n')
        lines.pause()
        resolve(line)
      })
      lines.resume()
    })
  }

  close(): void {
    this.#lines?.close()
  }

  #open(): Interface {
    const shown = new Writable({
      write: (chunk, _, done) => {
        if (!this.#isSecret) this.#write(String(chunk))
        done()
      },
    })
    const lines = createInterface({ input: process.stdin, output: shown, terminal: true, historySize: 0 })
    lines.on('close', () => {
      this.#isClosed = true
    })
    return lines
  }
}
