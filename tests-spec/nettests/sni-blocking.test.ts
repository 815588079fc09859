// Golden verdicts of sni_blocking: one server, two names.

import { describe, expect, test } from 'vitest'
import { fine, helper, reset, rows, seen } from '../../test/golden/sni-blocking.ts'
import { good } from '../../test/support/observations.ts'
import { judgeSniBlocking, sniBlockingKeys } from './sni-blocking.ts'

describe("judgeSniBlocking(), and OONI's result beside it", () => {
  for (const [name, observations, expected, result, circumstances] of rows) {
    test(name, () => {
      const verdict = judgeSniBlocking(observations, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(expected.replace(' ', ' sni_blocking/').concat('@1'))
      expect(sniBlockingKeys(observations, false).result).toBe(result)
    })
  }
})

test('sniBlockingKeys() says what was asked and what became of it', () => {
  expect(sniBlockingKeys(seen(helper, fine, reset), false)).toMatchObject({
    control: {
      sni: 'neutral.example',
      th_address: 'neutral.example:443',
      agent: 'redirect',
      failed_operation: null,
      failure: null,
    },
    target: { sni: 'site.example', failed_operation: 'tls_handshake', failure: 'connection_reset' },
  })
})
