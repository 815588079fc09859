// A clock that a test moves by hand. Wall clock and monotonic clock can be moved apart.

import type { Clock } from '../../agent/platform/clock.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'

export interface FakeClock extends Clock {
  /** Moves both clocks forward. */
  advance(ms: number): void
  /** Changes only the wall clock, as when a person or a program sets it. */
  setWall(ms: number): void
  /** Makes the machine sleep: the wall clock goes on alone, and the machine can tell that it slept. */
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
