// Everything that a replay has to tell, made of what the collector received: the value that terminal, page and files
// are written from. Pure.

import {
  type Detection,
  detectionsOf,
  type Interval,
  isFlap,
  onsetsOf,
  surelySeenMinutes,
} from './detection.ts'
import { type Evening, minutesBetween, type UrlRow, type WhatsappRow } from './evening.ts'
import type { Played } from './play.ts'
import { type Finding, findingsIn } from './received.ts'
import { type Requirement, requirementsOf } from './requirements.ts'
import { ofSeries, urlRows, whatsappRows } from './tables.ts'
import { type Schedule, type Series, schedules, seriesName } from './visits.ts'

export interface Account {
  readonly evening: Evening
  readonly requirements: readonly Requirement[]
  readonly chapters: readonly Chapter[]
  readonly columns: readonly Column[]
  /** What the schedules made of the line that was interfered with. */
  readonly detections: readonly Detection[]
  /** When each of them knows the evening to begin, by `seriesName`. */
  readonly onsets: Readonly<Record<string, Interval | null>>
  readonly seconds: number
  readonly labs: number
  readonly measurements: number
  readonly devices: number
}

/** The two tables, as one device on one line has them. */
export interface Chapter {
  readonly title: string
  readonly series: Series
  readonly whatsapp: readonly WhatsappRow[]
  readonly urls: readonly UrlRow[]
}

/** One way to have measured the evening. */
export interface Column {
  readonly title: string
  /** `seriesName`. */
  readonly name: string
  readonly summary: Summary
}

export interface Summary {
  readonly turns: number
  readonly seen: number
  readonly flaps: number
  readonly flapsSeen: number
  /** The longest interval that an onset is known to, in minutes; null when one was missed, or has no beginning. */
  readonly widestOnsetMinutes: number | null
}

const lines: readonly (Omit<Series, 'schedule'> & { readonly title: string; readonly aside: string })[] = [
  { device: 'o', isp: 'o', title: 'AS30985', aside: '' },
  { device: 'both', isp: 'o', title: 'AS30985, the device on both lines', aside: ', both lines' },
  { device: 'm', isp: 'm', title: 'AS21271', aside: '' },
  { device: 'both', isp: 'm', title: 'AS21271, the device on both lines', aside: ', both lines' },
]

export async function accountOf(evening: Evening, played: Played): Promise<Account> {
  const { visits, seconds, labs } = played
  const findings = findingsIn(played.lines, played.enrolled)
  const measured = new Set(visits.map(seriesName))
  const seriesOf = (schedule: Schedule) =>
    lines
      .map((line) => ({ ...line, schedule: schedule.key }))
      .filter((series) => measured.has(seriesName(series)))
  const onInterfered = schedules.flatMap(seriesOf).filter(({ isp }) => isp === 'o')
  const detections = detectionsOf(evening, 'o', findings, onInterfered)
  const onsets = onsetsOf(evening, 'o', findings, onInterfered)
  return {
    evening,
    onsets,
    requirements: await requirementsOf({ evening, visits, findings, detections, onsets }),
    chapters: schedules.flatMap((schedule) =>
      seriesOf(schedule).map((series) => chapterOf(evening, schedule, series, findings)),
    ),
    columns: schedules.flatMap((schedule) => columnsOf(schedule, onInterfered, detections)),
    detections,
    seconds,
    labs,
    measurements: played.lines.length,
    devices: Object.keys(played.enrolled).length,
  }
}

function chapterOf(
  evening: Evening,
  { key, everyMinutes }: Schedule,
  series: Series & { readonly title: string },
  findings: readonly Finding[],
): Chapter {
  const own = ofSeries(findings, series)
  return {
    title: `${series.title}, measured ${howWords(key, everyMinutes)}`,
    series,
    whatsapp: whatsappRows(own),
    urls: urlRows(
      own,
      evening.entries.flatMap(({ input }) => input ?? []),
    ),
  }
}

function howWords(key: Schedule['key'], everyMinutes: number | null): string {
  const words = {
    report: 'as the report did',
    base: `every ${everyMinutes} min`,
    spread: `in rounds within ${everyMinutes} min`,
    pair: `so by a second probe, half of ${everyMinutes} min later`,
    burst: `in rounds within ${everyMinutes} min, with bursts`,
  }
  return words[key]
}

function columnsOf(
  { key, title }: Schedule,
  series: readonly (Series & { readonly aside: string })[],
  detections: readonly Detection[],
): Column[] {
  return series
    .filter(({ schedule }) => schedule === key)
    .map((each) => {
      const name = seriesName(each)
      return { title: `${title}${each.aside}`, name, summary: summaryOf(name, detections) }
    })
}

function summaryOf(name: string, detections: readonly Detection[]): Summary {
  const seen = detections.filter((each) => each.seen[name] != null)
  const flaps = detections.filter(({ turn }) => isFlap(turn, surelySeenMinutes))
  const onsets = detections.filter(
    ({ turn }) => turn.to === 'failing' && !flaps.some((each) => each.turn === turn),
  )
  const widths = onsets.map((each) => {
    const interval = each.seen[name]
    return interval?.after == null ? null : minutesBetween(interval.after, interval.by)
  })
  return {
    turns: detections.length,
    seen: seen.length,
    flaps: flaps.length,
    flapsSeen: flaps.filter((each) => seen.includes(each)).length,
    widestOnsetMinutes: widths.reduce<number | null>(
      (widest, each) => (widest === null || each === null ? null : Math.max(widest, each)),
      0,
    ),
  }
}

/** What a schedule came to, in a line. */
export function summaryWords(summary: Summary, durationWords: (minutes: number) => string): string {
  const { turns, seen, flaps, flapsSeen, widestOnsetMinutes } = summary
  const onsets =
    widestOnsetMinutes === null
      ? 'not every onset seen'
      : `every onset known to ${durationWords(widestOnsetMinutes)}`
  return `${onsets}; ${seen} of ${turns} changes and ${flapsSeen} of ${flaps} flaps seen`
}
