// Where a command writes and how wide it is; passed in, so that commands run the same in a test.

export interface Terminal {
  /** Results: what a script would read. */
  out(text: string): void
  /** Everything said on the way. */
  err(text: string): void
  /** Columns of the terminal behind `out`; 80 when it is none. */
  readonly columns: number
  /** Whether results of a long run are shown: a journal must not collect what was measured. */
  readonly showsResults: boolean
  /** Whether a person watches `err`. */
  readonly interactive: boolean
  /** Whether `out` shows colours. */
  readonly colour: boolean
}

/**
 * The process's own streams. NO_COLOR (no-color.org) turns colours off.
 * @param table - Shows results also where no terminal is.
 */
export function processTerminal(env: Readonly<Record<string, string | undefined>>, table = false): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    columns: process.stdout.columns ?? 80,
    showsResults: table || process.stdout.isTTY === true,
    interactive: process.stderr.isTTY === true,
    colour: process.stdout.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
  }
}
