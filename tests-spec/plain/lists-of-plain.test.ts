// Nothing that a verdict rests on is left out of a plain form: judged again from it, every golden sample comes out the same.

import { describe, expect, it } from 'vitest'
import { goldenTables } from '../../test/golden/tables.ts'
import { fullContext, goldenRecords } from '../../test/ooni/golden-records.ts'
import type { Observations } from '../data-formats/observation.ts'
import { type Lists, listNames } from './lists.ts'
import { measuredKeysOf } from './lists-of-plain.ts'
import { plainForm } from './plain-form.ts'

const withTimes = goldenRecords.map((record, n) => ({
  ...record,
  plain: plainForm(record.kept, fullContext(n)),
}))

describe.each(goldenTables)('measuredKeysOf() a plain form of $nettest', ({ nettest, spec, asked }) => {
  const records = withTimes.filter(({ table }) => table.nettest === nettest)

  it('has every entry of the kept lists, and no other', () => {
    for (const { kept, plain, sample } of records) {
      const measured = measuredKeysOf(plain)
      const count = (lists: Lists) => listNames.map((name) => `${name} ${lists[name].length}`)
      expect(count(measured), sample.sentence).toEqual(count(kept.test_keys))
      const ids = (lists: Lists) =>
        listNames.map((name) => lists[name].map((each) => each.transaction_id).sort())
      expect(ids(measured), sample.sentence).toEqual(ids(kept.test_keys))
    }
  })

  it('is judged as the kept form is', () => {
    for (const { kept, plain, sample, level } of records) {
      const judged = (seen: Observations) => {
        const { verdict, parts } = spec.conclude(seen, sample.circumstances, {
          ...asked,
          outside: sample.outside ?? undefined,
        })
        return { verdict, parts }
      }
      const measured = measuredKeysOf(plain) as unknown as Observations
      expect(judged(measured), `${sample.sentence}, ${level}`).toEqual(judged(kept.test_keys))
    }
  })
})

it.each(['x_sonde_follow_ups', 'x_sonde_other_resolvers'])(
  'without %s some would be judged otherwise',
  (key) => {
    const changed = withTimes.filter(({ table, sample, kept, plain }) => {
      const { [key]: _left, ...test_keys } = plain.test_keys
      const measured = measuredKeysOf({ ...plain, test_keys }) as unknown as Observations
      const asked = { ...table.asked, outside: sample.outside ?? undefined }
      const { verdict } = table.spec.conclude(measured, sample.circumstances, asked)
      return verdict.rule !== kept.test_keys.x_sonde_verdict.rule
    })
    expect(changed.length).toBeGreaterThan(0)
  },
)
