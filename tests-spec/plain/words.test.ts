// Words that OONI has none for: plain-form.md §6.

import { expect, it } from 'vitest'
import { inOoniWords, inOurWords } from './words.ts'

it.each([
  [
    'of an operation, with ours beside it',
    { failure: 'ssl_not_tls' },
    { failure: 'ssl_failed_handshake', x_sonde_failure: 'ssl_not_tls' },
  ],
  [
    'of a connect, whose failure stands in its status',
    { status: { failure: 'http_invalid_response' } },
    { status: { failure: 'http_request_failed', x_sonde_failure: 'http_invalid_response' } },
  ],
  [
    'that a key of OONI passes on',
    { http_experiment_failure: 'ssl_not_tls' },
    { http_experiment_failure: 'ssl_failed_handshake' },
  ],
  ['that OONI has', { failure: 'connection_reset' }, { failure: 'connection_reset' }],
  [
    'under a key of ours',
    { x_sonde_verdict: { how: 'ssl_not_tls' } },
    { x_sonde_verdict: { how: 'ssl_not_tls' } },
  ],
  ['that is none but says the same', { body: 'ssl_not_tls' }, { body: 'ssl_not_tls' }],
])('inOoniWords(): a failure %s', (_what, ours, theirs) => {
  expect(inOoniWords([ours])).toEqual([theirs])
})

it('inOurWords() gives back the failure of an operation', () => {
  const ours = { tls_handshakes: [{ failure: 'ssl_not_tls' }, { failure: null }] }
  expect(inOurWords(inOoniWords(ours))).toEqual(ours)
})
