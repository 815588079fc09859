// Enrolment: the example of enrolment.md, tokens, proofs, and records that must not be believed.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { deviceId } from './batch.ts'
import { EnvelopeRefused, keyIdOf, publicKeyFrom, sealEnvelope } from './dsse.ts'
import {
  type Enrolment,
  enrolmentRequest,
  enrolmentType,
  macHolds,
  makeEnrolmentRequest,
  makeToken,
  openEnrolment,
  proofHolds,
  readToken,
  sealEnrolment,
  tokenIdOf,
  tokenKeyOf,
} from './enrolment.ts'

const probe = generateKeyPairSync('ed25519')
const collector = generateKeyPairSync('ed25519')
const collectorId = keyIdOf(collector.publicKey)
const impostor = generateKeyPairSync('ed25519')
const impostorId = keyIdOf(impostor.publicKey)
const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64')

const content: Enrolment = {
  v: 1,
  device: v.parse(deviceId, keyIdOf(probe.publicKey)),
  spki: spkiOf(probe.publicKey),
  collector: collectorId,
  collectorSpki: spkiOf(collector.publicKey),
  at: 1_790_000_000_000,
}

describe('makeToken() and readToken()', () => {
  it('give back secret and collector', () => {
    const text = makeToken(collectorId)
    expect(readToken(text)).toEqual({ secret: text.slice(7, 33), collectorKeyId: collectorId })
  })

  it('never make the same token twice, and use all digits alike', () => {
    const tokens = Array.from({ length: 400 }, () => makeToken(collectorId))
    expect(new Set(tokens).size).toBe(400)
    const digits = new Set(tokens.map((text) => text.slice(7, 33)).join(''))
    expect([...digits].sort().join('')).toBe('23456789abcdefghijkmnpqrstuvwxyz')
  })

  it('forgive what people do to a token on its way', () => {
    const text = makeToken(collectorId)
    for (const each of [` ${text}\n`, text.toUpperCase(), `\t${text}`])
      expect(readToken(each)).toEqual(readToken(text))
  })

  it.each([
    ['nothing', ''],
    ['a word', 'sonde'],
    ['another version', `sonde2-${'a'.repeat(26)}-${collectorId}`],
    ['half a secret', `sonde1-${'a'.repeat(13)}-${collectorId}`],
    ['half a collector', `sonde1-${'a'.repeat(26)}-${collectorId.slice(16)}`],
    ['a digit no token has', `sonde1-${'a'.repeat(25)}1-${collectorId}`],
    ['more behind it', `${makeToken(collectorId)}-x`],
    ['two tokens', `${makeToken(collectorId)} ${makeToken(collectorId)}`],
  ])('read %s as no token', (_, text) => {
    expect(readToken(text)).toBeNull()
  })
})

describe('proofHolds()', () => {
  const secret = 'a'.repeat(26)
  const request = makeEnrolmentRequest(secret, probe.publicKey, probe.privateKey)

  it('is true for whoever holds the key', () => {
    expect(v.is(enrolmentRequest, request)).toBe(true)
    expect(proofHolds(request, publicKeyFrom(request.spki))).toBe(true)
  })

  it.each([
    ['a key that was only seen', { ...request, spki: spkiOf(impostor.publicKey) }],
    ['a proof that was made for another token', { ...request, token: 'b'.repeat(64) }],
    ['no proof', { ...request, proof: '' }],
    ['a proof of the wrong length', { ...request, proof: 'AAAA' }],
  ])('is false for %s', (_, wrong) => {
    expect(proofHolds(wrong, publicKeyFrom(wrong.spki))).toBe(false)
  })
})

describe('macHolds()', () => {
  const secret = 'a'.repeat(26)
  const request = makeEnrolmentRequest(secret, probe.publicKey, probe.privateKey)
  const heard = makeEnrolmentRequest('c'.repeat(26), impostor.publicKey, impostor.privateKey)

  it('is true for whoever knows the token, of whom the request tells nobody', () => {
    expect(macHolds(request, tokenKeyOf(secret))).toBe(true)
    expect(JSON.stringify(request)).not.toContain(secret)
    expect(JSON.stringify(request)).not.toContain(tokenKeyOf(secret).toString('hex'))
  })

  it.each([
    ['the key of a listener in place of it', { ...request, spki: heard.spki, proof: heard.proof }],
    ['the MAC of another token', { ...request, mac: heard.mac }],
    ['the name of another token', { ...request, token: heard.token }],
  ])('is false for %s', (_, wrong) => {
    expect(macHolds(wrong, tokenKeyOf(secret))).toBe(false)
  })
})

