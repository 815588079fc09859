// A replay's tables as CSV (RFC 4180), row by row and not collapsed, for whoever reckons further. Pure.

import type { Account, Chapter } from './account.ts'
import { detectionTable, type TableText, urlTable, whatsappTable } from './words.ts'

/** By file name. */
export function csvFiles(account: Account): Readonly<Record<string, string>> {
  const { chapters } = account
  return {
    'whatsapp.csv': csv(withSeries(chapters, ({ whatsapp }) => whatsappTable(whatsapp))),
    'urls.csv': csv(withSeries(chapters, ({ urls }) => urlTable(urls))),
    'changes.csv': csv(detectionTable(account)),
  }
}

function withSeries(chapters: readonly Chapter[], tableOf: (chapter: Chapter) => TableText): TableText {
  const head = chapters[0] === undefined ? [] : tableOf(chapters[0]).head
  const rows = chapters.flatMap((chapter) => {
    const { schedule, device, isp } = chapter.series
    return tableOf(chapter).rows.map((row) => [schedule, device, isp === 'o' ? 'AS30985' : 'AS21271', ...row])
  })
  return { head: ['Schedule', 'Device', 'Network', ...head], rows }
}

/** Lines end as the RFC has it; a cell with a comma, a quote or a line break stands in quotes. */
export function csv({ head, rows }: TableText): string {
  return [head, ...rows].map((row) => `${row.map(quoted).join(',')}\r\n`).join('')
}

function quoted(cell: string): string {
  // A spreadsheet takes these for the beginning of a formula, and cells come from measurements.
  const harmless = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
