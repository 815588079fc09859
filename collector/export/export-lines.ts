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
  readonly reader: BatchReader
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
 * @param rows - Those of one batch beside each other: it is opened once.
 */
export async function* plainLines(parts: ExportParts, rows: readonly SelectedRow[]): AsyncGenerator<string> {
  const { index, networkOf } = parts
  for await (const [row, { measurement: kept, clock, lists }] of foundOf(parts, rows)) {
    const parsed = v.safeParse(measurement, kept)
    if (!parsed.success) continue
    const { batch, n, correctedAt, errorMs, isSuspect } = row
    const context = {
      place: { batch, n },
      dated: { correctedAt, errorMs },
      isSuspect,
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
 * Kept forms, one a line: `batch`, `device`, `epoch`, `n`, `received_at` (ISO 8601 UTC), `corrected_at` (likewise), `error_ms`,
 * `suspect` where the operator said so, and `measurement` as the probe wrote and dated it.
 */
export async function* keptLines(parts: ExportParts, rows: readonly SelectedRow[]): AsyncGenerator<string> {
  for await (const [row, { measurement: kept }] of foundOf(parts, rows)) {
    const { batch, device, epoch, n } = row
    const times = {
      received_at: iso(row.receivedAt),
      corrected_at: iso(row.correctedAt),
      error_ms: row.errorMs,
    }
    const mark = row.isSuspect && { suspect: true }
    yield `${JSON.stringify({ batch, device, epoch, n, ...times, ...mark, measurement: kept })}\n`
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
  { reader }: ExportParts,
  rows: readonly SelectedRow[],
): AsyncGenerator<[SelectedRow, Found]> {
  const turns = new Turns()
  for (const row of rows) {
    const batch = await reader.read(row.batch, turns)
    const line = batch?.lines.get(row.n)
    if (batch === null || line === undefined) continue
    await turns.after(line.length)
    const record = v.safeParse(numbered, readLine(line))
    if (!record.success || record.output.n !== row.n) continue
    const { time, measurement: kept } = record.output
    yield [row, { measurement: kept, clock: time?.clock ?? null, lists: batch.lists }]
  }
}

interface ReadBatch {
  readonly lists: Readonly<Record<string, number>>
  /**
   * The lines themselves and not what they say: all records of a batch at once would take many times its size. By the
   * number of their record.
   */
  readonly lines: ReadonlyMap<number, Buffer>
}

/** Reads the batches of one export, each once where its rows stand beside each other. */
export class BatchReader {
  readonly #archive: Archive
  #id: BatchId | null = null
  #last: ReadBatch | null = null

  constructor(archive: Archive) {
    this.#archive = archive
  }

  /** @returns null for a batch that cannot be read any more. */
  async read(id: BatchId, turns: Turns): Promise<ReadBatch | null> {
    if (this.#id === id) return this.#last
    this.#id = null
    this.#last = null
    const content = await readUndamaged(this.#archive, id)
    if (content !== null) {
      const lines = new Map<number, Buffer>()
      for (const line of content.lines) {
        await turns.after(line.length)
        const n = numberOf(line)
        if (n !== null) lines.set(n, line)
      }
      this.#last = { lists: content.manifest.lists, lines }
    }
    this.#id = id
    return this.#last
  }
}

const numbered = v.looseObject({
  n: v.number(),
  time: v.optional(v.looseObject({ clock: v.optional(recordTime.entries.clock) })),
  measurement: v.unknown(),
})

function numberOf(line: Buffer): number | null {
  // As every probe writes it. Whether the record says the same is looked at when it is read.
  const plain = /^\{"n":(\d{1,15}),/.exec(line.toString('latin1', 0, 24))?.[1]
  if (plain !== undefined) return Number(plain)
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
