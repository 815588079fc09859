// What a schedule made of the evening: each turn of the timetable beside the interval in which its measurements place
// it, or that they missed it. Pure.

import { type Change, changesOf } from '../../collector/analysis/changes.ts'
import { type Evening, minutesBetween, type Turn, timeOf, turnsOf } from './evening.ts'
import type { Finding } from './received.ts'
import { ofSeries } from './tables.ts'
import { partsOfSeries, type Series, schedules, seriesName } from './visits.ts'

export interface Detection {
  readonly turn: Turn
  /** By `seriesName`; null when the series missed the turn. */
  readonly seen: Readonly<Record<string, Interval | null>>
}

/** The turn lies after `after` and not later than `by`. Milliseconds since 1970. */
export interface Interval {
  /** null when the series never saw it otherwise. */
  readonly after: number | null
  readonly by: number
}

/** @param series - Those that measured over the line of `isp`. */
export function detectionsOf(
  evening: Evening,
  isp: Series['isp'],
  findings: readonly Finding[],
  series: readonly Series[],
): Detection[] {
  const turns = turnsOf(evening, isp)
  const seenBy = series.map((each) => {
    // Repeats included: the first bad one counts, and not the second look at it.
    return [seriesName(each), matched(turns, seenIn(findings, each))] as const
  })
  return turns.map((turn, index) => ({
    turn,
    seen: Object.fromEntries(seenBy.map(([name, intervals]) => [name, intervals[index] ?? null])),
  }))
}

function seenIn(findings: readonly Finding[], series: Series): Finding[] {
  const own = partsOfSeries(series).flatMap((part) => ofSeries(findings, part))
  if (series.schedule !== 'burst') return own
  // Looks are a minute apart, and the policy of a moment holds until its cycle is over, which may be in the minute after.
  return own.map((each) => ({
    ...each,
    at: Math.min(each.at, each.cycleAt - (each.cycleAt % minuteMs) + minuteMs - 1),
  }))
}

const minuteMs = 60_000

/**
 * When the evening is known to begin: between the last look at which everything was fine and the first that met interference,
 * whatever it looked at. null for a series that met none, or whose interval does not hold the truth.
 */
export function onsetsOf(
  evening: Evening,
  isp: Series['isp'],
  findings: readonly Finding[],
  series: readonly Series[],
): Readonly<Record<string, Interval | null>> {
  const begins = Math.min(...turnsOf(evening, isp).map(({ at }) => at))
  const onset = (own: readonly Finding[]): Interval | null => {
    const inOrder = own.toSorted((a, b) => a.cycleAt - b.cycleAt)
    const first = inOrder.find(({ reached }) => reached === false)
    if (first === undefined) return null
    const before = inOrder.findLast(({ cycleAt, reached }) => cycleAt < first.cycleAt && reached === true)
    const interval = { after: before?.at ?? null, by: first.at }
    return interval.by >= begins && (interval.after ?? 0) < begins ? interval : null
  }
  return Object.fromEntries(series.map((each) => [seriesName(each), onset(seenIn(findings, each))]))
}

/** @returns For each turn the change that shows it; a change shows one turn, the earliest that fits. */
function matched(turns: readonly Turn[], findings: readonly Finding[]): (Interval | null)[] {
  const taken = new Set<Change>()
  const changes = new Map<string, Change[]>()
  return turns.map(({ subject, to, at }) => {
    const own = changes.get(subject) ?? changesOf(findings.filter((each) => each.subject === subject))
    changes.set(subject, own)
    const change = own.find(
      (each) =>
        !taken.has(each) && each.to === to && (each.after === null || each.after < at) && at <= each.by,
    )
    if (change === undefined) return null
    taken.add(change)
    return { after: change.after, by: change.by }
  })
}

/** Whether the state before a turn was so short that the schedule may fall on either side of it and see nothing. */
export function isFlap({ lasted }: Turn, shortestMinutes: number): boolean {
  return lasted !== null && lasted < shortestMinutes
}

/** The shortest state that a schedule of 15 minutes is sure to see. */
export const surelySeenMinutes = Math.min(...schedules.flatMap(({ everyMinutes }) => everyMinutes ?? []))

/** "15 min 17:30–17:45". */
export function intervalWords(interval: Interval | null): string {
  if (interval === null) return 'missed'
  const { after, by } = interval
  if (after === null) return `by ${timeOf(by)}`
  return `${durationWords(minutesBetween(after, by))} ${timeOf(after)}–${timeOf(by)}`
}

export function durationWords(minutes: number): string {
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`
}
