// Schedules: cron semantics in UTC, and jitter that never starts one cycle twice.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cronSchedule } from './cron-schedule.ts'

const at = (iso: string) => Date.parse(iso)
const iso = (ms: number) => new Date(ms).toISOString()

describe('cronSchedule() without jitter', () => {
  const rows = [
    ['every quarter of an hour', '*/15 * * * *', '2018-07-29T17:38:10Z', '2018-07-29T17:45:00.000Z'],
    [
      'strictly after: a start is not its own next',
      '*/15 * * * *',
      '2018-07-29T17:45:00Z',
      '2018-07-29T18:00:00.000Z',
    ],
    ['across midnight and year', '0 0 * * *', '2018-12-31T23:59:59Z', '2019-01-01T00:00:00.000Z'],
    ['29 February waits for a leap year', '0 12 29 2 *', '2025-03-01T00:00:00Z', '2028-02-29T12:00:00.000Z'],
    ['Sunday may be written 7', '0 6 * * 7', '2018-07-28T12:00:00Z', '2018-07-29T06:00:00.000Z'],
    [
      'day of month or day of week, when both are given',
      '0 6 1 * 1',
      '2018-07-29T12:00:00Z',
      '2018-07-30T06:00:00.000Z',
    ],
    [
      'a clock in 1970 has a next start too',
      '*/15 * * * *',
      '1970-01-01T00:00:30Z',
      '1970-01-01T00:15:00.000Z',
    ],
  ] as const
  it.each(rows)('%s', (_name, expression, after, expected) => {
    expect(iso(cronSchedule(expression, 0, 'seed').next(at(after)))).toBe(expected)
  })

  it('refuses a date that never comes', () => {
    expect(() => cronSchedule('0 0 31 2 *', 0, 'seed').next(0)).toThrow(/31 2 is an impossible day/)
  })
})

describe('cronSchedule() with jitter', () => {
  it('starts at most the jitter late, always later than asked, and the same for the same seed', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.string(),
        fc.integer({ min: 0, max: 3600 }),
        (now, seed, jitter) => {
          const schedule = cronSchedule('*/15 * * * *', jitter, seed)
          const next = schedule.next(now)
          const quarter = 15 * 60_000
          expect(next).toBeGreaterThan(now)
          expect(cronSchedule('*/15 * * * *', jitter, seed).next(now)).toBe(next)
          expect(next - now).toBeLessThanOrEqual(quarter + jitter * 1000)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('following next() from start to start gives each slot once', () => {
    const schedule = cronSchedule('*/15 * * * *', 120, 'a probe')
    const starts: number[] = []
    for (let now = at('2018-07-29T00:00:00Z'); starts.length < 96; ) {
      now = schedule.next(now)
      starts.push(now)
    }
    expect(
      new Set(starts.map((start) => Math.floor((start - (starts[0] ?? 0) + 120_000) / 900_000))).size,
    ).toBe(96)
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeLessThan(24 * 3_600_000 + 120_000)
  })

  it('two probes do not start together', () => {
    const starts = ['one', 'two', 'three', 'four'].map((seed) => cronSchedule('0 * * * *', 600, seed).next(0))
    expect(new Set(starts).size).toBe(4)
  })
})
