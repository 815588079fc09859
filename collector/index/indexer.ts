// Fills the index behind the intake: takes batch ids, reads each batch when there is time, and adds its records.
// However slow, late or broken it is, no receipt waits for it. A batch that ended the process, or failed, waits until
// everything else is done, and nothing waits for it.

import { setTimeout } from 'node:timers/promises'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { BadLine } from '../../tests-spec/protocol/lines.ts'
import type { Log } from '../log.ts'
import { certificatesIn, type KnownCertificate } from './certificates.ts'
import type { IndexedBatch, LeftOut, MeasurementIndex, PayloadState } from './measurement-index.ts'
import { type MeasurementRow, measurementRow } from './measurement-row.ts'

/** A batch and its content. */
export interface BatchToIndex extends IndexedBatch {
  /** What is wrong with the payload; null when nothing is wrong. */
  readonly fault: string | null
  /** Lines, parsed as JSON; `BadLine` for one that is not, or is beyond the bounds of a line. */
  readonly records: Iterable<unknown>
}

/** What is remembered of attempts across the ends of this process: archive/attempts.ts. */
export interface AttemptBook {
  conclude(isDone: (id: BatchId) => boolean): { readonly batch: BatchId; readonly became: string } | null
  isSuspect(id: BatchId): boolean
  isSetAside(id: BatchId): boolean
  deathsOf(id: BatchId): number
  begin(id: BatchId, alone: boolean): void
  done(id: BatchId): void
  failed(id: BatchId, problem: string): boolean
  idle(): void
}

export interface IndexerParts {
  readonly index: MeasurementIndex
  /** Reads a batch; null when it is not there any more. */
  readonly read: (id: BatchId) => Promise<BatchToIndex | null>
  /** @returns Number of batches that are being taken in at this moment. */
  readonly intakeUnderWay: () => number
  readonly log: Pick<Log, 'warn' | 'error'>
  readonly attempts: AttemptBook
  /** How long a suspect waits when nothing else is to be done. Usually a second, and longer after each death. */
  readonly quietMs?: number
}

/** Number of records that are added before other work gets its turn: about 5 ms of work. */
const sliceRecords = 50
/**
 * How long each slice waits at most while batches come in, so that many at once delay the index but do not stop it.
 */
const giveWayMs = 100
/**
 * How long nothing else must have been to do before a suspect is tried. Whoever kills the process at random, or soon
 * after each start, then hardly ever meets an honest suspect, which is done with in milliseconds.
 */
const usualQuietMs = 1_000
/** Lines of a batch that are named when they are left out. */
const maxNamed = 8

export class Indexer {
  readonly #parts: IndexerParts
  /** Batches in the order in which they were offered; each leaves when it is indexed. */
  readonly #waiting = new Set<BatchId>()
  readonly #suspects = new Set<BatchId>()
  readonly #stop = new AbortController()
  #work: Promise<void> | null = null
  #lone: Promise<void> | null = null

  constructor(parts: IndexerParts) {
    this.#parts = parts
    const { attempts, index, log } = parts
    const found = attempts.conclude((id) => index.holds(id))
    if (found?.became === 'suspect') log.warn('batch_suspected', { batch: found.batch })
    else if (found !== null) log.error('batch_set_aside', { batch: found.batch })
  }

  /** Number of batches that were offered and are not indexed yet, without suspects. */
  get behind(): number {
    return this.#waiting.size
  }

