// GET /api/v1/measurements: what was measured, a page at a time, in the form that is asked for, and compressed for whoever
// takes that.

import { Readable, type Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ExportParts, keptLines, plainLines } from '../export/export-lines.ts'
import { type ExportFormat, readExportRequest } from '../export/request.ts'
import { csvHead, csvOf, parquetOf } from '../export/tables.ts'
import { verdictRows } from '../export/verdict-rows.ts'
import type { MeasurementIndex, SelectedRow } from '../index/measurement-index.ts'
import { type Cursor, type Selection, writeCursor } from '../index/selection.ts'
import { accepts } from './accept-encoding.ts'
import { problem } from './problem.ts'

/** Rows that are read from the index at once. */
const rowsAtOnce = 100
/** Characters of an answer that is made in memory: of the usual measurements the 10,000 that one may have. */
const maxCharsInMemory = 5_000_000
/** Of the columns that are never long. */
const usualChars = 200

const mediaTypes: Readonly<Record<ExportFormat, string>> = {
  jsonl: 'application/x-ndjson',
  kept: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8; header=present',
  parquet: 'application/vnd.apache.parquet',
}

/** @returns What is sent, or the problem with what was asked. */
export function exportAnswer(
  { query, url, headers }: FastifyRequest,
  reply: FastifyReply,
  parts: ExportParts,
) {
  const asked = readExportRequest(query)
  if (asked.kind === 'refused') return problem(400, 'bad_request', asked.faults.join('; '))
  const { format, selection } = asked
  const linkTo = (last: Cursor | null) => {
    // RFC 8288. What comes later is on the page after the last: its cursor is good for ever.
    if (last !== null) reply.header('link', `<${nextPage(url, last)}>; rel="next"`)
    reply.type(mediaTypes[format])
  }
  if (format === 'parquet') {
    const { rows, isCut } = inMemory(pagesOf(parts.index, selection))
    linkTo(isCut ? (rows.at(-1) ?? null) : parts.index.lastOf(selection))
    // Pages inside, compressed already.
    return parquetOf(rows.flatMap(verdictRows))
  }
  linkTo(parts.index.lastOf(selection))
  const pages = begun(pagesOf(parts.index, selection))
  // One piece ahead of the reader: a line may have 4 MB.
  const text = Readable.from(textOf(format, pages, parts), { highWaterMark: 1 })
  return compressed(text, headers['accept-encoding'], reply)
}

/** A table of this form cannot be sent while it is made: as much as there is room for, one row at least. */
function inMemory(pages: Iterable<readonly SelectedRow[]>): {
  readonly rows: readonly SelectedRow[]
  readonly isCut: boolean
} {
  const rows: SelectedRow[] = []
  let chars = 0
  for (const page of pages) {
    for (const row of page) {
      chars += charsOf(row)
      if (chars > maxCharsInMemory && rows.length > 0) return { rows, isCut: true }
      rows.push(row)
    }
  }
  return { rows, isCut: false }
}

/** Of what its rows in the table have together: each part repeats what the whole says. */
function charsOf({ input, networkName, found, parts }: SelectedRow): number {
  const own = (input?.length ?? 0) + networkName.length + (found.how?.length ?? 0) + usualChars
  return own * (1 + Object.keys(parts ?? {}).length)
}

/** The first page is read at once: what is wrong with the index must be said before an answer has begun. */
function begun(pages: Generator<SelectedRow[]>): Iterable<SelectedRow[]> {
  const first = pages.next()
  return (function* () {
    if (first.done !== true) yield first.value
    yield* pages
  })()
}

/** A few at a time: whoever reads slowly must not keep many in memory. */
function* pagesOf(index: MeasurementIndex, selection: Selection): Generator<SelectedRow[]> {
  let { after } = selection
  for (let left = selection.limit; left > 0; ) {
    const rows = index.select({ ...selection, after, limit: Math.min(left, rowsAtOnce) })
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    left -= rows.length
    after = last
  }
}

async function* textOf(format: ExportFormat, pages: Iterable<readonly SelectedRow[]>, parts: ExportParts) {
  if (format === 'csv') yield csvHead()
  for (const rows of pages) {
    if (format === 'csv') for (const row of rows) yield csvOf(verdictRows(row))
    else yield* format === 'kept' ? keptLines(parts, rows) : plainLines(parts, rows)
  }
}

function nextPage(url: string, last: Cursor): string {
  const [path = '', query = ''] = url.split('?')
  const fields = new URLSearchParams(query)
  fields.set('cursor', writeCursor(last))
  return `${path}?${fields}`
}

/** Records repeat each other: a tenth of the bytes is left. Level 6 of gzip and 3 of zstd are what each is measured by. */
const coders: readonly (readonly [name: string, make: (() => Transform) | undefined])[] = [
  // Not in every Node.js that runs a collector.
  ['zstd', (zlib as { createZstdCompress?: () => Transform }).createZstdCompress],
  ['gzip', () => zlib.createGzip()],
]

function compressed(text: Readable, accepted: string | string[] | undefined, reply: FastifyReply): Readable {
  reply.header('vary', 'accept-encoding')
  for (const [name, make] of coders) {
    if (make === undefined || !accepts(accepted, name)) continue
    reply.header('content-encoding', name)
    // An archive that fails half way must end the answer, not leave it open.
    const coder = make()
    return text.on('error', (error) => coder.destroy(error)).pipe(coder)
  }
  return text
}
