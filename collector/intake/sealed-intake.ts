// Takes sealed files in, wherever they come from: tests-spec/protocol/sealed.md. Opens a file, cuts it into batches,
// and gives each to the same intake as if its probe had posted it. The carrier of the file proves nothing and is
// asked nothing.

import * as v from 'valibot'
import { type BatchId, BatchRefused, batchId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import {
  looksSealed,
  maxBatchesInFile,
  maxSealedBytes,
  type SealedReceipt,
  signSealedReceipt,
  splitBatches,
} from '../../tests-spec/protocol/sealed.ts'
import type { CollectorKey } from '../archive/collector-key.ts'
import type { Log } from '../log.ts'
import type { Accepted } from './intake.ts'
import { Refused } from './refusal.ts'

export interface SealedIntakeParts {
  /** `AGE-SECRET-KEY-1…`; each is tried in turn. */
  readonly identities: readonly string[]
  readonly intake: { accept(bytes: Uint8Array): Promise<Accepted> }
  readonly key: CollectorKey
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<Log, 'info'>
}

/** What became of a sealed file. */
export interface Taken {
  /** The collector's signed word that the file has arrived. */
  readonly word: Buffer
  /** The content of that word. */
  readonly said: SealedReceipt
  /** Receipts of every batch that is held now, in the order of the file. */
  readonly receipts: readonly Buffer[]
}

/**
 * A header for one X25519 recipient has 168 bytes. Each further recipient costs a millisecond of arithmetic to try,
 * and a hostile file could have 50,000 of them.
 */
const maxHeaderBytes = 2_048
const pieceBytes = 64 * 1024

export class SealedIntake {
  readonly #parts: SealedIntakeParts

  constructor(parts: SealedIntakeParts) {
    this.#parts = parts
  }

  /**
   * Opens a sealed file and keeps the batches in it.
   *
   * If one batch is refused, the next is still taken; the word names the one that was refused.
   *
   * @throws {Refused} `too_large`, `not_sealed`, `other_recipient`, `damaged`: nothing was taken.
   * @throws The file system's error when a batch cannot be kept. The batches before it are held, and are duplicates
   * when the same file comes again.
   */
  async take(bytes: Uint8Array): Promise<Taken> {
    const { key, now, log } = this.#parts
    const { batches, fault } = splitBatches(await open(bytes, this.#parts.identities))
    if (batches.length > maxBatchesInFile)
      throw new Refused('too_large', `A sealed file holds at most ${maxBatchesInFile} batches`)
    const receipts: Buffer[] = []
    const refused: SealedReceipt['refused'] = []
    let stored = 0
    for (const batch of batches) {
      const outcome = await this.#accept(batch)
      if ('code' in outcome) {
        refused.push(outcome)
        continue
      }
      receipts.push(outcome.receipt)
      if (outcome.kind === 'stored') stored++
    }
    if (fault !== null) refused.push({ batch: null, code: fault.code })
    const sealed = sha256Hex(bytes)
    const said = {
      v: 1,
      sealed,
      collector: key.id,
      at: now(),
      receipts: receipts.length,
      stored,
      refused,
    } as const
    log.info('sealed_taken', { sealed, stored, of: batches.length })
    return { word: signSealedReceipt(said, key.privateKey), said, receipts }
  }

  async #accept(batch: Uint8Array): Promise<Accepted | { batch: BatchId | null; code: string }> {
    try {
      return await this.#parts.intake.accept(batch)
    } catch (refusal) {
      if (refusal instanceof BatchRefused || refusal instanceof Refused)
        return { batch: claimedId(batch), code: refusal.code }
      throw refusal
    }
  }
}

/** As it is carried, 64 KiB to a piece, so that the library works on one piece at a time. */
function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      // Other work first: opening the largest file takes a third of a second.
      await new Promise((resolve) => setImmediate(resolve))
      if (at >= bytes.length) controller.close()
      else controller.enqueue(new Uint8Array(bytes.subarray(at, at + pieceBytes)))
      at += pieceBytes
    },
  })
}

async function wholeOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The id that a refused batch claims for itself, so that the operator can look for it; null when it has none. */
function claimedId(batch: Uint8Array): BatchId | null {
  try {
    const bytes = Buffer.from(batch)
    const { payload } = JSON.parse(bytes.toString('utf8', 8, 8 + bytes.readUInt32BE(4)))
    return v.parse(batchId, sha256Hex(Buffer.from(String(payload), 'base64')))
  } catch {
    return null
  }
}

/** @throws {Refused} */
async function open(bytes: Uint8Array, identities: readonly string[]): Promise<Uint8Array> {
  if (bytes.length > maxSealedBytes)
    throw new Refused('too_large', `A sealed file has at most ${maxSealedBytes} bytes`)
  if (!looksSealed(bytes)) throw new Refused('not_sealed', 'This is no age file')
  const start = Buffer.from(bytes.subarray(0, maxHeaderBytes)).toString('latin1')
  if (!start.includes('\n--- ')) throw new Refused('damaged', `No header ends within ${maxHeaderBytes} bytes`)
  // Imported only here: it takes 17 MB, which a collector without sticks never needs.
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  for (const identity of identities) decrypter.addIdentity(identity)
  try {
    return await wholeOf(await decrypter.decrypt(inPieces(bytes)))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    // The library has no error codes. If its texts change, a file for another recipient is called damaged, and it is
    // left alone just the same.
    if (why.startsWith('no identity matched'))
      throw new Refused('other_recipient', 'This file is sealed to another key than ours', { cause })
    throw new Refused('damaged', `The file is damaged or cut off: ${why}`, { cause })
  }
}
