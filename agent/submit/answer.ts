// What an answer means for a batch: tests-spec/protocol/batch.md, "What the probe does". Pure.

import * as v from 'valibot'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { problemCodes } from '../../tests-spec/protocol/problem-codes.ts'
import { openReceipt, type Receipt } from '../../tests-spec/protocol/receipt.ts'
import { lastingCodes, openRefusal } from '../../tests-spec/protocol/refusal.ts'
import type { Answer } from './transports/connection.ts'
import type { CollectorKey } from './ways/way.ts'

/** What became of a batch. Only `accepted` lets the spool forget the batch. */
export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly receipt: Receipt }
  /** The batch lies at a relay, and waits here for its receipt. */
  | { readonly kind: 'left' }
  /** The collector will never take the batch: the same bytes would be refused again. */
  | { readonly kind: 'rejected'; readonly code: string }
  | Deferred

/** The batch was not taken this time; another form, another way or another day may do. */
export interface Deferred {
  readonly kind: 'deferred'
  readonly reason: string
  /** Pause that the answer asks for, in milliseconds, an hour at most; null when it asks for none. */
  readonly retryAfterMs: number | null
  /** The request with a body that was not taken; null when it was a question, or nothing was asked. */
  readonly body: SentBody | null
}

export interface SentBody {
  readonly bytes: number
  /** Whether it was not the beginning of its batch. */
  readonly continued: boolean
  /** Status of the answer that refused it; null when the line broke off. */
  readonly status: number | null
}

/** RFC 9457, with a code that programs decide on, and with the collector's signed word where a refusal lasts. */
const problem = v.looseObject({
  code: v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,64}$/)),
  detail: v.optional(v.string(), ''),
  signed: v.optional(v.unknown()),
})

export function outcomeOf(answer: Answer, id: BatchId, key: CollectorKey): SubmitOutcome {
  if (answer.status === 200 || answer.status === 201) return believe(answer, id, key)
  return refusalOf(answer, id, key)
}

/**
 * Checks an answer before it is believed, so that a captive portal, a proxy that answers for others, or a receipt for
 * another batch cannot cost data.
 */
export function believe(
  { body }: Answer,
  id: BatchId,
  { collectorKeyId, collectorKey }: CollectorKey,
): SubmitOutcome {
  let receipt: Receipt
  try {
    receipt = openReceipt(body, (keyId) => (keyId === collectorKeyId ? collectorKey : null))
  } catch {
    // Whatever is wrong with the receipt, it is not the collector's word.
    return putOff('not_a_receipt')
  }
  if (receipt.batch !== id) return putOff('receipt_for_another_batch')
  return { kind: 'accepted', receipt }
}

/**
 * What a refusal means. Nothing but the collector's signed word costs a batch: a problem document can be written by
 * whatever stands on the way, and most codes speak of bytes that the way has changed, since this probe has verified its
 * own file.
 */
export function refusalOf(answer: Answer, id: BatchId, key: CollectorKey): SubmitOutcome {
  const { status, retryAfterMs } = answer
  const said = readProblem(answer.body)
  return said !== null && isSigned(said, id, key)
    ? { kind: 'rejected', code: said.code }
    : putOff(reasonOf(said, status), retryAfterMs)
}

/** What is said of a refusal, in words that we know: another's code may be the name of a host. */
export function reasonOf(said: Said | null, status: number): string {
  return said !== null && problemCodes.has(said.code) ? said.code : `status_${status}`
}

function isSigned(
  { code, signed }: Said,
  id: BatchId,
  { collectorKeyId, collectorKey }: CollectorKey,
): boolean {
  if (signed === undefined || !lastingCodes.has(code)) return false
  try {
    const bytes = Buffer.from(JSON.stringify(signed))
    const word = openRefusal(bytes, (keyId) => (keyId === collectorKeyId ? collectorKey : null))
    return word.batch === id && word.code === code
  } catch {
    // Whatever is wrong with it, it is not the collector's word.
    return false
  }
}

export function putOff(reason: string, retryAfterMs: number | null = null): Deferred {
  return { kind: 'deferred', reason, retryAfterMs, body: null }
}

type Said = v.InferOutput<typeof problem>

/** @returns null when the body is no problem document: then the answer did not come from the collector. */
export function readProblem(body: Buffer): Said | null {
  try {
    const parsed = v.safeParse(problem, JSON.parse(body.toString('utf8')))
    return parsed.success ? parsed.output : null
  } catch {
    return null
  }
}
