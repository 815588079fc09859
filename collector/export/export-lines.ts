// Measurements as lines of JSON, from the archive, in either of their two forms: plain, as OONI's tools read them
// (tests-spec/plain/plain-form.md), or kept, as the probe signed them.

import * as v from 'valibot'
import { type Measurement, measurement, recordTime } from '../../tests-spec/data-formats/measurement.ts'
import type { NetworkOf } from '../../tests-spec/plain/lookups.ts'
import { plainForm } from '../../tests-spec/plain/plain-form.ts'
import type { BatchId, Manifest } from '../../tests-spec/protocol/batch.ts'
import type { Archive } from '../archive/archive.ts'
import { ArchiveDamaged } from '../archive/archived-batch.ts'
import type { MeasurementIndex, SelectedRow } from '../index/measurement-index.ts'

export interface ExportParts {
  readonly archive: Archive
  readonly index: MeasurementIndex
  /** Whose an address is; nobody's, where the operator has no table. */
  readonly networkOf: NetworkOf
}

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
  const certificate = (sha256: string) => {
    const der = index.certificate(sha256)
    return der === null ? null : Buffer.from(der).toString('base64')
  }
  for await (const [row, { measurement: kept, clock, lists }] of foundOf(parts, rows)) {
    const parsed = v.safeParse(measurement, kept)
    if (!parsed.success) continue
    const { batch, n, correctedAt, errorMs } = row
    const context = {
      place: { batch, n },
      dated: { correctedAt, errorMs },
      clock,
      lists,
      certificate,
      networkOf,
    }
    // As it was signed, not as it was parsed: a newer probe may have more.
    yield `${JSON.stringify(plainForm(kept as Measurement, context))}\n`
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

async function* foundOf(
  { archive }: ExportParts,
  rows: readonly SelectedRow[],
): AsyncGenerator<[SelectedRow, Found]> {
  for (const ofBatch of runs(rows)) {
    const first = ofBatch[0]
    if (first === undefined) continue
    const found = await recordsOf(archive, first.batch)
    for (const row of ofBatch) {
      const record = found.get(row.n)
      if (record !== undefined) yield [row, record]
    }
  }
}

const numbered = v.looseObject({
  n: v.number(),
  time: v.optional(v.looseObject({ clock: v.optional(recordTime.entries.clock) })),
  measurement: v.unknown(),
})

async function recordsOf(archive: Archive, id: BatchId): Promise<ReadonlyMap<number, Found>> {
  const content = await archive.content(id).catch((error: unknown) => {
    // Left out: the scan at start has raised the alarm, and the other batches are still wanted.
    if (error instanceof ArchiveDamaged) return null
    throw error
  })
  const records = new Map<number, Found>()
  if (content === null) return records
  const { lists }: Pick<Manifest, 'lists'> = content.manifest
  for (const line of content.records ?? []) {
    const record = v.safeParse(numbered, line)
    if (!record.success) continue
    const { n, time, measurement: kept } = record.output
    records.set(n, { measurement: kept, clock: time?.clock ?? null, lists })
  }
  return records
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
