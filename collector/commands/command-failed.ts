// A command that could not be done, in a sentence and with a stable code. Exit codes follow sysexits(3), as the agent's do.

/** Stable: scripts match on these. */
const exitCodes = {
  bad_usage: 64,
  no_state: 66,
  no_index: 66,
  unknown_probe: 66,
  not_set_aside: 66,
  state_unreadable: 66,
  key_unusable: 66,
  archive_damaged: 66,
  port_in_use: 69,
  host_not_ours: 69,
  port_not_permitted: 69,
  node_too_old: 69,
  state_unusable: 73,
  agents_state: 73,
  not_permitted: 73,
  disk_full: 73,
  disk_failing: 73,
  output_not_made: 73,
  output_not_written: 74,
  stick_unusable: 74,
  state_in_use: 75,
  bad_endpoints: 78,
  bad_lists_root: 78,
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

/** What a system call answers that a person can do something about, and what; most of them are of the state folder. */
const ofSystem: Readonly<Record<string, readonly [code: FailureCode, advice: string]>> = {
  EACCES: ['not_permitted', 'Give this command as the user whose folder it is, or as root'],
  EPERM: ['not_permitted', 'Give this command as the user whose folder it is, or as root'],
  EROFS: ['not_permitted', 'The disk is mounted to be read only: mount it to be written'],
  ENOTDIR: ['state_unusable', 'A file is where a folder should be: name another folder with --state DIR'],
  EEXIST: ['state_unusable', 'Something else is where a folder should be: name another with --state DIR'],
  ENOSPC: ['disk_full', 'Make room on the disk'],
  EDQUOT: ['disk_full', 'Make room on the disk'],
  EIO: ['disk_failing', 'The disk fails: save what is on it'],
}

/** @returns null for what no person can do anything about. */
export function codeOfSystem(error: unknown): FailureCode | null {
  return systemFailure(error)?.[0] ?? null
}

/** @returns null for a bug. */
export function failureOf(error: unknown): CommandFailed | null {
  if (error instanceof CommandFailed) return error
  if (!(error instanceof Error) || !('code' in error)) return null
  const name = String(error.code)
  if (Object.hasOwn(exitCodes, name))
    return new CommandFailed(name as FailureCode, `${error.message}.`, { cause: error })
  const [code, advice] = systemFailure(error) ?? []
  return code === undefined ? null : new CommandFailed(code, `${error.message}. ${advice}.`, { cause: error })
}

function systemFailure(error: unknown) {
  const name = error instanceof Error && 'code' in error ? String(error.code) : ''
  return Object.hasOwn(ofSystem, name) ? (ofSystem[name] ?? null) : null
}
