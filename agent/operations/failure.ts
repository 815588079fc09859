// The one file that turns the errors of Node.js, OpenSSL and undici into the closed list of failures (OONI's df-007,
// tests-spec/data-formats/failure.ts). It is decided by numbers that stay the same between Node.js versions, the
// errno and OpenSSL's reason; texts and `ERR_…` names differ between 20 and 26.

import { isIP } from 'node:net'
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'

/** OONI's names of the operations during which something can fail. */
export type Operation = 'connect' | 'tls_handshake' | 'http_round_trip' | 'resolve' | 'read'

/**
 * Names what went wrong. Never throws, whatever is thrown at it.
 *
 * @returns A member of the closed list, or `unknown_failure: ` and the system's own words without addresses.
 */
export function failureOf(error: unknown, operation: Operation): Failure {
  const words = wordsOf(error)
  return (
    fromOpenSsl(words) ??
    (operation === 'resolve' ? fromLookup(words) : null) ??
    fromErrno(words) ??
    fromCode(words) ??
    fromParser(words) ??
    `unknown_failure: ${scrubbed(words)}`
  )
}

/**
 * The number of the fatal TLS alert (RFC 8446 §6) an error reports as received.
 *
 * @returns null when the error is something else; an alert we sent ourselves does not count.
 */
export function alertOf(error: unknown): number | null {
  const reason = openSslReason(wordsOf(error))
  return reason !== null && reason > alertOffset && reason < alertOffset + 256 ? reason - alertOffset : null
}

interface Words {
  readonly name: string
  readonly code: string
  readonly errno: number | null
  readonly message: string
}

function wordsOf(error: unknown): Words {
  const fields: Readonly<Record<string, unknown>> =
    typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>) : {}
  return {
    name: typeof fields.name === 'string' ? fields.name : '',
    code: typeof fields.code === 'string' ? fields.code : '',
    errno: typeof fields.errno === 'number' ? fields.errno : null,
    message: typeof fields.message === 'string' ? fields.message : String(error),
  }
}

/** OpenSSL's SSL library, whose reasons above 1000 are the alerts of the other side. */
const sslLibrary = 20
const alertOffset = 1000
const unrecognizedName = alertOffset + 112

/**
 * OpenSSL's reasons for "this is no TLS record", from its sslerr.h: https proxy request, http request, packet length
 * too long, unexpected record, unknown protocol, wrong version number, bad record type.
 */
const notTls: ReadonlySet<number> = new Set([155, 156, 198, 245, 252, 267, 443])

function openSslReason(words: Words): number | null {
  const packed = /error:([0-9A-Fa-f]{8}):/.exec(words.message)?.[1]
  if (packed === undefined) return null
  const number = Number.parseInt(packed, 16)
  return number >>> 23 === sslLibrary ? number & 0x7fffff : 0
}

function fromOpenSsl(words: Words): Failure | null {
  const reason = openSslReason(words)
  if (reason === null) return null
  // OONI counts this alert as a fault of the name, like a certificate for another one.
  if (reason === unrecognizedName) return 'ssl_invalid_hostname'
  return notTls.has(reason) ? 'ssl_not_tls' : 'ssl_failed_handshake'
}

const { errno } = constants
const byErrno: ReadonlyMap<number, Failure> = new Map<number, Failure>([
  [-errno.EACCES, 'permission_denied'],
  [-errno.EADDRINUSE, 'address_in_use'],
  [-errno.EADDRNOTAVAIL, 'address_not_available'],
  [-errno.EAFNOSUPPORT, 'address_family_not_supported'],
  [-errno.EAGAIN, 'operation_would_block'],
  [-errno.ECONNABORTED, 'connection_aborted'],
  [-errno.ECONNREFUSED, 'connection_refused'],
  [-errno.ECONNRESET, 'connection_reset'],
  [-errno.EHOSTUNREACH, 'host_unreachable'],
  [-errno.EINTR, 'interrupted'],
  [-errno.EINVAL, 'invalid_argument'],
  [-errno.EMSGSIZE, 'message_size'],
  [-errno.ENETDOWN, 'network_down'],
  [-errno.ENETRESET, 'network_reset'],
  [-errno.ENETUNREACH, 'network_unreachable'],
  [-errno.ENOBUFS, 'no_buffer_space'],
  [-errno.ENOPROTOOPT, 'no_protocol_option'],
  [-errno.ENOTCONN, 'not_connected'],
  // A local firewall rule that rejects what we send; OONI leaves it unknown.
  [-errno.EPERM, 'permission_denied'],
  // Writing on a connection that was gone already. OONI leaves it unknown.
  [-errno.EPIPE, 'connection_already_closed'],
  [-errno.EPROTONOSUPPORT, 'protocol_not_supported'],
  // The kernel gave up, not our timer: OONI keeps the two apart.
  [-errno.ETIMEDOUT, 'timed_out'],
])

