// The spool on disk, after recovery: appends, seals, forgets, gives up. Calls must come one at a time, which spool.ts
// sees to. Every step that removes something is in the control log, on the medium, before it is taken.

import { join } from 'node:path'
import { type BatchId, encodeBatch, type Manifest } from '../../tests-spec/protocol/batch.ts'
import type { BatchFolder } from './batches/batch-folder.ts'
import { describeLosses, describePayload, packRecords, type Signing } from './batches/seal.ts'
import { carryOver } from './carry-over.ts'
import type { EpochReason, Tell } from './events.ts'
import { type Evictable, nextVictim } from './eviction.ts'
import type { Acknowledged } from './ledger/acknowledged.ts'
import type { ControlLog } from './ledger/control-log.ts'
import {
  type BatchNote,
  type Change,
  endsChain,
  Ledger,
  type LossReason,
  noteOf,
  recordsIn,
} from './ledger/ledger.ts'
import { RangeSet } from './ledger/ranges.ts'
import { currentDictionary, deflateBody } from './log/dictionary.ts'
import { Reserve } from './log/reserve.ts'
import { readRecords, SegmentReader } from './log/segment-reader.ts'
import { type RecordStreamLetter, type StoredRecord, type StoredSegment, Stream } from './log/stream.ts'
import {
  adoptBatch,
  type Ground,
  makeEpoch,
  openRecords,
  placeOf,
  recover,
  type Streams,
} from './recovery.ts'
import type { Refuge } from './refuge.ts'
import { repeatsIn } from './repeats.ts'
import { type Choice, everything, worthSealing } from './sealing-choice.ts'
import { unreadBy } from './unread.ts'

/** Number of ranges of losses that one manifest names, 8 kB of it at most; the next manifest names the others. */
const maxLostRanges = 512
/**
 * Batches are older than segments that hold the same class: what is sealed was put first. This number, added to the
 * order of segments, puts them after all batches.
 */
const segmentsAfterBatches = 1e9
/**
 * Number of receipts after which one write notes them together. Until then the files of that many batches stay, and
 * after a power cut their receipts are asked for again.
 */
const receiptsTogether = 8

export class Store {
  readonly #ground: Ground
  readonly #control: ControlLog
  readonly #batches: BatchFolder
  readonly #quarantine: BatchFolder
  readonly #reserve: Reserve
  readonly #reader: SegmentReader
  readonly #acknowledged: Acknowledged
  #streams: Streams
  #nextN: number
  /** Batches that the collector has receipted, and whose files are still there. */
  readonly #receipted: BatchNote[] = []
  /** True when a batch file may have been written whose sealing was not noted. */
  #inDoubt = false
  /** Name of an epoch that the disk did not let begin: each attempt under a name of its own would leave a folder. */
  #nextEpoch: string | null = null

