// Offers one batch to a collector and says what became of it: tests-spec/protocol/batch.md, "Exchange" and
// "Interrupted uploads". Before a body is sent a second time, the collector is asked what it already has.

import {
  type BatchId,
  batchMediaType,
  envelopeEnd,
  type UploadName,
  uploadNameOf,
} from '../../tests-spec/protocol/batch.ts'
import {
  partialUploadType,
  structuredBoolean,
  uploadHeaders,
} from '../../tests-spec/protocol/resumable-upload.ts'
import {
  believe,
  outcomeOf,
  putOff,
  readProblem,
  refusalOf,
  type SentBody,
  type SubmitOutcome,
} from './answer.ts'
import type { Answer, Request } from './transports/connection.ts'
import { NoAnswer } from './transports/no-answer.ts'
import { type Form, partEnd, type TakenBody } from './ways/form.ts'
import type { CollectorKey, RequestChannel } from './ways/way.ts'

export interface Offer {
  readonly id: BatchId
  readonly bytes: Uint8Array
  /**
   * Whether to ask for the receipt first, because the batch was offered before or the way has not brought a receipt
   * yet.
   */
  readonly ask: boolean
  /** In which form the way gets its next body. */
  readonly form: () => Form
  /** Called when the collector has said how many bytes of the batch it holds, and a body is sent next. */
  readonly onAsked?: (held: number) => void
  /** Called, before the receipt comes, with the number of bytes of the batch that are known to have arrived. */
  readonly onProgress?: (held: number) => void
  /** Called before the first byte of a body is sent. */
  readonly onBody?: () => void
  /** Called with each body that the collector took. */
  readonly onTaken?: (taken: TakenBody) => void
  /** Called when what was held of the batch is not there any more: the next request came to another collector. */
  readonly onLost?: (body: SentBody) => void
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
    if (offer.ask) offer.onAsked?.(asked)
    if (asked > 0) offer.onProgress?.(asked)
    return await sendParts(way, offer, asked, key)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return putOff(error.code)
  }
}

/**
 * Asks for the receipt, which costs some 200 bytes each way, instead of sending a body.
 * @returns Bytes of the batch that the collector has, if it does not have all of them.
 */
async function askFor(way: RequestChannel, id: BatchId, key: CollectorKey): Promise<SubmitOutcome | number> {
  // A cache on the way that kept the answer of yesterday should ask as well.
  const headers = { 'cache-control': 'no-cache' }
  const answer = await way.exchange({ method: 'GET', path: `v1/batches/${id}/receipt`, headers })
  if (answer.status === 200) return believe(answer, id, key)
  // A collector that does not know this question answers with a problem too, and is then sent the body.
  if (answer.status === 404 && readProblem(answer.body) !== null) return answer.held ?? 0
  return refusalOf(answer, id, key)
}

/**
 * Number of times that the collector may name another offset than expected, before that is called a contradiction.
 */
const maxCorrections = 3

/** Sends the batch from `from` on, in as many requests as the form of the way wants. */
async function sendParts(
  way: RequestChannel,
  offer: Offer,
  from: number,
  key: CollectorKey,
): Promise<SubmitOutcome> {
  const { id, bytes } = offer
  const upload = uploadNameIn(bytes) ?? id
  let held = from >= bytes.length || offer.form().wholeOnly ? 0 : from
  let sent: SentBody = { bytes: 0, continued: false, status: null }
  for (let corrections = 0; corrections <= maxCorrections; ) {
    const end = partEnd(offer.form(), bytes.length, held, envelopeEndIn(bytes))
    const body = bytes.subarray(held, end)
    sent = { bytes: body.length, continued: held > 0, status: null }
    offer.onBody?.()
    const answer = await exchangeBody(way, requestFor(upload, body, held, end === bytes.length))
    if ('kind' in answer) return { ...answer, body: sent }
    sent = { ...sent, status: answer.status }
    if (isLost(answer, sent)) {
      // It may have been given up for room, or another collector answers: then the batch goes in one request.
      offer.onLost?.(sent)
      corrections += 1
      held = 0
      continue
    }
    // Somebody on the way takes out the fields that tell how far it has come: parts are of no use there.
    if (isPartWithoutOffset(answer, end < bytes.length))
      return { ...putOff(`status_${answer.status}`), body: sent }
    const now = isPart(answer) || isMismatch(answer) ? answer.held : null
    if (now === null || now >= bytes.length) {
      const outcome = outcomeOf(answer, id, key)
      if (outcome.kind === 'accepted') offer.onTaken?.({ ...answer, ...sent })
      return outcome.kind === 'deferred' ? { ...outcome, body: sent } : outcome
    }
    if (isPart(answer) && now > held) {
      offer.onTaken?.({ ...answer, ...sent })
      offer.onProgress?.(now)
    } else corrections += 1
    held = now
  }
  return { ...putOff('offset_contradiction'), body: sent }
}

async function exchangeBody(
  way: RequestChannel,
  request: Request,
): Promise<Answer | ReturnType<typeof putOff>> {
  try {
    return await way.exchange(request)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return putOff(error.code)
  }
}

function isPart({ status, held }: Answer): boolean {
  return (status === 201 || status === 204) && held !== null
}

function isPartWithoutOffset({ status, held, body }: Answer, isPartOnly: boolean): boolean {
  return isPartOnly && (status === 201 || status === 204) && held === null && body.length === 0
}

function isMismatch({ status, body, held }: Answer): boolean {
  return status === 409 && held !== null && readProblem(body)?.code === 'offset_mismatch'
}

function isLost({ status, body }: Answer, { continued }: SentBody): boolean {
  return continued && status === 404 && readProblem(body)?.code === 'no_upload'
}

/** @param held - Offset of the body. The first part holds the whole envelope: it tells which probe it is from. */
function requestFor(
  upload: UploadName | BatchId,
  body: Uint8Array,
  held: number,
  complete: boolean,
): Request {
  const ending = { [uploadHeaders.complete]: structuredBoolean(complete) }
  if (held === 0) {
    return {
      method: 'POST',
      path: 'v1/batches',
      headers: { 'content-type': batchMediaType, ...ending },
      body,
    }
  }
  return {
    method: 'POST',
    path: `v1/uploads/${upload}`,
    headers: { 'content-type': partialUploadType, [uploadHeaders.offset]: String(held), ...ending },
    body,
    offset: held,
  }
}

/** @returns null for bytes that are no batch. */
function uploadNameIn(bytes: Uint8Array): UploadName | null {
  return envelopeEndIn(bytes) === 0 ? null : uploadNameOf(bytes)
}

/** Bytes that are no batch, which only tests send, have no envelope to keep together. */
function envelopeEndIn(bytes: Uint8Array): number {
  try {
    return envelopeEnd(bytes)
  } catch {
    return 0
  }
}
