// A probe's last word: its host withdraws, and nothing more is to be taken under its key. farewell.md is the page.

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { type DeviceId, deviceId } from './batch.ts'
import { EnvelopeRefused, type KeyLookup, openEnvelope, sealEnvelope } from './dsse.ts'

export const farewellType = 'application/vnd.sonde.farewell.v1+json'

const farewell = v.looseObject({
  v: v.literal(1),
  device: deviceId,
  /** Milliseconds since 1970 on the probe's clock, as far as that is known. */
  at: v.pipe(v.number(), v.integer(), v.minValue(0)),
})
export type Farewell = v.InferOutput<typeof farewell>

export function sealFarewell(device: DeviceId, at: number, privateKey: KeyObject): Buffer {
  return sealEnvelope(farewellType, Buffer.from(JSON.stringify({ v: 1, device, at })), device, privateKey)
}

/**
 * @param keyOf - Keys of the probes that are enrolled.
 * @throws {EnvelopeRefused} Also when it speaks of another probe than the one whose key signed it.
 */
export function openFarewell(bytes: Uint8Array, keyOf: KeyLookup): Farewell {
  const { payload, keyId } = openEnvelope(bytes, farewellType, keyOf)
  const parsed = v.safeParse(farewell, JSON.parse(payload.toString('utf8')))
  if (!parsed.success || parsed.output.device !== keyId)
    throw new EnvelopeRefused('malformed', 'No farewell of the probe that signed it')
  return parsed.output
}
