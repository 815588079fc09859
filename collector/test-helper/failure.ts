// What Node.js calls an error, in the words of tests-spec/data-formats/failure.md. Only as fine as the helper's answers
// need: what they all call by one name is `unknown_failure` here too. The agent has its own, finer one.

import { constants } from 'node:os'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'

/** Never throws. An unknown error is named by its code alone: a message may hold what was asked. */
export function failureOf(error: unknown): Failure {
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message?: unknown }
  const openSsl = typeof message === 'string' ? openSslFailure(message) : null
  if (openSsl !== null) return openSsl
  const known = byErrno.get(Number(errno))
  if (known !== undefined) return known
  // Without a number this is a FIN where more was needed; a reset has one.
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return 'eof_error'
  if (typeof code === 'string' && code.startsWith('HPE_')) return 'http_invalid_response'
  return `unknown_failure: ${typeof code === 'string' ? code : 'no code'}`
}

/** In the form of Node.js: a reset without a number. */
export function endOfStream(): Error {
  return Object.assign(new Error('the other side closed'), { code: 'ECONNRESET' })
}

const { errno } = constants
const byErrno: ReadonlyMap<number, Failure> = new Map<number, Failure>([
  [-errno.EADDRNOTAVAIL, 'address_not_available'],
  [-errno.EAFNOSUPPORT, 'address_family_not_supported'],
  [-errno.ECONNABORTED, 'connection_aborted'],
  [-errno.ECONNREFUSED, 'connection_refused'],
  [-errno.ECONNRESET, 'connection_reset'],
  [-errno.EHOSTUNREACH, 'host_unreachable'],
  [-errno.ENETUNREACH, 'network_unreachable'],
  [-errno.EPERM, 'permission_denied'],
  [-errno.EPIPE, 'connection_already_closed'],
  [-errno.ETIMEDOUT, 'timed_out'],
])

/** OpenSSL's SSL library, whose reasons above 1000 are the alerts of the other side. */
const sslLibrary = 20
const unrecognizedName = 1000 + 112
/** OpenSSL's reasons for "this is no TLS record", from its sslerr.h. */
const notTls: ReadonlySet<number> = new Set([155, 156, 198, 245, 252, 267, 443])

function openSslFailure(message: string): Failure | null {
  const packed = /error:([0-9A-Fa-f]{8}):/.exec(message)?.[1]
  if (packed === undefined) return null
  const number = Number.parseInt(packed, 16)
  const reason = number >>> 23 === sslLibrary ? number & 0x7fffff : 0
  if (reason === unrecognizedName) return 'ssl_invalid_hostname'
  return notTls.has(reason) ? 'ssl_not_tls' : 'ssl_failed_handshake'
}
