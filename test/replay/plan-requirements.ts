// What must hold of the schedules that follow the agent's plan. Pure, but for the loop's promises.

import { intervalWords } from './detection.ts'
import { minutesBetween, timeOf } from './evening.ts'
import { type PlannedCycle, plannedCycles } from './planned.ts'
import type { Replayed } from './requirements.ts'
import { ofSeries, whatsappRows } from './tables.ts'
import { plannedOf, type Series, seriesName } from './visits.ts'

const onOrange = (schedule: Series['schedule']): Series => ({ schedule, device: 'o', isp: 'o' })
const burst = onOrange('burst')

/** Minutes to which the evening's beginning is to be known. */
const onsetMinutes = [
  [onOrange('spread'), 5],
  [onOrange('pair'), 3],
  [burst, 5],
] as const

export function roughOnsets({ onsets }: Pick<Replayed, 'onsets'>): string[] {
  return onsetMinutes.flatMap(([series, most]) => {
    const interval = onsets[seriesName(series)] ?? null
    const isKnown = interval?.after != null && minutesBetween(interval.after, interval.by) <= most
    return isKnown ? [] : [`${seriesName(series)}: ${intervalWords(interval)}`]
  })
}

const halfAnHourMs = 30 * 60_000

/** The first is the evening's beginning, of which nothing warned; two at one instant warn of each other no more. */
export function slowLooks({ detections }: Pick<Replayed, 'detections'>): string[] {
  const first = Math.min(...detections.map(({ turn }) => turn.at))
  const later = detections.filter(({ turn }) => turn.at > first)
  if (later.length === 0) return ['nothing changed that a burst could look at']
  return later.flatMap(({ turn, seen }) => {
    const isNear = detections.some(({ turn: { at } }) => at < turn.at && turn.at - at <= halfAnHourMs)
    const interval = seen[seriesName(burst)] ?? null
    const isKnown = interval?.after != null && minutesBetween(interval.after, interval.by) <= (isNear ? 2 : 5)
    return isKnown ? [] : [`${turn.subject} at ${timeOf(turn.at)}: ${intervalWords(interval)}`]
  })
}

/** In their order. */
export function publishedStatesMissed({ evening, findings }: Replayed): string[] {
  const words = ({ registration, endpoints, web }: ReturnType<typeof whatsappRows>[number]) =>
    `registration ${registration}, endpoints ${endpoints}, web ${web}`
  const rows = whatsappRows(ofSeries(findings, burst)).map(words)
  let from = 0
  return evening.published.whatsapp.map(words).flatMap((state) => {
    const place = rows.indexOf(state, from)
    if (place >= 0) from = place + 1
    return place >= 0 ? [] : [state]
  })
}

/** Runs the loop again over what was received. */
export async function plansNotFollowed({ evening, visits, findings }: Replayed): Promise<string[]> {
  const all = Object.entries(plannedOf).map(async ([schedule, planned]) => {
    const own = visits.filter((visit) => visit.schedule === schedule)
    const names = [...new Set(own.map(seriesName))]
    const faults = names.map(async (name) => {
      const played = own.filter((visit) => seriesName(visit) === name)
      const received = findings.filter((each) => seriesName(each) === name && !each.repeated)
      const found = (subject: string, at: number) =>
        received.find((each) => each.subject === subject && at <= each.cycleAt && each.cycleAt < at + 60_000)
          ?.reached ?? null
      const asked = await plannedCycles(evening, planned, found)
      const place = asked.findIndex((each, n) => words(each) !== words(played[n]))
      if (place < 0 && asked.length === played.length) return []
      return [`${name}: measured was ${words(played[place])}, and to be measured ${words(asked[place])}`]
    })
    if (faults.length === 0) return [`${schedule}: nothing was measured`]
    return (await Promise.all(faults)).flat()
  })
  return (await Promise.all(all)).flat()
}

function words(cycle: PlannedCycle | undefined): string {
  if (cycle === undefined) return 'nothing'
  return `${timeOf(cycle.at)} ${cycle.entries.map(({ nettest, input }) => input ?? nettest).join(' ')}`
}
