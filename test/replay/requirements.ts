// What a replay must show, each with what is amiss when it does not. Pure.

import { type Detection, type Interval, intervalWords, isFlap, surelySeenMinutes } from './detection.ts'
import {
  type Evening,
  instantOf,
  interferenceAt,
  minutesBetween,
  subjectsOf,
  timeOf,
  type UrlRow,
  type WhatsappRow,
} from './evening.ts'
import { plansNotFollowed, publishedStatesMissed, roughOnsets, slowLooks } from './plan-requirements.ts'
import type { Finding } from './received.ts'
import { ofSeries, urlRows, whatsappRows } from './tables.ts'
import { seriesName, type Visit } from './visits.ts'

export interface Requirement {
  /** What must hold, in a sentence. */
  readonly sentence: string
  /** How it does not, each in a sentence; none when it holds. */
  readonly faults: readonly string[]
}

export interface Replayed {
  readonly evening: Evening
  readonly visits: readonly Visit[]
  readonly findings: readonly Finding[]
  /** On the line that the timetable speaks of. */
  readonly detections: readonly Detection[]
  /** When each series knows the evening to begin. */
  readonly onsets: Readonly<Record<string, Interval | null>>
}

export async function requirementsOf(replayed: Replayed): Promise<Requirement[]> {
  return [
    { sentence: 'Everything that was to be measured has arrived.', faults: whatIsMissing(replayed) },
    {
      sentence: `Measured every ${surelySeenMinutes} min, every onset is known to ${surelySeenMinutes} min or less.`,
      faults: lateOnsets(replayed),
    },
    {
      sentence: 'Nothing on AS21271 was called an anomaly, and nothing on AS30985 that was let through.',
      faults: falseAnomalies(replayed),
    },
    {
      sentence: 'Measured when the report did, its two tables come out as published.',
      faults: otherRows(replayed),
    },
    {
      sentence:
        'Spread over three rounds, the evening is known to begin to 5 min or less; by two probes half an interval apart, to 3 min.',
      faults: roughOnsets(replayed),
    },
    {
      sentence:
        'With bursts, a change that comes within half an hour of another is known to 2 min or less, and every later one to 5 min.',
      faults: slowLooks(replayed),
    },
    {
      sentence: "With bursts, each of WhatsApp's four published states is seen.",
      faults: publishedStatesMissed(replayed),
    },
    {
      sentence:
        "What was measured in rounds and looks is what the agent's loop asks for, given what was received.",
      faults: await plansNotFollowed(replayed),
    },
  ]
}

/** As late as the agent's own jitter may be; a table shows the time that it was. */
const tolerableLateMs = 120_000

function whatIsMissing({ evening, visits, findings }: Replayed): string[] {
  if (visits.length === 0) return [`nothing was to be measured on ${evening.day}`]
  return visits.flatMap((visit) => {
    const arrived = ofSeries(findings, visit).filter(
      ({ cycleAt }) => visit.at <= cycleAt && cycleAt <= visit.at + tolerableLateMs,
    )
    return subjectsOf(visit.entries)
      .filter((subject) => !arrived.some((each) => each.subject === subject))
      .map((subject) => `${seriesName(visit)}: ${subject} at ${timeOf(visit.at)}`)
  })
}

/**
 * Of the series that promise an interval. A failure that begins again after a pause shorter than the interval is a flap:
 * it is shown as seen or missed, and nobody promises to see it.
 */
function lateOnsets({ visits, detections }: Replayed): string[] {
  const promising = new Set(
    visits.filter(({ schedule, isp }) => schedule === 'base' && isp === 'o').map(seriesName),
  )
  const onsets = detections.filter(({ turn }) => turn.to === 'failing' && !isFlap(turn, surelySeenMinutes))
  if (promising.size === 0 || onsets.length === 0) return ['there was no onset to see, or nobody to see it']
  return onsets.flatMap(({ turn, seen }) =>
    [...promising].flatMap((name) => {
      const interval = seen[name] ?? null
      const known =
        interval !== null &&
        interval.after !== null &&
        minutesBetween(interval.after, interval.by) <= surelySeenMinutes
      const onset = `${turn.subject} from ${timeOf(turn.at)}`
      return known ? [] : [`${name}: ${onset}: ${intervalWords(interval)}`]
    }),
  )
}

/** First looks count as well: nothing of what is sent home may accuse a network that did nothing. */
function falseAnomalies({ evening, findings }: Replayed): string[] {
  const accusations = findings.filter(({ reached }) => reached === false)
  return accusations
    .filter(({ isp, subject, cycleAt }) => interferenceAt(evening, isp, subject, minuteOf(cycleAt)) === null)
    .map((each) => `${seriesName(each)}: ${each.subject} at ${timeOf(each.at)}: ${each.outcome}`)
}

function otherRows({ evening, findings }: Replayed): string[] {
  const own = ofSeries(findings, { schedule: 'report', device: 'o', isp: 'o' })
  const whatsapp = whatsappRows(own).map(whatsappSentence)
  const urls = urlRows(own, subjectsOf(evening.entries)).map(urlSentence)
  const have = new Set([...whatsapp, ...urls])
  const wanted = [
    ...evening.published.whatsapp.map(whatsappSentence),
    ...evening.published.urls.map(urlSentence),
  ]
  if (wanted.length === 0) return ['nothing was published']
  return wanted
    .filter((row) => !have.has(row))
    .map((row) => {
      const [key] = row.split(': ')
      const instead = [...have].find((each) => each.startsWith(`${key}: `)) ?? 'nothing'
      return `published is "${row}", received was "${instead}"`
    })
}

const whatsappSentence = ({ at, registration, endpoints, web }: WhatsappRow) =>
  `whatsapp at ${at}: registration ${registration}, endpoints ${endpoints}, web ${web}`
const urlSentence = ({ url, at, outcome }: UrlRow) => `${url} at ${at}: ${outcome}`

function minuteOf(at: number): number {
  return instantOf(new Date(at).toISOString().slice(0, 10), timeOf(at))
}
