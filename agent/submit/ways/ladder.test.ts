// The order of the ways, and races with every schedule that fast-check generates: one winner, and nothing left open.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases } from '../../../test/support/fuzzing.ts'
import { fullJitterMs, obeyedMs } from './backoff.ts'
import { beginRace, climbingOrder, isLost, type RaceStep, staggerMs, stepRace } from './ladder.ts'
import { afterProgress, afterStall, noStalls, type Stalls, silenceLimitMs } from './stall.ts'

const rungs = ['a', 'b', 'r', 'c'].map((id) => ({ id, isRelay: id === 'r' }))
const none = new Map<string, number>()

describe('climbingOrder()', () => {
  it('begins as listed, relays last', () => {
    expect(climbingOrder(rungs, { lastGood: null, failedAt: none })).toEqual(['a', 'b', 'c', 'r'])
  })
  it('puts the last good one first', () => {
    expect(climbingOrder(rungs, { lastGood: 'c', failedAt: none })).toEqual(['c', 'a', 'b', 'r'])
  })
  it('puts what failed after what did not, the longest ago first', () => {
    const failedAt = new Map([
      ['a', 20],
      ['b', 10],
    ])
    expect(climbingOrder(rungs, { lastGood: null, failedAt })).toEqual(['c', 'b', 'a', 'r'])
  })
  it('does not begin with the last good one when it failed since', () => {
    expect(climbingOrder(rungs, { lastGood: 'a', failedAt: new Map([['a', 1]]) })).toEqual([
      'b',
      'c',
      'a',
      'r',
    ])
  })
  it('forgets a last good one that is listed no more', () => {
    expect(climbingOrder(rungs, { lastGood: 'gone', failedAt: none })).toEqual(['a', 'b', 'c', 'r'])
  })
  it('loses nobody and invents nobody, whatever the past', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'r', 'x')
    const past = fc.record({
      lastGood: fc.option(id, { nil: null }),
      failedAt: fc.array(fc.tuple(id, fc.nat(5))).map((entries) => new Map(entries)),
    })
    fc.assert(
      fc.property(past, (each) => {
        const order = climbingOrder(rungs, each)
        expect([...order].sort()).toEqual(['a', 'b', 'c', 'r'])
        expect(order.at(-1)).toBe('r')
      }),
      { numRuns: cases(200, 5_000) },
    )
  })
})

/** What happens to an endpoint that was begun: it connects or fails after some milliseconds, or does neither. */
interface Fate {
  readonly afterMs: number
  readonly end: 'connected' | 'failed' | 'never'
}

/** Runs a race over simulated time and checks the invariants at every step. */
function run(fates: readonly Fate[]) {
  const ids = fates.map((_, i) => `${i}`)
  const begun = new Map<string, number>()
  const ended = new Set<string>()
  const closed = new Set<string>()
  const starts: { at: number; after: 'stagger' | 'failure' | 'first' }[] = []
  let now = 0
  let step: RaceStep = beginRace(ids, now)
  let cause: 'stagger' | 'failure' | 'first' = 'first'
  for (let turn = 0; turn < 200; turn++) {
    for (const id of step.start) {
      expect(begun.has(id), 'begun once').toBe(false)
      expect(step.race.winner, 'nothing begins after a winner').toBeNull()
      begun.set(id, now)
      starts.push({ at: now, after: cause })
    }
    for (const id of step.close) closed.add(id)
    expect([...closed], 'the winner is not closed').not.toContain(step.race.winner)
    const events = [...begun]
      .filter(([id]) => !ended.has(id) && !closed.has(id) && fates[Number(id)]?.end !== 'never')
      .map(([id, at]) => ({ id, at: at + (fates[Number(id)]?.afterMs ?? 0) }))
      .sort((a, b) => a.at - b.at)
    const next = events[0]
    const wake = step.wakeAtMs
    if (next === undefined && wake === null) break
    if (wake !== null && (next === undefined || wake < next.at)) {
      now = wake
      cause = 'stagger'
      step = stepRace(step.race, { kind: 'time' }, now)
    } else if (next !== undefined) {
      now = next.at
      ended.add(next.id)
      const kind = fates[Number(next.id)]?.end === 'connected' ? 'connected' : 'failed'
      cause = 'failure'
      step = stepRace(step.race, { kind, id: next.id }, now)
    }
  }
  return { step, begun, ended, closed, starts, now }
}

