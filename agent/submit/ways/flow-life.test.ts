import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases } from '../../../test/support/fuzzing.ts'
import { afterAnswer, afterCut, afterDeath, type FlowLife, unknownLife, usableMs } from './flow-life.ts'

const died = (...agesMs: number[]): FlowLife => agesMs.reduce(afterDeath, unknownLife)

describe('usableMs()', () => {
  it.each([
    ['is not known before a flow has died', died(), null],
    ['nor after one death, which is bad luck', died(14_000), null],
    ['is a fifth less than the shorter of two alike', died(14_000, 13_000), 10_400],
    ['whichever came first', died(13_000, 14_000), 10_400],
    ['is not known when flows die at any age', died(13_000, 40_000), null],
    ['and looks at the last two only', died(40_000, 13_000, 14_000), 10_400],
    ['is not known when they die too young to be of use', died(3_000, 3_100), null],
  ])('%s', (_, life, ms) => {
    expect(usableMs(life)).toBe(ms)
  })

  it('is not known any more once a flow has lived longer', () => {
    expect(usableMs(afterAnswer(died(14_000, 13_000), 14_500))).toBe(10_400)
    expect(usableMs(afterAnswer(died(14_000, 13_000), 30_000))).toBeNull()
  })

  it('is tried again after twelve flows that were ended in time', () => {
    let life = died(14_000, 13_000)
    for (let i = 0; i < 11; i++) life = afterCut(life)
    expect(usableMs(life)).toBe(10_400)
    expect(usableMs(afterCut(life))).toBeNull()
  })

  it('never passes the age of a flow that died, whatever happens', () => {
    const happenings = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('death' as const), ageMs: fc.nat(60_000) }),
        fc.record({ kind: fc.constant('answer' as const), ageMs: fc.nat(60_000) }),
        fc.record({ kind: fc.constant('cut' as const), ageMs: fc.constant(0) }),
      ),
    )
    fc.assert(
      fc.property(happenings, (all) => {
        const after = { death: afterDeath, answer: afterAnswer, cut: afterCut }
        const life = all.reduce<FlowLife>((past, { kind, ageMs }) => after[kind](past, ageMs), unknownLife)
        const ms = usableMs(life)
        if (ms === null) return
        expect(ms).toBeGreaterThanOrEqual(4_000)
        expect(ms).toBeLessThan(Math.min(...life.deathsMs))
      }),
      { numRuns: cases(300, 5_000) },
    )
  })
})
