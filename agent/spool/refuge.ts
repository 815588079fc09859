// What is sent while the disk takes nothing: records that wait in memory are sealed there, in an epoch of their own, so that a
// device whose card has turned read-only, which is how cards die, goes on telling. Nothing here survives the process.
//
// The epoch is another one because no number may get two contents: what numbers the disk's epoch has used, only the disk can
// say at the next start. One batch at a time is held: the next is sealed once the collector has the one before.

import { type BatchId, encodeBatch, type Manifest } from '../../tests-spec/protocol/batch.ts'
import { describePayload, packWaiting, type Signing } from './batches/seal.ts'
import { type BatchNote, noteOf, recordsIn } from './ledger/ledger.ts'
import { RangeSet } from './ledger/ranges.ts'
import { makeEpoch } from './recovery.ts'
import type { WaitingRoom } from './waiting-room.ts'

export interface HeldBatch {
  readonly note: BatchNote
  readonly bytes: Buffer
}

export class Refuge {
  readonly #random: (bytes: number) => Uint8Array
  /** null until something is sealed here. */
  #epoch: string | null = null
  #nextSeq = 0
  #prev: BatchId | null = null
  #nextN = 0
  #held: HeldBatch[] = []
  /** Those that the collector refused. */
  #aside: HeldBatch[] = []
  /** Numbers of the disk's epoch that the records had. */
  #left = new RangeSet()

  constructor(random: (bytes: number) => Uint8Array) {
    this.#random = random
  }

  /** Whether numbers of the disk's epoch were given to records that have left in this one. */
  get isUsed(): boolean {
    return this.#epoch !== null
  }

  get pending(): readonly BatchNote[] {
    return this.#held.map(({ note }) => note)
  }

  get aside(): readonly BatchNote[] {
    return this.#aside.map(({ note }) => note)
  }

  /** How many records are here and on no disk. */
  get records(): number {
    return [...this.#held, ...this.#aside].reduce((sum, { note }) => sum + recordsIn(note), 0)
  }

  /** Seals the first of the records that wait, the gravest first; they leave the waiting room. @returns null when none waits. */
  async seal(waiting: WaitingRoom, signing: Signing): Promise<BatchNote | null> {
    const taken = waiting.all()
    if (taken.length === 0) return null
    const packed = await packWaiting(taken, this.#nextN)
    const epoch = this.#epoch ?? makeEpoch(this.#random)
    const { enrolmentDigest, device, time, said, why } = signing
    const manifest: Manifest = {
      ...{ v: 1, device, epoch, seq: this.#nextSeq, prev: this.#prev ?? enrolmentDigest },
      ...describePayload(packed),
      lost: [],
      time,
      backlog: { records: taken.length - packed.numbers.size, batches: 0 },
      ...said,
      why,
    }
    const { id, bytes } = encodeBatch(manifest, packed.payload, signing.privateKey)
    const note = noteOf(manifest, { id, bytes: bytes.length, oldestWallMs: packed.oldestWallMs })
    const leaving = taken.slice(0, packed.numbers.size)
    for (const { guest } of leaving) if (guest.n !== null) this.#left.add(guest.n)
    waiting.leave(leaving)
    this.#epoch = epoch
    this.#nextSeq += 1
    this.#prev = id
    this.#nextN += packed.numbers.size
    this.#held.push({ note, bytes })
    return note
  }

  /** @returns null when the batch is not held here. */
  read(id: BatchId): Buffer | null {
    return this.#all().find(({ note }) => note.id === id)?.bytes ?? null
  }

  /** Forgets a batch that the collector has. @returns Whether it was here. */
  receipted(id: BatchId): boolean {
    const before = this.#all().length
    this.#held = this.#held.filter(({ note }) => note.id !== id)
    this.#aside = this.#aside.filter(({ note }) => note.id !== id)
    return this.#all().length < before
  }

  /** Sets a batch aside; the next one begins another epoch, since this chain may be of no use. @returns Whether it was here. */
  setAside(id: BatchId): boolean {
    const refused = this.#held.find(({ note }) => note.id === id)
    if (refused === undefined) return false
    this.#held = this.#held.filter((each) => each !== refused)
    this.#aside.push(refused)
    this.#beginAnew()
    return true
  }

  /** What the disk is to keep, now that it takes something again. */
  all() {
    return { pending: this.#held, aside: this.#aside, left: this.#left }
  }

  /** The disk keeps it all, and goes on by itself. */
  clear(): void {
    this.#held = []
    this.#aside = []
    this.#left = new RangeSet()
    this.#beginAnew()
    this.#epoch = null
  }

  #all(): HeldBatch[] {
    return [...this.#held, ...this.#aside]
  }

  #beginAnew(): void {
    this.#epoch = makeEpoch(this.#random)
    this.#nextSeq = 0
    this.#nextN = 0
    this.#prev = null
  }
}
