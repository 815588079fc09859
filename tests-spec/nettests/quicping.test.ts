// Golden verdicts of quicping.

import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { resolved, rows, seen, silence } from '../../test/golden/quicping.ts'
import { good } from '../../test/support/observations.ts'
import { judgeQuicping, quicpingInput, quicpingKeys, quicpingOptions } from './quicping.ts'

describe('judgeQuicping()', () => {
  for (const [name, observations, expected, how, circumstances] of rows) {
    test(name, () => {
      const verdict = judgeQuicping(observations, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(expected.replace(' ', ' quicping/').concat('@1'))
      expect(verdict.how).toBe(how)
    })
  }

  test('rests on every packet that was not answered', () => {
    expect(judgeQuicping(seen(resolved, silence, silence), good).because).toEqual([60_001, 60_002])
  })
})

test('quicpingKeys() counts what was sent', () => {
  expect(quicpingKeys(seen(resolved, silence, null), 'quic.example')).toEqual({
    domain: 'quic.example',
    repetitions: 2,
  })
})

test('the input is a name or an address, the options have their defaults', () => {
  for (const text of ['quic.example', '192.0.2.1', '2001:db8::1']) {
    expect(v.safeParse(quicpingInput, text).success, text).toBe(true)
  }
  for (const text of ['https://quic.example/', 'QUIC.example', 'quic', '', 'a b.example']) {
    expect(v.safeParse(quicpingInput, text).success, text).toBe(false)
  }
  expect(v.parse(quicpingOptions, {})).toEqual({ port: 443, repetitions: 3 })
  expect(v.safeParse(quicpingOptions, { repetitions: 11 }).success).toBe(false)
})
