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
import { hangUps, NoAnswer } from './transports/no-answer.ts'
import { type Form, partEnd, type TakenBody, waryForm } from './ways/form.ts'
import type { CollectorKey, RequestChannel } from './ways/way.ts'

export interface Offer {
  readonly id: BatchId
  readonly bytes: Uint8Array
  /**
   * Whether to ask for the receipt first, because the batch was offered before or the way has not brought a receipt
   * yet.
   */
  readonly ask: boolean
  /**
   * Whether that question is left out, because whatever stands on the way does not let it through. What answers is then
   * given little, until it has taken something as a collector does.
   */
  readonly spareQuestion?: boolean
  /** Whether a body was just answered on this way as a collector does, so that it need not be given little. */
  readonly isHeard?: boolean
  /** Bytes of the batch that are known to have arrived, for when the question is not answered. */
  readonly arrived?: number
  /** In which form the way gets its next body. */
  readonly form: () => Form
  /**
   * Called when the question was answered, and a body is sent next.
   * @param held - Bytes of the batch that the collector holds; null when the answer was no collector's.
   */
  readonly onAsked?: (held: number | null) => void
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
    const known = offer.arrived ?? 0
    const wary = offer.isHeard !== true
    if (!offer.ask) return await sendParts(way, offer, { held: 0, wary: false }, key)
    if (offer.spareQuestion) return await sendParts(way, offer, { held: known, wary }, key)
    const asked = await askFor(way, offer.id, key)
    if (asked !== null && typeof asked !== 'number') return asked
    offer.onAsked?.(asked)
    if (asked === null) return await sendParts(way, offer, { held: known, wary }, key)
    if (asked > 0) offer.onProgress?.(asked)
    return await sendParts(way, offer, { held: asked, wary: false }, key)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return putOff(error.code)
  }
}

/**
 * Asks for the receipt, which costs some 200 bytes each way, instead of sending a body.
 * @returns Bytes of the batch that the collector has, if it does not have all of them; null for an answer that is no
 * collector's. That is a fact about this question: a box may refuse it, or put a page in place of a 404, and let bodies
 * through.
 */
async function askFor(
  way: RequestChannel,
  id: BatchId,
  key: CollectorKey,
): Promise<SubmitOutcome | number | null> {
  // A cache on the way that kept the answer of yesterday should ask as well.
  const headers = { 'cache-control': 'no-cache' }
  const path = `v1/batches/${id}/receipt`
  const answer = await exchangeOver(way, { method: 'GET', path, headers })
  if ('kind' in answer) {
    if (endedByAnswer.has(answer.reason)) return null
    return answer
  }
  const { status, held } = answer
  // A collector that does not know this question answers with a problem too, and is then sent the body.
  if (status === 404 && readProblem(answer.body) !== null) return held ?? 0
  const outcome = status === 200 ? believe(answer, id, key) : refusalOf(answer, id, key)
  return outcome.kind !== 'deferred' || isNotNow(answer) ? outcome : null
}

/** A page that does not end, no HTTP, and a refusal without words: the endpoint is dialled again for the body. */
const endedByAnswer: ReadonlySet<string> = new Set(['answer_too_large', 'not_http', ...hangUps])

/** What is behind whatever answers is away or busy: no body would get through either. */
function isNotNow({ status, retryAfterMs }: Answer): boolean {
  return retryAfterMs !== null || [429, 502, 503, 504].includes(status)
}

/**
 * Number of times that the collector may name another offset than expected, before that is called a contradiction.
 */
const maxCorrections = 3

interface Beginning {
  /** Bytes of the batch that the collector has, as far as is known. */
  readonly held: number
  /** Whether nothing on this way has spoken as a collector: the first part is then as small as it can be. */
  readonly wary: boolean
}

/** Sends the batch from `from.held` on, in as many requests as the form of the way wants. */
async function sendParts(
  way: RequestChannel,
  offer: Offer,
  from: Beginning,
  key: CollectorKey,
): Promise<SubmitOutcome> {
  const { id, bytes } = offer
  const upload = uploadNameIn(bytes) ?? id
  let { wary } = from
  let held = from.held >= bytes.length || offer.form().wholeOnly ? 0 : from.held
  let sent: SentBody = { bytes: 0, continued: false, status: null }
  for (let corrections = 0; corrections <= maxCorrections; ) {
    const form = wary ? waryForm(offer.form()) : offer.form()
    const end = partEnd(form, bytes.length, held, envelopeEndIn(bytes))
    const body = bytes.subarray(held, end)
    sent = { bytes: body.length, continued: held > 0, status: null }
    offer.onBody?.()
    const answer = await exchangeOver(way, requestFor(upload, body, held, end === bytes.length))
    // A page that does not end is an answer all the same.
    if ('kind' in answer)
      return { ...answer, body: { ...sent, status: answer.reason === 'answer_too_large' ? 200 : null } }
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
    // More than there is, after a part; or the offset that this body had, as if it had another.
    if (now !== null && (now >= bytes.length ? end < bytes.length : isMismatch(answer) && now === held)) break
    if (now === null || now >= bytes.length) {
      const outcome = outcomeOf(answer, id, key)
      if (outcome.kind === 'accepted') offer.onTaken?.({ ...answer, ...sent })
      return outcome.kind === 'deferred' ? { ...outcome, body: sent } : outcome
    }
    if (isPart(answer) && now > held) {
      offer.onTaken?.({ ...answer, ...sent })
      offer.onProgress?.(now)
    } else corrections += 1
    // What was to be found out is known: here a batch goes whole.
    held = wary && offer.form().wholeOnly ? 0 : now
    wary = false
  }
  return { ...putOff('offset_contradiction'), body: sent }
}

async function exchangeOver(
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