describe('a race', () => {
  const fate = fc.record<Fate>({
    afterMs: fc.oneof(fc.nat(12_000), fc.constantFrom(0, staggerMs - 1, staggerMs, staggerMs + 1)),
    end: fc.constantFrom('connected', 'failed', 'never'),
  })

  it('has one winner or none, leaves no loser open, and gives everybody a chance before it is lost', () => {
    fc.assert(
      fc.property(fc.array(fate, { minLength: 1, maxLength: 8 }), (fates) => {
        const { step, begun, ended, closed, starts } = run(fates)
        const { winner, running } = step.race
        if (winner !== null) {
          expect(fates[Number(winner)]?.end).toBe('connected')
          for (const id of begun.keys())
            expect(id === winner || ended.has(id) || closed.has(id), `${id} is left open`).toBe(true)
        } else {
          expect(begun.size).toBe(fates.length)
          expect(fates.every(({ end }) => end !== 'connected')).toBe(true)
          expect(isLost(step.race)).toBe(running.length === 0)
        }
        // Two never start within the stagger, unless the one before had failed: a slow link must not carry five
        // handshakes at once.
        for (const [i, { at, after }] of starts.entries())
          if (i > 0 && after === 'stagger')
            expect(at - (starts[i - 1]?.at ?? 0)).toBeGreaterThanOrEqual(staggerMs)
      }),
      { numRuns: cases(500, 20_000) },
    )
  })

  it('is won by the first that connects, and a second in the same breath is closed', () => {
    const begun = beginRace(['a', 'b'], 0)
    const both = stepRace(begun.race, { kind: 'time' }, staggerMs)
    expect(both.start).toEqual(['b'])
    const won = stepRace(both.race, { kind: 'connected', id: 'b' }, staggerMs + 1)
    expect(won).toMatchObject({ race: { winner: 'b' }, close: ['a'] })
    expect(stepRace(won.race, { kind: 'connected', id: 'a' }, staggerMs + 1).close).toEqual(['a'])
  })

  it('begins the next at once when all that run have failed, and waits 4 s while one may still come', () => {
    const begun = beginRace(['a', 'b', 'c'], 0)
    expect(begun).toMatchObject({ start: ['a'], wakeAtMs: staggerMs })
    const failed = stepRace(begun.race, { kind: 'failed', id: 'a' }, 10)
    expect(failed).toMatchObject({ start: ['b'], wakeAtMs: 10 + staggerMs })
    expect(stepRace(failed.race, { kind: 'time' }, 10 + staggerMs - 1).start).toEqual([])
  })

  it('is lost at once without anybody in it', () => {
    expect(isLost(beginRace([], 0).race)).toBe(true)
  })
})

describe('fullJitterMs()', () => {
  it.each([
    [1, 1, 2_000],
    [2, 1, 4_000],
    [9, 1, 512_000],
    [10, 1, 600_000],
    [100_000, 1, 600_000],
    [7, 0, 0],
    [3, 0.25, 2_000],
  ])('after %i failures and with chance %d is %i', (failures, chance, ms) => {
    expect(fullJitterMs(failures, chance)).toBe(ms)
  })
})

describe('obeyedMs()', () => {
  it('is never less than what was asked for, and never twice as much', () => {
    expect([0, 0.5, 0.999].map((chance) => obeyedMs(30_000, chance))).toEqual([30_000, 45_000, 59_970])
  })
})

describe('silenceLimitMs()', () => {
  const stalled = (times: number): Stalls =>
    Array.from({ length: times }).reduce<Stalls>(afterStall, noStalls)

  it.each([
    ['is 4 s on a fast link', 20, noStalls, 4_000],
    ['is four round trips on a slow one', 1_500, noStalls, 6_000],
    ['doubles with a stall', 20, stalled(1), 8_000],
    ['and with another', 20, stalled(2), 16_000],
    ['is 30 s and never more', 20, stalled(3), 30_000],
    ['however many there were', 20, stalled(5_000), 30_000],
    ['gives room to a link that has been as slow before', 20, afterProgress(noStalls, 9_000), 13_500],
  ])('%s', (_, rttMs, stalls, ms) => {
    expect(silenceLimitMs(rttMs, stalls)).toBe(ms)
  })

  it('comes back with progress, and forgets a slow morning by and by', () => {
    expect(silenceLimitMs(20, afterProgress(stalled(3), 50))).toBe(4_000)
    let stalls = afterProgress(noStalls, 15_000)
    for (let i = 0; i < 10; i++) stalls = afterProgress(stalls, 50)
    expect(silenceLimitMs(20, stalls)).toBe(4_000)
  })

  it('stays between 4 and 30 s whatever happens', () => {
    const events = fc.array(fc.oneof(fc.constant(null), fc.nat(60_000)))
    fc.assert(
      fc.property(fc.nat(60_000), events, (rttMs, happened) => {
        const stalls = happened.reduce<Stalls>(
          (past, silence) => (silence === null ? afterStall(past) : afterProgress(past, silence)),
          noStalls,
        )
        const ms = silenceLimitMs(rttMs, stalls)
        expect(ms).toBeGreaterThanOrEqual(4_000)
        expect(ms).toBeLessThanOrEqual(30_000)
      }),
      { numRuns: cases(300, 5_000) },
    )
  })
})