  private constructor(ground: Ground, found: Awaited<ReturnType<typeof recover>>) {
    this.#ground = ground
    this.#control = found.control
    this.#batches = found.batches
    this.#quarantine = found.quarantine
    this.#streams = found.streams
    this.#nextN = found.nextN
    this.#acknowledged = found.acknowledged
    this.#reader = new SegmentReader(ground.disk, (error) => this.#tellUnread(error))
    const { disk, dir, budget, tell } = ground
    this.#reserve = new Reserve(disk, join(dir, 'reserve'), budget.reserve, () =>
      tell({ kind: 'reserve_given_back' }),
    )
  }

  /**
   * Recovers what is in the folder, or makes a new spool there.
   * @throws The disk's error; opening again later is right.
   */
  static async open(ground: Ground): Promise<Store> {
    const store = new Store(ground, await recover(ground))
    try {
      await store.#reserve.hold()
      await store.#takeOverEarlierLives()
      await store.#removeCovered()
      store.#tellOpened(ground.tell)
      return store
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** One file that cannot be read holds up no other, and is tried again. */
  #tellUnread(error: unknown): void {
    const unread = unreadBy(error, this.#ground.dir)
    if (unread !== null) this.#ground.tell({ kind: 'unread', ...unread })
  }

  #tellOpened(tell: Tell): void {
    const { pending, quarantined, lost } = this.ledger
    const batches = pending.length
    tell({ kind: 'opened', records: this.unsealed, batches, quarantined: quarantined.length, lost })
  }

  get ledger(): Readonly<Ledger> {
    return this.#control.ledger
  }

  /** @returns The number of a record that is about to be put. It is never given again in this epoch. */
  takeNumber(): number {
    return this.#nextN++
  }

  /** How many records wait in segments. */
  get unsealed(): number {
    return this.#segments().reduce((sum, { segment }) => sum + this.#live(segment).size, 0)
  }

  /** Bytes of all files. */
  get bytes(): number {
    const { pending, quarantined } = this.ledger
    const batches = [...pending, ...quarantined.map(({ batch }) => batch), ...this.#receipted]
    const sealed = batches.reduce((sum, each) => sum + each.bytes, 0)
    const segments = this.#segments().reduce((sum, { segment }) => sum + segment.bytes, 0)
    return segments + sealed + this.#control.bytes + this.#acknowledged.bytes + this.#reserve.bytes
  }

  /** Wall clock of the oldest record that has no receipt, as exactly as its segment tells it; null when there is none. */
  get oldestWallMs(): number | null {
    const waiting = this.#segments().filter(({ segment }) => !this.#live(segment).isEmpty)
    const times = [
      ...this.ledger.pending.map((each) => each.oldestWallMs),
      ...waiting.flatMap(({ segment }) => segment.oldestWallMs ?? []),
    ]
    return times.length === 0 ? null : Math.min(...times)
  }

  /**
   * Makes the first of `records` durable, as many as one commit takes, and gives up older ones if the quota requires
   * it.
   * @returns How many became durable: at least one.
   * @throws The disk's error; the same records may be appended again.
   */
  async append(letter: RecordStreamLetter, records: readonly StoredRecord[]): Promise<number> {
    const stream = this.#streams[letter]
    await this.#makeRoom(stream.growth(records))
    const done = await stream.append(records)
    const numbers = records.slice(0, done).map(({ n }) => n)
    await this.#acknowledged.note(this.ledger.epoch, numbers, this.ledger.settled)
    return done
  }

  /** Notes that records will never be sent. */
  async lose(reason: Exclude<LossReason, 'evicted'>, numbers: RangeSet): Promise<void> {
    await this.#noteLoss(reason, numbers)
    if (!numbers.isEmpty) this.#ground.tell({ kind: 'records_lost', reason, records: numbers.size })
  }

  async #noteLoss(reason: LossReason, numbers: RangeSet): Promise<void> {
    if (numbers.isEmpty) return
    await this.#note({ kind: 'lost', losses: [{ reason, ranges: numbers.list() }], batch: null })
  }

  /**
   * Seals the next batch.
   *
   * @returns null when there is nothing to tell the collector.
   * @throws The disk's error. The seq is then unused, or used by a batch that the next call finds and keeps.
   */
  async seal(signing: Signing): Promise<BatchNote | null> {
    await this.#settleDoubt()
    const choice = await this.#choice(signing)
    if (choice === null) return null
    const packed = await packRecords(this.#reader, choice.streams, choice.without)
    await this.lose('corrupt', packed.corrupt)
    const signed = this.ledger.unsignedLosses(maxLostRanges)
    if (packed.numbers.isEmpty && signed.length === 0 && !signing.evenEmpty) return null
    const { epoch, nextSeq: seq, prev } = this.ledger
    const manifest: Manifest = {
      v: 1,
      device: signing.device,
      epoch,
      seq,
      prev: prev ?? signing.enrolmentDigest,
      ...describePayload(packed),
      lost: describeLosses(signed),
      time: signing.time,
      backlog: { records: this.unsealed - packed.numbers.size, batches: this.ledger.pending.length },
      ...signing.said,
      why: signing.why,
    }
    const { id, bytes } = encodeBatch(manifest, packed.payload, signing.privateKey)
    const batch = {
      ...noteOf(manifest, { id, bytes: bytes.length, oldestWallMs: packed.oldestWallMs }),
      ...(choice.repeats ? { repeats: true as const } : {}),
    }
    // From here until the note is durable, it counts whether the file is there: a second content for this seq is
    // never made while a first one may exist.
    this.#inDoubt = true
    await this.#reserve.during(() => this.#batches.write(batch, bytes))
    await this.#note({ kind: 'sealed', batch, signed, nextN: this.#nextN })
    this.#inDoubt = false
    await this.#removeCovered()
    await this.#makeRoom(0)
    return batch
  }

  #choice({ why }: Signing): Choice | null | Promise<Choice | null> {
    const { settled } = this.ledger
    return why === 'size'
      ? worthSealing(this.#streams, settled, this.#reader)
      : everything(this.#streams, settled)
  }

  /** After a sealing that failed at some step: keeps its batch if it was written, or makes sure that it was not. */
  async #settleDoubt(): Promise<void> {
    if (!this.#inDoubt) return
    for (const name of await this.#batches.list()) {
      if (name.seq !== this.ledger.nextSeq || this.ledger.pending.some(({ id }) => id === name.id)) continue
      const batch = await this.#batches.read(name)
      const adopted = batch !== null && (await adoptBatch(this.#control, this.#batches, batch))
      if (adopted) this.#ground.tell({ kind: 'batch_adopted' })
      else await this.#batches.erase(name)
    }
    this.#inDoubt = false
    await this.#removeCovered()
  }

  /**
   * @returns The bytes of a batch that waits or was set aside; null when the file does not verify any more. The batch is
   * then given up, and the next one names its records as corrupt: no collector would take it.
   */
  async read(id: BatchId): Promise<Buffer | null> {
    const note = this.ledger.noteOf(id)
    if (note === null) return null
    const folder = this.ledger.pending.includes(note) ? this.#batches : this.#quarantine
    const batch = await folder.read(note).catch((error) => {
      this.#tellUnread(error)
      throw error
    })
    if (batch !== null) return batch.bytes
    this.#ground.tell({ kind: 'batches_lost', batches: 1, records: await this.#giveUpBatch(note, 'corrupt') })
    return null
  }

  /**
   * Forgets a batch that the collector has. The note of it waits for others: if the power goes first, the batch is
   * still pending with its file, and asking for its receipt once more costs some 200 bytes.
   */
  async receipted(id: BatchId): Promise<void> {
    const batch = this.ledger.noteOf(id)
    if (batch === null) return
    this.#control.defer({ kind: 'receipted', id, ranges: batch.ranges })
    this.#receipted.push(batch)
    if (this.ledger.pending.length === 0) await this.#removeCovered()
    // When there is no reserve, the disk is full, and the room that the file takes is needed.
    if (this.#receipted.length >= receiptsTogether || this.#reserve.bytes === 0) await this.#settleReceipts()
  }

  async #settleReceipts(): Promise<void> {
    await this.#reserve.during(() => this.#control.settle())
    await this.#discardReceipted()
  }

  /** Removes the files of batches that the collector has. The entry that was just written holds the notes of them. */
  async #discardReceipted(): Promise<void> {
    if (this.#receipted.length === 0) return
    for (const batch of this.#receipted.splice(0)) await this.#discard(batch)
    await this.#reserve.hold()
  }

  /** Keeps a batch aside. When its chain is of no more use to the collector, begins a new epoch. */
  async setAside(id: BatchId, reason: string): Promise<void> {
    const batch = this.ledger.pending.find((each) => each.id === id)
    if (batch === undefined) return
    await this.#note({ kind: 'quarantined', id, reason })
    await this.#batches.moveTo(this.#quarantine, batch)
    if (batch.epoch === this.ledger.epoch && endsChain(batch, reason)) await this.#beginEpoch('chain_refused')
  }

  async close(): Promise<void> {
    // If the disk refuses, the batches are still pending: their receipts are asked for at the next start.
    await this.#settleReceipts().catch(() => {})
    for (const stream of Object.values(this.#streams)) await stream.closeWriter()
    await this.#acknowledged.close()
    await this.#control.close()
  }

  /** Keeps what was sealed in memory, and begins a new epoch: numbers of this one have left, and would be named as lost. */
  async takeIn({ pending, aside, left }: ReturnType<Refuge['all']>): Promise<void> {
    for (const { note, bytes } of pending) await this.#batches.write(note, bytes)
    for (const { note, bytes } of aside) await this.#quarantine.write(note, bytes)
    await this.#beginEpoch('sent_from_memory', {
      pending: pending.map(({ note }) => note),
      quarantined: aside.map(({ note: batch }) => ({ batch, reason: 'refused while it was in memory' })),
      left,
    })
  }

  /** Begins another life of the spool, with a chain of its own. Unsealed records go on in it under new numbers. */
  async #beginEpoch(
    why: EpochReason,
    more: Pick<Ledger, 'pending' | 'quarantined'> & { left: RangeSet } = {
      pending: [],
      quarantined: [],
      left: new RangeSet(),
    },
  ): Promise<void> {
    await this.#settleDoubt()
    const before = this.ledger
    this.#nextEpoch ??= makeEpoch(this.#ground.random)
    const ledger = new Ledger(this.#nextEpoch)
    ledger.device = before.device
    ledger.pending = [...before.pending, ...more.pending]
    ledger.quarantined = [...before.quarantined, ...more.quarantined]
    for (const [epoch, numbers] of before.carry) ledger.carry.set(epoch, numbers)
    ledger.carry.set(before.epoch, RangeSet.of([...before.settled.list(), ...more.left.list()]))
    ledger.inheritLosses(before)
    const place = await openRecords(this.#ground, ledger.epoch)
    await this.#control.restart(ledger)
    for (const stream of Object.values(this.#streams)) await stream.closeWriter()
    const stream = (letter: RecordStreamLetter) =>
      new Stream(placeOf(place, this.#ground.budget, letter), letter)
    this.#streams = { a: stream('a'), r: stream('r'), d: stream('d') }
    this.#nextN = ledger.nextN
    this.#nextEpoch = null
    this.#ground.tell({ kind: 'epoch_begun', why })
    await this.#takeOverEarlierLives()
  }

  async #takeOverEarlierLives(): Promise<void> {
    const records = await carryOver(this.#ground, this.ledger, {
      takeNumber: () => this.takeNumber(),
      append: (letter, records) => this.append(letter, records),
      note: (epoch, numbers) => this.#note({ kind: 'carried', epoch, ranges: numbers.list() }),
    })
    if (records > 0) this.#ground.tell({ kind: 'carried_over', records })
  }

  /** Clears segments that hold nothing but settled records. The open one stays as it is while a batch waits, as a copy. */
  async #removeCovered(): Promise<void> {
    const isCopy = this.ledger.pending.length > 0
    for (const { stream, segment } of this.#segments()) {
      if (this.#live(segment).isEmpty && !(isCopy && stream.isOpen(segment))) await stream.clear(segment)
    }
  }

  /** Gives up segments and batches, the gravest last, until `growth` more bytes fit the quota or nothing more may go. */
  async #makeRoom(growth: number): Promise<void> {
    while (this.bytes + growth > this.#ground.budget.limit) {
      if (this.#receipted.length > 0) {
        await this.#settleReceipts()
        continue
      }
      const victim = nextVictim(this.#evictables())
      if (victim === null) return
      if (victim.holds === 'anomaly' && (await this.#thinOldest())) continue
      this.#tellEvicted(victim.holds, await victim.giveUp())
    }
  }

  #tellEvicted(holds: Evictable['holds'], records: number): void {
    if (records > 0) this.#ground.tell({ kind: 'evicted', holds, records })
  }

  /**
   * Gives up the repeats in the oldest segment of anomalies that may have some.
   * @returns Whether there was such a segment. It need not have made room: what is left of two segments may make room
   * later.
   */
  async #thinOldest(): Promise<boolean> {
    const stream = this.#streams.a
    const segment = stream.segments.find((each) => each.thinned !== true && !stream.isOpen(each))
    if (segment === undefined) return false
    segment.thinned = true
    const live = this.#live(segment)
    const records = await readRecords(this.#reader, segment, live)
    const repeats = RangeSet.of(repeatsIn(records).map((n) => [n, n]))
    // Moving the other records wears the medium as much as writing them did: it is not done for less than a quarter
    // of repeats. Nor is it done when a record cannot be read today: it would be lost with the segment.
    if (repeats.size * 4 < live.size || records.length < live.size) return true
    await this.#noteLoss('evicted', repeats)
    this.#tellEvicted('repeat', repeats.size)
    const left = records
      .filter(({ n }) => !repeats.has(n))
      .map(({ n, json, wallMs }) => ({ n, wallMs, body: deflateBody(json.toString(), currentDictionary) }))
    // For a moment the records are twice on the medium, under the same numbers: if the power goes now, one of the two
    // copies counts.
    for (let done = 0; done < left.length; ) done += await stream.append(left.slice(done))
    await stream.remove(segment)
    return true
  }

  #evictables(): (Evictable & { readonly giveUp: () => Promise<number> })[] {
    const { pending, quarantined } = this.ledger
    const holds = { a: 'anomaly', r: 'routine', d: 'diagnostic' } as const
    return [
      ...quarantined.map(({ batch }, order) => ({
        holds: 'refused' as const,
        order,
        bytes: batch.bytes,
        giveUp: () => this.#giveUpBatch(batch, 'evicted'),
      })),
      ...pending.map((batch, order) => ({
        holds: batch.repeats === true ? ('repeat' as const) : batch.anomalies > 0 ? holds.a : holds.r,
        order,
        bytes: batch.bytes,
        giveUp: () => this.#giveUpBatch(batch, 'evicted'),
      })),
      ...this.#segments()
        // The newest anomalies go last of all, and their segment is about to be written.
        .filter(({ stream, segment }) => !(stream.letter === 'a' && stream.isOpen(segment)))
        .map(({ stream, segment }) => ({
          holds: holds[stream.letter],
          order: segmentsAfterBatches + segment.number,
          bytes: segment.bytes,
          giveUp: () => this.#giveUpSegment(stream, segment),
        })),
    ]
  }

  /** @returns How many records were lost with the segment. */
  async #giveUpSegment(stream: Stream, segment: StoredSegment): Promise<number> {
    const live = this.#live(segment)
    await this.#noteLoss('evicted', live)
    await stream.remove(segment)
    return live.size
  }

  async #giveUpBatch(batch: BatchNote, reason: LossReason): Promise<number> {
    // Numbers of an earlier epoch mean nothing in the manifests of this one.
    const losses = batch.epoch === this.ledger.epoch ? [{ reason, ranges: batch.ranges }] : []
    await this.#note({ kind: 'lost', losses, batch: batch.id })
    await this.#discard(batch)
    return recordsIn(batch)
  }

  async #discard(note: BatchNote): Promise<void> {
    await Promise.all([this.#batches, this.#quarantine].map((folder) => folder.discard(note)))
  }

  async #note(change: Change): Promise<void> {
    await this.#reserve.during(() => this.#control.append(change))
    await this.#discardReceipted()
  }

  #segments(): { readonly stream: Stream; readonly segment: StoredSegment }[] {
    return Object.values(this.#streams).flatMap((stream) =>
      stream.segments.map((segment) => ({ stream, segment })),
    )
  }

  /** Records of the segment that are not settled yet. */
  #live(segment: StoredSegment): RangeSet {
    return segment.numbers.minus(this.ledger.settled)
  }
}
