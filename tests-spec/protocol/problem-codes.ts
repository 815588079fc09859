// The codes of problems that a collector answers a probe with. The word of a stranger is not repeated in a log, however much it
// looks like a code: it may be the name of a host.

export const problemCodes: ReadonlySet<string> = new Set([
  // Of a batch, and of a body in parts: batch.md.
  'not_a_batch',
  'truncated',
  'trailing_bytes',
  'too_large',
  'bad_envelope',
  'unknown_key',
  'bad_signature',
  'bad_manifest',
  'device_mismatch',
  'payload_mismatch',
  'seq_conflict',
  'chain_broken',
  'over_share',
  'revoked',
  'too_slow',
  'wrong_type',
  'not_held',
  'no_upload',
  'offset_mismatch',
  'superseded',
  // Of the collector at the moment, and of the request.
  'busy',
  'disk_full',
  'disk_failing',
  'internal',
  'bad_request',
  'not_found',
  'wrong_method',
  'wrong_host',
  // Of a sealed file: sealed.md.
  'not_sealed',
  'other_recipient',
  'damaged',
  // Of an enrolment: enrolment.md.
  'token_unknown',
  'token_used',
  'token_damaged',
  'bad_key',
  'bad_proof',
])
