// Where a command writes and how wide it is; passed in, so that commands run the same in a test.

import { closeSync } from 'node:fs'
import { outputOn } from '../../tests-spec/command-line/output.ts'
import { safeLines } from '../../tests-spec/command-line/safe-text.ts'

export interface Terminal {
  /**
   * Results: what a script would read. Never fails: see output.ts. What strangers have written is made safe here, whatever
   * command prints it; JSON means the same afterwards.
   */
  out(text: string): void
  /** Everything said on the way, as safe. Never fails. */
  err(text: string): void
  /** As `out` and `err`, for text with colours of ours or that moves the cursor: what others wrote in it went through `safeText()`. */
  readonly drawn: { out(text: string): void; err(text: string): void }
  /** Columns of the terminal behind `out`, else those that COLUMNS says, else 80. */
  readonly columns: number
  /** Whether a person sees `out`: a journal must not collect what was measured. */
  readonly shown: boolean
  /** Whether a person watches `err`, on a terminal that can write over a line. */
  readonly interactive: boolean
  /** Whether `out` shows colours. */
  readonly colour: boolean
}

export interface ProcessTerminal extends Terminal {
  /** Waits for what is under way. @returns Why results could not be printed for somebody who wants them, or null. */
  settled(): Promise<string | null>
  /** Whether nobody hears it any more. */
  isBroken(): boolean
}

/** A serial console says that it has 0. */
function columnsOf(said: number | undefined, variable: string | undefined): number {
  if (said !== undefined && said > 0) return said
  return /^[1-9]\d{0,3}$/.test(variable ?? '') ? Number(variable) : 80
}

/** The process's own streams. NO_COLOR (no-color.org) turns colours off. */
export function processTerminal(env: Readonly<Record<string, string | undefined>>): ProcessTerminal {
  const out = outputOn(process.stdout)
  const err = outputOn(process.stderr)
  const shown = process.stdout.isTTY === true
  return {
    out: (text) => out.write(safeLines(text)),
    err: (text) => err.write(safeLines(text)),
    drawn: { out: (text) => out.write(text), err: (text) => err.write(text) },
    columns: columnsOf(process.stdout.columns, env.COLUMNS),
    shown,
    interactive: process.stderr.isTTY === true && env.TERM !== 'dumb',
    colour: shown && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
    settled: () => out.settled(),
    isBroken: () => out.isBroken() || err.isBroken(),
  }
}

/**
 * For the end of a process whose terminal was closed: Node.js then puts the terminal back as it was, and aborts where there
 * is none any more. What is closed it leaves alone.
 */
export function abandonTerminal(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      closeSync(descriptor)
    } catch {
      // Closed already, which is what was wanted.
    }
  }
}
