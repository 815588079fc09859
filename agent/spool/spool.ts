// Measurements kept on the probe until the collector has them. This file, the first to read, decides when something is
// written and what happens while the disk refuses; spool-state.ts says where it stands, store.ts writes, and events.ts lists
// what it tells. docs/adr/0005 has the figures behind the form:
//
//   put ─▶ waiting-room ─▶ stream (segment, frame) ─▶ seal ─▶ batch-folder ─▶ receipted
//                              └──────── control-log (ledger): sealed, receipted, lost ────────┘
//
// A record whose `put` resolved survives a power cut, and is forgotten only after a receipt. Whatever is lost all the
// same, torn, rotten, given up for room, is itself numbered, signed and sent.

import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import type { RecordClass, SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import type { BatchId, DeviceId, Manifest, PendingBatch } from '../../tests-spec/protocol/batch.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Clock } from '../platform/clock.ts'
import type { TimeWitness } from '../platform/watched-clock.ts'
import type { Signing, Speaker } from './batches/seal.ts'
import { Countdown, systemTimer, type Timer } from './countdown.ts'
import { DroppedRecords } from './dropped-records.ts'
import type { Tell, Unread } from './events.ts'
import { budgetOf } from './eviction.ts'
import type { BatchNote } from './ledger/ledger.ts'
import { currentDictionary, deflateBody } from './log/dictionary.ts'
import { type Disk, isDiskFailure, type Meter, meteredDisk, nodeDisk } from './log/disk.ts'
import type { RecordStreamLetter } from './log/stream.ts'
import type { Ground } from './recovery.ts'
import { Refuge } from './refuge.ts'
import {
  afterChange,
  healthOf,
  numberedIn,
  refusesRecords,
  type SpoolChange,
  type SpoolState,
  storeOf,
  unopened,
} from './spool-state.ts'
import { Store } from './store.ts'
import { timeBy } from './time-by.ts'
import { tellingOnce, unreadBy } from './unread.ts'
import { NotDurable, WaitingRoom } from './waiting-room.ts'

export type { Disk } from './log/disk.ts'
export { nodeDisk } from './log/disk.ts'
export { NotDurable } from './waiting-room.ts'

export interface SpoolOptions {
  /**
   * Folder of this spool alone; made if it does not exist. Only one process may use it at a time: the caller holds
   * the lock.
   */
  readonly dir: string
  readonly clock: Clock
  /**
   * Gives batches their evidence of the time, and learns from receipts. Without it, a batch has only what the clock
   * says.
   */
  readonly witness?: TimeWitness
  /** Id of the key below. */
  readonly device: DeviceId
  readonly privateKey: KeyObject
  /** Whether the key is not the device's own, which cannot be read: nothing may be sealed, and no batch is judged. */
  readonly keyless?: boolean
  /** Bytes the folder may take, at least 1 MiB. */
  readonly quotaBytes: number
  readonly agentVersion: string
  /** @returns The test lists in force; asked at each sealing. */
  readonly lists: () => Readonly<Record<string, number>>
  readonly speaker?: Speaker
  readonly random?: (n: number) => Uint8Array
  /** Called with the events of events.ts, which happen beside what the spool is asked to do. */
  readonly tell?: Tell
  readonly disk?: Disk
  readonly timer?: Timer
}

export interface SpoolStats {
  /** Number of records that are in no batch yet, those in memory included. */
  readonly unsealed: number
  /**
   * How many records are in memory alone, sealed there or not, and are lost when the process ends before the disk or the
   * collector takes them.
   */
  readonly inMemory: number
  readonly pendingBatches: number
  readonly pendingBytes: number
  readonly quarantined: number
  /** Wall clock of the oldest record that was not receipted, to within a segment; null when there is none. */
  readonly oldestWallMs: number | null
  /** Number of records of this epoch that will never be sent, whatever the reason. */
  readonly lost: number
  /** Bytes of all files; 0 until the folder could be read once. */
  readonly diskBytes: number
  /** Since the spool was opened: how often the medium was told to write out, and how many bytes were written. */
  readonly flushes: number
  readonly bytesWritten: number
  /**
   * `memory_only`: the disk refused the last write. The refused records wait in memory, and the write is tried again.
   */
  readonly health: 'ok' | 'memory_only'
  /** What kept the folder from being read so far: what waits in it is not known. null once it was read. */
  readonly unread: Unread | null
  /** Epoch of the spool; empty until the folder could be read once. */
  readonly epoch: string
  readonly nextSeq: number
}

export interface Spool {
  /**
   * Accepts a record, always.
   *
   * @returns Resolves with the record's number once the record is durable: for an anomaly that is at once, for a
   * routine record with the 64th or after 30 s, for a diagnostic with the next flush. The caller need not wait, nor
   * handle the rejection.
   * @throws {NotDurable} When the disk refuses. Unless the error's code says so, the record is not lost: it waits in
   * memory, and `stats().health` is `memory_only` until all that waits is written.
   */
  put(entry: SpoolEntry): Promise<number>
  /** Makes everything put so far durable, if the disk lets it; `stats().health` says whether it did. */
  flush(): Promise<void>
  /**
   * Seals the next batch of at most about 64 KiB, anomalies first, oldest first. Losses that no manifest has named
   * yet are reason enough for a batch, and so is what the first receipt told of the time. To seal all there is, call
   * this until it returns null.
   *
   * `size` is different, since it saves room while there is no way out: it seals only what is enough for a batch, and
   * does not mix records of different worth.
   *
   * @param enrolmentDigest - Digest that seq 0 of an epoch links back to.
   * @returns null when there is nothing to seal, or the disk refused: `stats().health` tells which.
   */
  seal(why: Manifest['why'], enrolmentDigest: string): Promise<PendingBatch | null>
  /**
   * Batches that are sealed and not yet receipted, in the order in which they should be sent: those with anomalies
   * first, then by age.
   */
  pending(): readonly PendingBatch[]
  /** Batches that the collector has refused for good, by its signed word: they are not sent any more, and exported. */
  aside(): readonly PendingBatch[]
  /**
   * @throws {BatchUnreadable} When there is no such batch, or when its file has rotted: the batch is then no longer
   * pending.
   */
  read(id: BatchId): Promise<Buffer>
  /** Forgets a batch. Only ever called with a verified receipt. */
  receipted(receipt: Receipt): Promise<void>
  /**
   * Keeps a batch aside that the collector will never accept.
   * @param reason - Begins with the collector's code. `seq_conflict` and `chain_broken` also begin a new epoch: no
   * later batch of the old one could be accepted.
   */
  quarantine(id: BatchId, reason: string): Promise<void>
  stats(): SpoolStats
  /** Writes what can be written and lets go of the folder. Nothing may be called afterwards. */
  close(): Promise<void>
}

/** A batch that cannot be sent, because its bytes are gone. The next batch names its records as lost. */
export class BatchUnreadable extends Error {
  override readonly name = 'BatchUnreadable'
}

/**
 * A power cut costs at most this many routine records, or those of this much time, which is journald's figure. A
 * cycle of forty targets on a good link then takes one write, at its end: with 16 instead of 64 it took three, and
 * 288 writes a day are all that a card should be asked for.
 */
const routineGroup = 64
const routineDelayMs = 30_000
/** After that long without a batch, one goes for its heartbeat alone, before a probe that is well counts as silent. */
const silenceMs = 6 * 3_600_000
/**
 * Records of about 600 bytes: 2,000 of them are a day and a half of one cycle an hour, in little more than a
 * megabyte.
 */
const maxInMemory = 2_000

const letterOf: Readonly<Record<RecordClass, RecordStreamLetter>> = {
  anomaly: 'a',
  routine: 'r',
  diagnostic: 'd',
}
const allLetters: readonly RecordStreamLetter[] = ['a', 'r', 'd']

/**
 * Opens the spool in `options.dir`, or makes one.
 *
 * A disk that refuses does not prevent this: the spool then keeps records in memory until the disk takes them.
 *
 * @throws {RangeError} For a quota below 1 MiB.
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const spool = new GroupedSpool(options)
  await spool.flush()
  return spool
}

class GroupedSpool implements Spool {
  readonly #options: SpoolOptions
  readonly #ground: Ground
  readonly #meter: Meter = { flushes: 0, bytesWritten: 0 }
  readonly #waiting = new WaitingRoom()
  readonly #untilWrite: Countdown
  readonly #dropped = new DroppedRecords()
  /** Ids of batches whose receipts could not be noted yet. These batches are not sent again. */
  readonly #unnoted = new Set<BatchId>()
  readonly #refuge: Refuge
  #unread: Unread | null = null
  #state: SpoolState<Store> = unopened
  /** When the last batch was sealed, or the spool opened, on the monotonic clock. */
  #sealedMs: number
  /** The last of the pieces of work on the disk, which are done one at a time. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: SpoolOptions) {
    const publicKey = createPublicKey(options.privateKey)
    this.#options = options
    this.#sealedMs = options.clock.monotonicMs()
    this.#untilWrite = new Countdown(options.timer ?? systemTimer, routineDelayMs, () => {
      void this.#inTurn(() => this.#write(['r']))
    })
    this.#ground = {
      disk: meteredDisk(options.disk ?? nodeDisk, this.#meter),
      dir: options.dir,
      device: options.keyless === true ? null : options.device,
      ownKey: (keyId) => (keyId === options.device ? publicKey : null),
      budget: budgetOf(options.quotaBytes),
      random: options.random ?? randomBytes,
      tell: tellingOnce(options.tell ?? (() => {})),
    }
    this.#refuge = new Refuge(this.#ground.random)
  }

  put(entry: SpoolEntry): Promise<number> {
    if (this.#state.life !== 'open')
      return Promise.reject(new NotDurable('closed', 'Cannot put into a closed spool'))
    const letter = letterOf[entry.class]
    // Class and time stand first: reading them back must not depend on what a measurement holds.
    const json = JSON.stringify({ class: entry.class, time: entry.time, measurement: entry.measurement })
    const stored = this.#waiting.add(letter, {
      n: this.#takeNumber(),
      body: deflateBody(json, currentDictionary),
      wallMs: entry.time.wall_ms,
    })
    if (refusesRecords(this.#state)) this.#boundMemory()
    if (this.#isDue(letter)) void this.#inTurn(() => this.#write([letter]))
    else if (letter === 'r') this.#untilWrite.start()
    return stored
  }

  async flush(): Promise<void> {
    const fault = await this.#inTurn(() => this.#write(allLetters))
    if (fault !== null && !isDiskFailure(fault)) throw fault
  }

  seal(why: Manifest['why'], enrolmentDigest: string): Promise<PendingBatch | null> {
    return this.#inTurn(async () => {
      // If the disk is full, this write fails; sealing then still has its reserve, and makes room.
      await this.#write(allLetters)
      const { witness, clock, speaker, agentVersion, lists } = this.#options
      const time = witness?.evidence() ?? timeBy(this.#options.clock)
      const isSilent = speaker !== undefined && clock.monotonicMs() - this.#sealedMs >= silenceMs
      const spoken = speaker?.say() ?? null
      const signing = {
        device: this.#options.device,
        privateKey: this.#options.privateKey,
        why,
        enrolmentDigest,
        time,
        evenEmpty:
          (witness?.owesEvidence() ?? false) || (why === 'age' && (isSilent || (spoken?.isOwed ?? false))),
        said: {
          lists: { ...lists() },
          agent: { version: agentVersion },
          ...spoken?.words,
        },
      }
      const durable = await this.#withStore((store) => store.seal(signing))
      if (refusesRecords(this.#state)) await this.#write(allLetters)
      const batch = durable ?? (await this.#sealInMemory(signing))
      if (batch === null) return null
      this.#sealedMs = clock.monotonicMs()
      await spoken?.sealed()
      witness?.sealed(batch.id, time)
      return pendingBatch(batch)
    })
  }

  /**
   * On a disk that takes nothing, a batch that is about to leave is sealed in memory: for room alone, or for a stick, it is not.
   * Otherwise a batch on a way that is closed would be the one that is lost when the disk is well again.
   */
  async #sealInMemory(signing: Signing): Promise<BatchNote | null> {
    if (signing.why !== 'age' || !refusesRecords(this.#state) || this.#refuge.pending.length > 0) return null
    const isFirst = !this.#refuge.isUsed
    const batch = await this.#refuge.seal(this.#waiting, signing)
    if (batch !== null && isFirst) this.#ground.tell({ kind: 'sending_from_memory' })
    return batch
  }

  pending(): readonly PendingBatch[] {
    const known = [...(storeOf(this.#state)?.ledger.pending ?? []), ...this.#refuge.pending]
    const waiting = known.filter(({ id }) => !this.#unnoted.has(id))
    const urgent = waiting.filter(({ anomalies }) => anomalies > 0)
    const others = waiting.filter(({ anomalies }) => anomalies === 0)
    return [...urgent, ...others].map(pendingBatch)
  }

  aside(): readonly PendingBatch[] {
    const onDisk = (storeOf(this.#state)?.ledger.quarantined ?? []).map(({ batch }) => batch)
    return [...onDisk, ...this.#refuge.aside].filter(({ id }) => !this.#unnoted.has(id)).map(pendingBatch)
  }

  read(id: BatchId): Promise<Buffer> {
    this.#options.witness?.leaving(id)
    return this.#inTurn(async () => {
      const bytes = this.#refuge.read(id) ?? (await storeOf(this.#state)?.read(id)) ?? null
      if (bytes === null) throw new BatchUnreadable(`Cannot read batch ${id}: it is gone or damaged`)
      return bytes
    })
  }

  receipted(receipt: Receipt): Promise<void> {
    this.#options.witness?.receipted(receipt)
    const { batch } = receipt
    return this.#inTurn(async () => {
      if (this.#refuge.receipted(batch)) return
      // Until the receipt is noted, the batch may not be sent again, and its file must not be removed.
      this.#unnoted.add(batch)
      await this.#withStore((store) => this.#settleBooks(store))
    })
  }

  quarantine(id: BatchId, reason: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#refuge.setAside(id)) return
      await this.#withStore((store) => store.setAside(id, reason))
    })
  }

  stats(): SpoolStats {
    const store = storeOf(this.#state)
    const pending = this.pending()
    const times = [store?.oldestWallMs ?? null, this.#waiting.oldestWallMs].filter((each) => each !== null)
    return {
      unsealed: (store?.unsealed ?? 0) + this.#waiting.count(),
      inMemory: this.#waiting.count() + this.#refuge.records,
      pendingBatches: pending.length,
      pendingBytes: pending.reduce((sum, { bytes }) => sum + bytes, 0),
      quarantined: (store?.ledger.quarantined.length ?? 0) + this.#refuge.aside.length,
      oldestWallMs: times.length === 0 ? null : Math.min(...times),
      lost: (store?.ledger.lost ?? 0) + this.#dropped.count,
      diskBytes: store?.bytes ?? 0,
      ...this.#meter,
      health: healthOf(this.#state),
      unread: this.#unread,
      epoch: store?.ledger.epoch ?? '',
      nextSeq: store?.ledger.nextSeq ?? 0,
    }
  }

  close(): Promise<void> {
    this.#take({ kind: 'close_asked' })
    return this.#inTurn(async () => {
      await this.#write(allLetters)
      this.#untilWrite.stop()
      this.#waiting.close()
      await storeOf(this.#state)?.close()
      this.#take({ kind: 'let_go' })
    })
  }

  #take(change: SpoolChange<Store>): void {
    this.#state = afterChange(this.#state, change)
  }

  /** Does work on the disk piece by piece; a piece that fails does not stop the next. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  #isDue(letter: RecordStreamLetter): boolean {
    if (letter === 'a') return true
    // A write is due at every 64th record, also while the disk refuses: often enough to notice that it has recovered.
    if (letter === 'r') return this.#waiting.idle('r') % routineGroup === 0
    return this.#waiting.bytes('d') >= this.#ground.budget.smallSegment / 2
  }

  /**
   * Writes what waits in the streams named; after a failure, what waits in all streams.
   * @returns The failure, or null. Whatever the failure was, one of our own code included, what could not be written
   * goes on waiting and `health` says so; `flush` throws an error that does not come from the disk.
   */
  async #write(letters: readonly RecordStreamLetter[]): Promise<unknown> {
    try {
      const store = await this.#openedStore()
      for (const letter of refusesRecords(this.#state) ? allLetters : letters) {
        await this.#writeStream(store, letter)
      }
      await this.#settleBooks(store)
      this.#take({ kind: 'written' })
      if (this.#waiting.count('r') === 0) this.#untilWrite.stop()
      return null
    } catch (error) {
      this.#waiting.refused(error)
      if (storeOf(this.#state) === null) this.#noteUnread(error)
      this.#take({ kind: 'write_refused' })
      this.#boundMemory()
      // It may be long until the next `put`, and the disk may recover much sooner.
      if (this.#state.life === 'open') this.#untilWrite.start()
      return error
    }
  }

  async #writeStream(store: Store, letter: RecordStreamLetter): Promise<void> {
    for (let records = this.#waiting.handOut(letter); records.length > 0; ) {
      const done = await store.append(letter, records)
      this.#waiting.stored(letter, done)
      records = this.#waiting.handOut(letter)
    }
  }

  async #openedStore(): Promise<Store> {
    // Another process may have the folder by now.
    if (this.#state.life === 'closed') throw new Error('Cannot write to a closed spool')
    const open = storeOf(this.#state)
    const store = open ?? (await Store.open(this.#ground))
    this.#unread = null
    await this.#takeIn(store)
    const { epoch } = store.ledger
    if (numberedIn(this.#state) !== epoch) {
      this.#waiting.renumber(() => store.takeNumber())
      this.#dropped.forgetNumbers()
      this.#take(open === null ? { kind: 'opened', store, epoch } : { kind: 'renumbered', epoch })
    }
    return store
  }

  #noteUnread(error: unknown): void {
    this.#unread = unreadBy(error, this.#ground.dir)
    if (this.#unread !== null) this.#ground.tell({ kind: 'unread', ...this.#unread })
  }

  /**
   * Ends what was done in memory, before anything else is written.
   * @throws The disk's error, with which things go on in memory.
   */
  async #takeIn(store: Store): Promise<void> {
    if (!this.#refuge.isUsed) return
    try {
      await store.takeIn(this.#refuge.all())
    } catch (error) {
      // One that was opened for this is opened again at the next attempt.
      if (storeOf(this.#state) === null) await store.close()
      throw error
    }
    this.#refuge.clear()
  }

  /**
   * @returns null while the epoch is not settled that the number would belong to: the number is then given before
   * writing.
   */
  #takeNumber(): number | null {
    const store = storeOf(this.#state)
    return store !== null && store.ledger.epoch === numberedIn(this.#state) ? store.takeNumber() : null
  }

  /** Notes in the ledger what happened while nothing could be noted. */
  async #settleBooks(store: Store): Promise<void> {
    for (const id of this.#unnoted) {
      await store.receipted(id)
      this.#unnoted.delete(id)
    }
    await this.#dropped.settle(store)
  }

  /** @returns The result of `work`, or null when the disk refuses. */
  async #withStore<T>(work: (store: Store) => Promise<T>): Promise<T | null> {
    try {
      const result = await work(await this.#openedStore())
      this.#take({ kind: 'batch_settled' })
      return result
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      this.#take({ kind: 'batch_refused' })
      return null
    }
  }

  #boundMemory(): void {
    for (const n of this.#waiting.dropDownTo(maxInMemory)) this.#dropped.add(n)
  }
}

function pendingBatch({ id, seq, bytes, anomalies }: BatchNote): PendingBatch {
  return { id, seq, bytes, anomalies }
}
