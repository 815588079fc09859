// The spool on a real disk, bundled as the agent is: days of a month without a way out or with one, or many records
// that wait. It runs one order and prints one line of JSON.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { currentDictionary, deflateBody } from '../../agent/spool/log/dictionary.ts'
import type { Spool } from '../../agent/spool/spool.ts'
import { cyclesADay, Month } from '../../test/offline/month.ts'
import {
  enrolmentDigest,
  handClock,
  openBatch,
  openSample,
  receiptFor,
  seededChance,
} from '../../test/support/sample-spool.ts'
import type { SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import { memoryOf } from './process-figures.ts'

export interface SpoolOrder {
  /**
   * - `offline`: cycles whose records are sealed for room.
   * - `online`: cycles that are each sealed and receipted at their end.
   * - `wait`: records that are put and left there.
   * - `recover`: the records that were left are opened again.
   */
  readonly do: 'offline' | 'online' | 'wait' | 'recover'
  /** A folder that the caller deletes. */
  readonly dir: string
  /** For `offline` and `online` the number of days, for `wait` the number of records. */
  readonly count: number
}

export interface OfflineFigures {
  readonly records: number
  readonly appendsPerSecond: number
  /** Bytes written for each byte of deflated record. */
  readonly writeAmplification: number
  readonly flushesADay: number
  readonly megabytesADay: number
  /** Bytes of each record as it was put. */
  readonly jsonBytes: number
  /** Bytes of each record while it waits: deflated. */
  readonly storedBytes: number
  /** Bytes of each record once sealed, which is what is sent: payload, envelope and signature. */
  readonly sentBytes: number
  readonly batches: number
  readonly recordsABatch: number
  readonly sealMs: number
  /** Milliseconds for signature, digests and unpacking. */
  readonly verifyMs: number
}

export interface OnlineFigures {
  readonly flushesADay: number
  readonly megabytesADay: number
  /** Bytes of a measurement, with its share of envelope and signature. */
  readonly sentBytes: number
}

export interface RecoverFigures {
  readonly records: number
  readonly megabytes: number
  readonly ms: number
  readonly rssMib: number
}

const quotaBytes = 256 * 1024 * 1024
/**
 * Number of records that the spool commits at once. Records that do not fit into a segment begin the next one, so the
 * groups must have the size they have on devices.
 */
const group = 64
/** Seed with which each month begins, so that chances are the same at every call. */
const seed = 30

async function offline({ dir, count: days }: SpoolOrder): Promise<OfflineFigures> {
  const clock = handClock()
  const month = new Month(seededChance(seed))
  const spool = await openSample(dir, { clock, quotaBytes })
  const spent = { appendMs: 0, sealMs: 0, records: 0, jsonBytes: 0, storedBytes: 0, appended: 0 }
  for (let cycle = 0; cycle < days * cyclesADay; cycle++) {
    const entries = month.cycle(cycle).map(({ entry }) => entry)
    for (const { class: recordClass, time, measurement } of entries) {
      const json = JSON.stringify({ class: recordClass, time, measurement })
      spent.jsonBytes += json.length
      spent.storedBytes += deflateBody(json, currentDictionary).length
    }
    spent.records += entries.length
    const before = spool.stats().bytesWritten
    spent.appendMs += await milliseconds(() => putAll(spool, entries))
    spent.appended += spool.stats().bytesWritten - before
    spent.sealMs += await milliseconds(() => sealWhileFull(spool))
    clock.move(86_400_000 / cyclesADay)
  }
  const { flushes, bytesWritten } = spool.stats()
  spent.sealMs += await milliseconds(async () => {
    while ((await spool.seal('manual', enrolmentDigest)) !== null);
  })
  const batches = spool.pending()
  const files = await Promise.all(batches.map(({ id }) => spool.read(id)))
  const verifyMs = await milliseconds(async () => {
    for (const bytes of files) openBatch(bytes)
  })
  await spool.close()
  const { records } = spent
  return {
    records,
    appendsPerSecond: (1000 * records) / spent.appendMs,
    writeAmplification: spent.appended / spent.storedBytes,
    flushesADay: flushes / days,
    megabytesADay: bytesWritten / days / 1e6,
    jsonBytes: spent.jsonBytes / records,
    storedBytes: spent.storedBytes / records,
    sentBytes: batches.reduce((sum, { bytes }) => sum + bytes, 0) / records,
    batches: batches.length,
    recordsABatch: records / batches.length,
    sealMs: spent.sealMs / batches.length,
    verifyMs: verifyMs / batches.length,
  }
}

async function online({ dir, count: days }: SpoolOrder): Promise<OnlineFigures> {
  const clock = handClock()
  const month = new Month(seededChance(seed))
  const spool = await openSample(dir, { clock, quotaBytes })
  let records = 0
  let sent = 0
  for (let cycle = 0; cycle < days * cyclesADay; cycle++) {
    const entries = month.cycle(cycle).map(({ entry }) => entry)
    records += entries.length
    await putAll(spool, entries)
    for (;;) {
      const batch = await spool.seal('age', enrolmentDigest)
      if (batch === null) break
      sent += batch.bytes
      await spool.receipted(receiptFor(openBatch(await spool.read(batch.id))))
    }
    clock.move(86_400_000 / cyclesADay)
  }
  const { flushes, bytesWritten } = spool.stats()
  await spool.close()
  return { flushesADay: flushes / days, megabytesADay: bytesWritten / days / 1e6, sentBytes: sent / records }
}

async function wait({ dir, count }: SpoolOrder): Promise<void> {
  const spool = await openSample(dir, { quotaBytes })
  const month = new Month(seededChance(seed))
  const day = Array.from({ length: cyclesADay }, (_, cycle) => month.cycle(cycle)).flat()
  for (let from = 0; from < count; from += group) {
    const some = Array.from(
      { length: Math.min(group, count - from) },
      (_, at) => day[(from + at) % day.length],
    )
    // These records are of the class of which the most wait.
    await putAll(
      spool,
      some.flatMap((each) => (each === undefined ? [] : [{ ...each.entry, class: 'routine' as const }])),
    )
  }
  await spool.close()
}

async function recover({ dir }: SpoolOrder): Promise<RecoverFigures> {
  const begun = performance.now()
  const spool = await openSample(dir, { quotaBytes })
  const ms = performance.now() - begun
  const { unsealed } = spool.stats()
  const { rssMib } = memoryOf('self')
  await spool.close()
  return { records: unsealed, megabytes: bytesIn(dir) / 1e6, ms, rssMib }
}

/** Puts records as a cycle does: each by itself, with a flush at the end. */
async function putAll(spool: Spool, entries: readonly SpoolEntry[]): Promise<void> {
  const kept = entries.map((entry) => spool.put(entry))
  await spool.flush()
  await Promise.all(kept)
}

/** Seals as deliver.ts does when nothing can be sent. */
async function sealWhileFull(spool: Spool): Promise<void> {
  while ((await spool.seal('size', enrolmentDigest)) !== null);
  if (spool.pending().length === 0) await spool.seal('age', enrolmentDigest)
}

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

function bytesIn(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

const order = JSON.parse(process.argv[2] ?? '{}') as SpoolOrder
const figures = { offline, online, wait, recover }[order.do]
console.log(JSON.stringify((await figures(order)) ?? null))