function fromErrno(words: Words): Failure | null {
  return words.errno === null ? null : (byErrno.get(words.errno) ?? null)
}

/** getaddrinfo's own numbers. Node.js calls two of them ENOTFOUND; the number still tells them apart. */
function fromLookup(words: Words): Failure | null {
  const name = (words.errno === null ? undefined : getSystemErrorMap().get(words.errno)?.[0]) ?? words.code
  if (name === 'EAI_NODATA') return 'dns_no_answer'
  if (name === 'EAI_NONAME' || name === 'ENOTFOUND') return 'dns_nxdomain_error'
  // EAI_AGAIN, EAI_FAIL and the like: what glibc makes of SERVFAIL, of REFUSED and of no resolver at all.
  return name.startsWith('EAI_') ? 'dns_server_misbehaving' : null
}

const byCode: Readonly<Record<string, Failure>> = {
  // Without an errno this is a FIN where more was needed; a reset has one and never comes here.
  ECONNRESET: 'eof_error',
  UND_ERR_CONNECT_TIMEOUT: 'generic_timeout_error',
  UND_ERR_HEADERS_TIMEOUT: 'generic_timeout_error',
  UND_ERR_BODY_TIMEOUT: 'generic_timeout_error',
  UND_ERR_HEADERS_OVERFLOW: 'http_invalid_response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'http_invalid_response',
  // undici's own check, and a status below 100 trips it.
  ERR_ASSERTION: 'http_invalid_response',
  ERR_STREAM_PREMATURE_CLOSE: 'eof_error',
  ERR_STREAM_DESTROYED: 'connection_already_closed',
  ERR_SOCKET_CLOSED: 'connection_already_closed',
  // Bytes that nghttp2 cannot read as HTTP/2.
  ERR_HTTP2_ERROR: 'http_invalid_response',
  // The server itself gave up the stream or the session.
  ERR_HTTP2_STREAM_ERROR: 'http_request_failed',
  ERR_HTTP2_SESSION_ERROR: 'http_request_failed',
  ERR_HTTP2_STREAM_CANCEL: 'http_request_failed',
}

function fromCode(words: Words): Failure | null {
  // The one name that Node.js, undici and the DOM agree on; their codes differ.
  if (words.name === 'AbortError') return 'interrupted'
  if (words.code === 'UND_ERR_SOCKET') return fromUndiciSocket(words.message)
  return byCode[words.code] ?? null
}

/** undici has one code for several things and tells them apart in English; its version is pinned. */
function fromUndiciSocket(message: string): Failure {
  return message.startsWith('bad ') ? 'http_invalid_response' : 'eof_error'
}

/** undici's HTTP/1 parser; its `code` is undefined in the pinned version. */
function fromParser(words: Words): Failure | null {
  return words.name === 'HTTPParserError' ? 'http_invalid_response' : null
}

/** Long enough for any message of the kernel or of OpenSSL, short enough not to matter in a batch. */
const maxWords = 200

function scrubbed(words: Words): string {
  const text = [words.code, words.message].filter((part) => part !== '').join(' ')
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[[\]0-9A-Fa-f:.]{2,}/g, (token) => (holdsAddress(token) ? '[scrubbed]' : token))
    .slice(0, maxWords)
}

/** Whether a run of digits, dots and colons is an address, perhaps with brackets, a port or a full stop. */
function holdsAddress(token: string): boolean {
  const bare = token.replaceAll(/[[\]]/g, '').replace(/[.:]+$/, '')
  return isIP(bare) !== 0 || isIP(bare.replace(/:\d{1,5}$/, '')) !== 0
}
