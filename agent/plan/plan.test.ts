// The plan at one instant: what a cycle measures, and what for.

import { describe, expect, it } from 'vitest'
import { toldAt } from '../../test/support/told-at.ts'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { annotationsOf } from './annotations.ts'
import { maxLookedAt } from './burst.ts'
import { cronSchedule } from './cron-schedule.ts'
import { deal } from './deal.ts'
import { entryKey } from './kinship.ts'
import {
  afterRound,
  firstRound,
  lookDueMs,
  lookRound,
  type Memory,
  nothingLooked,
  type Planning,
  type Round,
  roundAt,
} from './plan.ts'
import { roundSchedule } from './round-schedule.ts'

const { entries } = parseTestList(core)
const planning: Planning = {
  entries,
  rounds: roundSchedule(cronSchedule('*/15 * * * *', 0, 'seed'), 3),
  campaigns: [],
  seed: 'seed',
  bursts: true,
}
const minute = 60_000
const base = Date.parse('2018-07-29T17:30:00Z')
/** Both clocks so many minutes after 17:30. */
const at = (minutes: number) => ({
  wallMs: base + minutes * minute,
  monotonicMs: minutes * minute,
  present: toldAt(base + minutes * minute),
})
const keysOf = ({ entries: some }: Pick<Round, 'entries'>) => some.map(entryKey)
const dealt = (index: number) => {
  const rounds = deal(entries, 3, 'seed')
  return entries.map(entryKey).filter((key) => rounds.get(key) === index)
}
const due = (minutes: number) => planning.rounds.next(at(minutes).wallMs - 1)

/** What was looked at when all began at 17:30 and each round came in time, until then. */
function lookedUntil(minutes: number, memory: Memory = nothingLooked): Memory {
  let state = afterRound(planning, memory, firstRound(planning, at(0)), [], 0)
  for (let next = 5; next < minutes; next += 5) {
    const round = roundAt(planning, state, due(next), at(next), true)
    state = afterRound(planning, state, round, [], next * minute)
  }
  return state
}

describe('roundAt()', () => {
  it('measures one round of three in its turn, and all of them in an interval', () => {
    const rounds = [5, 10, 15].map((next) => roundAt(planning, lookedUntil(next), due(next), at(next), true))
    expect(rounds.map(keysOf)).toEqual([dealt(1), dealt(2), dealt(0)])
    expect(rounds.map(({ isLast }) => isLast)).toEqual([false, true, false])
    expect(rounds.every(({ isLook, forBurst }) => !isLook && forBurst.size === 0)).toBe(true)
  })

  it('measures what a long cycle kept from being measured, with the round after it', () => {
    // The round of 17:50 was not begun.
    const round = roundAt(planning, lookedUntil(20), due(25), at(25), true)
    expect(new Set(keysOf(round))).toEqual(new Set([...dealt(1), ...dealt(2)]))
  })

  it('measures each target once when many rounds were slept through, the clock that counts sleep being the wall', () => {
    const memory = lookedUntil(20)
    const round = roundAt(planning, memory, due(20), { ...at(20), wallMs: at(600).wallMs }, true)
    expect(keysOf(round)).toEqual(entries.map(entryKey))
    expect(round.isLast).toBe(true)
  })

  it('measures what is new in the list with the next round, whatever round it is of', () => {
    const fresh = { ...entries[5], input: 'https://news.example/' } as (typeof entries)[number]
    const longer = { ...planning, entries: [...entries, fresh] }
    expect(keysOf(roundAt(longer, lookedUntil(20), due(20), at(20), true))).toContain(entryKey(fresh))
  })

  it('takes along what a burst is about, but not as long as its bytes may not be spent', () => {
    const changed = dealt(1).slice(0, 1)
    const memory = afterRound(
      planning,
      lookedUntil(5),
      { ...firstRound(planning, at(0)), entries: [] },
      changed,
      at(5).monotonicMs,
    )
    const round = roundAt(planning, memory, due(10), at(10), true)
    expect(keysOf(round)).toEqual(expect.arrayContaining([...changed, ...dealt(2)]))
    expect(round.entries.length).toBeLessThanOrEqual(dealt(2).length + maxLookedAt)
    expect([...round.forBurst].some((key) => dealt(2).includes(key))).toBe(false)
    const [key = ''] = changed
    const [nettest = '', input = null] = JSON.parse(key)
    expect(annotationsOf(round, new Map(), nettest, input)).toEqual({ x_sonde_burst: 'true' })
    expect(annotationsOf(round, new Map([[key, 7]]), nettest, input)).toMatchObject({ x_sonde_flapping: '7' })
    expect(annotationsOf(round, new Map(), 'link_check', null)).toEqual({})
    expect(keysOf(roundAt(planning, memory, due(10), at(10), false))).toEqual(dealt(2))
    expect(keysOf(roundAt({ ...planning, bursts: false }, memory, due(10), at(10), true))).toEqual(dealt(2))
  })

  it('gives the same plan for the same', () => {
    const memory = lookedUntil(20)
    expect(roundAt(planning, memory, due(20), at(20), true)).toEqual(
      roundAt(planning, memory, due(20), at(20), true),
    )
  })
})

describe('lookDueMs()', () => {
  const changed = afterRound(
    planning,
    lookedUntil(5),
    firstRound(planning, at(0)),
    dealt(1).slice(0, 1),
    at(5).monotonicMs,
  )

  it('is never while nothing has changed', () => {
    expect(lookDueMs(planning, lookedUntil(5), due(10), at(5))).toBe(Number.POSITIVE_INFINITY)
  })

  it('comes one to two minutes after a change', () => {
    const dueMs = lookDueMs(planning, changed, due(10), at(5))
    expect(dueMs).toBeGreaterThanOrEqual(at(6).monotonicMs)
    expect(dueMs).toBeLessThanOrEqual(at(7).monotonicMs)
    expect(lookRound(planning, changed, due(10), at(7), true).entries).toHaveLength(maxLookedAt)
  })

  it('is left to a round that comes within those two minutes', () => {
    const late = { ...changed, burst: changed.burst && { ...changed.burst, lookedMs: at(8.5).monotonicMs } }
    expect(lookDueMs(planning, late, due(10), at(8.6))).toBe(Number.POSITIVE_INFINITY)
    expect(roundAt(planning, late, due(10), at(10), true).isLook).toBe(true)
  })

  it('does not move when the wall clock does', () => {
    const before = lookDueMs(planning, changed, due(10), at(5))
    const set = { ...at(5), wallMs: at(5).wallMs - 36_000_000 }
    expect(lookDueMs(planning, changed, planning.rounds.next(set.wallMs), set)).toBe(before)
  })
})

it('afterRound() forgets what has left the list', () => {
  const shorter = { ...planning, entries: entries.slice(0, 3) }
  expect(afterRound(shorter, lookedUntil(20), firstRound(shorter, at(0)), [], 0).looked.size).toBe(3)
})
