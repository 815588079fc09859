// What the spool knows about its records without reading them: which are sealed, which are lost, which batches wait.
// It is the sum of the control log; control-log.ts keeps it on disk. Pure.

import * as v from 'valibot'
import { batchId, type Manifest } from '../../../tests-spec/protocol/batch.ts'
import { RangeSet } from './ranges.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const range = v.tuple([count, count])
const ranges = v.array(range)

export const lossReasons = ['evicted', 'corrupt', 'torn', 'disk_full', 'unknown'] as const
export type LossReason = (typeof lossReasons)[number]

const losses = v.array(v.object({ reason: v.picklist(lossReasons), ranges }))
export type Losses = v.InferOutput<typeof losses>

/** A sealed batch, as far as the spool must remember it. */
const batchNote = v.object({
  /** Epoch of the batch; batches of an earlier life of the spool are still worth sending. */
  epoch: v.string(),
  seq: count,
  id: batchId,
  /** Size of the batch file in bytes. */
  bytes: count,
  anomalies: count,
  /** Present when the anomalies in the batch repeat those of other batches. */
  repeats: v.optional(v.literal(true)),
  /** Wall clock of the oldest record, or of the sealing where the former is not known. */
  oldestWallMs: count,
  ranges,
  /**
   * Losses that the batch's manifest names: if the batch is given up, the collector has not been told of them. Absent
   * when there are none.
   */
  lost: v.optional(losses),
})
export type BatchNote = v.InferOutput<typeof batchNote>

const snapshot = v.object({
  kind: v.literal('snapshot'),
  epoch: v.string(),
  /** Id of the key that seals in this epoch. Absent from an older agent. */
  device: v.optional(v.string()),
  nextSeq: count,
  prev: v.nullable(batchId),
  nextN: count,
  settled: ranges,
  unsigned: losses,
  lost: count,
  pending: v.array(batchNote),
  quarantined: v.array(v.object({ batch: batchNote, reason: v.string() })),
  carry: v.record(v.string(), ranges),
})

/** A change of the ledger. */
const change = v.variant('kind', [
  /** `signed` are the losses named in its manifest; `nextN` keeps numbers from being given twice. */
  v.object({ kind: v.literal('sealed'), batch: batchNote, signed: losses, nextN: count }),
  /** Has the ranges once more, so that either of the two entries is enough to know that the records were sent. */
  v.object({ kind: v.literal('receipted'), id: batchId, ranges }),
  v.object({ kind: v.literal('quarantined'), id: batchId, reason: v.string() }),
  /** Records that will never be sent. If `batch` is not null, that batch is given up with them. */
  v.object({ kind: v.literal('lost'), losses, batch: v.nullable(batchId) }),
  /** Records of an earlier life, found in the segments, have numbers of this life now. */
  v.object({ kind: v.literal('carried'), epoch: v.string(), ranges }),
])
export type Change = v.InferOutput<typeof change>

/**
 * One entry of the control log: the whole ledger, one change, or several changes that are applied together or not at
 * all.
 */
export const controlRecord = v.variant('kind', [
  snapshot,
  ...change.options,
  v.object({ kind: v.literal('several'), changes: v.array(change) }),
])
export type ControlRecord = v.InferOutput<typeof controlRecord>

export interface Quarantined {
  readonly batch: BatchNote
  readonly reason: string
}

export class Ledger {
  /** Name of this life of the spool: 18 hex digits. */
  readonly epoch: string
  /** Id of the key that seals in this epoch; null where an older agent began it, or one that could not read its key. */
  device: string | null = null
  /** Number that the next batch will get. */
  nextSeq = 0
  /** Id of the previous batch; null while there is none. */
  prev: BatchNote['id'] | null = null
  /** Lowest record number that has certainly not been given; lower ones may have been. */
  nextN = 0
  /** Numbers of records that are sealed or lost: nothing more will be done with them. */
  readonly settled = new RangeSet()
  /** Losses that no manifest has named yet. */
  readonly unsigned = new Map<LossReason, RangeSet>()
  /** How many records were lost in this epoch. */
  lost = 0
  pending: BatchNote[] = []
  quarantined: Quarantined[] = []
  /** By earlier epoch: numbers of records that are not to be taken over from it. */
  readonly carry = new Map<string, RangeSet>()

  constructor(epoch: string) {
    this.epoch = epoch
  }

  /** @returns The ledger that `record` describes in full. */
  static restore(record: Extract<ControlRecord, { kind: 'snapshot' }>): Ledger {
    const ledger = new Ledger(record.epoch)
    ledger.device = record.device ?? null
    ledger.nextSeq = record.nextSeq
    ledger.prev = record.prev
    ledger.nextN = record.nextN
    ledger.settled.addAll(RangeSet.of(record.settled))
    for (const { reason, ranges } of record.unsigned) ledger.unsigned.set(reason, RangeSet.of(ranges))
    ledger.lost = record.lost
    ledger.pending = [...record.pending]
    ledger.quarantined = [...record.quarantined]
    for (const [epoch, ranges] of Object.entries(record.carry)) ledger.carry.set(epoch, RangeSet.of(ranges))
    return ledger
  }

