// Golden findings of throttling, in both directions: what is named, and what a slow link, a far server or a small page
// must not be named.

import { safeParse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { both, fastControl, ok, outsideFast, page, rows, slow, with_ } from '../../test/golden/throttling.ts'
import { judging } from '../../test/support/judge.ts'
import { connect, handshake, join, query } from '../../test/support/observations.ts'
import { transferControlTag, webConnectivityOptions } from './throttling.ts'
import { webConnectivity } from './web-connectivity.ts'

const judge = judging(webConnectivity, { input: 'https://site.example/' })

describe('the verdict of web_connectivity on a slow page', () => {
  for (const { name, seen, outside, verdict: expected, circumstances } of rows) {
    it(name, () => {
      const { verdict } = judge(seen, circumstances, { outside: outside ?? undefined })
      expect(`${verdict.verdict} ${verdict.rule.replace(/^web_connectivity\/(.*)@\d+$/, '$1')}`).toBe(
        expected,
      )
      if (expected === ok) return
      expect(verdict).toMatchObject({ step: 'http_round_trip', how: 'throttling_suspected' })
      expect(verdict.because).toEqual([50_001, 50_099])
    })
  }

  it('a control that was never fetched or failed changes no other verdict', () => {
    const tags = ['depth=0', 'classic', transferControlTag]
    const failed = join(
      query(['21.0.0.11'], { tags }),
      connect('generic_timeout_error', { tags, id: 50_099 }),
    )
    expect(judge(with_(slow, failed)).verdict).toMatchObject({ verdict: 'ok' })
    const followUp = (tag: string, failure: 'connection_reset' | 'ssl_invalid_hostname') =>
      handshake(failure, { tags: ['depth=0', 'classic', `followup=${tag}`], id: 50_010 })
    const reset = join(
      query(['21.0.0.10']),
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', 'connection_reset'),
    )
    expect(judge(with_(reset, fastControl)).verdict).toMatchObject({
      verdict: 'undetermined',
      rule: 'web_connectivity/no_outside_view@1',
    })
  })
})

describe('the keys of web_connectivity of a slow page', () => {
  it('say what was compared, and nothing more of the control', () => {
    expect(judge(both, {}, { outside: outsideFast }).keys).toMatchObject({
      x_sonde_throttling: {
        bytes: 64_000,
        seconds: 4,
        control: { bytes: 64_000, seconds: 0.4, faster: true },
        outside: { bytes: 300_000, seconds: 0.3, faster: true },
      },
      http_experiment_failure: null,
      accessible: true,
    })
  })
  it('have no such key where nothing was slow', () => {
    expect(judge(page({ kB: 64, seconds: 1 }), {}, { outside: outsideFast }).keys).not.toHaveProperty(
      'x_sonde_throttling',
    )
  })
  it('are null where nothing was compared', () => {
    expect(judge(slow).keys).toMatchObject({
      x_sonde_throttling: { control: null, outside: null },
    })
  })
})

it.each([
  [{ body_bytes: 1_000 }],
  [{ body_bytes: 2_000_000 }],
  [{ body_bytes: 40_000.5 }],
  [{ bytes: 40_000 }],
])('webConnectivityOptions refuses %j', (options) => {
  expect(safeParse(webConnectivityOptions, options).success).toBe(false)
})
