// Takes batches in: batch.md. A receipt is made only after the file is on the disk, and not just in a cache. Intake
// does not look at what is in the payload.

import { type BatchId, type VerifiedBatch, verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { onlyKey } from '../../tests-spec/protocol/dsse.ts'
import { openReceipt, type Receipt, sealReceipt } from '../../tests-spec/protocol/receipt.ts'
import type { Archive } from '../archive/archive.ts'
import type { CollectorKey } from '../archive/collector-key.ts'
import type { EnrolledProbe, ProbeRegister } from '../archive/probe-register.ts'
import type { Log } from '../log.ts'
import type { Chain } from './chain.ts'
import { type Chains, type Place, placeOf } from './chains.ts'
import type { DiskShares } from './disk-shares.ts'
import { Refused } from './refusal.ts'
import { Turns } from './turns.ts'
import type { Admission } from './upload.ts'

/** Number of gaps that a receipt has room for; the first gaps are those that a probe can still fill. */
const maxMissing = 32

export interface IntakeParts {
  readonly archive: Archive
  readonly probes: ProbeRegister
  readonly chains: Chains
  readonly shares: DiskShares
  readonly key: CollectorKey
  /** Age recipient that probes seal batches to: `age1…`. */
  readonly recipient: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info' | 'error'>
  /** Called after a batch and its receipt are durable; intake does not wait for what it does. */
  readonly onStored: (id: BatchId, receivedAt: number) => void
}

/** The result for a new batch and for a duplicate: both let the probe forget the batch. */
export interface Accepted {
  readonly kind: 'stored' | 'duplicate'
  /** The receipt's DSSE envelope; for a duplicate, the same bytes as the first time. */
  readonly receipt: Buffer
}

export class Intake {
  readonly #parts: IntakeParts
  readonly #turns = new Turns()
  readonly #overShare = new Set<string>()
  #underWay = 0
  #fault: string | null = null

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** @returns The key of a probe, if its batches are taken. */
  readonly admission: Admission = (device) => {
    const { probes } = this.#parts
    const probe = probes.get(device)
    if (probe !== null && probes.isRevoked(device))
      throw new Refused('revoked', 'The operator of this collector takes nothing more from this probe')
    return probe?.publicKey ?? null
  }

  /**
   * The receipt that was given for a batch. It is no secret, and it is all that a probe needs whose receipt was lost
   * on the way.
   * @returns null while the batch is not held, and when its file has rotted: the probe may have the last good copy.
   */
  async receipt(id: BatchId): Promise<Buffer | null> {
    const { archive, chains } = this.#parts
    if (!(await archive.isWhole(id))) return null
    const given = await this.#given(id)
    if (given !== null) return given
    // A crash came between the batch and its receipt: the receipt is signed now, as when the batch comes again.
    const content = await archive.content(id)
    if (content === null) return null
    const place = placeOf(id, content.manifest)
    return this.#turns.run(place.device, async () =>
      chains.get(place) === null ? null : (await this.#duplicate(place)).receipt,
    )
  }

  /** What the last batch failed by that was not its own fault; null when the last one was taken. */
  get fault(): string | null {
    return this.#fault
  }

  /** Number of batches that have been read and not yet answered. */
  get underWay(): number {
    return this.#underWay
  }

  /**
   * Verifies a batch, keeps it, and signs a receipt for it.
   *
   * @throws {BatchRefused} When it is not a batch of an enrolled probe.
   * @throws {Refused} `revoked`, `seq_conflict`, `chain_broken`. Nothing is kept then, except a copy of a conflict.
   * @throws The file system's error when the batch cannot be kept; the probe then still has it.
   */
  async accept(bytes: Uint8Array): Promise<Accepted> {
    const batch = verifyBatch(bytes, this.admission)
    this.#underWay++
    try {
      // Batches of one probe are settled one at a time, so that two posts of one seq cannot both find it free.
      const accepted = await this.#turns.run(batch.manifest.device, () => this.#settle(batch, bytes))
      this.#fault = null
      return accepted
    } catch (error) {
      if (!(error instanceof Refused)) this.#fault = codeOf(error)
      throw error
    } finally {
      this.#underWay--
    }
  }

  async #settle(batch: VerifiedBatch, bytes: Uint8Array): Promise<Accepted> {
    const { archive, chains, shares } = this.#parts
    const probe = this.#probeOf(batch)
    const place = placeOf(batch.id, batch.manifest)
    const judgement = chains.judge(place, probe.digest)
    switch (judgement.kind) {
      case 'held':
        await this.#mend(place.id, bytes)
        return this.#duplicate(place)
      case 'conflict':
        return this.#refuseConflict(batch, bytes, judgement.because)
      case 'broken':
        throw new Refused('chain_broken', judgement.because, { batch: batch.id })
      case 'fits':
        this.#checkShare(place.device, bytes.length)
        await archive.putBatch(batch.id, bytes)
        shares.add(place.device, bytes.length)
        return { kind: 'stored', receipt: await this.#sign(place, chains.add(place, probe.digest)) }
      default:
        throw judgement satisfies never
    }
  }

  #checkShare(device: string, bytes: number): void {
    const { shares, log } = this.#parts
    if (shares.hasRoom(device, bytes)) return
    // Once: the probe comes again every quarter of an hour.
    if (!this.#overShare.has(device)) log.error('share_used_up', { device, bytes: shares.heldBy(device) })
    this.#overShare.add(device)
    throw new Refused('over_share', 'This probe has used up its share of the disk: ask the operator for more')
  }

  async #duplicate(place: Place): Promise<Accepted> {
    const given = await this.#given(place.id)
    if (given !== null) return { kind: 'duplicate', receipt: given }
    // A crash, or a full disk, came between the batch and its receipt.
    const chain = this.#parts.chains.get(place)
    if (chain === null) throw new Error(`Batch ${place.id} is held by no chain`)
    return { kind: 'duplicate', receipt: await this.#sign(place, chain) }
  }

  /**
   * Writes a batch again whose file has rotted here: the same id means the same content, and this copy was verified.
   */
  async #mend(id: BatchId, bytes: Uint8Array): Promise<void> {
    const { archive, log } = this.#parts
    if (await archive.isWhole(id)) return
    log.error('archive_damaged', { batch: id, problem: 'It had rotted; its probe has sent it again' })
    await archive.putBatch(id, bytes)
  }

  /**
   * @returns The receipt as it was given; null when there is none, or when it has rotted, since no probe would take
   * it.
   */
  async #given(id: BatchId): Promise<Buffer | null> {
    const { archive, key, log } = this.#parts
    const bytes = await archive.receipt(id)
    if (bytes === null) return null
    try {
      if (openReceipt(bytes, onlyKey(key)).batch === id) return bytes
    } catch {
      // Whatever is wrong with the receipt, another one is signed below.
    }
    log.error('receipt_damaged', { batch: id })
    return null
  }

  async #refuseConflict({ id, manifest }: VerifiedBatch, bytes: Uint8Array, because: string): Promise<never> {
    const { device, epoch, seq } = manifest
    const { archive, shares } = this.#parts
    const kept = shares.hasRoom(device, bytes.length) && (await archive.putConflict(device, id, bytes))
    if (kept) shares.add(device, bytes.length)
    // This is an alarm: one seq with two signed contents means a cloned card, or a key in other hands.
    this.#parts.log.error('seq_conflict', { device, epoch, seq, batch: id, kept, problem: because })
    throw new Refused('seq_conflict', because, { batch: id })
  }

  async #sign(place: Place, chain: Chain): Promise<Buffer> {
    const { archive, key, recipient, now, log, onStored } = this.#parts
    const { device, epoch, seq, id } = place
    const at = now()
    const content: Receipt = {
      v: 1,
      batch: id,
      device,
      epoch,
      seq,
      status: 'stored',
      reason: null,
      at,
      collector: key.id,
      contiguous: chain.contiguous,
      missing: chain.missing(maxMissing),
      nextAfterS: pauseSeconds(this.#underWay),
      recipient,
    }
    const receipt = sealReceipt(content, key.privateKey)
    // The receipt is kept before the answer is sent, so that a probe that lost it on the way gets this one and not
    // another.
    await archive.putReceipt(id, receipt)
    log.info('batch_stored', { device, epoch, seq, batch: id })
    onStored(id, at)
    return receipt
  }

  #probeOf({ manifest }: VerifiedBatch): EnrolledProbe {
    const probe = this.#parts.probes.get(manifest.device)
    if (probe === null) throw new Error(`Batch of ${manifest.device} was verified without its key`)
    return probe
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'internal'
}

/**
 * How long a probe should wait before its next routine batch, in seconds.
 *
 * 0 for up to 64 batches at once; beyond that number, further batches only wait for the disk. With more, the pause is
 * the time in which 200 batches a second are settled. That is a third of what one machine was measured to do, so that
 * there is always room for an anomaly: 2,100 probes at once are told 11 s.
 */
export function pauseSeconds(underWay: number): number {
  return underWay <= 64 ? 0 : Math.ceil(underWay / 200)
}
