import { describe, expect, it } from 'vitest'
import { type Failure, knownFailures } from '../../tests-spec/data-formats/failure.ts'
import { dnsWord, httpWord, tcpWord } from './vocabulary.ts'

const unknown: Failure = 'unknown_failure: x'

/** Failures that are not in a table get the word for "anything else". */
function others(named: readonly (readonly [Failure | null, unknown])[]): Failure[] {
  return [...knownFailures, unknown].filter((failure) => !named.some(([each]) => each === failure))
}

describe('dnsWord()', () => {
  const table = [
    [null, null],
    ['dns_no_answer', null],
    ['dns_nxdomain_error', 'dns_name_error'],
    ['dns_refused_error', 'dns_server_failure'],
    ['dns_server_misbehaving', 'dns_server_failure'],
    ['dns_temporary_failure', 'dns_server_failure'],
    ['dns_non_recoverable_failure', 'dns_server_failure'],
    ['dns_servfail_error', 'unknown_error'],
    ['generic_timeout_error', 'unknown_error'],
  ] as const

  it.each(table)('says of %s: %s', (failure, word) => {
    expect(dnsWord(failure)).toBe(word)
  })

  it('says unknown_error of everything else', () => {
    expect(new Set(others(table).map(dnsWord))).toEqual(new Set(['unknown_error']))
  })
})

describe('tcpWord()', () => {
  const table = [
    [null, null],
    ['connection_refused', 'connection_refused_error'],
    ['generic_timeout_error', 'generic_timeout_error'],
    ['host_unreachable', 'connect_error'],
    ['timed_out', 'connect_error'],
  ] as const

  it.each(table)('says of %s: %s', (failure, word) => {
    expect(tcpWord(failure)).toBe(word)
  })

  it('says connect_error of everything else', () => {
    expect(new Set(others(table).map(tcpWord))).toEqual(new Set(['connect_error']))
  })
})

describe('httpWord()', () => {
  const table = [
    [null, null],
    ['connection_refused', 'connection_refused_error'],
    ['generic_timeout_error', 'generic_timeout_error'],
    ['connection_reset', 'unknown_error'],
    ['ssl_invalid_hostname', 'unknown_error'],
  ] as const

  it.each(table)('says of %s: %s', (failure, word) => {
    expect(httpWord(failure, 'other')).toBe(word)
  })

  it('says unknown_error of everything else', () => {
    expect(new Set(others(table).map((failure) => httpWord(failure, 'other')))).toEqual(
      new Set(['unknown_error']),
    )
  })

  it('says dns_lookup_error of every failed lookup, one that took too long among them', () => {
    expect(new Set(knownFailures.map((failure) => httpWord(failure, 'resolve')))).toEqual(
      new Set(['dns_lookup_error']),
    )
  })
})
