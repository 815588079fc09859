// How a device becomes known to a collector: a one-time token is exchanged for a signed enrolment record.
// enrolment.md is the page.
//
// Token: `sonde1-SECRET-KEYID`. SECRET is 26 base32 digits (130 bits), of which the collector keeps only the SHA-256.
// KEYID names the collector's signing key, so a device that was given the token by hand knows which collector's
// record to believe, whatever network lies between.

import { type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import * as v from 'valibot'
import { deviceId, sha256Hex } from './batch.ts'
import { EnvelopeRefused, keyIdOf, openEnvelope, publicKeyFrom, sealEnvelope } from './dsse.ts'
import { maxEndpoints } from './endpoint.ts'

export const enrolmentType = 'application/vnd.sonde.enrolment.v1+json'

const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789'
const tokenForm = /^sonde1-([a-z2-9]{26})-([0-9a-f]{32})$/

export interface Token {
  readonly secret: string
  readonly collectorKeyId: string
}

/** @returns A new token. The random source is an argument so that tests can fix it. */
export function makeToken(
  collectorKeyId: string,
  random: (bytes: number) => Uint8Array = randomBytes,
): string {
  const digits = Array.from(random(26), (byte) => alphabet[byte % 32]).join('')
  return `sonde1-${digits}-${collectorKeyId}`
}

/** @returns null for anything that is not a token; white space around it is ignored. */
export function readToken(text: string): Token | null {
  const match = tokenForm.exec(text.trim().toLowerCase())
  if (match?.[1] === undefined || match[2] === undefined) return null
  return { secret: match[1], collectorKeyId: match[2] }
}

export const enrolmentRequest = v.object({
  v: v.literal(1),
  secret: v.pipe(v.string(), v.regex(/^[a-z2-9]{26}$/)),
  /** The device's public key, in base64 SPKI form. */
  spki: v.pipe(v.string(), v.maxLength(200)),
  /** Base64 Ed25519 signature over `proofBytes(secret)`: proves that the device holds the key that it enrols. */
  proof: v.pipe(v.string(), v.maxLength(200)),
})
export type EnrolmentRequest = v.InferOutput<typeof enrolmentRequest>

export const enrolment = v.looseObject({
  v: v.literal(1),
  device: deviceId,
  spki: v.string(),
  collector: v.string(),
  collectorSpki: v.string(),
  /** Age recipient to seal batches to for a stick. Absent in records from before collectors had one. */
  recipient: v.optional(v.string()),
  /** Milliseconds since 1970 on the collector's clock. */
  at: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /**
   * Ways to the collector, in the order in which it names them; `readEndpoints()` leaves out those of a later kind.
   */
  endpoints: v.optional(v.pipe(v.array(v.looseObject({ kind: v.string() })), v.maxLength(maxEndpoints))),
})
export type Enrolment = v.InferOutput<typeof enrolment>

function proofBytes(secret: string): Buffer {
  return Buffer.from(`sonde-enrol-v1\n${secret}`)
}

export function makeEnrolmentRequest(
  secret: string,
  publicKey: KeyObject,
  privateKey: KeyObject,
): EnrolmentRequest {
  return {
    v: 1,
    secret,
    spki: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    proof: sign(null, proofBytes(secret), privateKey).toString('base64'),
  }
}

/** @returns Whether the sender holds the private half of `publicKey`. */
export function proofHolds(request: EnrolmentRequest, publicKey: KeyObject): boolean {
  return verify(null, proofBytes(request.secret), publicKey, Buffer.from(request.proof, 'base64'))
}

export function sealEnrolment(content: Enrolment, privateKey: KeyObject): Buffer {
  return sealEnvelope(enrolmentType, Buffer.from(JSON.stringify(content)), content.collector, privateKey)
}

/**
 * Opens an enrolment record, which contains the collector's key: that key must have the id that the token names.
 *
 * @returns The record, the collector's key, and the SHA-256 that seq 0 of every epoch links back to.
 * @throws {EnvelopeRefused} When the record is not signed by the key that the token names.
 */
export function openEnrolment(
  bytes: Uint8Array,
  collectorKeyId: string,
): { enrolment: Enrolment; collectorKey: KeyObject; digest: string } {
  const unverified = peekCollectorKey(bytes)
  // Stops a network in the middle from enrolling the device with a collector of its own.
  if (keyIdOf(unverified) !== collectorKeyId) {
    throw new EnvelopeRefused(
      'unknown_key',
      `Enrolment comes from ${keyIdOf(unverified)}, the token names ${collectorKeyId}`,
    )
  }
  const { payload } = openEnvelope(bytes, enrolmentType, (id) => (id === collectorKeyId ? unverified : null))
  const content = v.parse(enrolment, JSON.parse(payload.toString('utf8')))
  return { enrolment: content, collectorKey: unverified, digest: sha256Hex(payload) }
}

function peekCollectorKey(bytes: Uint8Array): KeyObject {
  try {
    const outer = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const inner = JSON.parse(Buffer.from(String(outer.payload), 'base64').toString('utf8'))
    return publicKeyFrom(String(inner.collectorSpki))
  } catch (cause) {
    if (cause instanceof EnvelopeRefused) throw cause
    throw new EnvelopeRefused('malformed', 'Enrolment record cannot be read', { cause })
  }
}
