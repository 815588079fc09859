import { describe, expect, it } from 'vitest'
import { knownFailures } from '../../tests-spec/data-formats/failure.ts'
import { steps, verdictKinds } from '../../tests-spec/nettests/verdict.ts'
import type { ShownVerdict } from './board.ts'
import { outcomeWords, wasReached } from './outcome-words.ts'

const found = (verdict: ShownVerdict['verdict'], step: string | null, how: string | null): ShownVerdict => ({
  verdict,
  step,
  how,
})

describe('outcomeWords()', () => {
  it.each([
    ['ok', null, null, 'Accessible'],
    ['ok', 'http_round_trip', null, 'Accessible'],
    ['anomaly', 'tls_handshake', 'ssl_unknown_authority', 'SSL error'],
    ['anomaly', 'tls_handshake', 'ssl_not_tls', 'SSL error'],
    ['anomaly', 'tls_handshake', 'connection_reset', 'Connection reset'],
    ['anomaly', 'tls_handshake', 'generic_timeout_error', 'Generic timeout error'],
    ['anomaly', 'tls_handshake', 'eof_error', 'Connection closed'],
    ['anomaly', 'connect', 'generic_timeout_error', 'Generic timeout error'],
    ['anomaly', 'connect', 'connection_refused', 'Connection refused'],
    ['anomaly', 'connect', 'host_unreachable', 'Host unreachable'],
    ['anomaly', 'http_round_trip', 'connection_reset', 'HTTP failure'],
    ['anomaly', 'http_round_trip', 'generic_timeout_error', 'HTTP failure'],
    ['anomaly', 'http_round_trip', 'page_differs', 'Page differs'],
    ['anomaly', 'resolve', 'dns_nxdomain_error', 'DNS failure'],
    ['anomaly', 'resolve', 'generic_timeout_error', 'DNS failure'],
    ['anomaly', 'connect', 'unknown_failure: EWHATEVER 12', 'Unknown failure'],
    ['anomaly', null, null, 'Anomaly'],
    ['link_down', 'connect', 'down', 'Link down'],
    ['link_down', null, null, 'Link down'],
    ['link_down', 'http_round_trip', 'captive_portal', 'Captive portal'],
    ['undetermined', 'http_round_trip', null, 'Undetermined'],
    ['undetermined', null, null, 'Undetermined'],
    ['undetermined', 'connect', 'generic_timeout_error', 'Generic timeout error (undetermined)'],
    ['undetermined', 'http_round_trip', 'page_differs', 'Page differs (undetermined)'],
    // The result of a probe that is newer than this collector.
    ['anomaly', 'quic_handshake', 'connection_reset', 'Connection reset'],
    ['anomaly', 'connect', 'some_later_failure', 'Some later failure'],
  ] as const)('%s at %s with %s is "%s"', (verdict, step, how, words) => {
    expect(outcomeWords(found(verdict, step, how))).toBe(words)
  })

  it('calls nothing accessible but what was reached, whatever the step and the failure', () => {
    for (const verdict of verdictKinds.filter((kind) => kind !== 'ok'))
      for (const step of [...steps, null])
        for (const how of [...knownFailures, 'page_differs', 'down', null]) {
          const words = outcomeWords(found(verdict, step, how))
          expect(words).not.toBe('')
          expect(words).not.toContain('Accessible')
          expect(words).not.toContain('_')
          expect(/undetermined/i.test(words)).toBe(verdict === 'undetermined')
        }
  })
})

it('wasReached() takes neither doubt nor a dead link for an answer', () => {
  const answers = verdictKinds.map((kind) => [kind, wasReached(found(kind, null, null))])
  expect(Object.fromEntries(answers)).toEqual({
    ok: true,
    anomaly: false,
    link_down: null,
    undetermined: null,
  })
})
