// Measurements as lines of JSON, from the archive, in either of their two forms: plain, as OONI's tools read them
// (tests-spec/plain/plain-form.md), or kept, as the probe signed them.

import * as v from 'valibot'
import { type Measurement, measurement, recordTime } from '../../tests-spec/data-formats/measurement.ts'
import type { NetworkOf } from '../../tests-spec/plain/lookups.ts'
import { type PlainContext, plainForm } from '../../tests-spec/plain/plain-form.ts'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { readLine } from '../../tests-spec/protocol/lines.ts'
import type { Archive } from '../archive/archive.ts'
import { ArchiveDamaged } from '../archive/archived-batch.ts'
import type { MeasurementIndex, SelectedRow } from '../index/measurement-index.ts'

export interface ExportParts {
  readonly archive: Archive
  readonly index: MeasurementIndex
  /** Whose an address is; nobody's, where the operator has no table. */
  readonly networkOf: NetworkOf
  /** Told of each record that has no such form. */
  readonly leaveOut: (batch: BatchId, n: number) => void
}

/** Certificates that are put into one record, and characters of all of them: a record may name one a million times. */
const maxCertificates = 256
const maxCertificateChars = 2_000_000
/** Bytes of lines that are read before other work gets its turn. */
const bytesInTurn = 256 * 1024

/** One record of a batch, and what its manifest says of all. */
interface Found {
  readonly measurement: unknown
  readonly clock: string | null
  readonly lists: Readonly<Record<string, number>>
}

/**
 * Plain forms, one a line. One whose batch cannot be read any more is left out, and so is one that no page describes.
 *
 * @param rows - Those of one batch beside each other: each is opened once.
 */
export async function* plainLines(parts: ExportParts, rows: readonly SelectedRow[]): AsyncGenerator<string> {
  const { index, networkOf } = parts
  for await (const [row, { measurement: kept, clock, lists }] of foundOf(parts, rows)) {
    const parsed = v.safeParse(measurement, kept)
    if (!parsed.success) continue
    const { batch, n, correctedAt, errorMs } = row
    const context = {
      place: { batch, n },
      dated: { correctedAt, errorMs },
      clock,
      lists,
      certificate: certificatesOf(index),
      networkOf,
    }
    const line = lineOf(kept as Measurement, context)
    if (line === null) parts.leaveOut(batch, n)
    else yield line
  }
}

/** As it was signed, not as it was parsed: a newer probe may have more. @returns null for one that has no plain form. */
function lineOf(kept: Measurement, context: PlainContext): string | null {
  try {
    return `${JSON.stringify(plainForm(kept, context))}\n`
  } catch {
    // The schema is wider than what can be made of it: one odd record must not cost the others.
    return null
  }
}

function certificatesOf(index: MeasurementIndex): PlainContext['certificate'] {
  let [count, chars] = [0, 0]
  return (sha256) => {
    if (++count > maxCertificates || chars > maxCertificateChars) return null
    const der = index.certificate(sha256)
    if (der === null) return null
    const text = Buffer.from(der).toString('base64')
    chars += text.length
    return text
  }
}

/**
 * Kept forms, one a line: `batch`, `device`, `epoch`, `n`, `received_at` (ISO 8601 UTC), `corrected_at` (likewise), `error_ms`
 * and `measurement` as the probe wrote and dated it.
 */
export async function* keptLines(parts: ExportParts, rows: readonly SelectedRow[]): AsyncGenerator<string> {
  for await (const [row, { measurement: kept }] of foundOf(parts, rows)) {
    const { batch, device, epoch, n } = row
    const times = {
      received_at: iso(row.receivedAt),
      corrected_at: iso(row.correctedAt),
      error_ms: row.errorMs,
    }
    yield `${JSON.stringify({ batch, device, epoch, n, ...times, measurement: kept })}\n`
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

/** Gives other work its turn: a batch of 16 MiB is read in one go otherwise. */
class Turns {
  #bytes = 0

  async after(bytes: number): Promise<void> {
    this.#bytes += bytes
    if (this.#bytes < bytesInTurn) return
    this.#bytes = 0
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function* foundOf(
  { archive }: ExportParts,
  rows: readonly SelectedRow[],
): AsyncGenerator<[SelectedRow, Found]> {
  const turns = new Turns()
  for (const ofBatch of runs(rows)) {
    const first = ofBatch[0]
    if (first === undefined) continue
    const content = await readUndamaged(archive, first.batch)
    if (content === null) continue
    const { lists } = content.manifest
    const lines = await linesByNumber(content.lines, new Set(ofBatch.map(({ n }) => n)), turns)
    for (const row of ofBatch) {
      const line = lines.get(row.n)
      if (line === undefined) continue
      await turns.after(line.length)
      const record = v.safeParse(numbered, readLine(line))
      if (!record.success) continue
      const { time, measurement: kept } = record.output
      yield [row, { measurement: kept, clock: time?.clock ?? null, lists }]
    }
  }
}

const numbered = v.looseObject({
  n: v.number(),
  time: v.optional(v.looseObject({ clock: v.optional(recordTime.entries.clock) })),
  measurement: v.unknown(),
})

/** The lines themselves and not what they say: all records of a batch at once would take many times its size. */
async function linesByNumber(
  lines: Iterable<Buffer>,
  wanted: ReadonlySet<number>,
  turns: Turns,
): Promise<ReadonlyMap<number, Buffer>> {
  const found = new Map<number, Buffer>()
  for (const line of lines) {
    await turns.after(line.length)
    const n = numberOf(line)
    if (n !== null && wanted.has(n)) found.set(n, line)
  }
  return found
}

function numberOf(line: Buffer): number | null {
  const record = v.safeParse(v.looseObject({ n: v.number() }), readLine(line))
  return record.success ? record.output.n : null
}

async function readUndamaged(archive: Archive, id: BatchId) {
  return archive.content(id).catch((error: unknown) => {
    // Left out: the scan at start has raised the alarm, and the other batches are still wanted.
    if (error instanceof ArchiveDamaged) return null
    throw error
  })
}

function runs(rows: readonly SelectedRow[]): SelectedRow[][] {
  const all: SelectedRow[][] = []
  for (const each of rows) {
    const last = all.at(-1)
    if (last?.[0]?.batch === each.batch) last.push(each)
    else all.push([each])
  }
  return all
}
