// How a device becomes known to a collector: a one-time token is exchanged for a signed enrolment record.
// enrolment.md is the page.
//
// Token: `sonde1-SECRET-KEYID`. SECRET is 26 base32 digits (130 bits), and goes from hand to hand alone: on the wire stand
// a name for it and a MAC over the probe's key, so that whoever listens can enrol nothing with what they hear. Collector
// and probe make the MAC with the SHA-256 of SECRET, which the collector keeps as a secret.
// KEYID names the collector's signing key, so a device that was given the token by hand knows which collector's
// record to believe, whatever network lies between.

import {
  createHash,
  createHmac,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
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
  /** `tokenIdOf()` its key. */
  token: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** The device's public key, in base64 SPKI form. */
  spki: v.pipe(v.string(), v.maxLength(200)),
  /** HMAC-SHA256 over `boundBytes()` with the token's key, in hex: the token is for this key and no other. */
  mac: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** Base64 Ed25519 signature over the same: the device holds the key that it enrols. */
  proof: v.pipe(v.string(), v.maxLength(200)),
})
export type EnrolmentRequest = v.InferOutput<typeof enrolmentRequest>

export const enrolment = v.looseObject({
  v: v.literal(1),
  device: deviceId,
  spki: v.string(),
  collector: v.string(),
  collectorSpki: v.string(),
  /**
   * SHA-256 of the root of trust that the coordinator signs test lists by; absent where it has none. Whoever enrols is
   * told it by the collector that the token names.
   */
  listsRoot: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
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

/** The key that a token stands for: what probe and collector share, and nothing on the wire tells. */
export function tokenKeyOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** A name for a token that tells neither its secret nor its key. */
export function tokenIdOf(key: Uint8Array): string {
  return createHash('sha256').update('sonde-token-v1\n').update(key).digest('hex')
}

function boundBytes({ token, spki }: Pick<EnrolmentRequest, 'token' | 'spki'>): Buffer {
  return Buffer.from(`sonde-enrol-v1\n${token}\n${spki}`)
}

function macOf(request: Pick<EnrolmentRequest, 'token' | 'spki'>, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(boundBytes(request)).digest()
}

export function makeEnrolmentRequest(
  secret: string,
  publicKey: KeyObject,
  privateKey: KeyObject,
): EnrolmentRequest {
  const key = tokenKeyOf(secret)
  const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const bound = { token: tokenIdOf(key), spki }
  return {
    v: 1,
    ...bound,
    mac: macOf(bound, key).toString('hex'),
    proof: sign(null, boundBytes(bound), privateKey).toString('base64'),
  }
}

/** @returns Whether the sender knows the token's secret, and means this key. */
export function macHolds(request: EnrolmentRequest, key: Uint8Array): boolean {
  const given = Buffer.from(request.mac, 'hex')
  const expected = macOf(request, key)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** @returns Whether the sender holds the private half of `publicKey`. */
export function proofHolds(request: EnrolmentRequest, publicKey: KeyObject): boolean {
  return verify(null, boundBytes(request), publicKey, Buffer.from(request.proof, 'base64'))
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
