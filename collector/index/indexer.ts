// Fills the index behind the intake: takes batch ids, reads each batch when there is time, and adds its records.
// However slow, late or broken it is, no receipt waits for it.

import { setTimeout } from 'node:timers/promises'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import type { Log } from '../log.ts'
import { certificatesIn, type KnownCertificate } from './certificates.ts'
import type { IndexedBatch, MeasurementIndex, PayloadState } from './measurement-index.ts'
import { type MeasurementRow, measurementRow } from './measurement-row.ts'

/** A batch and its content. */
export interface BatchToIndex extends IndexedBatch {
  /** What is wrong with the payload; null when nothing is wrong. */
  readonly fault: string | null
  /** Lines, parsed as JSON; `undefined` for a line that is not JSON. */
  readonly records: Iterable<unknown>
}

export interface IndexerParts {
  readonly index: MeasurementIndex
  /** Reads a batch; null when it is not there any more. */
  readonly read: (id: BatchId) => Promise<BatchToIndex | null>
  /** @returns Number of batches that are being taken in at this moment. */
  readonly intakeUnderWay: () => number
  readonly log: Pick<Log, 'warn' | 'error'>
}

/** Number of records that are added before other work gets its turn: about 5 ms of work. */
const sliceRecords = 50
/**
 * How long each slice waits at most while batches come in, so that many at once delay the index but do not stop it.
 */
const giveWayMs = 100

export class Indexer {
  readonly #parts: IndexerParts
  /** Batches in the order in which they were offered; each leaves when it is indexed. */
  readonly #waiting = new Set<BatchId>()
  #work: Promise<void> | null = null
  #stopping = false

  constructor(parts: IndexerParts) {
    this.#parts = parts
  }

  /** Number of batches that were offered and are not indexed yet. */
  get behind(): number {
    return this.#waiting.size
  }

  /** Asks for a batch to be indexed later. One that is indexed already costs one look-up. */
  offer(id: BatchId): void {
    if (this.#stopping) return
    this.#waiting.add(id)
    this.#work ??= this.#workOff()
  }

  /** Resolves when everything that was offered before is indexed. */
  async settled(): Promise<void> {
    await this.#work
  }

  /** Like `settled()`, but waits no longer than `timeoutMs`. */
  async settledWithin(timeoutMs: number): Promise<void> {
    if (this.#work === null) return
    const enough = new AbortController()
    const late = setTimeout(timeoutMs, undefined, { signal: enough.signal }).catch(() => {})
    await Promise.race([this.settled(), late])
    enough.abort()
  }

  /** Ends after the present slice. The batches that are left are found again at the next start. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#work
  }

  async #workOff(): Promise<void> {
    // Waits first: the receipt of the batch that was just offered goes out before.
    await turn()
    // Iterating over a set also reaches what is added meanwhile.
    for (const id of this.#waiting) {
      if (this.#stopping) break
      await this.#add(id)
      this.#waiting.delete(id)
    }
    this.#work = null
  }

  async #add(id: BatchId): Promise<void> {
    const { index, read, log } = this.#parts
    try {
      if (index.holds(id)) return
      const batch = await read(id)
      if (batch === null) return
      const payload = await this.#addRecords(batch)
      if (this.#stopping) return
      index.addBatch(batch, payload)
      if (payload.fault !== null || payload.unreadable > 0) {
        const { device } = batch.manifest
        log.warn('payload_faulty', { batch: id, device, ...payload })
      }
    } catch (err) {
      // It is safe to go on: the batch is in the archive, and is offered again at the next start.
      log.error('index_failed', { batch: id, err })
    }
  }

  async #addRecords(batch: BatchToIndex): Promise<PayloadState> {
    let unreadable = 0
    let slice: MeasurementRow[] = []
    let certificates: KnownCertificate[] = []
    for (const line of batch.records) {
      const row = measurementRow(line)
      if (row === null) unreadable++
      else slice.push(row)
      if (row !== null) certificates.push(...certificatesIn(line))
      if (slice.length < sliceRecords) continue
      this.#parts.index.addMeasurements(batch, slice)
      this.#parts.index.addCertificates(certificates)
      slice = []
      certificates = []
      await this.#giveWay()
      if (this.#stopping) break
    }
    this.#parts.index.addMeasurements(batch, slice)
    this.#parts.index.addCertificates(certificates)
    return { fault: batch.fault, unreadable }
  }

  async #giveWay(): Promise<void> {
    const until = performance.now() + giveWayMs
    await turn()
    while (this.#parts.intakeUnderWay() > 0 && performance.now() < until) await setTimeout(5)
  }
}

/** Lets all events that have arrived meanwhile be handled first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
