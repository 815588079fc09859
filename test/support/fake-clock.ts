// A clock that a test moves by hand. Wall clock and monotonic clock move apart when told to.

import type { Clock } from '../../agent/platform/clock.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'

export interface FakeClock extends Clock {
  /** Both clocks go on. */
  advance(ms: number): void
  /** Only the wall clock changes, as when somebody sets it. */
  setWall(ms: number): void
  /** The machine sleeps: the wall clock goes on alone, and the machine can tell. */
  sleep(ms: number): void
  setQuality(quality: ClockQuality): void
}

export function fakeClock(wallMs: number = Date.parse('2018-07-29T17:30:00Z')): FakeClock {
  let wall = wallMs
  let monotonic = 0
  let quality: ClockQuality = 'synced'
  let count = 0
  let deltaMs = 0
  let suspended: number | undefined
  return {
    now: () => wall,
    monotonicMs: () => monotonic,
    bootId: 'boot-of-a-test',
    quality: () => quality,
    steps: () => ({ count, deltaMs }),
    suspendedMs: () => suspended,
    advance(ms) {
      wall += ms
      monotonic += ms
    },
    setWall(ms) {
      count++
      deltaMs += ms - wall
      wall = ms
    },
    sleep(ms) {
      count++
      deltaMs += ms
      suspended = (suspended ?? 0) + ms
      wall += ms
    },
    setQuality(next) {
      quality = next
    },
  }
}
