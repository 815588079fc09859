import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toldAt } from '../../test/support/told-at.ts'
import type { Campaign } from '../../tests-spec/lists/campaign.ts'
import { dueOf, namesByTarget, nextOf, slotDueMs, underWay } from './campaign-slots.ts'

const minute = 60_000
const from = Date.parse('2026-11-29T06:00:00Z')
const vote: Campaign = {
  name: 'bamako/vote',
  fromMs: from,
  toMs: from + 60 * minute,
  everyMs: 5 * minute,
  entries: [{ nettest: 'whatsapp', input: null, category_code: 'COMT' }],
}
/** Both clocks so many minutes after the beginning. */
const at = (minutes: number) => ({
  monotonicMs: 1e9 + minutes * minute,
  present: toldAt(from + minutes * minute),
})

describe('slotDueMs()', () => {
  it('is within a minute of the beginning, then every five minutes until the end, whatever the seed', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: -600, max: -1 }), (seed, before) => {
        const starts: number[] = []
        let begun: number | undefined
        for (let now = before; ; ) {
          const due = slotDueMs(vote, begun, at(now), seed)
          if (due === Number.POSITIVE_INFINITY) break
          begun = due
          now = (due - 1e9) / minute
          starts.push(now)
        }
        expect(starts[0]).toBeGreaterThanOrEqual(0)
        expect(starts[0]).toBeLessThan(1)
        expect(starts).toHaveLength(12)
        for (const [n, start] of starts.entries()) expect(start).toBeCloseTo((starts[0] ?? 0) + 5 * n, 6)
      }),
      { numRuns: 50 },
    )
  })

  it('is at once where the device starts within it, once for all that was missed, and never afterwards', () => {
    expect(slotDueMs(vote, undefined, at(33), 'a')).toBeLessThan(at(1).monotonicMs)
    const late = slotDueMs(vote, at(2).monotonicMs, at(33), 'a')
    expect(late).toBeLessThanOrEqual(at(33).monotonicMs)
    expect(slotDueMs(vote, at(33).monotonicMs, at(33), 'a')).toBe(at(38).monotonicMs)
    expect(slotDueMs(vote, undefined, at(60), 'a')).toBe(Number.POSITIVE_INFINITY)
    expect(slotDueMs(vote, at(58).monotonicMs, at(59), 'a')).toBe(Number.POSITIVE_INFINITY)
  })

  it('does not move when the wall clock is set within the window', () => {
    const now = { ...at(30), present: toldAt(from + 10 * minute) }
    expect(slotDueMs(vote, at(28).monotonicMs, now, 'a')).toBe(at(33).monotonicMs)
  })
})

it('underWay() has those in whose window any moment may be that is the present one', () => {
  const hours = 60 * minute
  const between = (leastMs: number, mostMs: number) => ({ leastMs, mostMs, isTold: false })
  expect(underWay([vote], between(from - 48 * hours, from))).toEqual([vote])
  expect(underWay([vote], between(from - 48 * hours, from - 1))).toEqual([])
  expect(underWay([vote], between(from + hours - 1, from + 48 * hours))).toEqual([vote])
  expect(underWay([vote], between(from + hours, from + 48 * hours))).toEqual([])
})

it('nextOf() is the first that is still to come', () => {
  const later = { ...vote, name: 'bamako/later', fromMs: from + 10 * minute }
  expect(nextOf([later, vote], toldAt(from - 1))).toBe(vote)
  expect(nextOf([later, vote], toldAt(from))).toBe(later)
  expect(nextOf([later, vote], toldAt(from + 10 * minute))).toBeNull()
})

it('dueOf() takes along what is due within half a minute', () => {
  const begun = (minutes: number) => new Map([[vote.name, at(minutes).monotonicMs]])
  expect(dueOf([vote], begun(0), at(4.5), 'a')).toEqual([vote])
  expect(dueOf([vote], begun(0), at(4.49), 'a')).toEqual([])
})

it('namesByTarget() names all campaigns of a target', () => {
  expect([...namesByTarget([vote, { ...vote, name: 'kayes/vote' }]).values()]).toEqual([
    'bamako/vote, kayes/vote',
  ])
})
