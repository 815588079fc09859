// Offers one batch to the collector and says what became of it: tests-spec/protocol/batch.md, "Exchange".

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { type BatchId, batchMediaType } from '../../tests-spec/protocol/batch.ts'
import { openReceipt, type Receipt } from '../../tests-spec/protocol/receipt.ts'
import { type Answer, CollectorConnection, NoAnswer, type Patience } from './collector-connection.ts'

/** What became of a batch. Only `accepted` lets the spool forget anything. */
export type SubmitOutcome =
  | { readonly kind: 'accepted'; readonly receipt: Receipt }
  /** Not now. `retryAfterMs` is what the collector asked for, an hour at most; null when it did not. */
  | { readonly kind: 'deferred'; readonly reason: string; readonly retryAfterMs: number | null }
  /** Never: the same bytes would be refused again. */
  | { readonly kind: 'rejected'; readonly code: string; readonly problem: string }

export interface CollectorAddress {
  /** Base URL. */
  readonly url: string
  /** The key pinned at enrolment: only its receipts count. */
  readonly collectorKeyId: string
  readonly collectorKey: KeyObject
}

/** `timeoutMs`: for one exchange, connecting included. */
export type SubmitOptions = Patience

const path = 'v1/batches'

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

/**
 * Posts one batch over a connection of its own.
 *
 * @returns The outcome, with the bytes the link carried. What the network does is an outcome, never an exception.
 */
export async function submitBatch(
  bytes: Uint8Array,
  id: BatchId,
  to: CollectorAddress,
  options: SubmitOptions,
): Promise<SubmitOutcome & { sent: number; received: number }> {
  const connection = new CollectorConnection(to.url)
  const outcome = await offerBatch(connection, bytes, id, to, options)
  connection.close()
  return { ...outcome, ...connection.bytes }
}

/** As `submitBatch`, over a connection that the caller closes. After anything but an answer it is closed already. */
export async function offerBatch(
  connection: CollectorConnection,
  bytes: Uint8Array,
  id: BatchId,
  to: CollectorAddress,
  options: SubmitOptions,
): Promise<SubmitOutcome> {
  try {
    const answer = await connection.post({ path, contentType: batchMediaType, body: bytes }, options)
    return outcomeOf(answer, id, to)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return { kind: 'deferred', reason: error.code, retryAfterMs: null }
  }
}

function outcomeOf(answer: Answer, id: BatchId, to: CollectorAddress): SubmitOutcome {
  if (answer.status === 200 || answer.status === 201) return believe(answer, id, to)
  return refusalOf(answer)
}

/** Stops a captive portal, a proxy that answers for others, and a receipt for another batch from costing data. */
function believe(
  { body, retryAfterMs }: Answer,
  id: BatchId,
  { collectorKeyId, collectorKey }: CollectorAddress,
): SubmitOutcome {
  let receipt: Receipt
  try {
    receipt = openReceipt(body, (keyId) => (keyId === collectorKeyId ? collectorKey : null))
  } catch {
    // Whatever is wrong with it, it is not the collector's word.
    return { kind: 'deferred', reason: 'not_a_receipt', retryAfterMs }
  }
  if (receipt.batch !== id) return { kind: 'deferred', reason: 'receipt_for_another_batch', retryAfterMs }
  return { kind: 'accepted', receipt }
}

function refusalOf({ status, body, retryAfterMs }: Answer): SubmitOutcome {
  const said = readProblem(body)
  const reason = said === null ? `status_${status}` : said.code
  const isFinal = status >= 400 && status < 500 && !passingStatuses.has(status)
  return said !== null && isFinal && finalCodes.has(said.code)
    ? { kind: 'rejected', code: said.code, problem: said.detail }
    : { kind: 'deferred', reason, retryAfterMs }
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
