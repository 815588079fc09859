// What the controls say of the link.

import { describe, expect, test } from 'vitest'
import { nothing } from '../../test/observations.ts'
import { type ControlResult, judgeLink, judgeLinkCheck } from './link-check.ts'
import { unknownLink } from './verdict.ts'

const at = '2018-07-29T17:43:00.000Z'
const controls = (...results: readonly ControlResult['result'][]): ControlResult[] =>
  results.map((result, index) => ({ url: `http://control${index}.example/`, result, transaction_id: index }))

describe('judgeLink()', () => {
  const rows = [
    ['every control answers', ['ok', 'ok', 'ok', 'ok'], 'up'],
    ['one may be blocked without the link being at fault', ['ok', 'failed', 'ok', 'ok'], 'up'],
    ['two of four gone', ['ok', 'failed', 'failed', 'ok'], 'degraded'],
    ['none answers', ['failed', 'failed', 'failed', 'failed'], 'down'],
    [
      'everyone answers with the same foreign page',
      ['other_answer', 'other_answer', 'other_answer', 'failed'],
      'captive_portal',
    ],
    ['one control changed its page', ['ok', 'other_answer', 'ok', 'ok'], 'up'],
    [
      'the system resolver answers for nobody',
      ['other_resolver_only', 'other_resolver_only', 'failed', 'failed'],
      'degraded',
    ],
    ['no control was asked', [], 'unknown'],
  ] as const
  test.each(rows)('%s', (_name, results, state) => {
    expect(judgeLink(controls(...results), unknownLink, at).state).toBe(state)
  })

  test('keeps "since" while the state stays, and begins anew when it changes', () => {
    const down = judgeLink(controls('failed', 'failed'), unknownLink, at)
    expect(down.since).toBe(at)
    const still = judgeLink(controls('failed', 'failed'), down, '2018-07-29T18:00:00.000Z')
    expect(still).toMatchObject({ since: at, checked_at: '2018-07-29T18:00:00.000Z' })
    expect(judgeLink(controls('ok', 'ok'), still, '2018-07-29T19:00:00.000Z').since).toBe(
      '2018-07-29T19:00:00.000Z',
    )
  })
})

test('judgeLinkCheck() never calls a link an anomaly', () => {
  for (const state of ['up', 'degraded', 'down', 'captive_portal', 'unknown'] as const) {
    const verdict = judgeLinkCheck(
      { ...nothing, x_sonde_controls: controls('ok') },
      { ...unknownLink, state },
    )
    expect(verdict.verdict).not.toBe('anomaly')
    expect(verdict.rule).toBe(`link_check/${state}@1`)
  }
})
