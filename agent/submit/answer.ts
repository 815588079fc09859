// What an answer means for a batch: tests-spec/protocol/batch.md, "What the probe does". Pure.

import * as v from 'valibot'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { openReceipt, type Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Answer } from './transports/connection.ts'
import type { CollectorKey } from './ways/way.ts'

/** What became of a batch. Only `accepted` lets the spool forget the batch. */
export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly receipt: Receipt }
  /** The batch lies at a relay, and waits here for its receipt. */
  | { readonly kind: 'left' }
  /** The collector will never take the batch: the same bytes would be refused again. */
  | { readonly kind: 'rejected'; readonly code: string; readonly problem: string }
  | Deferred

/** The batch was not taken this time; another attempt may succeed. */
export interface Deferred {
  readonly kind: 'deferred'
  readonly reason: string
  /** Pause that the answer asks for, in milliseconds, an hour at most; null when it asks for none. */
  readonly retryAfterMs: number | null
  /**
   * Who put the batch off. `way`: the connection broke off, or the answer is not a collector's; another way may do.
   */
  readonly by: 'collector' | 'way'
}

/** RFC 9457, with a code that programs decide on. */
const problem = v.looseObject({ code: v.string(), detail: v.optional(v.string(), '') })

/**
 * Codes that concern the batch itself, not the exchange, the probe or the hour. A code that is not here puts the
 * batch off: a code that only a later collector knows, or a portal in between, must not cost a batch.
 */
export const finalCodes: ReadonlySet<string> = new Set([
  'not_a_batch',
  'truncated',
  'trailing_bytes',
  'too_large',
  'bad_envelope',
  'bad_manifest',
  'payload_mismatch',
  'device_mismatch',
  'seq_conflict',
  'chain_broken',
])
/**
 * These statuses concern the probe that asks, or the moment. Whatever code comes with them, the answer may be
 * different another day.
 */
const passingStatuses: ReadonlySet<number> = new Set([401, 403, 408, 425, 429])

export function outcomeOf(answer: Answer, id: BatchId, key: CollectorKey): SubmitOutcome {
  if (answer.status === 200 || answer.status === 201) return believe(answer, id, key)
  return refusalOf(answer)
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
    return byTheWay('not_a_receipt')
  }
  if (receipt.batch !== id) return byTheWay('receipt_for_another_batch')
  return { kind: 'accepted', receipt }
}

export function refusalOf({ status, body, retryAfterMs }: Answer): SubmitOutcome {
  const said = readProblem(body)
  // The answer is not a collector's: it comes from a proxy, a portal or a store. The pause it asks for does not hold
  // for another way.
  if (said === null) return byTheWay(`status_${status}`, retryAfterMs)
  const isFinal = status >= 400 && status < 500 && !passingStatuses.has(status)
  return isFinal && finalCodes.has(said.code)
    ? { kind: 'rejected', code: said.code, problem: said.detail }
    : { kind: 'deferred', reason: said.code, retryAfterMs, by: 'collector' }
}

export function byTheWay(reason: string, retryAfterMs: number | null = null): Deferred {
  return { kind: 'deferred', reason, retryAfterMs, by: 'way' }
}

/** @returns null when the body is no problem document: then the answer did not come from the collector. */
export function readProblem(body: Buffer): { readonly code: string; readonly detail: string } | null {
  try {
    const parsed = v.safeParse(problem, JSON.parse(body.toString('utf8')))
    return parsed.success ? parsed.output : null
  } catch {
    return null
  }
}
