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
const rowsAtOnce = 200
/** Measurements of an answer that is made in memory. */
const maxInMemory = 2_000

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
  const { format } = asked
  const selection = format === 'parquet' ? inMemory(asked.selection) : asked.selection
  const last = parts.index.lastOf(selection)
  // RFC 8288. What comes later is on the page after the last: its cursor is good for ever.
  if (last !== null) reply.header('link', `<${nextPage(url, last)}>; rel="next"`)
  reply.type(mediaTypes[format])
  const pages = begun(pagesOf(parts.index, selection))
  // Pages inside, compressed already.
  if (format === 'parquet') return parquetOf([...pages].flatMap((rows) => rows.flatMap(verdictRows)))
  return compressed(Readable.from(textOf(format, pages, parts)), headers['accept-encoding'], reply)
}

/** The first page is read at once: what is wrong with the index must be said before an answer has begun. */
function begun(pages: Generator<SelectedRow[]>): Iterable<SelectedRow[]> {
  const first = pages.next()
  return (function* () {
    if (first.done !== true) yield first.value
    yield* pages
  })()
}

/** A table of this form cannot be sent while it is made. */
function inMemory(selection: Selection): Selection {
  return { ...selection, limit: Math.min(selection.limit, maxInMemory) }
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
    if (format === 'csv') yield csvOf(rows.flatMap(verdictRows))
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
