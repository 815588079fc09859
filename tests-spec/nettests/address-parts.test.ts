// What an alternative would hide: families and addresses of a site that was reached all the same.

import { describe, expect, it } from 'vitest'
import { rows } from '../../test/golden/address-parts.ts'
import { judging } from '../../test/support/judge.ts'
import { earlierFailure } from './verdict.ts'
import { webConnectivity } from './web-connectivity.ts'

const judge = judging(webConnectivity, { input: 'https://site.example/' })
const said = ({ verdict, rule }: { readonly verdict: string; readonly rule: string }) =>
  `${verdict} ${rule.replace(/^web_connectivity\/|@\d+$/g, '')}`

describe('addressParts()', () => {
  for (const { name, seen, outside, circumstances, verdict: expected, parts: wanted } of rows) {
    it(name, () => {
      const { verdict, parts } = judge(seen, circumstances, { outside })
      expect(said(verdict)).toBe(expected)
      const found = Object.entries(parts ?? {}).map(([part, each]) => [part, said(each)] as const)
      expect(Object.fromEntries(found)).toEqual(wanted ?? {})
    })
  }

  it('hands a part that failed on to the repeat, as no failure of the whole', () => {
    const row = rows.find(({ name }) => name === 'one address of two is dropped')
    if (row === undefined) throw new Error('There is no such row')
    const { verdict, parts } = judge(row.seen, row.circumstances, { outside: row.outside })
    expect(earlierFailure(verdict, parts, 31)).toEqual({
      step: 'connect',
      how: 'generic_timeout_error',
      excused: true,
      secondsAgo: 31,
      parts: { '21.0.0.11:443': { step: 'connect', how: 'generic_timeout_error' } },
    })
  })
})
