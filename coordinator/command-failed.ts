// A command that could not be done, in a sentence and with a stable code. Exit codes follow sysexits(3), as those of the other
// programs do.

/** Stable: scripts match on these. */
const exitCodes = {
  bad_usage: 64,
  bad_list: 65,
  not_readable: 66,
  output_exists: 73,
  output_not_made: 73,
} as const
export type FailureCode = keyof typeof exitCodes

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly code: FailureCode

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get exitCode(): number {
    return exitCodes[this.code]
  }
}
