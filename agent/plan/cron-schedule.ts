// When the next cycle begins. Pure: node-cron reads the expression, and this finds the next minute that fits, in UTC
// and with the clock as an argument. ADR 0007 says why node-cron's own timers are not used.

import { createHash } from 'node:crypto'
import { parse } from 'node-cron'

const minuteMs = 60_000
/** Four years and a day: the longest a date can keep one waiting (29 February). */
const horizonMinutes = (4 * 366 + 1) * 24 * 60

export interface Schedule {
  /** @returns The first start strictly after `afterMs`, in milliseconds since 1970. */
  next(afterMs: number): number
  /** @returns The last start at or before `atMs`, not more than `withinMs` earlier; null when there is none. */
  last(atMs: number, withinMs: number): number | null
}

/**
 * Most of a probe's delay is its own and steady, so that the time between two starts, which is how closely an onset is
 * known, stays that of the schedule. This much of it, in seconds, is by chance of the start; less than a minute, so that
 * starts keep their order.
 */
const longestChanceSeconds = 20

/**
 * @param expression - Five cron fields, UTC.
 * @param jitterSeconds - Upper bound of the delay added to each start: the probe's own, and a little by chance.
 * @param seed - The same seed and start give the same delay, so a restart does not start a cycle twice.
 * @throws {RangeError} When no minute ever fits, as in 31 February.
 */
export function cronSchedule(expression: string, jitterSeconds: number, seed: string): Schedule {
  const fields = parse(expression)
  const days = new Set(fields.dayOfMonth)
  // 0 and 7 are both Sunday.
  const weekdays = new Set(fields.dayOfWeek.map((day) => Number(day) % 7))
  const anyDay = days.size === 31
  const anyWeekday = weekdays.size === 7
  const fits = (at: Date) =>
    fields.minute.includes(at.getUTCMinutes()) &&
    fields.hour.includes(at.getUTCHours()) &&
    fields.month.includes(at.getUTCMonth() + 1) &&
    dayFits(days.has(at.getUTCDate()), weekdays.has(at.getUTCDay()), anyDay, anyWeekday)

  const nextMinute = (afterMs: number): number => {
    let at = (Math.floor(afterMs / minuteMs) + 1) * minuteMs
    for (let step = 0; step < horizonMinutes; step++, at += minuteMs) if (fits(new Date(at))) return at
    throw new RangeError(`No minute fits the schedule "${expression}"`)
  }
  const chanceMs = Math.min(jitterSeconds, longestChanceSeconds) * 1000
  const ownMs = Math.floor(fraction(seed) * (jitterSeconds * 1000 - chanceMs))
  const startOf = (base: number) => base + ownMs + Math.floor(fraction(`${seed} ${base}`) * chanceMs)
  return {
    next(afterMs) {
      // A start whose delay has not run out yet is still to come, so look from one jitter earlier.
      for (let base = nextMinute(afterMs - jitterSeconds * 1000 - minuteMs); ; base = nextMinute(base)) {
        const start = startOf(base)
        if (start > afterMs) return start
      }
    },
    last(atMs, withinMs) {
      const earliest = atMs - withinMs
      for (let base = Math.floor(atMs / minuteMs) * minuteMs; ; base -= minuteMs) {
        if (base + jitterSeconds * 1000 < earliest) return null
        if (!fits(new Date(base))) continue
        const start = startOf(base)
        if (start <= atMs) return start >= earliest ? start : null
      }
    },
  }
}

/** crontab(5): when both days are restricted, either will do. */
function dayFits(day: boolean, weekday: boolean, anyDay: boolean, anyWeekday: boolean): boolean {
  if (anyDay) return weekday
  if (anyWeekday) return day
  return day || weekday
}

/** From 0 to 1, evenly and for ever the same: a fleet that starts on the minute is a load and a fingerprint. */
function fraction(label: string): number {
  return createHash('sha256').update(label).digest().readUInt32BE(0) / 0x1_0000_0000
}
