// The one file that turns the errors of Node.js and OpenSSL into the closed list of failures (OONI's df-007,
// tests-spec/data-formats/failure.ts). It decides by numbers that stay the same between Node.js versions, the errno
// and OpenSSL's reason; texts and `ERR_…` names differ between 20 and 26.

import { isIP } from 'node:net'
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import {
  alertOfOpenSsl,
  failureOfOpenSsl,
  failuresByErrno,
} from '../../tests-spec/data-formats/system-failure.ts'
import { invalidResponse } from './wire.ts'

/** OONI's names of the operations that can fail. */
export type Operation = 'connect' | 'tls_handshake' | 'http_round_trip' | 'resolve' | 'read'

/**
 * Names what went wrong. Never throws, whatever value it is given.
 *
 * @returns A member of the closed list, or `unknown_failure: ` and the system's own words without addresses.
 */
export function failureOf(error: unknown, operation: Operation): Failure {
  const words = wordsOf(error)
  return (
    failureOfOpenSsl(words.message) ??
    (operation === 'resolve' ? fromLookup(words) : null) ??
    fromErrno(words) ??
    fromCode(words) ??
    `unknown_failure: ${scrubbed(words)}`
  )
}

/**
 * The number of the fatal TLS alert (RFC 8446 §6) that was received, as an error reports it.
 *
 * @returns null when the error is something else; an alert that we sent ourselves does not count.
 */
export function alertOf(error: unknown): number | null {
  return alertOfOpenSsl(wordsOf(error).message)
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

const byErrno = failuresByErrno(constants.errno)

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
  // Without an errno, this is a FIN where more was needed; a reset has an errno and never comes here.
  ECONNRESET: 'eof_error',
  // Ours, of the HTTP/1.1 reader.
  [invalidResponse]: 'http_invalid_response',
  ERR_STREAM_PREMATURE_CLOSE: 'eof_error',
  ERR_STREAM_DESTROYED: 'connection_already_closed',
  ERR_SOCKET_CLOSED: 'connection_already_closed',
  // Bytes that nghttp2 cannot read as HTTP/2.
  ERR_HTTP2_ERROR: 'http_invalid_response',
  ERR_HTTP2_TOO_MANY_INVALID_FRAMES: 'http_invalid_response',
  // The server itself ended the stream or the session.
  ERR_HTTP2_STREAM_ERROR: 'http_request_failed',
  ERR_HTTP2_SESSION_ERROR: 'http_request_failed',
  ERR_HTTP2_STREAM_CANCEL: 'http_request_failed',
}

function fromCode(words: Words): Failure | null {
  // The one name on which Node.js and the DOM agree; their codes differ.
  if (words.name === 'AbortError') return 'interrupted'
  return byCode[words.code] ?? null
}

/** Characters: long enough for any message of the kernel or of OpenSSL, and short enough not to matter in a batch. */
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
