// Where a command prints: results to standard output, everything else beside it. Neither ever fails: see output.ts.

import { closeSync } from 'node:fs'
import { outputOn } from '../../tests-spec/command-line/output.ts'
import { safeLines } from '../../tests-spec/command-line/safe-text.ts'

export interface Terminal {
  /** Results: what a script would read. */
  out(text: string): void
  err(text: string): void
  /** Waits until results written so far are out. @returns Whether anybody takes more. */
  drained(): Promise<boolean>
}

export interface ProcessTerminal extends Terminal {
  /** Columns of the terminal behind `out`; 80 when it is none. */
  readonly columns: number
  /** Waits for what is under way. @returns Why results could not be printed for somebody who wants them, or null. */
  settled(): Promise<string | null>
  /** Whether nobody hears it any more. */
  isBroken(): boolean
}

export function processTerminal(): ProcessTerminal {
  const out = outputOn(process.stdout)
  const err = outputOn(process.stderr)
  return {
    // A file or a pipe gets results to the byte. A terminal would obey what strangers have written into them.
    out: (text) => out.write(process.stdout.isTTY === true ? safeLines(text) : text),
    err: (text) => err.write(safeLines(text)),
    drained: () => out.drained(),
    columns: process.stdout.columns ?? 80,
    settled: () => out.settled(),
    isBroken: () => out.isBroken() || err.isBroken(),
  }
}

/** For the end of a process whose terminal was closed: Node.js would put it back as it was, and abort. */
export function abandonTerminal(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      closeSync(descriptor)
    } catch {
      // Closed already, which is what was wanted.
    }
  }
}
