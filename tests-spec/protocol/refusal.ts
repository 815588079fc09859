// The collector's signed word that it will never take a batch. A problem document alone is not signed, and whatever stands
// on the way can write one: batch.md, "Refusals".

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { batchId } from './batch.ts'
import { type KeyLookup, openEnvelope, sealEnvelope } from './dsse.ts'

export const refusalType = 'application/vnd.sonde.refusal.v1+json'

/**
 * Codes that stay true of a batch whose signature verified, whatever happened to its bytes on the way. Of the other
 * codes a probe that can verify its own file knows that they speak of the way, or of the hour.
 */
export const lastingCodes: ReadonlySet<string> = new Set([
  'bad_manifest',
  'device_mismatch',
  'seq_conflict',
  'chain_broken',
])

export const refusal = v.looseObject({
  v: v.literal(1),
  batch: batchId,
  /** One of `lastingCodes`. */
  code: v.string(),
  /** Milliseconds since 1970 on the collector's clock. */
  at: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  collector: v.string(),
})
export type Refusal = v.InferOutput<typeof refusal>

/** Signs a refusal with the collector's key. */
export function sealRefusal(content: Refusal, privateKey: KeyObject): Buffer {
  return sealEnvelope(refusalType, Buffer.from(JSON.stringify(content)), content.collector, privateKey)
}

/**
 * @returns The refusal, signed by a collector that `keyOf` knows. The caller must check that it is for the right batch.
 * @throws {EnvelopeRefused} When it is not signed so, or `v.ValiError` when signed bytes do not fit the schema.
 */
export function openRefusal(bytes: Uint8Array, keyOf: KeyLookup): Refusal {
  const { payload } = openEnvelope(bytes, refusalType, keyOf)
  return v.parse(refusal, JSON.parse(payload.toString('utf8')))
}
