// Names for the errors of an operating system and of OpenSSL: failure.md, "Where they come from". Probe and helper
// use the same names, or their results would differ because of the reader. Each builds its own map from the numbers
// of the system that it runs on, which this folder does not know.

import type { Failure } from './failure.ts'

/** Failures by the name of the errno. */
export const failureOfErrno = {
  EACCES: 'permission_denied',
  EADDRINUSE: 'address_in_use',
  EADDRNOTAVAIL: 'address_not_available',
  EAFNOSUPPORT: 'address_family_not_supported',
  EAGAIN: 'operation_would_block',
  ECONNABORTED: 'connection_aborted',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  EHOSTUNREACH: 'host_unreachable',
  EINTR: 'interrupted',
  EMFILE: 'too_many_open_files',
  EINVAL: 'invalid_argument',
  EMSGSIZE: 'message_size',
  ENFILE: 'too_many_open_files',
  ENETDOWN: 'network_down',
  ENETRESET: 'network_reset',
  ENETUNREACH: 'network_unreachable',
  ENOBUFS: 'no_buffer_space',
  ENOPROTOOPT: 'no_protocol_option',
  ENOTCONN: 'not_connected',
  // A local firewall rule rejects what we send; OONI counts this as unknown.
  EPERM: 'permission_denied',
  // Writing to a connection that was gone already; OONI counts this as unknown.
  EPIPE: 'connection_already_closed',
  EPROTONOSUPPORT: 'protocol_not_supported',
  // The kernel gave up, not our timer: OONI keeps the two apart.
  ETIMEDOUT: 'timed_out',
} as const satisfies Readonly<Record<string, Failure>>

/**
 * @param numbers - The errno numbers of this system by name, positive. A name that the system does not have is left
 * out.
 * @returns Failures by the number as Node.js and libuv report it, which is negative.
 */
export function failuresByErrno(numbers: Readonly<Record<string, number>>): ReadonlyMap<number, Failure> {
  return new Map(
    Object.entries(failureOfErrno).flatMap(([name, failure]) => {
      const number = numbers[name]
      return number === undefined ? [] : [[-number, failure] as const]
    }),
  )
}

/** Number of OpenSSL's SSL library, whose reasons above 1000 are the alerts of the other side. */
const sslLibrary = 20
const alertOffset = 1000
const unrecognizedName = alertOffset + 112

/**
 * OpenSSL's reasons for "this is no TLS record", from its sslerr.h: https proxy request, http request, packet length
 * too long, unexpected record, unknown protocol, wrong version number, bad record type.
 */
const notTls: ReadonlySet<number> = new Set([155, 156, 198, 245, 252, 267, 443])

/**
 * @param message - Message of an error; OpenSSL's own begin with a packed number.
 * @returns null when the error is not one of OpenSSL's.
 */
export function failureOfOpenSsl(message: string): Failure | null {
  const reason = openSslReason(message)
  if (reason === null) return null
  // OONI counts this alert as a fault of the name, like a certificate for another name.
  if (reason === unrecognizedName) return 'ssl_invalid_hostname'
  return notTls.has(reason) ? 'ssl_not_tls' : 'ssl_failed_handshake'
}

/**
 * The number of the fatal TLS alert (RFC 8446 §6) that was received, as an error reports it.
 * @returns null when the error is something else; an alert that this side sent does not count.
 */
export function alertOfOpenSsl(message: string): number | null {
  const reason = openSslReason(message)
  return reason !== null && reason > alertOffset && reason < alertOffset + 256 ? reason - alertOffset : null
}

/** @returns The reason; 0 when it is of another of OpenSSL's libraries. */
function openSslReason(message: string): number | null {
  const packed = /error:([0-9A-Fa-f]{8}):/.exec(message)?.[1]
  if (packed === undefined) return null
  const number = Number.parseInt(packed, 16)
  return number >>> 23 === sslLibrary ? number & 0x7fffff : 0
}

/** OpenSSL's verdicts (`X509_V_ERR_…` without that prefix) which mean that the chain leads to no root of ours. */
const noRoot: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
])

const wrongDate: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

/** Whether OpenSSL's only verdict is about a date, which hides every other fault of the chain. */
export function isDateVerdict(verdict: string): boolean {
  return wrongDate.has(verdict)
}

/** The verdicts besides "no root" are "not for this use", "not an authority", "revoked" and the like. */
export function failureOfVerdict(verdict: string): 'ssl_unknown_authority' | 'ssl_invalid_certificate' {
  return noRoot.has(verdict) ? 'ssl_unknown_authority' : 'ssl_invalid_certificate'
}
