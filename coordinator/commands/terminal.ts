// Where a command prints: results to standard output, everything else beside it. Neither ever fails: see output.ts.

import { outputOn } from '../../tests-spec/command-line/output.ts'
import { safeLines } from '../../tests-spec/command-line/safe-text.ts'

export interface Terminal {
  /** Results: what a script would read. */
  out(text: string): void
  err(text: string): void
  /** Columns of the terminal behind `out`; 80 when it is none. */
  readonly columns: number
}

export interface ProcessTerminal extends Terminal {
  /** Waits for what is under way. @returns Why results could not be printed for somebody who wants them, or null. */
  settled(): Promise<string | null>
}

export function processTerminal(): ProcessTerminal {
  const out = outputOn(process.stdout)
  const err = outputOn(process.stderr)
  return {
    // A file or a pipe gets results to the byte. A terminal would obey what strangers have written into them.
    out: (text) => out.write(process.stdout.isTTY === true ? safeLines(text) : text),
    err: (text) => err.write(safeLines(text)),
    columns: process.stdout.columns || 80,
    settled: () => out.settled(),
  }
}
