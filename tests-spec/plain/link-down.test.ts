// What was measured while the link was down: plain-form.md §7.

import { describe, expect, it } from 'vitest'
import { goldenTables } from '../../test/golden/tables.ts'
import { fullContext, type GoldenRecord, goldenRecords } from '../../test/ooni/golden-records.ts'
import { withoutFindings } from './link-down.ts'
import { plainForm } from './plain-form.ts'

describe('withoutFindings()', () => {
  it('empties lists, maps and values, and has all of it in one place', () => {
    const seen = {
      queries: [{ failure: 'generic_timeout_error' }],
      targets: { a: { failure: 'generic_timeout_error' } },
      blocking: 'dns',
      x_sonde_follow_ups: { queries: [] },
    }
    expect(withoutFindings({ ...seen, x_sonde_link: { state: 'down' } })).toEqual({
      queries: [],
      targets: {},
      blocking: null,
      x_sonde_link: { state: 'down' },
      x_sonde_seen_while_down: seen,
    })
  })
})

const isDown = ({ kept }: GoldenRecord) => kept.test_keys.x_sonde_verdict.verdict === 'link_down'

describe.each(goldenTables)('the plain form of $nettest over a link that is down', ({ nettest }) => {
  const records = goldenRecords
    .filter((record) => record.kept.test_name === nettest && isDown(record))
    .map((record, n) => ({ ...record, plain: plainForm(record.kept, fullContext(n)) }))

  it('shows OONI no observation and no finding', () => {
    expect(records).not.toEqual([])
    for (const { sample, plain } of records) {
      const { test_keys, annotations } = plain
      const shown = Object.entries(test_keys).filter(([key]) => !key.startsWith('x_sonde_'))
      const telling = shown.filter(([, value]) => value !== null && Object.keys(value as object).length > 0)
      // One that names no URL: by it the scoring knows a measurement that could not be made.
      const unasked = nettest === 'telegram' ? ['requests'] : []
      expect(
        telling.map(([key]) => key),
        sample.sentence,
      ).toEqual(unasked)
      expect(annotations).toMatchObject({ network_type: 'no_internet', x_sonde_verdict: 'link_down' })
    }
  })
})

it('what is ok over such a link is shown like any other', () => {
  const record = goldenRecords.find(
    ({ kept }) =>
      kept.test_keys.x_sonde_link.state === 'down' && kept.test_keys.x_sonde_verdict.verdict === 'ok',
  )
  expect(record).toBeDefined()
  if (record === undefined) return
  const { test_keys, annotations } = plainForm(record.kept, fullContext(0))
  expect(test_keys).not.toHaveProperty('x_sonde_seen_while_down')
  expect(annotations).not.toMatchObject({ network_type: 'no_internet' })
})
