// GET /api/v1/measurements: what was measured, a page at a time, in the form that is asked for, and compressed for whoever
// takes that.

import { Readable, type Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type ExportParts, keptLines, plainLines } from '../export/export-lines.ts'
import { type ExportFormat, maxPerPage, readExportRequest } from '../export/request.ts'
import { csvHead, csvOf, parquetOf } from '../export/tables.ts'
import { verdictRows } from '../export/verdict-rows.ts'
import type { SelectedRow } from '../index/measurement-index.ts'
import { writeCursor } from '../index/selection.ts'
import { accepts } from './accept-encoding.ts'
import { problem } from './problem.ts'

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
  const rows = parts.index.select(asked.selection)
  const next = nextPage(url, rows, asked.selection.limit)
  // RFC 8288. What comes later is on the page after the last: its cursor is good for ever.
  if (next !== null) reply.header('link', `<${next}>; rel="next"`)
  reply.type(mediaTypes[asked.format])
  // Pages inside, compressed already.
  if (asked.format === 'parquet') return parquetOf(rows.flatMap(verdictRows))
  return compressed(Readable.from(textOf(asked.format, rows, parts)), headers['accept-encoding'], reply)
}

async function* textOf(format: ExportFormat, rows: readonly SelectedRow[], parts: ExportParts) {
  if (format === 'csv') {
    yield csvHead()
    for (const row of rows) yield csvOf(verdictRows(row))
  } else yield* format === 'kept' ? keptLines(parts, rows) : plainLines(parts, rows)
}

/** @returns null when this page was not full, so that nothing is behind it yet. */
function nextPage(url: string, rows: readonly SelectedRow[], limit: number): string | null {
  const last = rows.at(-1)
  if (last === undefined || rows.length < Math.min(limit, maxPerPage)) return null
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
