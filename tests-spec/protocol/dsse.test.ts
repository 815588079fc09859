// Envelopes: the published vector first, then envelopes that must be refused.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  EnvelopeRefused,
  type KeyLookup,
  keyIdOf,
  openEnvelope,
  preAuthEncoding,
  publicKeyFrom,
  sealEnvelope,
} from './dsse.ts'

const type = 'http://example.com/HelloWorld'
const body = Buffer.from('hello world')
const signer = generateKeyPairSync('ed25519')
const stranger = generateKeyPairSync('ed25519')
const id = keyIdOf(signer.publicKey)
const known: KeyLookup = (keyId) => (keyId === id ? signer.publicKey : null)
const sealed = () => sealEnvelope(type, body, id, signer.privateKey)

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof EnvelopeRefused) return error.code
    throw error
  }
  return 'accepted'
}

describe('preAuthEncoding()', () => {
  it('gives the vector of the DSSE specification', () => {
    expect(preAuthEncoding(type, body).toString()).toBe(
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    )
  })

  it('counts bytes, not characters', () => {
    expect(preAuthEncoding('é', Buffer.from('ŋŋ')).toString()).toBe('DSSEv1 2 é 4 ŋŋ')
  })

  it('never gives two pairs the same bytes to sign', () => {
    const part = fc.string({ unit: fc.constantFrom('a', ' ', '1', '2'), maxLength: 6 })
    fc.assert(
      fc.property(part, part, part, part, (type1, body1, type2, body2) => {
        fc.pre(type1 !== type2 || body1 !== body2)
        const [one, other] = [
          preAuthEncoding(type1, Buffer.from(body1)),
          preAuthEncoding(type2, Buffer.from(body2)),
        ]
        expect(one.equals(other)).toBe(false)
      }),
    )
  })
})

describe('keyIdOf()', () => {
  it('is the first half of the digest of the SPKI form, for the key of RFC 8032 TEST 1', () => {
    const spki = '302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
    const key = publicKeyFrom(Buffer.from(spki, 'hex').toString('base64'))
    // echo -n … | xxd -r -p | sha256sum | cut -c 1-32
    expect(keyIdOf(key)).toBe('06e3fd8fda29bb60ab59557de61edb0a')
  })
})

describe('publicKeyFrom()', () => {
  const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64')

  it('reads what export() wrote', () => {
    expect(publicKeyFrom(spkiOf(signer.publicKey)).equals(signer.publicKey)).toBe(true)
  })

  it.each([
    ['nothing', ''],
    ['junk', 'AAAA'],
    ['a raw key without its SPKI head', signer.publicKey.export({ format: 'jwk' }).x ?? ''],
    ['an RSA key', spkiOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)],
    ['an X25519 key', spkiOf(generateKeyPairSync('x25519').publicKey)],
    ['an EC key', spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)],
  ])('refuses %s', (_, spki) => {
    expect(codeOf(() => publicKeyFrom(spki))).toBe('malformed')
  })
})

