// An error that the operator can act on: what, where, and what to do, with a stable code and an exit code for
// scripts.

/** These codes are stable: scripts match on them, and the how-to pages are ordered by them. */
export type ActionableCode =
  | 'bad_usage'
  | 'bad_config'
  | 'bad_test_list'
  | 'bad_state'
  | 'no_state'
  | 'collector_state'
  | 'state_unreadable'
  | 'state_unwritable'
  | 'results_lost'
  | 'already_running'
  | 'paused'
  | 'not_enrolled'
  | 'enrolment_failed'
  | 'no_recipient'
  | 'stick_unusable'
  | 'stick_full'

/** Exit codes of sysexits(3), which service managers already know. */
const exitCodes: Readonly<Record<ActionableCode, number>> = {
  bad_usage: 64,
  bad_config: 78,
  bad_test_list: 78,
  bad_state: 66,
  no_state: 66,
  collector_state: 66,
  state_unreadable: 66,
  state_unwritable: 73,
  results_lost: 74,
  already_running: 75,
  paused: 75,
  not_enrolled: 69,
  enrolment_failed: 69,
  no_recipient: 69,
  stick_unusable: 74,
  stick_full: 74,
}

export class ActionableError extends Error {
  override readonly name = 'ActionableError'
  readonly code: ActionableCode

  constructor(code: ActionableCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get exitCode(): number {
    return exitCodes[this.code]
  }
}
