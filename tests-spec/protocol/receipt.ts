// The collector's signed word that a batch is stored. Only this lets a device forget the batch. batch.md, "Receipt".

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { batchId, deviceId } from './batch.ts'
import { type KeyLookup, openEnvelope, sealEnvelope } from './dsse.ts'

export const receiptType = 'application/vnd.sonde.receipt.v1+json'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

export const receipt = v.looseObject({
  v: v.literal(1),
  batch: batchId,
  device: deviceId,
  epoch: v.string(),
  seq: count,
  status: v.picklist(['stored', 'quarantined']),
  /** Why the batch was put in quarantine; null when it was not. */
  reason: v.nullable(v.string()),
  /** Milliseconds since 1970 on the collector's clock when the batch was durable. */
  at: count,
  collector: v.string(),
  /** Highest seq of this epoch up to which the collector holds every batch; null while seq 0 is missing. */
  contiguous: v.nullable(count),
  /** Ranges of seqs below the highest held that the collector lacks. */
  missing: v.pipe(v.array(v.tuple([count, count])), v.maxLength(32)),
  /** Seconds for which the device should wait before it sends routine batches again; 0 when it need not wait. */
  nextAfterS: count,
  /**
   * The collector's age recipient: a probe learns it from here if it was enrolled before there was one, or before it
   * changed.
   */
  recipient: v.optional(v.string()),
})
export type Receipt = v.InferOutput<typeof receipt>

/** Signs a receipt with the collector's key. */
export function sealReceipt(content: Receipt, privateKey: KeyObject): Buffer {
  return sealEnvelope(receiptType, Buffer.from(JSON.stringify(content)), content.collector, privateKey)
}

/**
 * @returns The receipt, signed by a collector that `keyOf` knows. The caller must check that it is for the right
 * batch.
 * @throws {EnvelopeRefused} When it is not signed so, or `v.ValiError` when signed bytes do not fit the schema.
 */
export function openReceipt(bytes: Uint8Array, keyOf: KeyLookup): Receipt {
  const { payload } = openEnvelope(bytes, receiptType, keyOf)
  return v.parse(receipt, JSON.parse(payload.toString('utf8')))
}
