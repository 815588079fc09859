// The deal: even, and what tends to be blocked together apart.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList, type TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { deal } from './deal.ts'
import { entryKey, kindOf, ownerOf } from './kinship.ts'

const { entries } = parseTestList(core)
const roundsOf = (some: readonly TestListEntry[], dealt: ReadonlyMap<string, number>) =>
  some.map((entry) => dealt.get(entryKey(entry)))

const anyRounds = fc.integer({ min: 1, max: 6 })
const anyPart = fc.subarray([...entries], { minLength: 1 })

describe('deal()', () => {
  it('gives each entry one round, and no round more than one entry more than another', () => {
    fc.assert(
      fc.property(anyPart, anyRounds, fc.string(), (part, rounds, seed) => {
        const dealt = roundsOf(part, deal(part, rounds, seed))
        const sizes = Array.from(
          { length: rounds },
          (_, round) => dealt.filter((each) => each === round).length,
        )
        expect(sizes.reduce((a, b) => a + b)).toBe(part.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('deals kinds and owners to as many rounds as they have entries, as far as there are rounds', () => {
    fc.assert(
      fc.property(anyPart, anyRounds, fc.string(), (part, rounds, seed) => {
        const dealt = deal(part, rounds, seed)
        for (const of of [kindOf, ownerOf])
          for (const name of new Set(part.map(of))) {
            const alike = part.filter((entry) => of(entry) === name)
            // Of one owner there may be two kinds, which stand in two places of the line.
            if (new Set(alike.map(kindOf)).size > 1) continue
            expect(new Set(roundsOf(alike, dealt)).size).toBe(Math.min(rounds, alike.length))
          }
      }),
    )
  })

  it('deals the same whatever the order of the list, and otherwise to another probe', () => {
    const seeds = Array.from({ length: 50 }, (_, n) => `probe ${n}`)
    const one = deal(entries, 3, 'a probe')
    expect(deal([...entries].reverse(), 3, 'a probe')).toEqual(one)
    // Two probes look at one target in the same round no more often than by chance.
    const same = seeds.map((seed) => {
      const other = deal(entries, 3, seed)
      return entries.filter((entry) => one.get(entryKey(entry)) === other.get(entryKey(entry))).length
    })
    const share = same.reduce((a, b) => a + b) / (entries.length * seeds.length)
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(0.42)
  })
})
