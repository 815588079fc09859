// Translates our list of failures into the older words that a helper answers with: the table of
// tests-spec/protocol/test-helper.md, "Failures". Pure.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type {
  DnsHelperFailure,
  HttpHelperFailure,
  TcpHelperFailure,
} from '../../tests-spec/protocol/test-helper.ts'

export function dnsWord(failure: Failure | null): DnsHelperFailure | null {
  switch (failure) {
    case null:
    case 'dns_no_answer':
      return null
    case 'dns_nxdomain_error':
      return 'dns_name_error'
    case 'dns_refused_error':
    case 'dns_server_misbehaving':
    case 'dns_temporary_failure':
    case 'dns_non_recoverable_failure':
      return 'dns_server_failure'
    default:
      return 'unknown_error'
  }
}

export function tcpWord(failure: Failure | null): TcpHelperFailure | null {
  switch (failure) {
    case null:
      return null
    case 'connection_refused':
      return 'connection_refused_error'
    case 'generic_timeout_error':
      return 'generic_timeout_error'
    default:
      return 'connect_error'
  }
}

/** @param operation - The operation that failed: a lookup has only one word, however it failed. */
export function httpWord(failure: Failure | null, operation: 'resolve' | 'other'): HttpHelperFailure | null {
  if (failure === null) return null
  if (operation === 'resolve') return 'dns_lookup_error'
  switch (failure) {
    case 'connection_refused':
      return 'connection_refused_error'
    case 'generic_timeout_error':
      return 'generic_timeout_error'
    default:
      return 'unknown_error'
  }
}
