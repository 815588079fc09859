// A command that could not be done, in a sentence of the person's language and with a stable code. Exit codes follow sysexits(3), as
// those of the other programs do.

import { english, type Words } from './words/english.ts'

/** Stable: scripts match on these. */
const exitCodes = {
  cancelled: 1,
  list_errors: 1,
  bad_usage: 64,
  no_collector: 64,
  no_terminal: 64,
  bad_list: 65,
  bad_lists_keys: 65,
  bad_sheet: 65,
  key_damaged: 65,
  workspace_damaged: 65,
  not_readable: 66,
  no_workspace: 66,
  no_key: 66,
  no_group: 66,
  unreachable: 69,
  no_lists: 69,
  output_exists: 73,
  output_not_made: 73,
  workspace_exists: 73,
  busy: 75,
  refused: 76,
  odd_answer: 76,
  key_not_entitled: 77,
  threshold_not_met: 77,
  weak_passphrase: 77,
  wrong_passphrase: 77,
  clock_wrong: 78,
  expired: 78,
} as const
export type FailureCode = keyof typeof exitCodes

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly code: FailureCode
  readonly #say: (words: Words) => string

  /** @param message - A sentence, or what says it in the language of the one who reads it. */
  constructor(code: FailureCode, message: string | ((words: Words) => string), options?: ErrorOptions) {
    const say = typeof message === 'string' ? () => message : message
    super(say(english), options)
    this.code = code
    this.#say = say
  }

  sentence(words: Words): string {
    return this.#say(words)
  }

  get exitCode(): number {
    return exitCodes[this.code]
  }
}
