// Campaigns in the loop, on clocks that the test moves: they begin and end by themselves, keep their distance, leave the rest of the
// list where it is, and begin too early rather than not at all where nobody knows the time.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { link } from '../../test/support/observations.ts'
import { toldAt } from '../../test/support/told-at.ts'
import type { Campaign } from '../../tests-spec/lists/campaign.ts'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { annotationsOf } from '../plan/annotations.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
import { entryKey } from '../plan/kinship.ts'
import { type Present, presentOf } from '../plan/present.ts'
import { roundSchedule } from '../plan/round-schedule.ts'
import { Cuts } from './cuts.ts'
import { runLoop, type Upcoming } from './loop.ts'
import { noneWaiting } from './waiting.ts'

const { entries } = parseTestList(core)
const minute = 60_000
const begin = Date.parse('2026-11-29T05:30:00Z')
const targets = entries.slice(0, 6)
const keys = new Set(targets.map(entryKey))
const vote: Campaign = {
  name: 'bamako/vote',
  fromMs: begin + 30 * minute,
  toMs: begin + 90 * minute,
  everyMs: 2 * minute,
  entries: targets,
}

interface World {
  readonly campaigns?: (minutes: number) => readonly Campaign[]
  readonly minutes: number
  readonly seed?: string
  readonly spread?: number
  readonly cron?: string
  readonly cycleMs?: (n: number) => number
  readonly present?: (wallMs: number) => Present
  /** Minutes after which the wall clock is right. */
  readonly begins?: number
}

async function play(world: World) {
  const { campaigns = () => [vote], minutes, seed = 'seed', spread = 3, cron = '*/15 * * * *' } = world
  const { cycleMs = () => 20_000, present = toldAt, begins = begin } = world
  const clock = fakeClock(begins)
  const stop = new AbortController()
  const cycles: { minute: number; keys: string[]; said: Record<string, string>; isLast: boolean }[] = []
  const told: Upcoming[] = []
  const silent = () => {}
  const rounds = roundSchedule(cronSchedule(cron, 0, seed), spread)
  const now = () => clock.monotonicMs() / minute
  // Time goes on between two readings: what is due at the moment of asking must not be so a little later for ever.
  let readings = 0
  const live = { ...clock, monotonicMs: () => clock.monotonicMs() + ++readings / 1000 }
  await runLoop({
    clock: live,
    log: { info: silent, warn: silent, error: silent },
    planning: () => ({ entries, rounds, campaigns: campaigns(now()), seed, bursts: true }),
    mayBurst: () => true,
    present: () => present(clock.now()),
    signal: stop.signal,
    async cycle({ round }) {
      const [first] = targets
      const said = annotationsOf(round, new Map(), first?.nettest ?? '', first?.input ?? null)
      cycles.push({
        minute: now(),
        keys: round.entries.map(entryKey),
        said: { ...said },
        isLast: round.isLast,
      })
      clock.advance(cycleMs(cycles.length))
      if (now() > minutes) stop.abort()
      return nothing
    },
    deliver: async () => nothing.delivery,
    async onCycle(_, next) {
      told.push(next)
    },
    sleep: async (ms) => clock.advance(ms),
  })
  const ofFirst = cycles.filter((each) => each.keys.includes(entryKey(targets[0] ?? fail())))
  const times = (key: string) => cycles.filter((each) => each.keys.includes(key)).map((each) => each.minute)
  return { cycles, ofFirst, told, times }
}

const delivery = {
  kind: 'delivered',
  accepted: 0,
  rejected: 0,
  sent: 0,
  received: 0,
  reason: null,
  retryAfterMs: null,
} as const
const nothing = {
  memory: { link: link('up'), history: {}, controls: {}, waiting: noneWaiting, cuts: new Cuts() },
  measurements: 0,
  anomalies: 0,
  bugs: 0,
  changes: [],
  delivery,
}
const fail = (): never => {
  throw new Error('The core list has entries')
}
const apart = (times: readonly number[]) => times.slice(1).map((each, n) => each - (times[n] ?? 0))

