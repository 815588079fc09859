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
}

/**
 * @param expression - Five cron fields, UTC.
 * @param jitterSeconds - Upper bound of the delay added to each start.
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
  return {
    next(afterMs) {
      // A start whose delay has not run out yet is still to come, so look from one jitter earlier.
      for (let base = nextMinute(afterMs - jitterSeconds * 1000 - minuteMs); ; base = nextMinute(base)) {
        const start = base + jitterMs(seed, base, jitterSeconds)
        if (start > afterMs) return start
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

/** Spread evenly and for ever the same: a fleet that starts on the minute is a load and a fingerprint. */
function jitterMs(seed: string, base: number, jitterSeconds: number): number {
  const digest = createHash('sha256').update(`${seed} ${base}`).digest()
  return Math.floor((digest.readUInt32BE(0) / 0x1_0000_0000) * jitterSeconds * 1000)
}
