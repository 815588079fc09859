// Why the collector refuses, as a closed list. Codes are stable: probes decide by them whether to try again, tests
// name them, and so do the pages for operators (docs/configuration.md) and for probes (tests-spec/protocol/batch.md).

import type { BatchId, BatchRefusalCode } from '../../tests-spec/protocol/batch.ts'

export type RefusalCode =
  | BatchRefusalCode
  | 'bad_request'
  | 'token_unknown'
  | 'token_used'
  | 'token_damaged'
  | 'bad_key'
  | 'bad_proof'
  | 'seq_conflict'
  | 'chain_broken'
  | 'not_sealed'
  | 'other_recipient'
  | 'damaged'
  | 'wrong_type'
  | 'revoked'
  | 'not_held'
  | 'no_upload'
  | 'offset_mismatch'
  | 'superseded'
  | 'too_slow'
  | 'busy'
  | 'over_share'

/**
 * A request that changed nothing. The same request would be refused again, except after `busy`, `over_share`, `too_slow` and the
 * codes about uploads.
 */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: RefusalCode
  /** Id of the batch that the collector will never take; null for everything that may be different another day. */
  readonly batch: BatchId | null

  constructor(
    code: RefusalCode,
    message: string,
    { batch = null, ...options }: ErrorOptions & { readonly batch?: BatchId | null } = {},
  ) {
    super(message, options)
    this.code = code
    this.batch = batch
  }
}

/** A part of a batch that does not begin where the part that is held ends. */
export class OffsetMismatch extends Refused {
  /** Bytes that are held. */
  readonly held: number

  constructor(held: number) {
    super('offset_mismatch', `${held} bytes are held: go on from there`)
    this.held = held
  }
}

export const statusOf: Readonly<Record<RefusalCode, number>> = {
  not_a_batch: 400,
  truncated: 400,
  trailing_bytes: 400,
  bad_envelope: 400,
  bad_manifest: 400,
  device_mismatch: 400,
  payload_mismatch: 400,
  too_large: 413,
  unknown_key: 401,
  bad_signature: 403,
  bad_request: 400,
  bad_key: 400,
  bad_proof: 403,
  token_unknown: 404,
  token_used: 409,
  token_damaged: 410,
  seq_conflict: 409,
  chain_broken: 409,
  not_sealed: 400,
  other_recipient: 400,
  damaged: 400,
  wrong_type: 415,
  revoked: 403,
  not_held: 404,
  no_upload: 404,
  offset_mismatch: 409,
  superseded: 409,
  too_slow: 408,
  busy: 503,
  over_share: 507,
}
