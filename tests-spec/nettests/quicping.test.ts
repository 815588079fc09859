// Golden verdicts of quicping.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { resolved, rows, seen, silence } from '../../test/golden/quicping.ts'
import { judging } from '../../test/support/judge.ts'
import { quicping } from './quicping.ts'

const judge = judging(quicping, { input: 'quic.example' })

describe('quicping', () => {
  for (const { name, seen: observations, verdict: expected, how, circumstances } of rows) {
    it(name, () => {
      const { verdict } = judge(observations, circumstances)
      expect(`${verdict.verdict} ${verdict.rule.replace(/@\d+$/, '')}`).toBe(
        expected.replace(' ', ' quicping/'),
      )
      expect(verdict.how).toBe(how)
    })
  }

  it('rests on every packet that was not answered', () => {
    expect(judge(seen(resolved, silence, silence)).verdict.because).toEqual([60_001, 60_002])
  })
})

it('quicping counts what was sent', () => {
  expect(judge(seen(resolved, silence, null)).keys).toEqual({
    domain: 'quic.example',
    repetitions: 2,
  })
})

it('the input is a name or an address, the options have their defaults', () => {
  for (const text of ['quic.example', '192.0.2.1', '2001:db8::1']) {
    expect(v.safeParse(quicping.input, text).success, text).toBe(true)
  }
  for (const text of ['https://quic.example/', 'QUIC.example', 'quic', '', 'a b.example']) {
    expect(v.safeParse(quicping.input, text).success, text).toBe(false)
  }
  expect(v.parse(quicping.options, {})).toEqual({ port: 443, repetitions: 3 })
  expect(v.safeParse(quicping.options, { repetitions: 11 }).success).toBe(false)
})
