// Rounds between the starts of a schedule.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cronSchedule } from './cron-schedule.ts'
import { type RoundStart, roundSchedule } from './round-schedule.ts'

const at = (iso: string) => Date.parse(iso)
const words = ({ atMs, index, of }: RoundStart) =>
  `${new Date(atMs).toISOString().slice(5, 19)} ${index + 1}/${of}`

function starts(cron: string, spread: number, from: string, count: number): string[] {
  const rounds = roundSchedule(cronSchedule(cron, 0, 'seed'), spread)
  const all: string[] = []
  for (let next = rounds.next(at(from)); all.length < count; next = rounds.next(next.atMs))
    all.push(words(next))
  return all
}

describe('roundSchedule()', () => {
  it.each<[string, string, number, string, string[]]>([
    [
      'thirds of a quarter of an hour',
      '*/15 * * * *',
      3,
      '2018-07-29T17:44:59Z',
      ['07-29T17:45:00 1/3', '07-29T17:50:00 2/3', '07-29T17:55:00 3/3', '07-29T18:00:00 1/3'],
    ],
    [
      'the whole at once when it is not spread',
      '*/15 * * * *',
      1,
      '2018-07-29T17:44:59Z',
      ['07-29T17:45:00 1/1', '07-29T18:00:00 1/1'],
    ],
    [
      'an hour is spread, more is not',
      '0 6,7 * * *',
      3,
      '2018-07-29T05:00:00Z',
      [
        '07-29T06:00:00 1/3',
        '07-29T06:20:00 2/3',
        '07-29T06:40:00 3/3',
        '07-29T07:00:00 1/1',
        '07-30T06:00:00 1/3',
      ],
    ],
    [
      'a daily list is wanted at its hour',
      '0 6 * * *',
      3,
      '2018-07-29T05:00:00Z',
      ['07-29T06:00:00 1/1', '07-30T06:00:00 1/1'],
    ],
    [
      'no closer than a minute',
      '*/2 * * * *',
      6,
      '2018-07-29T05:59:59Z',
      ['07-29T06:00:00 1/2', '07-29T06:01:00 2/2', '07-29T06:02:00 1/2'],
    ],
    [
      'across the night in which clocks in Europe are set: UTC knows nothing of it',
      '0 * * * *',
      2,
      '2026-10-25T00:10:00Z',
      ['10-25T00:30:00 2/2', '10-25T01:00:00 1/2', '10-25T01:30:00 2/2', '10-25T02:00:00 1/2'],
    ],
    [
      'in 1970 as at any time',
      '*/15 * * * *',
      3,
      '1970-01-01T00:00:00Z',
      ['01-01T00:05:00 2/3', '01-01T00:10:00 3/3', '01-01T00:15:00 1/3'],
    ],
  ])('%s', (_what, cron, spread, from, expected) => {
    expect(starts(cron, spread, from, expected.length)).toEqual(expected)
  })

  it('gives each round once an interval, evenly, and the time between two of the same stays the interval', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 0, max: 3600 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 4e12 }),
        (seed, jitter, spread, from) => {
          const rounds = roundSchedule(cronSchedule('*/15 * * * *', jitter, seed), spread)
          const all = [rounds.next(from)]
          while (all.length < 5 * spread) all.push(rounds.next(all.at(-1)?.atMs ?? 0))
          const [first] = all
          expect(all.map(({ index }) => index)).toEqual(all.map((_, n) => ((first?.index ?? 0) + n) % spread))
          for (const [n, { atMs }] of all.entries()) {
            const [next, same] = [all[n + 1], all[n + spread]]
            if (next !== undefined)
              expect(Math.abs(next.atMs - atMs - 900_000 / spread)).toBeLessThanOrEqual(20_000)
            if (same !== undefined) expect(Math.abs(same.atMs - atMs - 900_000)).toBeLessThanOrEqual(40_000)
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  it('two probes half a round apart see what both measure within half a round', () => {
    const probes = ['*/15 * * * *', '7-59/15 * * * *'].map((cron) =>
      roundSchedule(cronSchedule(cron, 0, ''), 3),
    )
    const begin = at('2018-07-29T17:00:00Z')
    const looks = probes
      .flatMap((rounds) => {
        const all = [rounds.next(begin)]
        while (all.length < 30) all.push(rounds.next(all.at(-1)?.atMs ?? 0))
        return all.map(({ atMs }) => atMs)
      })
      .sort((a, b) => a - b)
      .slice(0, 50)
    const apart = looks.slice(1).map((atMs, n) => atMs - (looks[n] ?? 0))
    expect(Math.max(...apart)).toBe(180_000)
  })
})
