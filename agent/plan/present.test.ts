import { expect, it } from 'vitest'
import { presentOf } from './present.ts'

const built = Date.parse('2026-11-01T00:00:00Z')
const sunday = Date.parse('2026-11-29T08:00:00Z')
const hour = 3_600_000
const open = { earliest: built, latest: Number.POSITIVE_INFINITY }
const told = (ms: number) => ({ leastMs: ms, mostMs: ms, isTold: true })
const from = (ms: number, hours: number) => ({ leastMs: ms, mostMs: ms + hours * hour, isTold: false })

it.each([
  ['that the network set', sunday, 'synced', open, told(sunday)],
  [
    'that a receipt knows to be an hour slow',
    sunday - hour,
    'receipt',
    { earliest: sunday, latest: sunday + 60 },
    told(sunday),
  ],
  [
    'that a receipt knows to be in 1970',
    5,
    'receipt',
    { earliest: sunday, latest: sunday + 60 },
    told(sunday),
  ],
  ['that went on from the last boot', sunday, 'restored', open, from(sunday, 48)],
  ['that nothing is known of', sunday, 'unknown', open, from(sunday, 48)],
  ['in 1970, by the time of the build', 5, 'unknown', open, from(built, 14 * 24)],
  [
    'in 1970, by what a collector told before',
    5,
    'restored',
    { ...open, earliest: sunday },
    from(sunday, 14 * 24),
  ],
  ['in 2038', Date.UTC(2038, 0), 'unknown', open, from(built, 14 * 24)],
] as const)('presentOf() a clock %s', (_, wallMs, quality, bounds, expected) => {
  expect(presentOf(wallMs, quality, bounds)).toEqual(expected)
})