  /** Asks for a batch to be indexed later. One that is indexed already costs one look-up. */
  offer(id: BatchId): void {
    const { attempts } = this.#parts
    if (this.#isStopping || attempts.isSetAside(id)) return
    if (attempts.isSuspect(id)) {
      this.#suspects.add(id)
      this.#lone ??= this.#tryAlone()
      return
    }
    this.#waiting.add(id)
    this.#work ??= this.#workOff()
  }

  /** Resolves when everything that was offered before is indexed and dated, suspects aside. */
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

  /** Resolves when suspects have been tried as well. */
  async allTried(): Promise<void> {
    while (this.#work !== null || this.#lone !== null) {
      await this.#work
      await this.#lone
    }
  }

  /** Ends after the present slice. The batches that are left are found again at the next start. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.allTried()
    this.#parts.attempts.idle()
  }

  get #isStopping(): boolean {
    return this.#stop.signal.aborted
  }

  async #workOff(): Promise<void> {
    // Waits first: the receipt of the batch that was just offered goes out before.
    await turn()
    do {
      // Iterating over a set also reaches what is added meanwhile.
      for (const id of this.#waiting) {
        if (this.#isStopping) break
        await this.#add(id, false)
        this.#waiting.delete(id)
      }
      // Batches come first: what is left of dating waits for them.
      await this.#giveWay()
    } while (!this.#isStopping && (this.#waiting.size > 0 || this.#dateMore()))
    this.#parts.attempts.idle()
    this.#work = null
  }

  async #tryAlone(): Promise<void> {
    await turn()
    const { attempts, quietMs = usualQuietMs } = this.#parts
    for (const id of this.#suspects) {
      do {
        await this.#work
        const wait = quietMs * 4 ** attempts.deathsOf(id)
        await setTimeout(wait, undefined, { signal: this.#stop.signal }).catch(() => {})
      } while (this.#work !== null && !this.#isStopping)
      if (this.#isStopping) break
      // What is offered meanwhile waits, or it would not be alone.
      this.#work = this.#add(id, true)
      await this.#work
      attempts.idle()
      this.#work = null
      this.#suspects.delete(id)
      if (this.#waiting.size > 0) this.#work = this.#workOff()
    }
    this.#lone = null
  }

  #dateMore(): boolean {
    try {
      return this.#parts.index.goOnDating()
    } catch (err) {
      this.#parts.log.error('index_failed', { err })
      return false
    }
  }

  async #add(id: BatchId, alone: boolean): Promise<void> {
    const { index, read, attempts } = this.#parts
    try {
      if (index.holds(id)) {
        attempts.done(id)
        return
      }
      attempts.begin(id, alone)
      const batch = await read(id)
      if (batch !== null) {
        const payload = await this.#addRecords(batch)
        if (this.#isStopping) return
        this.#sayOf(batch, payload, index.addBatch(batch, payload))
      }
      attempts.done(id)
    } catch (err) {
      this.#failed(id, err)
    }
  }

  #failed(id: BatchId, err: unknown): void {
    const { attempts, log } = this.#parts
    // It is safe to go on: the batch is in the archive, and is offered again at the next start.
    log.error('index_failed', { batch: id, err })
    if (isOfMachine(err)) return
    if (attempts.failed(id, err instanceof Error ? err.message : String(err)))
      log.error('batch_set_aside', { batch: id })
    else if (!this.#suspects.has(id)) this.offer(id)
    else this.#parts.log.warn('batch_suspected', { batch: id })
  }

  #sayOf({ id, manifest }: IndexedBatch, payload: PayloadState, contradicted: readonly string[]): void {
    const { log } = this.#parts
    const { device } = manifest
    const { fault, unreadable, leftOut = [] } = payload
    if (fault !== null || unreadable > 0)
      log.warn('payload_faulty', { batch: id, device, fault, unreadable, leftOut })
    if (contradicted.length > 0)
      log.warn('boots_contradict', { batch: id, device, boots: contradicted.slice(0, maxNamed) })
  }

  async #addRecords(batch: BatchToIndex): Promise<PayloadState> {
    let unreadable = 0
    const leftOut: LeftOut[] = []
    let slice: MeasurementRow[] = []
    let certificates: KnownCertificate[] = []
    let line = 0
    for (const content of batch.records) {
      line++
      const row = content instanceof BadLine ? null : measurementRow(content)
      if (row === null) {
        unreadable++
        const why = content instanceof BadLine ? content.why : 'not_a_record'
        if (leftOut.length < maxNamed) leftOut.push({ line, why })
      } else {
        slice.push(row)
        certificates.push(...certificatesIn(content))
      }
      // By lines, not by rows: a batch may be all lines that are none.
      if (line % sliceRecords !== 0) continue
      this.#parts.index.addMeasurements(batch, slice)
      this.#parts.index.addCertificates(certificates)
      slice = []
      certificates = []
      await this.#giveWay()
      if (this.#isStopping) break
    }
    this.#parts.index.addMeasurements(batch, slice)
    this.#parts.index.addCertificates(certificates)
    return { fault: batch.fault, unreadable, leftOut }
  }

  async #giveWay(): Promise<void> {
    const until = performance.now() + giveWayMs
    await turn()
    while (this.#parts.intakeUnderWay() > 0 && performance.now() < until) await setTimeout(5)
  }
}

/** What the disk or the system refuses, and a file that has rotted, say nothing of the batch. */
function isOfMachine(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // SQLite's: busy, no memory, read-only, failing, damaged, full, cannot open, no database.
  if ('errcode' in error) return [5, 7, 8, 10, 11, 13, 14, 26].includes(Number(error.errcode) & 0xff)
  const { code } = error as NodeJS.ErrnoException
  return code === 'archive_damaged' || /^E[A-Z]+$/.test(code ?? '')
}

/** Lets all events that have arrived meanwhile be handled first. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
