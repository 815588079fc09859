// DSSE envelopes (secure-systems-lab/dsse, protocol 1.0.2) with one Ed25519 signature. The signature covers the type
// and the very bytes that are sent, so nothing is serialised again before it is checked.

import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import * as v from 'valibot'
import { parseStrictJson } from './strict-json.ts'

const base64 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*={0,2}$/))
const envelope = v.looseObject({
  payloadType: v.string(),
  payload: base64,
  signatures: v.pipe(
    v.array(v.looseObject({ keyid: v.string(), sig: base64 })),
    v.minLength(1),
    v.maxLength(16),
  ),
})

/** An envelope that cannot be read or does not verify. Nothing in it may be believed. */
export class EnvelopeRefused extends Error {
  override readonly name = 'EnvelopeRefused'
  readonly code: 'malformed' | 'wrong_type' | 'unknown_key' | 'bad_signature'

  constructor(code: EnvelopeRefused['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Gives the key of an accepted signer by its id; null for a key that is not known. */
export type KeyLookup = (keyId: string) => KeyObject | null

/** A lookup that accepts one key alone. */
export function onlyKey({
  id,
  publicKey,
}: {
  readonly id: string
  readonly publicKey: KeyObject
}): KeyLookup {
  return (keyId) => (keyId === id ? publicKey : null)
}

/**
 * 128 bits of the SHA-256 of the public key's SPKI form, in hex. It is the name of a device and of a collector's key.
 */
export function keyIdOf(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('hex').slice(0, 32)
}

/**
 * Reads an Ed25519 public key in base64 SPKI form.
 * @throws {EnvelopeRefused} `malformed` for anything else, other key types included.
 */
export function publicKeyFrom(spkiBase64: string): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(spkiBase64, 'base64'), type: 'spki', format: 'der' })
  } catch (cause) {
    throw new EnvelopeRefused('malformed', 'Cannot read public key: expected base64 SPKI', { cause })
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new EnvelopeRefused(
      'malformed',
      `Cannot use public key: it is ${key.asymmetricKeyType}, expected ed25519`,
    )
  }
  if (isWeak(key)) throw new EnvelopeRefused('malformed', 'Cannot use public key: anyone can sign for it')
  return key
}

/** 2^255 − 19, least byte first: the number of the field. */
const field = Buffer.from(`ed${'ff'.repeat(30)}7f`, 'hex')
/** Points of small order: under such a key anyone can make signatures that OpenSSL 3.0 verifies; 3.5 does not. */
const weakPoints = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
])

function isWeak(key: KeyObject): boolean {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-32)
  // The highest bit is the sign of the other coordinate.
  point[31] = (point[31] ?? 0) & 0x7f
  // A number beyond the field is another way to write a small one: all of these are of small order or no points.
  return weakPoints.has(point.toString('hex')) || Buffer.compare(reversed(point), reversed(field)) >= 0
}

function reversed(bytes: Buffer): Buffer {
  return Buffer.from(bytes).reverse()
}

/**
 * Signs the bytes of `payload` unchanged.
 * @returns One line of JSON.
 */
export function sealEnvelope(
  payloadType: string,
  payload: Uint8Array,
  keyId: string,
  privateKey: KeyObject,
): Buffer {
  const sig = sign(null, preAuthEncoding(payloadType, payload), privateKey).toString('base64')
  const text = {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: keyId, sig }],
  }
  return Buffer.from(JSON.stringify(text))
}

/**
 * Opens an envelope of type `payloadType` that carries one good signature by a known key.
 *
 * A signature by an unknown key is ignored (DSSE allows several signers); if one by a known key does not verify, the
 * envelope is refused, since no honest sender makes one.
 *
 * @returns The payload's bytes and the key that signed them.
 * @throws {EnvelopeRefused} In every other case.
 */
export function openEnvelope(
  bytes: Uint8Array,
  payloadType: string,
  keyOf: KeyLookup,
): { payload: Buffer; keyId: string } {
  const { unverified, payload } = readEnvelope(bytes)
  // Stops one kind of document from being passed off as another kind that the same key signs.
  if (unverified.payloadType !== payloadType) {
    throw new EnvelopeRefused(
      'wrong_type',
      `Envelope holds ${unverified.payloadType}, expected ${payloadType}`,
    )
  }
  const signed = preAuthEncoding(payloadType, payload)
  for (const { keyid, sig } of unverified.signatures) {
    const key = keyOf(keyid)
    if (key === null) continue
    if (!verify(null, signed, key, Buffer.from(sig, 'base64'))) {
      throw new EnvelopeRefused('bad_signature', `Signature by ${keyid} does not verify`)
    }
    return { payload, keyId: keyid }
  }
  const ids = unverified.signatures.map((each) => each.keyid).join(', ')
  throw new EnvelopeRefused('unknown_key', `No signature by a known key; signed by ${ids}`)
}

function readEnvelope(bytes: Uint8Array): { unverified: v.InferOutput<typeof envelope>; payload: Buffer } {
  let json: unknown
  try {
    json = parseStrictJson(bytes)
  } catch (cause) {
    throw new EnvelopeRefused('malformed', 'Envelope is not JSON that all read alike', { cause })
  }
  const parsed = v.safeParse(envelope, json)
  if (!parsed.success)
    throw new EnvelopeRefused('malformed', 'Envelope lacks payloadType, payload or signatures')
  return { unverified: parsed.output, payload: Buffer.from(parsed.output.payload, 'base64') }
}

/** DSSE's "PAE": lengths come first, so that no two (type, payload) pairs have the same signed bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType)
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ])
}
