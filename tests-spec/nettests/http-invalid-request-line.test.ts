// Golden verdicts of http_invalid_request_line: five lines sent, and what came back of each.

import { describe, expect, it } from 'vitest'
import { rows } from '../../test/golden/http-invalid-request-line.ts'
import { judging } from '../../test/support/judge.ts'
import { invalidRequestLine, parseHelper } from './http-invalid-request-line.ts'

const judge = judging(invalidRequestLine)

describe("http_invalid_request_line, and OONI's tampering beside it", () => {
  for (const { name, seen: observations, verdict: expected, tampering, circumstances } of rows) {
    it(name, () => {
      const { verdict, keys } = judge(observations, circumstances)
      expect(`${verdict.verdict} ${verdict.rule.replace(/@\d+$/, '')}`).toBe(
        expected.replace(' ', ' http_invalid_request_line/'),
      )
      expect(keys).toEqual({
        tampering_list: tampering,
        tampering: tampering.includes(true),
      })
    })
  }
})

describe('parseHelper()', () => {
  it.each([
    ['192.0.2.1:80', { ip: '192.0.2.1', port: 80 }],
    ['[2001:db8::1]:8080', { ip: '2001:db8::1', port: 8080 }],
  ])('reads %s', (text, helper) => {
    expect(parseHelper(text)).toEqual(helper)
  })

  it.each([
    'helper.example:80',
    '192.0.2.1',
    '192.0.2.999:80',
    '192.0.2.1:0',
    '2001:db8::1:80',
    '[::g]:80',
    '',
  ])('refuses "%s"', (text) => {
    expect(parseHelper(text)).toBeNull()
  })
})
