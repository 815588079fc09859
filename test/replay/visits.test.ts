import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { timeOf } from './evening.ts'
import { mali2018 } from './mali-2018.ts'
import { type Moment, momentsOf, partsOf, secondsOf, seriesName, visitsOf } from './visits.ts'

const visits = await visitsOf(mali2018)
const times = (name: string) => visits.filter((each) => seriesName(each) === name).map(({ at }) => timeOf(at))

describe('visitsOf()', () => {
  it('has the instants at which the report was measured', () => {
    expect(times('report o o')).toEqual([
      ...['01:00', '01:16', '01:19', '01:22', '17:38', '17:43', '19:08', '19:14', '19:18', '19:26'],
    ])
    expect(times('report m m')).toEqual(['12:55', '20:53'])
  })

  it.each(['base o o', 'base m m', 'base both o', 'base both m'])(
    'has a quarter of an hour between those of %s',
    (name) => {
      const own = visits.filter((each) => seriesName(each) === name)
      expect(times(name)[0]).toBe('17:15')
      expect(times(name).at(-1)).toBe('20:15')
      expect(own.slice(1).map(({ at }, index) => at - (own[index]?.at ?? 0))).toEqual(Array(12).fill(900_000))
      for (const { entries } of own) expect(entries).toEqual(mali2018.entries)
    },
  )

  it('has each target of the spread once a quarter of an hour, in rounds five minutes apart', () => {
    const own = visits.filter((each) => seriesName(each) === 'spread m m')
    expect(own.map(({ at }) => timeOf(at)).slice(0, 5)).toEqual(['17:15', '17:20', '17:25', '17:30', '17:35'])
    expect(own[0]?.entries).toEqual(mali2018.entries)
    for (let n = 1; n + 3 <= own.length; n += 3)
      expect(new Set(own.slice(n, n + 3).flatMap(({ entries }) => entries))).toEqual(
        new Set(mali2018.entries),
      )
  })

  it('has the looks of the burst between its rounds, from the first change on', () => {
    expect(times('burst o o').slice(0, 10)).toEqual([
      ...['17:15', '17:20', '17:25', '17:30', '17:35', '17:40', '17:41', '17:43', '17:45', '17:46'],
    ])
  })

  it('is in the order of time', () => {
    expect([...visits].sort((a, b) => a.at - b.at)).toEqual(visits)
  })
})

it('momentsOf() gathers the visits of one instant, each once', () => {
  const moments = momentsOf(visits)
  expect(new Set(moments.map(({ at }) => at)).size).toBe(moments.length)
  expect(moments.flatMap((moment) => moment.visits)).toEqual(visits)
  for (const { at, visits: own } of moments) expect(own.every((visit) => visit.at === at)).toBe(true)
})

describe('partsOf()', () => {
  const moment = (at: number): Moment => ({ at, visits: [] })
  const cut = (costs: readonly number[], count: number) =>
    partsOf(
      costs.map((_, at) => moment(at)),
      count,
      ({ at }) => costs[at] ?? 0,
    ).map((part) => part.map(({ at }) => at))

  it.each([
    [[], 3, []],
    [[5], 3, [[0]]],
    [[1, 1, 1], 1, [[0, 1, 2]]],
    [[1, 1, 1], 5, [[0], [1], [2]]],
    [[9, 1, 1, 1], 2, [[0], [1, 2, 3]]],
    [[1, 1, 1, 9], 2, [[0, 1, 2], [3]]],
    [[1, 9, 1, 9, 1], 3, [[0, 1], [2, 3], [4]]],
  ])('of costs %j in at most %i parts is %j', (costs, count, expected) => {
    expect(cut(costs, count)).toEqual(expected)
  })

  const anyCosts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 12 })

  it('loses no moment, keeps the order, and makes no more parts than asked for', () => {
    fc.assert(
      fc.property(anyCosts, fc.integer({ min: 1, max: 8 }), (costs, count) => {
        const parts = cut(costs, count)
        expect(parts.flat()).toEqual(costs.map((_, at) => at))
        expect(parts.length).toBeLessThanOrEqual(count)
        expect(parts.every((part) => part.length > 0)).toBe(true)
      }),
    )
  })

  it('makes the longest part as short as any cut can', () => {
    fc.assert(
      fc.property(anyCosts, fc.integer({ min: 1, max: 4 }), (costs, count) => {
        const longest = Math.max(
          ...cut(costs, count).map((part) => part.reduce((sum, at) => sum + (costs[at] ?? 0), 0)),
        )
        expect(longest).toBe(shortestPossible(costs, count))
      }),
    )
  })

  /** By trying every cut. */
  function shortestPossible(costs: readonly number[], count: number): number {
    const total = costs.reduce((a, b) => a + b, 0)
    if (count === 1 || costs.length <= 1) return total
    return Math.min(
      ...costs.map((_, n) => {
        const first = costs.slice(0, n + 1).reduce((a, b) => a + b, 0)
        const rest = costs.slice(n + 1)
        return rest.length === 0 ? first : Math.max(first, shortestPossible(rest, count - 1))
      }),
    )
  }

  it('is not confused by costs that are no whole numbers', () => {
    expect(cut([0.1, 0.2, 0.3], 1)).toEqual([[0, 1, 2]])
  })
})

it('secondsOf() knows which moments wait for silence, and for whom', () => {
  const seconds = (time: string) => {
    const moment = momentsOf(visits).find(({ at }) => timeOf(at) === time)
    return moment === undefined ? null : secondsOf(mali2018, moment)
  }
  expect(seconds('19:15')).toBeGreaterThan(40)
  expect(seconds('19:26')).toBeGreaterThan(20)
  // A box and resets answer at once.
  expect(seconds('17:45')).toBeLessThan(10)
  // Only two sites are measured, whose failures are quick.
  expect(seconds('19:14')).toBeLessThan(10)
  expect(seconds('20:53')).toBeLessThan(10)
})
