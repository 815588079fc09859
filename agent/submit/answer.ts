// What an answer means for a batch: tests-spec/protocol/batch.md, "What the probe does". Pure.

import * as v from 'valibot'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { openReceipt, type Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Answer } from './transports/connection.ts'
import type { CollectorKey } from './ways/way.ts'

/** What became of a batch. Only `accepted` lets the spool forget anything. */
export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly receipt: Receipt }
  /** It lies at a relay, and waits here for its receipt. */
  | { readonly kind: 'left' }
  /** Never: the same bytes would be refused again. */
  | { readonly kind: 'rejected'; readonly code: string; readonly problem: string }
  | Deferred

/** Not now. */
export interface Deferred {
  readonly kind: 'deferred'
  readonly reason: string
  /** What was asked for, in milliseconds, an hour at most; null when nothing was. */
  readonly retryAfterMs: number | null
  /** `way`: it broke off, or the answer is not a collector's; another way may do. */
  readonly by: 'collector' | 'way'
}

/** RFC 9457, with a code that programs decide on. */
const problem = v.looseObject({ code: v.string(), detail: v.optional(v.string(), '') })

/**
 * What is said of the batch itself, as against the exchange, the probe or the hour. A code that is not here defers:
 * a collector of next year, or a portal in between, must not cost a batch.
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
/** These speak of who asks, and when. Whatever code comes with them, another day may answer otherwise. */
const passingStatuses: ReadonlySet<number> = new Set([401, 403, 408, 425, 429])

export function outcomeOf(answer: Answer, id: BatchId, key: CollectorKey): SubmitOutcome {
  if (answer.status === 200 || answer.status === 201) return believe(answer, id, key)
  return refusalOf(answer)
}

/** Stops a captive portal, a proxy that answers for others, and a receipt for another batch from costing data. */
export function believe(
  { body }: Answer,
  id: BatchId,
  { collectorKeyId, collectorKey }: CollectorKey,
): SubmitOutcome {
  let receipt: Receipt
  try {
    receipt = openReceipt(body, (keyId) => (keyId === collectorKeyId ? collectorKey : null))
  } catch {
    // Whatever is wrong with it, it is not the collector's word.
    return byTheWay('not_a_receipt')
  }
  if (receipt.batch !== id) return byTheWay('receipt_for_another_batch')
  return { kind: 'accepted', receipt }
}

export function refusalOf({ status, body, retryAfterMs }: Answer): SubmitOutcome {
  const said = readProblem(body)
  // Not a collector: a proxy, a portal, a store. What it asks for binds nobody on another way.
  if (said === null) return byTheWay(`status_${status}`, retryAfterMs)
  const isFinal = status >= 400 && status < 500 && !passingStatuses.has(status)
  return isFinal && finalCodes.has(said.code)
    ? { kind: 'rejected', code: said.code, problem: said.detail }
    : { kind: 'deferred', reason: said.code, retryAfterMs, by: 'collector' }
}

export function byTheWay(reason: string, retryAfterMs: number | null = null): Deferred {
  return { kind: 'deferred', reason, retryAfterMs, by: 'way' }
}

/** @returns null when the body is no problem document: then it was not the collector who spoke. */
export function readProblem(body: Buffer): { readonly code: string; readonly detail: string } | null {
  try {
    const parsed = v.safeParse(problem, JSON.parse(body.toString('utf8')))
    return parsed.success ? parsed.output : null
  } catch {
    return null
  }
}
