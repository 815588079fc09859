// Rounds and looks as the loop makes them of the plan, over hours on a clock that the test moves: no target is forgotten, none is
// hurried by a clock that is set, and a block is seen as soon as it can be.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakeClock } from '../../test/support/fake-clock.ts'
import { link } from '../../test/support/observations.ts'
import { toldAt } from '../../test/support/told-at.ts'
import core from '../../tests-spec/lists/core.json' with { type: 'json' }
import { parseTestList, type TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
import { entryKey, kindOf, ownerOf } from '../plan/kinship.ts'
import type { Task } from '../plan/plan-cycle.ts'
import { roundSchedule } from '../plan/round-schedule.ts'
import type { LogCode } from '../platform/log.ts'
import { Cuts } from './cuts.ts'
import type { CycleReport } from './cycle.ts'
import { runLoop } from './loop.ts'
import { noneWaiting } from './waiting.ts'

const { entries } = parseTestList(core)
const minute = 60_000
const begin = Date.parse('2018-07-29T17:00:00Z')

interface World {
  readonly cron?: string
  readonly spread?: number
  readonly seed?: string
  readonly bursts?: boolean
  readonly mayBurst?: () => boolean
  readonly hours: number
  /** Milliseconds that the n-th cycle takes. */
  readonly cycleMs?: (n: number) => number
  /** By how much the wall clock is set before a sleep; null when it is left alone. */
  readonly setBy?: () => number | null
  /** Whether it is blocked so many milliseconds after the beginning. */
  readonly blocked?: (entry: TestListEntry, ms: number) => boolean
}

/** One cycle: when by the monotonic clock it began, what it measured, and whether that was blocked. */
interface Cycle {
  readonly ms: number
  readonly keys: readonly string[]
  readonly blocked: ReadonlySet<string>
  readonly isLook: boolean
}

async function play(world: World) {
  const { cron = '*/15 * * * *', spread = 3, seed = 'seed', bursts = true, hours } = world
  const { cycleMs = () => 20_000, setBy = () => null, blocked = () => false, mayBurst = () => true } = world
  const clock = fakeClock(begin)
  const stop = new AbortController()
  const cycles: Cycle[] = []
  const codes: LogCode[] = []
  const states = new Map<string, boolean>()
  const say = (code: LogCode) => void codes.push(code)
  let running = 0
  const rounds = roundSchedule(cronSchedule(cron, 0, seed), spread)
  await runLoop({
    clock,
    log: { info: say, warn: say, error: say },
    planning: () => ({ entries, rounds, campaigns: [], seed, bursts }),
    mayBurst,
    present: () => toldAt(clock.now()),
    signal: stop.signal,
    async cycle({ round }): Promise<CycleReport> {
      expect(++running).toBe(1)
      const ms = clock.monotonicMs()
      const now = round.entries.filter((entry) => blocked(entry, ms))
      const changes = round.entries.filter((entry) => {
        const before = states.get(entryKey(entry))
        states.set(entryKey(entry), now.includes(entry))
        return before !== undefined && before !== now.includes(entry)
      })
      const keys = round.entries.map(entryKey)
      cycles.push({
        ms,
        keys,
        blocked: new Set(now.map(entryKey)),
        isLook: round.start === null && cycles.length > 0,
      })
      clock.advance(cycleMs(cycles.length))
      await Promise.resolve()
      running--
      if (clock.monotonicMs() > hours * 60 * minute) stop.abort()
      return reportOf(changes)
    },
    deliver: async () => reportOf([]).delivery,
    onCycle: async () => {},
    async sleep(ms) {
      clock.advance(ms)
      const by = setBy()
      if (by !== null) clock.setWall(Math.max(0, clock.now() + by))
    },
  })
  return { cycles, codes }
}

function reportOf(changes: readonly TestListEntry[]): CycleReport {
  const tasks = changes.map(
    (entry): Task => ({
      nettest: entry.nettest,
      input: entry.input,
      categoryCode: entry.category_code,
      resolver: null,
    }),
  )
  return {
    memory: { link: link('up'), history: {}, controls: {}, waiting: noneWaiting, cuts: new Cuts() },
    measurements: 1,
    anomalies: 0,
    bugs: 0,
    changes: tasks,
    delivery: {
      kind: 'delivered',
      accepted: 0,
      rejected: 0,
      sent: 0,
      received: 0,
      reason: null,
      retryAfterMs: null,
    },
  }
}

/** The longest that each target waited between two looks, and after its last; in minutes. */
function longestWaits(cycles: readonly Cycle[]): number[] {
  const end = cycles.at(-1)?.ms ?? 0
  return entries.map((entry) => {
    const looks = cycles.filter(({ keys }) => keys.includes(entryKey(entry))).map(({ ms }) => ms)
    const waits = looks.map((ms, n) => (looks[n + 1] ?? end) - ms)
    return Math.max(...waits, looks.length === 0 ? Number.POSITIVE_INFINITY : 0) / minute
  })
}

const of = (cycles: readonly Cycle[]) => cycles.map(({ ms, keys }) => [ms / minute, keys.length])

describe('runLoop() with a spread of three', () => {
  it('measures everything first, and then a third every five minutes', async () => {
    const { cycles } = await play({ hours: 0.5 })
    expect(of(cycles)).toEqual([
      [0, 37],
      [5, 13],
      [10, 12],
      [15, 12],
      [20, 13],
      [25, 12],
      [30, 12],
    ])
  })

  it('looks at every target once an interval, no more and no less', async () => {
    const { cycles } = await play({ hours: 6 })
    for (let from = 15; from + 15 <= 360; from += 15) {
      const within = cycles.filter(({ ms }) => ms / minute >= from && ms / minute < from + 15)
      expect(within.flatMap(({ keys }) => keys).sort()).toEqual(entries.map(entryKey).sort())
    }
    expect(Math.max(...longestWaits(cycles))).toBeLessThanOrEqual(15)
  })

  it('sees a block of all services that people talk by within five minutes, whenever it comes', async () => {
    for (let from = 61; from < 76; from++) {
      const blocked = (entry: TestListEntry, ms: number) => kindOf(entry) === 'COMT' && ms >= from * minute
      const { cycles } = await play({ hours: 2, bursts: false, blocked })
      const seen = cycles.find((each) => each.blocked.size > 0)
      expect((seen?.ms ?? 0) / minute - from).toBeLessThan(5)
    }
  })

  it('forgets no target whatever cycles take and clocks do, and never runs two', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(
          fc.oneof(fc.integer({ min: 0, max: 4 * minute }), fc.integer({ min: 0, max: 20 * minute })),
        ),
        fc.infiniteStream(
          fc.oneof(
            { weight: 60, arbitrary: fc.constant(null) },
            { weight: 1, arbitrary: fc.integer({ min: -36_000_000, max: 36_000_000 }) },
          ),
        ),
        fc.constantFrom('*/15 * * * *', '7-59/10 * * * *', '*/5 * * * *'),
        fc.integer({ min: 1, max: 6 }),
        async (durations, steps, cron, spread) => {
          const taken: number[] = []
          const cycleMs = () => {
            const ms = durations.next().value ?? 0
            taken.push(ms)
            return ms
          }
          const setBy = () => steps.next().value ?? null
          const { cycles } = await play({ cron, spread, hours: 8, cycleMs, setBy, bursts: false })
          // Of an interval and a half, the cycles that were in the way, and one wait for a start after a clock was set back.
          const longest = Math.max(...taken) / minute
          expect(Math.max(...longestWaits(cycles))).toBeLessThanOrEqual(2.5 * 15 + 2 * longest)
          expect(cycles.every(({ keys }) => new Set(keys).size === keys.length)).toBe(true)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('makes up for a night that was slept through with one measurement of each target', async () => {
    let slept = false
    const setBy = () => {
      const isNow = !slept
      slept = true
      return isNow ? 8 * 60 * minute + 90_000 : null
    }
    const { cycles } = await play({ hours: 0.5, setBy })
    expect(cycles.slice(0, 3).map(({ keys }) => keys.length)).toEqual([37, 37, expect.any(Number)])
    expect(cycles[2]?.keys.length).toBeLessThan(14)
  })

  it('measures a list that is wanted daily at once, at its hour', async () => {
    const { cycles } = await play({ cron: '0 6 * * *', hours: 40 })
    expect(of(cycles)).toEqual([
      [0, 37],
      [13 * 60, 37],
      [37 * 60, 37],
      [61 * 60, 37],
    ])
  })
})

describe('runLoop() with bursts', () => {
  const blockedFrom = (from: number) => (entry: TestListEntry, ms: number) =>
    entry.input === 'https://twitter.com/' && ms >= from * minute

  it('looks every minute or two for half an hour, and then more and more rarely', async () => {
    const { cycles } = await play({ hours: 4, blocked: blockedFrom(61) })
    const first = cycles.find((each) => each.blocked.size > 0)?.ms ?? 0
    const looks = cycles.filter(({ blocked }) => blocked.size > 0).map(({ ms }) => (ms - first) / minute)
    const apart = (from: number, until: number) =>
      looks.slice(1).flatMap((at, n) => (at >= from && at <= until ? [at - (looks[n] ?? 0)] : []))
    expect(Math.max(...apart(0, 30))).toBeLessThanOrEqual(2.01)
    expect(Math.max(...apart(30, 60))).toBeLessThanOrEqual(4.01)
    expect(Math.max(...apart(60, 120))).toBeLessThanOrEqual(5.01)
    expect(Math.max(...apart(130, 170))).toBe(15)
    expect(looks.filter((at) => at <= 120).length).toBeLessThan(50)
  })

  it('keeps every target in its turn meanwhile', async () => {
    const { cycles } = await play({ hours: 6, blocked: (entry, ms) => blockedFrom(61)(entry, ms) })
    // A round waits for the end of a look.
    expect(Math.max(...longestWaits(cycles))).toBeLessThanOrEqual(15.5)
  })

  it('knows within two minutes when it ends, and when another owner is blocked with all that it has', async () => {
    const blocked = (entry: TestListEntry, ms: number) =>
      (blockedFrom(61)(entry, ms) && ms < 95 * minute) || (ownerOf(entry) === 'meta' && ms >= 85 * minute)
    for (const seed of ['a', 'b', 'c', 'd']) {
      const { cycles } = await play({ hours: 2.5, blocked, seed })
      const meta = entries.filter((entry) => ownerOf(entry) === 'meta').map(entryKey)
      const twitter = cycles.find((each) => each.blocked.size > 0)?.blocked ?? new Set()
      const width = (keys: readonly string[], from: number) => {
        const looks = cycles.filter((each) => each.keys.some((key) => keys.includes(key)))
        const n = looks.findIndex(({ ms }) => ms >= from * minute)
        return ((looks[n]?.ms ?? 0) - (looks[n - 1]?.ms ?? 0)) / minute
      }
      expect(width(meta, 85)).toBeLessThanOrEqual(2.01)
      expect(width([...twitter], 95)).toBeLessThanOrEqual(2.01)
    }
  })

  it('grows rarer although its target flaps, and says so once', async () => {
    const blocked = (entry: TestListEntry, ms: number) =>
      blockedFrom(61)(entry, ms) && Math.floor(ms / (3 * minute)) % 2 === 0
    const { cycles, codes } = await play({ hours: 4, blocked })
    expect(codes.filter((code) => code === 'S2004').length).toBeGreaterThanOrEqual(1)
    const first = cycles.find((each) => each.blocked.size > 0)?.ms ?? 0
    const looks = (from: number, until: number) =>
      cycles.filter(({ ms, isLook }) => isLook && ms - first >= from * minute && ms - first < until * minute)
        .length
    expect(looks(0, 30)).toBeGreaterThan(12)
    expect(looks(60, 90)).toBeLessThan(looks(0, 30) * 0.75)
  })

  it('spends nothing while it may not, and goes on when it may', async () => {
    const { cycles } = await play({ hours: 2, blocked: blockedFrom(61), mayBurst: () => false })
    expect(cycles.filter(({ isLook }) => isLook)).toEqual([])
    let asked = 0
    const later = await play({ hours: 2, blocked: blockedFrom(61), mayBurst: () => asked++ > 100 })
    expect(later.cycles.filter(({ isLook }) => isLook).length).toBeGreaterThan(0)
  })

  it('is the same for the same', async () => {
    const world = { hours: 3, blocked: blockedFrom(61) }
    expect(await play(world)).toEqual(await play(world))
  })

  it('keeps its distances while the wall clock jumps', async () => {
    const jumps = (n: number) => (n % 7 === 0 ? (n % 2 === 0 ? 7 : -7) * 60 * minute : null)
    let n = 0
    const { cycles } = await play({ hours: 2, blocked: blockedFrom(20), setBy: () => jumps(++n) })
    const first = cycles.find((each) => each.blocked.size > 0)?.ms ?? 0
    const looks = cycles.filter(({ ms, blocked }) => blocked.size > 0 && ms - first <= 30 * minute)
    const apart = looks.slice(1).map(({ ms }, place) => (ms - (looks[place]?.ms ?? 0)) / minute)
    expect(Math.max(...apart)).toBeLessThanOrEqual(2.5)
  })
})