describe('runLoop() with a campaign', () => {
  it('begins with the window, measures its targets every two minutes and no closer, and ends with it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.integer({ min: 1, max: 3 }), async (seed, spread) => {
        const { times, cycles } = await play({ minutes: 130, seed, spread })
        for (const key of keys) {
          const within = times(key).filter((each) => each >= 30 && each < 90)
          expect(within[0]).toBeLessThan(31)
          expect(Math.max(...apart(within))).toBeLessThanOrEqual(2 + 20 / 60)
          expect(Math.min(...apart(within))).toBeGreaterThanOrEqual(1.5)
          expect(within.at(-1)).toBeGreaterThan(87)
          const after = times(key).filter((each) => each > 90)
          expect(Math.min(...apart(after))).toBeGreaterThan(4)
          expect(Math.max(...apart([within.at(-1) ?? 0, ...after]))).toBeLessThan(24)
        }
        // No two at once, and the rest of the list as ever.
        expect(Math.min(...apart(cycles.map((each) => each.minute)))).toBeGreaterThanOrEqual(20 / 60 - 1e-6)
        for (const key of entries.map(entryKey).filter((each) => !keys.has(each)))
          expect(Math.max(...apart(times(key)))).toBeLessThanOrEqual(22)
      }),
      { numRuns: 20 },
    )
  })

  it('says of its results, in the window and nowhere else, which campaign they are of', async () => {
    const { ofFirst } = await play({ minutes: 130 })
    expect(ofFirst.length).toBeGreaterThan(30)
    for (const { minute: at, said } of ofFirst)
      expect(said).toEqual(at >= 30 && at < 90 ? { x_sonde_campaign: 'bamako/vote' } : {})
  })

  it('tells which is under way and which comes next', async () => {
    const { told } = await play({ minutes: 100 })
    const said = told.map(({ campaigns: { current, next } }) =>
      [current.length, next?.name ?? null].join(' '),
    )
    expect([...new Set(said)]).toEqual(['0 bamako/vote', '1 ', '0 '])
    for (const { targets: count } of told) expect(count).toBeGreaterThan(0)
  })

  it('makes up for nothing twice when a cycle outlasts several of its turns', async () => {
    const { times } = await play({ minutes: 130, cycleMs: (n) => (n === 12 ? 11 * minute : 20_000) })
    const [key = ''] = keys
    const within = times(key).filter((each) => each >= 30 && each < 90)
    expect(Math.max(...apart(within))).toBeGreaterThan(9)
    expect(Math.min(...apart(within))).toBeGreaterThanOrEqual(1.5)
  })

  it('leaves the rounds their turn where each of its cycles takes as long as its distance', async () => {
    const { times } = await play({ minutes: 130, cycleMs: () => 2.5 * minute })
    for (const entry of entries) expect(Math.max(...apart(times(entryKey(entry))))).toBeLessThan(27)
  })

  it('measures nothing more often that is measured as often without it', async () => {
    const slow = { ...vote, everyMs: 15 * minute }
    const [withIt, without] = [
      await play({ minutes: 130, campaigns: () => [slow] }),
      await play({ minutes: 130, campaigns: () => [] }),
    ]
    expect(withIt.cycles.map((each) => each.keys)).toEqual(without.cycles.map((each) => each.keys))
    expect(withIt.cycles.some(({ said }) => said.x_sonde_campaign === vote.name)).toBe(true)
  })

  it('ends when the list is withdrawn, and begins within its window when it comes late', async () => {
    const { times } = await play({ minutes: 130, campaigns: (now) => (now > 40 && now < 60 ? [vote] : []) })
    const [key = ''] = keys
    const close = times(key).filter((each, n, all) => n > 0 && each - (all[n - 1] ?? 0) < 3)
    expect(Math.min(...close)).toBeGreaterThan(40)
    expect(Math.max(...close)).toBeLessThan(63)
  })

  it('uploads with its cycles where the list is measured once a day', async () => {
    const { cycles } = await play({ minutes: 100, cron: '0 3 * * *' })
    expect(cycles.filter(({ minute: at }) => at > 30).every(({ isLast }) => isLast)).toBe(true)
    expect(cycles.length).toBeGreaterThan(25)
  })
})

describe('runLoop() with a campaign, by a clock that nobody told the time', () => {
  const certain = (earliest: number) => ({ earliest, latest: Number.POSITIVE_INFINITY })

  it('measures it in 1970, says so, and does not once it knows that it is Friday', async () => {
    const friday = begin - 2 * 24 * 60 * minute
    const isKnown = (wallMs: number) => wallMs > 60 * minute
    const present = (wallMs: number) =>
      isKnown(wallMs) ? toldAt(friday + wallMs) : presentOf(wallMs, 'restored', certain(friday + wallMs))
    const { cycles, ofFirst } = await play({ minutes: 100, begins: 0, present })
    const early = ofFirst.filter(({ minute: at }) => at < 60)
    const late = cycles.filter(({ minute: at }) => at > 61)
    expect(early.length).toBeGreaterThan(25)
    for (const { said } of early)
      expect(said).toEqual({ x_sonde_campaign: 'bamako/vote', x_sonde_campaign_clock: 'not_told' })
    for (const { said } of late) expect(said).toEqual({})
    expect(late.length).toBeLessThan(12)
  })

  it('does not miss it when it was without power for a night and a day, its clock standing still', async () => {
    const stoodStill = begin - 36 * 60 * minute
    const present = (wallMs: number) => presentOf(wallMs, 'restored', certain(stoodStill - 6 * 60 * minute))
    const { cycles } = await play({ minutes: 60, begins: stoodStill, present })
    expect(cycles.length).toBeGreaterThan(25)
  })

  it('waits for one that is further away than power fails for', async () => {
    const present = (wallMs: number) => presentOf(wallMs, 'restored', certain(0))
    const { cycles } = await play({ minutes: 60, begins: begin - 60 * 60 * minute, present })
    expect(cycles.length).toBeLessThan(15)
  })
})
