// Which bodies are kept: those of a nettest whose spec says so, of a bounded length, and nobody else's.

import { expect, it } from 'vitest'
import { measured } from '../../test/support/measured.ts'
import { join, response } from '../../test/support/observations.ts'
import { maxKeptBodyChars } from '../../tests-spec/nettests/nettest-spec.ts'
import { withEvidence } from './evidence.ts'

const keeping = 'http_header_field_manipulation'

function withBody(body: string) {
  const made = join(response(200, { url: 'http://192.0.2.1/' }))
  return {
    ...made,
    requests: made.requests.map((each) => ({
      ...each,
      request: { ...each.request, headers: { hOsT: 'a.com' } },
      response: { ...each.response, body },
    })),
  }
}

it.each([
  ['of a nettest that keeps it', keeping, 'an answer', 'an answer'],
  ['of the greatest length', keeping, 'x'.repeat(maxKeptBodyChars), 'x'.repeat(maxKeptBodyChars)],
  ['of one character more', keeping, 'x'.repeat(maxKeptBodyChars + 1), ''],
  ['of any other nettest', 'web_connectivity', 'a page', ''],
])('toMeasurement() and the body %s', (_which, name, body, expected) => {
  const { test_keys } = measured(withBody(body), { name })
  expect(test_keys.requests[0]?.response.body).toBe(expected)
})

it.each([
  [keeping, { hOsT: 'a.com' }, 'an answer'],
  ['web_connectivity', {}, ''],
])('withEvidence() in brief and the request of %s', (name, headers, body) => {
  const { test_keys } = withEvidence(measured(withBody('an answer'), { name }), 'brief')
  expect(test_keys.requests[0]).toMatchObject({ request: { headers }, response: { body } })
})

it('scrubs what it keeps', () => {
  const { test_keys } = measured(withBody('you are 203.0.113.7'), { name: keeping })
  expect(test_keys.requests[0]?.response.body).toBe('you are [scrubbed]')
})