  snapshot(): ControlRecord {
    return {
      kind: 'snapshot',
      epoch: this.epoch,
      ...(this.device !== null && { device: this.device }),
      nextSeq: this.nextSeq,
      prev: this.prev,
      nextN: this.nextN,
      settled: this.settled.list(),
      unsigned: this.unsignedLosses(Number.POSITIVE_INFINITY),
      lost: this.lost,
      pending: this.pending,
      quarantined: this.quarantined,
      carry: Object.fromEntries([...this.carry].map(([epoch, numbers]) => [epoch, numbers.list()])),
    }
  }

  /** Takes note of one entry that is durable, or of a receipt that the spool does not act on before it is durable. */
  apply(record: Exclude<ControlRecord, { kind: 'snapshot' }>): void {
    switch (record.kind) {
      case 'several':
        for (const each of record.changes) this.apply(each)
        break
      case 'sealed':
        this.#sealed(record.batch, record.signed, record.nextN)
        break
      case 'receipted':
        this.pending = this.pending.filter((each) => each.id !== record.id)
        this.quarantined = this.quarantined.filter(({ batch }) => batch.id !== record.id)
        break
      case 'quarantined':
        this.#quarantined(record.id, record.reason)
        break
      case 'lost':
        this.#lost(record.losses, record.batch)
        break
      case 'carried':
        this.#carried(record.epoch, RangeSet.of(record.ranges))
        break
      default:
        record satisfies never
    }
  }

  /** @returns null when no such batch waits or was set aside. */
  noteOf(id: BatchNote['id']): BatchNote | null {
    const notes = [...this.pending, ...this.quarantined.map(({ batch }) => batch)]
    return notes.find((each) => each.id === id) ?? null
  }

  #sealed(batch: BatchNote, signed: Losses, nextN: number): void {
    this.pending = [...this.pending, batch]
    this.settled.addAll(RangeSet.of(batch.ranges))
    this.nextSeq = batch.seq + 1
    this.prev = batch.id
    this.nextN = Math.max(this.nextN, nextN)
    for (const { reason, ranges } of signed) {
      const left = this.unsigned.get(reason)?.minus(RangeSet.of(ranges))
      if (left === undefined || left.isEmpty) this.unsigned.delete(reason)
      else this.unsigned.set(reason, left)
    }
  }

  #quarantined(id: BatchNote['id'], reason: string): void {
    const batch = this.pending.find((each) => each.id === id)
    if (batch === undefined) return
    this.pending = this.pending.filter((each) => each.id !== id)
    this.quarantined = [...this.quarantined, { batch, reason }]
  }

  #lost(losses: Losses, batch: BatchNote['id'] | null): void {
    const notes = [...this.pending, ...this.quarantined.map((each) => each.batch)]
    const gone = notes.find((each) => each.id === batch)
    // The losses that the batch named were counted before, and have to be named again.
    if (gone?.epoch === this.epoch) for (const each of gone.lost ?? []) this.#owe(each)
    this.pending = this.pending.filter((each) => each.id !== batch)
    this.quarantined = this.quarantined.filter((each) => each.batch.id !== batch)
    for (const { reason, ranges } of losses) {
      const numbers = RangeSet.of(ranges)
      this.#owe({ reason, ranges })
      this.settled.addAll(numbers)
      this.lost += numbers.size
      this.nextN = Math.max(this.nextN, numbers.max + 1)
    }
  }

  #owe({ reason, ranges }: Losses[number]): void {
    const known = this.unsigned.get(reason) ?? new RangeSet()
    known.addAll(RangeSet.of(ranges))
    this.unsigned.set(reason, known)
  }

  #carried(epoch: string, numbers: RangeSet): void {
    const done = this.carry.get(epoch) ?? new RangeSet()
    done.addAll(numbers)
    this.carry.set(epoch, done)
  }

  /** Losses of an earlier epoch that no manifest has named yet get numbers of this epoch, to be named by. */
  inheritLosses(before: Readonly<Ledger>): void {
    for (const [reason, numbers] of before.unsigned) {
      const first = this.nextN
      this.#lost([{ reason, ranges: [[first, first + numbers.size - 1]] }], null)
    }
  }

  /**
   * @returns Losses that the next manifest names, in at most `most` ranges; the others wait for the manifest after
   * it.
   */
  unsignedLosses(most: number): Losses {
    let left = most
    const found: Losses = []
    for (const [reason, numbers] of this.unsigned) {
      const ranges = numbers.list(left)
      left -= ranges.length
      if (ranges.length > 0) found.push({ reason, ranges })
    }
    return found
  }
}

export function recordsIn({ ranges }: BatchNote): number {
  return RangeSet.of(ranges).size
}

/** @returns What to remember of a batch, taken from its manifest. */
export function noteOf(
  { epoch, seq, records, lost, time }: Manifest,
  file: { readonly id: BatchNote['id']; readonly bytes: number; readonly oldestWallMs: number | null },
): BatchNote {
  const { anomaly } = records.classes
  const oldestWallMs = file.oldestWallMs ?? time.wall
  return {
    epoch,
    seq,
    id: file.id,
    bytes: file.bytes,
    anomalies: anomaly,
    oldestWallMs,
    ranges: records.ranges,
    ...(lost.length === 0 ? {} : { lost }),
  }
}

/**
 * Whether the collector holds another content for this seq, or for the one before: then every later seq would run into
 * the same. A seq 0 whose link is refused speaks of the enrolment, and a new epoch would begin with the same link.
 */
export function endsChain({ seq }: BatchNote, reason: string): boolean {
  return /^seq_conflict\b/.test(reason) || (seq > 0 && /^chain_broken\b/.test(reason))
}
