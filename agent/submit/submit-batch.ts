// Offers one batch to a collector and says what became of it: tests-spec/protocol/batch.md, "Exchange" and "Interrupted
// uploads". A body is not sent a second time before the collector was asked what it has.

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
  /** Ask for the receipt first: the batch was offered before, or the way has not brought a receipt yet. */
  readonly ask: boolean
  /** Called with how much of the batch is known to have arrived, before the receipt. */
  readonly onProgress?: (held: number) => void
  /** Called before the first byte of the body goes. */
  readonly onBody?: () => void
}

/** @returns What the network does is an outcome, never an exception. */
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
      // Parts that were put together wrongly say nothing of the batch: only what is refused whole is refused.
      if (outcome !== null && outcome.kind !== 'rejected') return outcome
    }
    return outcomeOf(await way.exchange(whole(offer.bytes)), offer.id, key)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return byTheWay(error.code)
  }
}

/**
 * Some 200 bytes each way, in place of a body.
 * @returns Bytes the collector has of the batch, if it has not all of it.
 */
async function askFor(way: RequestChannel, id: BatchId, key: CollectorKey): Promise<SubmitOutcome | number> {
  const answer = await way.exchange({ method: 'GET', path: `v1/batches/${id}/receipt` })
  if (answer.status === 200) return believe(answer, id, key)
  // A collector that does not know the question answers with a problem too, and is sent the body.
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

/** Times an offset may come out other than expected, before it is called a contradiction. */
const maxCorrections = 3

/** @returns null when the collector holds nothing that could be gone on from. */
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

/** The first part holds the whole envelope: a collector keeps nothing before it knows whose it is. */
function beginning(bytes: Uint8Array) {
  return {
    method: 'POST',
    path: 'v1/batches',
    headers: { 'content-type': batchMediaType, [uploadHeaders.complete]: structuredBoolean(false) },
    body: bytes.subarray(0, Math.max(chunkBytes, envelopeEnd(bytes))),
  } as const
}

function continuation(id: BatchId, bytes: Uint8Array, offset: number) {
  // What is left of a batch that goes whole goes whole as well.
  const end = bytes.length <= wholeUpToBytes ? bytes.length : Math.min(bytes.length, offset + chunkBytes)
  return {
    method: 'PATCH',
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
