// A command that could not be done, in a sentence and with a stable code. Exit codes follow sysexits(3), as the agent's do.

/** Stable: scripts match on these. */
const exitCodes = {
  bad_usage: 64,
  no_state: 66,
  no_index: 66,
  unknown_probe: 66,
  key_unusable: 66,
  archive_damaged: 66,
  port_in_use: 69,
  host_not_ours: 69,
  port_not_permitted: 69,
  node_too_old: 69,
  state_unusable: 73,
  not_permitted: 73,
  disk_full: 73,
  disk_failing: 73,
  output_not_made: 73,
  output_not_written: 74,
  stick_unusable: 74,
  state_in_use: 75,
  bad_endpoints: 78,
  bad_asn_table: 78,
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

/** What a system call answers that a person can do something about; most of them are of the state folder. */
const ofSystem: Readonly<Record<string, FailureCode>> = {
  EACCES: 'not_permitted',
  EPERM: 'not_permitted',
  EROFS: 'not_permitted',
  ENOTDIR: 'state_unusable',
  EEXIST: 'state_unusable',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EIO: 'disk_failing',
}

/** @returns null for a bug. */
export function failureOf(error: unknown): CommandFailed | null {
  if (error instanceof CommandFailed) return error
  if (!(error instanceof Error) || !('code' in error)) return null
  const name = String(error.code)
  const code = Object.hasOwn(exitCodes, name) ? (name as FailureCode) : ofSystem[name]
  return code === undefined ? null : new CommandFailed(code, `${error.message}.`, { cause: error })
}
