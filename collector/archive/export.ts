// Measurements as lines of JSON, from the archive: what end-to-end tests and other programs read.

import * as v from 'valibot'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import type { Archive } from './archive.ts'
import { ArchiveDamaged } from './archived-batch.ts'

/** Which measurement, and where it lies. */
export interface Wanted {
  readonly batch: BatchId
  readonly device: string
  readonly epoch: string
  readonly n: number
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /** When it began, as well as can be told, and within how many milliseconds; null when nobody can say. */
  readonly correctedAt: number
  readonly errorMs: number | null
}

const numbered = v.looseObject({ n: v.number(), measurement: v.unknown() })

/**
 * Reads measurements from their batches, one batch at a time and each once.
 *
 * @param wanted - Those of one batch beside each other.
 * @returns Lines with `device`, `epoch`, `n`, `received_at` (ISO 8601 UTC), `corrected_at` (likewise), `error_ms` and
 *   `measurement` as the probe wrote and dated it, in the order of `wanted`. One whose batch cannot be read any more is left out.
 */
export async function* exportLines(archive: Archive, wanted: readonly Wanted[]): AsyncGenerator<string> {
  for (const ofBatch of runs(wanted)) {
    const first = ofBatch[0]
    if (first === undefined) continue
    const measurements = await measurementsOf(archive, first.batch)
    for (const { device, epoch, n, receivedAt, correctedAt, errorMs } of ofBatch) {
      if (!measurements.has(n)) continue
      const received_at = iso(receivedAt)
      const dated = { corrected_at: iso(correctedAt), error_ms: errorMs }
      yield `${JSON.stringify({ device, epoch, n, received_at, ...dated, measurement: measurements.get(n) })}\n`
    }
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

async function measurementsOf(archive: Archive, id: BatchId): Promise<ReadonlyMap<number, unknown>> {
  const content = await archive.content(id).catch((error: unknown) => {
    // Left out: the scan at start has raised the alarm, and the other batches are still wanted.
    if (error instanceof ArchiveDamaged) return null
    throw error
  })
  const measurements = new Map<number, unknown>()
  for (const line of content?.records ?? []) {
    const record = v.safeParse(numbered, line)
    if (record.success) measurements.set(record.output.n, record.output.measurement)
  }
  return measurements
}

function runs(wanted: readonly Wanted[]): Wanted[][] {
  const all: Wanted[][] = []
  for (const each of wanted) {
    const last = all.at(-1)
    if (last?.[0]?.batch === each.batch) last.push(each)
    else all.push([each])
  }
  return all
}