describe('openEnvelope()', () => {
  it('gives back what sealEnvelope() signed, and who signed it', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), (anyType, payload) => {
        const envelope = sealEnvelope(anyType, payload, id, signer.privateKey)
        expect(openEnvelope(envelope, anyType, known)).toEqual({ payload: Buffer.from(payload), keyId: id })
      }),
    )
  })

  it('verifies a signature made by the specification alone', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    const signed = Buffer.from('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
    const sig = sign(null, signed, privateKey).toString('base64')
    const envelope = { payloadType: type, payload: 'aGVsbG8gd29ybGQ=', signatures: [{ keyid: 'x', sig }] }
    const publicKey = createPublicKey(privateKey)
    expect(openEnvelope(Buffer.from(JSON.stringify(envelope)), type, () => publicKey).payload).toEqual(body)
  })

  it('passes over signatures by keys it does not know', () => {
    const other = JSON.parse(sealEnvelope(type, body, 'stranger', stranger.privateKey).toString())
    const own = JSON.parse(sealed().toString())
    const both = { ...own, signatures: [...other.signatures, ...own.signatures] }
    expect(openEnvelope(Buffer.from(JSON.stringify(both)), type, known).keyId).toBe(id)
  })

  it('keeps reading envelopes that have fields of a later day', () => {
    const later = { ...JSON.parse(sealed().toString()), extension: 1 }
    expect(openEnvelope(Buffer.from(JSON.stringify(later)), type, known).keyId).toBe(id)
  })

  /** The envelope of `sealed()` with a change. */
  const changed = (change: (envelope: Record<string, unknown>) => unknown) =>
    Buffer.from(JSON.stringify(change(JSON.parse(sealed().toString()))))
  const sigOf = (bytes: Buffer) => JSON.parse(bytes.toString()).signatures[0].sig

  const rows: readonly [what: string, code: string, bytes: Buffer][] = [
    ['what is not JSON', 'malformed', Buffer.from('PSB1')],
    ['what is not UTF-8', 'malformed', Buffer.from([0x7b, 0xff, 0x7d])],
    ['an envelope without signatures', 'malformed', changed((e) => ({ ...e, signatures: [] }))],
    [
      'one with more signatures than anyone makes',
      'malformed',
      changed((e) => ({ ...e, signatures: Array(17).fill({ keyid: id, sig: '' }) })),
    ],
    ['a payload that is not base64', 'malformed', changed((e) => ({ ...e, payload: 'hello world' }))],
    ['a list in place of an object', 'malformed', changed((e) => [e])],
    [
      'a document of another type, well signed',
      'wrong_type',
      sealEnvelope('other', body, id, signer.privateKey),
    ],
    [
      'a type changed after signing',
      'bad_signature',
      Buffer.from(sealEnvelope('other', body, id, signer.privateKey).toString().replace('other', type)),
    ],
    [
      'one signed by a stranger only',
      'unknown_key',
      sealEnvelope(type, body, 'stranger', stranger.privateKey),
    ],
    [
      'a stranger in the name of a known key',
      'bad_signature',
      sealEnvelope(type, body, id, stranger.privateKey),
    ],
    [
      'a payload changed after signing',
      'bad_signature',
      changed((e) => ({ ...e, payload: 'aGVsbG8gV29ybGQ=' })),
    ],
    ['an empty signature', 'bad_signature', changed((e) => ({ ...e, signatures: [{ keyid: id, sig: '' }] }))],
    [
      'a bad signature by a known key, with a good one behind it: nobody honest sends that',
      'bad_signature',
      changed((e) => ({
        ...e,
        signatures: [{ keyid: id, sig: '' }, ...(e.signatures as unknown[])],
      })),
    ],
    [
      'a signature over the bare payload, without its type',
      'bad_signature',
      changed((e) => ({
        ...e,
        signatures: [{ keyid: id, sig: sign(null, body, signer.privateKey).toString('base64') }],
      })),
    ],
    [
      'a signature moved here from another document',
      'bad_signature',
      changed((e) => ({
        ...e,
        signatures: [{ keyid: id, sig: sigOf(sealEnvelope(type, Buffer.from('x'), id, signer.privateKey)) }],
      })),
    ],
  ]

  it.each(rows)('refuses %s (%s)', (_, code, bytes) => {
    expect(codeOf(() => openEnvelope(bytes, type, known))).toBe(code)
  })

  it('refuses an envelope of which any byte was changed, or gives back the same payload', () => {
    const envelope = sealed()
    for (let i = 0; i < envelope.length; i++) {
      const bytes = Buffer.from(envelope)
      bytes.writeUInt8(bytes.readUInt8(i) ^ 1, i)
      try {
        // Base64 can write the same bytes in more than one way; no other change is accepted.
        expect(openEnvelope(bytes, type, known)).toEqual({ payload: body, keyId: id })
      } catch (error) {
        expect(error).toBeInstanceOf(EnvelopeRefused)
      }
    }
  })
})
