// The two tables of the published report, made of findings: WhatsApp's functions by time, and URLs by time. Pure.

import { accessible } from '../../collector/analysis/outcome-words.ts'
import { timeOf, type UrlRow, type WhatsappRow } from './evening.ts'
import type { Finding } from './received.ts'
import { type Series, seriesName } from './visits.ts'

/** A cell of something that was not measured. */
const notMeasured = '–'

export function ofSeries(findings: readonly Finding[], series: Series): Finding[] {
  return findings.filter((each) => seriesName(each) === seriesName(series))
}

/** @param findings - Of one series. What was repeated in its cycle does not show. */
export function whatsappRows(findings: readonly Finding[]): WhatsappRow[] {
  const whatsapp = findings.filter(({ subject, repeated }) => subject.startsWith('whatsapp ') && !repeated)
  const cycles = [...new Set(whatsapp.map(({ cycleAt }) => cycleAt))].sort((a, b) => a - b)
  return cycles.map((cycleAt) => {
    const cell = (part: string) => {
      const found = whatsapp.find((each) => each.cycleAt === cycleAt && each.subject === `whatsapp ${part}`)
      if (found === undefined) return notMeasured
      // The report's own word in this table.
      return found.outcome === accessible ? 'OK' : found.outcome
    }
    return {
      at: timeOf(cycleAt),
      registration: cell('registration'),
      endpoints: cell('endpoints'),
      web: cell('web'),
    }
  })
}

/** @param findings - Of one series. By URL in the order of `urls`, then by time, as the report has them. */
export function urlRows(findings: readonly Finding[], urls: readonly string[]): UrlRow[] {
  return urls.flatMap((url) =>
    findings
      .filter(({ subject, repeated }) => subject === url && !repeated)
      .sort((a, b) => a.cycleAt - b.cycleAt)
      .map(({ cycleAt, outcome }) => ({ url, at: timeOf(cycleAt), outcome })),
  )
}

/**
 * Rows that follow each other and differ in their time only, as one: its `at` then says from when until when, and how
 * many there were.
 */
export function collapsed<Row extends { readonly at: string }>(rows: readonly Row[]): Row[] {
  const groups: Row[][] = []
  for (const row of rows) {
    const last = groups.at(-1)
    if (last?.[0] !== undefined && sameButTime(last[0], row)) last.push(row)
    else groups.push([row])
  }
  return groups.flatMap((group) => {
    const [first, last] = [group[0], group.at(-1)]
    if (first === undefined || last === undefined) return []
    return [{ ...first, at: first === last ? first.at : `${first.at} to ${last.at}, ${group.length} times` }]
  })
}

function sameButTime(a: object, b: object): boolean {
  return JSON.stringify({ ...a, at: '' }) === JSON.stringify({ ...b, at: '' })
}
