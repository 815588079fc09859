// An evening of interference as data: what happened when and to whom, who measured then, and what was published. And
// what follows from it for any instant. Pure.

import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import type { Rule } from '../lab/policy.ts'
import type { IspKey } from '../lab/topology.ts'

export interface Evening {
  /** What it is called on the command line. */
  readonly name: string
  readonly title: string
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  /** Whose measurements the published tables show. */
  readonly publishedBy: string
  /** What the devices of a schedule measure. */
  readonly entries: readonly TestListEntry[]
  readonly interference: readonly Interference[]
  /** When the people behind the report measured, and what. */
  readonly visits: readonly ReportedVisit[]
  /** When the devices that measure on a schedule are there. Both ends are measured when the schedule has them. */
  readonly onDuty: { readonly from: string; readonly until: string }
  readonly published: {
    readonly whatsapp: readonly WhatsappRow[]
    readonly urls: readonly UrlRow[]
  }
  /** What the lab had to choose because the report does not say, each in a sentence. */
  readonly chosen: readonly string[]
}

/** One target that fails on one provider's line for a while. Times are `HH:MM`, UTC; `until` is not in it any more. */
export interface Interference {
  readonly isp: IspKey
  readonly subject: string
  readonly from: string
  readonly until: string
  /** What a right measurement calls it. */
  readonly outcome: string
  readonly rules: readonly Rule[]
}

export interface ReportedVisit {
  readonly isp: IspKey
  readonly at: string
  readonly entries: readonly TestListEntry[]
}

/** Cells are words. `at` is `HH:MM`. */
export interface WhatsappRow {
  readonly at: string
  readonly registration: string
  readonly endpoints: string
  readonly web: string
}
export interface UrlRow {
  readonly url: string
  readonly at: string
  readonly outcome: string
}

const minuteMs = 60_000

/** @returns Milliseconds since 1970 of `HH:MM` of that day, UTC. */
export function instantOf(day: string, time: string): number {
  const at = Date.parse(`${day}T${time}:00Z`)
  if (!/^\d\d:\d\d$/.test(time) || Number.isNaN(at))
    throw new TypeError(`Cannot read "${time}" on "${day}": expected HH:MM on YYYY-MM-DD`)
  return at
}

/** The minute it fell into, `HH:MM` UTC: reports say no more, and nor do the tables here. */
export function timeOf(at: number): string {
  return new Date(at).toISOString().slice(11, 16)
}

/** Whole minutes between the minutes that two instants fell into. */
export function minutesBetween(from: number, until: number): number {
  return Math.floor(until / minuteMs) - Math.floor(from / minuteMs)
}

/** What a target is called: a URL by itself, a function of a service by the service's name and its own. */
export function subjectOf(testName: string, input: string | null, part: string | null): string {
  return part === null ? (input ?? testName) : `${testName} ${part}`
}

/** Every subject that a measurement of these entries speaks of. */
export function subjectsOf(entries: readonly TestListEntry[]): string[] {
  return entries.flatMap(({ nettest, input }) =>
    nettest === 'whatsapp'
      ? ['registration', 'endpoints', 'web'].map((part) => subjectOf(nettest, input, part))
      : [subjectOf(nettest, input, null)],
  )
}

/** What the provider's censor does at an instant. */
export function rulesAt(evening: Evening, isp: IspKey, at: number): Rule[] {
  return inForce(evening, at)
    .filter((each) => each.isp === isp)
    .flatMap(({ rules }) => rules)
}

/** What a right measurement says at an instant; null when nothing stands in the way. */
export function interferenceAt(
  evening: Evening,
  isp: IspKey,
  subject: string,
  at: number,
): Interference | null {
  return inForce(evening, at).find((each) => each.isp === isp && each.subject === subject) ?? null
}

function inForce(evening: Evening, at: number): Interference[] {
  return evening.interference.filter(
    ({ from, until }) => instantOf(evening.day, from) <= at && at < instantOf(evening.day, until),
  )
}

/** A target that began to fail or was restored, as the timetable has it. */
export interface Turn {
  readonly subject: string
  readonly to: 'failing' | 'reached'
  readonly at: number
  /**
   * Minutes that the target had been in the state before; null when it had been so since before the evening. What lasts
   * shorter than a schedule's interval may fall between two of its measurements.
   */
  readonly lasted: number | null
}

/** Every turn of every subject on one provider's line; one failure that follows another at once is no turn. */
export function turnsOf(evening: Evening, isp: IspKey): Turn[] {
  return subjectsOf(evening.entries)
    .flatMap((subject) => turnsOfSubject(evening, isp, subject))
    .sort((a, b) => a.at - b.at)
}

function turnsOfSubject(evening: Evening, isp: IspKey, subject: string): Turn[] {
  const own = evening.interference.filter((each) => each.isp === isp && each.subject === subject)
  const instants = [...new Set(own.flatMap(({ from, until }) => [from, until]))].map((time) =>
    instantOf(evening.day, time),
  )
  const turns: Turn[] = []
  for (const at of instants.sort((a, b) => a - b)) {
    const to = interferenceAt(evening, isp, subject, at) === null ? 'reached' : 'failing'
    const last = turns.at(-1)
    if ((last?.to ?? 'reached') === to) continue
    turns.push({ subject, to, at, lasted: last === undefined ? null : minutesBetween(last.at, at) })
  }
  return turns
}
