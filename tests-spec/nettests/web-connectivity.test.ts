// Golden verdicts of web_connectivity, in both directions: what must be found, and what must not be called an anomaly.

import { describe, expect, it } from 'vitest'
import { rows } from '../../test/golden/web-connectivity.ts'
import { judging } from '../../test/support/judge.ts'
import { connect, handshake, join, query, response } from '../../test/support/observations.ts'
import { webConnectivity } from './web-connectivity.ts'

const judge = judging(webConnectivity, { input: 'https://site.example/' })

describe('web_connectivity', () => {
  for (const { name, seen, verdict: expected, step, circumstances } of rows) {
    it(name, () => {
      const { verdict } = judge(seen, circumstances)
      const rule = verdict.rule.replace(/^web_connectivity\/(.*)@\d+$/, '$1')
      expect(`${verdict.verdict} ${rule}`).toBe(expected)
      expect(verdict.step).toBe(step)
      if (verdict.verdict === 'anomaly') expect(verdict.because.length).toBeGreaterThan(0)
    })
  }

  it('a private address is an address in a laboratory', () => {
    const seen = join(query(['10.0.0.1']), connect(null), handshake(null), response(200))
    expect(judge(seen, { lab: true }).verdict.verdict).toBe('ok')
  })
})