describe('openEnrolment()', () => {
  const record = sealEnrolment(content, collector.privateKey)

  it('gives the record, the key of its collector, and the digest of the signed body', () => {
    const opened = openEnrolment(record, collectorId)
    expect(opened.enrolment).toEqual(content)
    expect(opened.collectorKey.equals(collector.publicKey)).toBe(true)
    expect(opened.digest).toBe(createHash('sha256').update(JSON.stringify(content)).digest('hex'))
  })

  const ofImpostor: Enrolment = {
    ...content,
    collector: impostorId,
    collectorSpki: spkiOf(impostor.publicKey),
  }
  const rows: readonly [what: string, code: string, bytes: Buffer][] = [
    ['a login page', 'malformed', Buffer.from('<html>')],
    ['an empty answer', 'malformed', Buffer.alloc(0)],
    ['null', 'malformed', Buffer.from('null')],
    [
      'a record without a collector’s key',
      'malformed',
      sealEnvelope(enrolmentType, Buffer.from('{}'), collectorId, collector.privateKey),
    ],
    [
      'a record of another collector, in order in itself',
      'unknown_key',
      sealEnrolment(ofImpostor, impostor.privateKey),
    ],
    [
      'a record of another collector under the name of ours',
      'unknown_key',
      sealEnrolment({ ...ofImpostor, collector: collectorId }, impostor.privateKey),
    ],
    [
      'our collector’s key, shown by one who does not hold it',
      'bad_signature',
      sealEnrolment(content, impostor.privateKey),
    ],
    [
      'our collector’s key in a record that another signed',
      'unknown_key',
      sealEnvelope(enrolmentType, Buffer.from(JSON.stringify(content)), impostorId, impostor.privateKey),
    ],
    [
      'a document of another type, signed by our collector',
      'wrong_type',
      sealEnvelope(
        'application/vnd.sonde.receipt.v1+json',
        Buffer.from(JSON.stringify(content)),
        collectorId,
        collector.privateKey,
      ),
    ],
  ]

  it.each(rows)('refuses %s (%s)', (_, code, bytes) => {
    expect(() => openEnrolment(bytes, collectorId)).toThrow(
      expect.objectContaining({ name: EnvelopeRefused.name, code }),
    )
  })

  it('refuses a record that is signed and lacks a field', () => {
    const { device: _, ...rest } = content
    const bytes = sealEnvelope(
      enrolmentType,
      Buffer.from(JSON.stringify(rest)),
      collectorId,
      collector.privateKey,
    )
    expect(() => openEnrolment(bytes, collectorId)).toThrow('device')
  })
})

describe('enrolment.md', () => {
  const page = readFileSync(new URL('enrolment.md', import.meta.url), 'utf8')
  const example = page.slice(page.indexOf('## Example'))
  const [token = '', request = '', body = '', answer = ''] = [
    ...example.matchAll(/```(?:json)?\n([\s\S]*?)```/g),
  ].map((match) => match[1]?.trim() ?? '')
  const [kept, digest] = [...example.matchAll(/`([0-9a-f]{64})`/g)].map((match) => match[1])
  const keyFrom = (seed: string) => {
    const key = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  }
  const probeKey = keyFrom('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
  const collectorKey = keyFrom('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')

  it('has an example in which everything fits', () => {
    const read = readToken(token)
    if (read === null) throw new Error('The example has no token')
    expect(tokenKeyOf(read.secret).toString('hex')).toBe(kept)
    expect(tokenIdOf(tokenKeyOf(read.secret))).toBe(JSON.parse(request).token)
    expect(macHolds(JSON.parse(request), tokenKeyOf(read.secret))).toBe(true)
    expect(makeEnrolmentRequest(read.secret, createPublicKey(probeKey), probeKey)).toEqual(
      JSON.parse(request),
    )
    expect(proofHolds(JSON.parse(request), createPublicKey(probeKey))).toBe(true)
    const opened = openEnrolment(Buffer.from(answer), read.collectorKeyId)
    expect(opened.enrolment).toEqual(JSON.parse(body))
    expect(opened.digest).toBe(digest)
    expect(sealEnrolment(JSON.parse(body), collectorKey).toString()).toBe(answer)
  })
})
