import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changesOf, type Seen } from './changes.ts'

/** One letter for each measurement, a minute apart: reached, failing, or not known. */
const line = (letters: string): Seen[] =>
  [...letters].map((letter, at) => ({ at, reached: letter === 'r' ? true : letter === 'f' ? false : null }))
const short = (letters: string) => changesOf(line(letters)).map(({ to, after, by }) => `${to} ${after}-${by}`)

describe('changesOf()', () => {
  it.each([
    ['', []],
    ['r', []],
    ['rrrr', []],
    ['????', []],
    ['?r?r?', []],
    ['f', ['failing null-0']],
    ['?f', ['failing null-1']],
    ['fff', ['failing null-0']],
    ['rf', ['failing 0-1']],
    ['rrff', ['failing 1-2']],
    ['r?f', ['failing 0-2']],
    ['r??fff', ['failing 0-3']],
    ['fr', ['failing null-0', 'reached 0-1']],
    ['rfr', ['failing 0-1', 'reached 1-2']],
    ['rf?r', ['failing 0-1', 'reached 1-3']],
    ['rfrf', ['failing 0-1', 'reached 1-2', 'failing 2-3']],
    ['rf??f', ['failing 0-1']],
    ['rf?', ['failing 0-1']],
  ] as const)('of %j gives %j', (letters, expected) => {
    expect(short(letters)).toEqual(expected)
  })

  const lines = fc.string({ unit: fc.constantFrom('r', 'f', '?'), maxLength: 30 }).map(line)

  it('does not depend on the order of arrival', () => {
    fc.assert(
      fc.property(
        lines.chain((seen) =>
          fc.tuple(
            fc.constant(seen),
            fc.shuffledSubarray([...seen], { minLength: seen.length, maxLength: seen.length }),
          ),
        ),
        ([seen, shuffled]) => {
          expect(changesOf(shuffled)).toEqual(changesOf(seen))
        },
      ),
    )
  })

  it('alternates, moves forward in time, and names instants that were measured and say so', () => {
    fc.assert(
      fc.property(lines, (seen) => {
        const at = (instant: number) => seen.find((each) => each.at === instant)?.reached
        let last: string | null = null
        for (const { to, after, by } of changesOf(seen)) {
          expect(to).not.toBe(last)
          expect(at(by)).toBe(to === 'reached')
          if (after === null) expect(last).toBeNull()
          else {
            expect(after).toBeLessThan(by)
            expect(at(after)).toBe(to !== 'reached')
          }
          last = to
        }
      }),
    )
  })
})
