// Why an operation failed, as a closed list of strings. Follows OONI's df-007 vocabulary, with the system-call names
// that OONI's engine writes and its page leaves out, and three of our own (marked). failure.md is the page.
// agent/operations/failure.ts turns Node.js errors into these strings.

export const knownFailures = [
  'address_family_not_supported',
  'address_in_use',
  'address_not_available',
  'connection_aborted',
  'connection_already_closed',
  'connection_refused',
  'connection_reset',
  'dns_bogon_error',
  'dns_no_answer',
  'dns_non_recoverable_failure',
  'dns_nxdomain_error',
  'dns_refused_error',
  'dns_reply_with_wrong_query_id',
  'dns_server_misbehaving',
  'dns_servfail_error',
  'dns_temporary_failure',
  'eof_error',
  'generic_timeout_error',
  'host_unreachable',
  'http_invalid_redirect_location_host',
  'http_request_failed',
  // Our own: the bytes that came back are not an HTTP response. OONI has only `unknown_failure: …` for it.
  'http_invalid_response',
  'interrupted',
  'invalid_argument',
  'json_parse_error',
  'message_size',
  'network_down',
  'network_reset',
  'network_unreachable',
  'no_buffer_space',
  'no_protocol_option',
  'not_connected',
  'operation_would_block',
  'permission_denied',
  'protocol_not_supported',
  'quic_incompatible_version',
  // OONI writes this one for QUIC only and leaves a fatal alert over TCP unknown; we write it for both, and keep
  // the alert's number beside it in `x_sonde_tls_alert`.
  'ssl_failed_handshake',
  'ssl_invalid_certificate',
  'ssl_invalid_hostname',
  // Our own: the first bytes after our ClientHello are not a TLS record (plain HTTP on 443, a banner, zeros).
  'ssl_not_tls',
  'ssl_unknown_authority',
  'timed_out',
  // Ours: this process or machine has no file descriptor left. OONI has only `unknown_failure: …` for it.
  'too_many_open_files',
] as const

export type KnownFailure = (typeof knownFailures)[number]

/**
 * Where the type is `Failure | null`, null means that the operation did not fail. `unknown_failure: …` carries the
 * system's own words, with addresses scrubbed; it asks its reader to extend the list.
 */
export type Failure = KnownFailure | `unknown_failure: ${string}`

/** This machine's own: no packet was sent, or none could have come back. They say nothing of any network. */
export const localFailures: ReadonlySet<Failure> = new Set([
  'address_family_not_supported',
  'address_in_use',
  'address_not_available',
  'invalid_argument',
  'network_down',
  'no_buffer_space',
  // Of a connect: a firewall of this machine, or a right that the program was not given.
  'permission_denied',
  'too_many_open_files',
])

const known: ReadonlySet<string> = new Set(knownFailures)

/** Whether `text` may stand where a failure is written. */
export function isFailure(text: string): text is Failure {
  return known.has(text) || text.startsWith('unknown_failure: ')
}
