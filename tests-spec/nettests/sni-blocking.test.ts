// Golden verdicts of sni_blocking: one server, two names.

import { describe, expect, it } from 'vitest'
import { fine, helper, reset, rows, seen } from '../../test/golden/sni-blocking.ts'
import { judging } from '../../test/support/judge.ts'
import { sniBlocking } from './sni-blocking.ts'

const judge = judging(sniBlocking, { input: 'site.example' })

describe("sni_blocking, and OONI's result beside it", () => {
  for (const { name, seen: observations, verdict: expected, result, circumstances } of rows) {
    it(name, () => {
      const { verdict, keys } = judge(observations, circumstances)
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(expected.replace(' ', ' sni_blocking/').concat('@1'))
      expect(keys.result).toBe(result)
    })
  }
})

it('sni_blocking says what was asked and what became of it', () => {
  expect(judge(seen(helper, fine, reset)).keys).toMatchObject({
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
