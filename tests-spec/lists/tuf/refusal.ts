// Why metadata or a target was not believed (tests-spec/lists/metadata.md §4). The codes are stable: operators search for them,
// tests name them, and each says which attack the check stops that spoke.

export const refusalCodes = [
  'rollback',
  'freeze',
  'mix_and_match',
  'endless_data',
  'tampering',
  'threshold',
  'revoked_key',
  'key_substitution',
  'key_confusion',
  'role_confusion',
  'foreign_path',
  'path_traversal',
  'wrong_length',
  'malformed',
  'unreachable',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

/** Something that is not believed. What was trusted before stays trusted. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: RefusalCode
  /** Section of the TUF specification 1.0.34 whose check spoke: 4.x are formats, 5.x the workflow. */
  readonly at: string

  constructor(code: RefusalCode, at: string, message: string) {
    super(message)
    this.code = code
    this.at = at
  }
}
