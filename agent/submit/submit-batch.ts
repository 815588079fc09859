// Offers one batch to a collector and says what became of it: tests-spec/protocol/batch.md, "Exchange" and
// "Interrupted uploads". Before a body is sent a second time, the collector is asked what it already has.

import { type BatchId, batchMediaType, envelopeEnd } from '../../tests-spec/protocol/batch.ts'
import {
  chunkBytes,
  partialUploadType,
  structuredBoolean,
  uploadHeaders,
  wholeUpToBytes,
} from '../../tests-spec/protocol/resumable-upload.ts'
import { believe, byTheWay, outcomeOf, readProblem, refusalOf, type SubmitOutcome } from './answer.ts'
import type { Answer } from './transports/connection.ts'
import { NoAnswer } from './transports/no-answer.ts'
import type { CollectorKey, RequestChannel } from './ways/way.ts'

export interface Offer {
  readonly id: BatchId
  readonly bytes: Uint8Array
  /**
   * Whether to ask for the receipt first, because the batch was offered before or the way has not brought a receipt
   * yet.
   */
  readonly ask: boolean
  /** Called, before the receipt comes, with the number of bytes of the batch that are known to have arrived. */
  readonly onProgress?: (held: number) => void
  /** Called before the first byte of the body is sent. */
  readonly onBody?: () => void
}

/** @returns The outcome; what the network does is a value, never an exception. */
export async function offerBatch(
  way: RequestChannel,
  offer: Offer,
  key: CollectorKey,
): Promise<SubmitOutcome> {
  try {
    const asked = offer.ask ? await askFor(way, offer.id, key) : 0
    if (typeof asked !== 'number') return asked
    if (asked > 0) offer.onProgress?.(asked)
    offer.onBody?.()
    if (asked > 0 || offer.bytes.length > wholeUpToBytes) {
      const outcome = await sendInParts(way, offer, asked, key)
      // A refusal of parts may only mean that they were put together wrongly: only a batch that was sent whole counts
      // as refused.
      if (outcome !== null && outcome.kind !== 'rejected') return outcome
    }
    return outcomeOf(await way.exchange(whole(offer.bytes)), offer.id, key)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return byTheWay(error.code)
  }
}

/**
 * Asks for the receipt, which costs some 200 bytes each way, instead of sending a body.
 * @returns Bytes of the batch that the collector has, if it does not have all of them.
 */
async function askFor(way: RequestChannel, id: BatchId, key: CollectorKey): Promise<SubmitOutcome | number> {
  const answer = await way.exchange({ method: 'GET', path: `v1/batches/${id}/receipt` })
  if (answer.status === 200) return believe(answer, id, key)
  // A collector that does not know this question answers with a problem too, and is then sent the body.
  if (answer.status === 404 && readProblem(answer.body) !== null) return answer.held ?? 0
  return refusalOf(answer)
}

function whole(bytes: Uint8Array) {
  return {
    method: 'POST',
    path: 'v1/batches',
    headers: { 'content-type': batchMediaType, [uploadHeaders.complete]: structuredBoolean(true) },
    body: bytes,
  } as const
}

/**
 * Number of times that the collector may name another offset than expected, before that is called a contradiction.
 */
const maxCorrections = 3

/** @returns null when the collector holds no part from which the upload could go on. */
async function sendInParts(
  way: RequestChannel,
  { id, bytes, onProgress }: Offer,
  from: number,
  key: CollectorKey,
): Promise<SubmitOutcome | null> {
  let held = from
  for (let corrections = 0; corrections <= maxCorrections; ) {
    if (held >= bytes.length) return null
    const answer = await way.exchange(held === 0 ? beginning(bytes) : continuation(id, bytes, held))
    if (answer.status === 404 && readProblem(answer.body)?.code === 'no_upload') return null
    const now = isPart(answer) || isMismatch(answer) ? answer.held : null
    if (now === null) return outcomeOf(answer, id, key)
    if (isPart(answer) && now > held) onProgress?.(now)
    else corrections += 1
    held = now
  }
  return byTheWay('offset_contradiction')
}

function isPart({ status, held }: Answer): boolean {
  return (status === 201 || status === 204) && held !== null
}

function isMismatch({ status, body, held }: Answer): boolean {
  return status === 409 && held !== null && readProblem(body)?.code === 'offset_mismatch'
}

/** The first part holds the whole envelope: a collector keeps nothing before it knows which probe it is from. */
function beginning(bytes: Uint8Array) {
  return {
    method: 'POST',
    path: 'v1/batches',
    headers: { 'content-type': batchMediaType, [uploadHeaders.complete]: structuredBoolean(false) },
    body: bytes.subarray(0, Math.max(chunkBytes, envelopeEnd(bytes))),
  } as const
}

function continuation(id: BatchId, bytes: Uint8Array, offset: number) {
  // The rest of a batch that is small enough to be sent whole is sent in one part as well.
  const end = bytes.length <= wholeUpToBytes ? bytes.length : Math.min(bytes.length, offset + chunkBytes)
  return {
    method: 'POST',
    path: `v1/uploads/${id}`,
    headers: {
      'content-type': partialUploadType,
      [uploadHeaders.offset]: String(offset),
      [uploadHeaders.complete]: structuredBoolean(end === bytes.length),
    },
    body: bytes.subarray(offset, end),
    offset,
  } as const
}
