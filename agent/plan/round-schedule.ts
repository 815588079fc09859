// When rounds begin: between two starts of a schedule that are not far apart, evenly. Pure, in UTC, with the clock as an
// argument.

import type { Schedule } from './cron-schedule.ts'

/** One of the rounds in which a list is measured between two starts of the schedule. */
export interface RoundStart {
  /** Milliseconds since 1970. */
  readonly atMs: number
  /** Counted from 0. */
  readonly index: number
  /** In how many rounds the list is measured; 1: the whole of it at once. */
  readonly of: number
  /** Milliseconds until the same round comes again. */
  readonly intervalMs: number
}

export interface RoundSchedule {
  /** @returns The first round strictly after `afterMs`, in milliseconds since 1970. */
  next(afterMs: number): RoundStart
}

/** Starts further apart than this are no interval to spread over: a list that is measured daily is wanted at its hour. */
const longestIntervalMs = 3_600_000
/** What chance adds to an hour: cron-schedule.ts. */
const chanceMs = 60_000
/** A round takes that long when much is silent: closer together they would only run into each other. */
const closestRoundsMs = 60_000

/** @param spread - Into how many rounds at most. At least 1. */
export function roundSchedule(schedule: Schedule, spread: number): RoundSchedule {
  const longest = longestIntervalMs + chanceMs
  const roundsIn = (intervalMs: number) =>
    intervalMs > longest ? 1 : Math.max(1, Math.min(spread, Math.floor(intervalMs / closestRoundsMs)))
  return {
    next(afterMs) {
      const startMs = schedule.next(afterMs)
      const lastMs = schedule.last(afterMs, longest)
      if (lastMs !== null) {
        const intervalMs = startMs - lastMs
        const of = roundsIn(intervalMs)
        for (let index = 1; index < of; index++) {
          const atMs = lastMs + Math.round((index * intervalMs) / of)
          if (atMs > afterMs) return { atMs, index, of, intervalMs }
        }
      }
      const intervalMs = schedule.next(startMs) - startMs
      return { atMs: startMs, index: 0, of: roundsIn(intervalMs), intervalMs }
    },
  }
}
