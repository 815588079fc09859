// Fills the index behind the intake: takes batch ids, reads each batch when there is time, and adds what is in it.
// Slow, late or broken, it never makes a receipt wait.

import { setTimeout } from 'node:timers/promises'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import type { Log } from '../log.ts'
import { certificatesIn, type KnownCertificate } from './certificates.ts'
import type { IndexedBatch, MeasurementIndex, PayloadState } from './measurement-index.ts'
import { type MeasurementRow, measurementRow } from './measurement-row.ts'

/** A batch and what is in it. */
export interface BatchToIndex extends IndexedBatch {
  /** What is wrong with the payload; null when nothing is. */
  readonly fault: string | null
  /** Lines, parsed as JSON; `undefined` for one that is not. */
  readonly records: Iterable<unknown>
}

export interface IndexerParts {
  readonly index: MeasurementIndex
  /** Reads a batch; null when it is not there any more. */
  readonly read: (id: BatchId) => Promise<BatchToIndex | null>
  /** Batches that are being taken in at this moment. */
  readonly intakeUnderWay: () => number
  readonly log: Pick<Log, 'warn' | 'error'>
}

/** Records added before others get their turn: about 5 ms of work. */
const sliceRecords = 50
/** How long at most each slice gives way while batches come in, so that a herd delays the index but does not stop it. */
const giveWayMs = 100

export class Indexer {
  readonly #parts: IndexerParts
  /** In the order they were offered; one leaves when it is in. */
  readonly #waiting = new Set<BatchId>()
  #work: Promise<void> | null = null
  #stopping = false

  constructor(parts: IndexerParts) {
    this.#parts = parts
  }

  /** Batches that were offered and are not in yet. */
  get behind(): number {
    return this.#waiting.size
  }

  /** Asks for a batch to be added, some time. Those that are in already cost one look-up. */
  offer(id: BatchId): void {
    if (this.#stopping) return
    this.#waiting.add(id)
    this.#work ??= this.#workOff()
  }

  /** Resolves when everything offered before is in. */
  async settled(): Promise<void> {
    await this.#work
  }

  /** As `settled()`, but waits no longer than this. */
  async settledWithin(timeoutMs: number): Promise<void> {
    if (this.#work === null) return
    const enough = new AbortController()
    const late = setTimeout(timeoutMs, undefined, { signal: enough.signal }).catch(() => {})
    await Promise.race([this.settled(), late])
    enough.abort()
  }

  /** Ends after the slice in hand. What is left is found again at the next start. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#work
  }

  async #workOff(): Promise<void> {
    // Not at once: the receipt of the batch just offered goes out first.
    await turn()
    // A set goes on to what is added while it is gone through.
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
      // Safe to go on: the batch is in the archive, and is offered again at the next start.
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

/** Lets everything that has arrived meanwhile go first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
