import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Range, RangeSet } from './ranges.ts'

const ranges = fc.array(
  fc.tuple(fc.nat(60), fc.nat(8)).map(([first, more]): Range => [first, first + more]),
  { maxLength: 12 },
)

function naive(list: readonly Range[]): Set<number> {
  return new Set(
    list.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
  )
}

function numbers(set: RangeSet): number[] {
  return set.list().flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
}

const sorted = (set: Iterable<number>) => [...set].sort((a, b) => a - b)

describe('RangeSet', () => {
  it('is a set of numbers, whatever order they come in', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const set = RangeSet.of(list)
        const expected = sorted(naive(list))
        expect(numbers(set)).toEqual(expected)
        expect(set.size).toBe(expected.length)
        expect(set.max).toBe(expected.at(-1) ?? -1)
        expect(set.isEmpty).toBe(expected.length === 0)
        for (let n = 0; n < 70; n++) expect(set.has(n)).toBe(expected.includes(n))
      }),
    )
  })

  it('keeps runs that neither touch nor overlap', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        const runs = RangeSet.of(list).list()
        for (const [i, [first]] of runs.entries()) expect(first).toBeGreaterThan((runs[i - 1]?.[1] ?? -2) + 1)
      }),
    )
  })

  it('minus() and and() are those of sets, and change neither side', () => {
    fc.assert(
      fc.property(ranges, ranges, (a, b) => {
        const [left, right] = [RangeSet.of(a), RangeSet.of(b)]
        const [inA, inB] = [naive(a), naive(b)]
        expect(numbers(left.minus(right))).toEqual(sorted([...inA].filter((n) => !inB.has(n))))
        expect(numbers(left.and(right))).toEqual(sorted([...inA].filter((n) => inB.has(n))))
        expect(numbers(left)).toEqual(sorted(inA))
        expect(numbers(right)).toEqual(sorted(inB))
      }),
    )
  })

  it('remove() takes one number out, and passes over one that is not in', () => {
    fc.assert(
      fc.property(ranges, fc.nat(70), (list, n) => {
        const set = RangeSet.of(list)
        set.remove(n)
        expect(numbers(set)).toEqual(sorted(naive(list)).filter((each) => each !== n))
      }),
    )
  })

  it('add() of a last below the first adds nothing', () => {
    const set = new RangeSet()
    set.add(0, -1)
    expect(set.isEmpty).toBe(true)
  })
})
