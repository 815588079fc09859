// Batches: the example of batch.md, round trips, and a table of files that must not be believed.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { brotliCompressSync } from 'node:zlib'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  BatchRefused,
  deviceId,
  encodeBatch,
  type Manifest,
  manifestType,
  maxEnvelopeBytes,
  sha256Hex,
  verifyBatch,
} from './batch.ts'
import { type KeyLookup, keyIdOf, publicKeyFrom, sealEnvelope } from './dsse.ts'

const probe = generateKeyPairSync('ed25519')
const device = v.parse(deviceId, keyIdOf(probe.publicKey))
const other = generateKeyPairSync('ed25519')
const otherDevice = v.parse(deviceId, keyIdOf(other.publicKey))
/** The keys of two enrolled probes, as a collector knows them. */
const enrolled: KeyLookup = (id) =>
  id === device ? probe.publicKey : id === otherDevice ? other.publicKey : null

const payload = brotliCompressSync(Buffer.from('{"n":0}\n{"n":1}\n'))

function manifestFor(bytes: Uint8Array): Manifest {
  return {
    v: 1,
    device,
    epoch: '0123456789abcdef01',
    seq: 3,
    prev: 'a'.repeat(64),
    records: { n: 2, ranges: [[0, 1]], classes: { anomaly: 1, routine: 1, diagnostic: 0 } },
    lost: [{ ranges: [[2, 4]], reason: 'torn' }],
    payload: {
      codec: 'br',
      len: bytes.length,
      sha256: sha256Hex(bytes),
      rawLen: 16,
      rawSha256: sha256Hex(Buffer.from('{"n":0}\n{"n":1}\n')),
      schema: 'sonde-record-1',
    },
    time: { wall: 1_790_000_000_000, bootId: 'b', monoMs: 5, src: 'none', uncMs: null },
    lists: { core: 7 },
    agent: { version: '0.1.0' },
    why: 'age',
  }
}

const content = manifestFor(payload)
const good = encodeBatch(content, payload, probe.privateKey)

function codeOf(bytes: Uint8Array, keyOf: KeyLookup = enrolled): string {
  try {
    verifyBatch(bytes, keyOf)
  } catch (error) {
    if (error instanceof BatchRefused) return error.code
    throw error
  }
  return 'accepted'
}

/** Puts the parts of a file together, possibly wrongly. */
function frame(envelope: Uint8Array, body: Uint8Array, length = envelope.length): Buffer {
  const head = Buffer.alloc(8)
  head.write('PSB1', 'latin1')
  head.writeUInt32BE(length, 4)
  return Buffer.concat([head, envelope, body])
}

/** A batch with a changed manifest, correctly signed. */
function withManifest(change: (manifest: Manifest) => unknown): Buffer {
  const body = Buffer.from(JSON.stringify(change(structuredClone(content))))
  return frame(sealEnvelope(manifestType, body, device, probe.privateKey), payload)
}

/** A batch whose evidence of the time has these fields. */
function withTime(time: object): Buffer {
  return withManifest((manifest) => ({ ...manifest, time: { ...manifest.time, ...time } }))
}

const anchor = { batch: 'b'.repeat(64), at: 1_790_000_000_000, sent: null, received: { monoMs: 5 } }
const step = { monoMs: 4, deltaMs: -36_000_000, suspendedMs: null }

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

const envelope = sealEnvelope(manifestType, Buffer.from(JSON.stringify(content)), device, probe.privateKey)

describe('encodeBatch() and verifyBatch()', () => {
  it('give back manifest and payload, and the digest of the manifest as id', () => {
    const batch = verifyBatch(good.bytes, enrolled)
    expect(batch.id).toBe(good.id)
    expect(batch.id).toBe(createHash('sha256').update(JSON.stringify(content)).digest('hex'))
    expect(batch.manifest).toEqual(content)
    expect(Buffer.from(batch.payload)).toEqual(payload)
  })

  it('do so for any payload, and wherever the bytes lie in memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), fc.nat(9), (bytes, offset) => {
        const { id, bytes: file } = encodeBatch(manifestFor(bytes), bytes, probe.privateKey)
        const moved = new Uint8Array(file.length + offset)
        moved.set(file, offset)
        const batch = verifyBatch(moved.subarray(offset), enrolled)
        expect(batch.id).toBe(id)
        expect(new Uint8Array(batch.payload)).toEqual(bytes)
      }),
    )
  })

  it('give the same id for the same manifest, and another for any other', () => {
    expect(encodeBatch(content, payload, probe.privateKey).id).toBe(good.id)
    expect(encodeBatch({ ...content, seq: 4 }, payload, probe.privateKey).id).not.toBe(good.id)
  })

  it('take evidence of the time in every form it has', () => {
    const sent = { monoMs: 3, suspendedMs: null, stepCount: 2 }
    for (const time of [
      { suspendedMs: 0, stepCount: 1, lastSyncAgeS: 0, notBefore: 1_530_000_000_000 },
      { suspendedMs: -3, steps: [step, { ...step, suspendedMs: 8_000 }] },
      { suspendedMs: null, anchors: [anchor, { ...anchor, sent }] },
    ]) {
      expect(verifyBatch(withTime(time), enrolled).manifest.time).toMatchObject(time)
    }
  })

  it('keep fields of a later day', () => {
    const bytes = withManifest((manifest) => ({ ...manifest, enc: { type: 'age-x25519' } }))
    expect(verifyBatch(bytes, enrolled).manifest).toMatchObject({ enc: { type: 'age-x25519' } })
  })
})

/** Each row: what is wrong, the code of the refusal, the file. */
const rows: readonly [what: string, code: string, bytes: Uint8Array][] = [
  ['nothing at all', 'truncated', Buffer.alloc(0)],
  ['a head that is cut', 'truncated', good.bytes.subarray(0, 7)],
  ['a head alone', 'truncated', good.bytes.subarray(0, 8)],
  ['an envelope that is cut', 'truncated', good.bytes.subarray(0, 100)],
  ['a payload that is not there', 'truncated', frame(envelope, Buffer.alloc(0))],
  ['a payload that lacks its last byte', 'truncated', good.bytes.subarray(0, -1)],
  ['another kind of file', 'not_a_batch', Buffer.from('PK\x03\x04 and so on')],
  [
    'another version of the frame',
    'not_a_batch',
    Buffer.from(good.bytes.toString('latin1').replace('PSB1', 'PSB2'), 'latin1'),
  ],
  ['an envelope of a megabyte', 'too_large', frame(Buffer.alloc(1 << 20), payload)],
  ['a length of four gigabytes', 'too_large', frame(envelope, payload, 0xffffffff)],
  ['a length of one more than is allowed', 'too_large', frame(envelope, payload, maxEnvelopeBytes + 1)],
  ['a length that cuts the envelope', 'bad_envelope', frame(envelope, payload, envelope.length - 1)],
  ['an envelope of no bytes', 'bad_envelope', frame(Buffer.alloc(0), payload)],
  ['an envelope that is not JSON', 'bad_envelope', frame(Buffer.from('hello'), payload)],
  [
    'an envelope of another type, well signed: a receipt is no batch',
    'bad_envelope',
    frame(
      sealEnvelope('application/vnd.sonde.receipt.v1+json', Buffer.from('{}'), device, probe.privateKey),
      payload,
    ),
  ],
  [
    'a probe that is not enrolled',
    'unknown_key',
    frame(
      sealEnvelope(manifestType, Buffer.from(JSON.stringify(content)), 'f'.repeat(32), other.privateKey),
      payload,
    ),
  ],
  [
    'a signature by somebody else in the name of the probe',
    'bad_signature',
    frame(
      sealEnvelope(manifestType, Buffer.from(JSON.stringify(content)), device, other.privateKey),
      payload,
    ),
  ],
  [
    'a manifest changed after signing',
    'bad_signature',
    frame(
      Buffer.from(
        JSON.stringify({
          ...JSON.parse(envelope.toString()),
          payload: Buffer.from(JSON.stringify({ ...content, seq: 4 })).toString('base64'),
        }),
      ),
      payload,
    ),
  ],
  [
    'a manifest that is not JSON',
    'bad_manifest',
    frame(sealEnvelope(manifestType, Buffer.from('seq=3'), device, probe.privateKey), payload),
  ],
  ['a manifest that is a list', 'bad_manifest', withManifest((m) => [m])],
  ['a version of a later day', 'bad_manifest', withManifest((m) => ({ ...m, v: 2 }))],
  ['a device that is no key id', 'bad_manifest', withManifest((m) => ({ ...m, device: '../../etc' }))],
  ['an epoch in capitals', 'bad_manifest', withManifest((m) => ({ ...m, epoch: m.epoch.toUpperCase() }))],
  [
    'an epoch that climbs out of a folder',
    'bad_manifest',
    withManifest((m) => ({ ...m, epoch: '../../../../../x/y' })),
  ],
  ['a seq below 0', 'bad_manifest', withManifest((m) => ({ ...m, seq: -1 }))],
  ['a seq that is no whole number', 'bad_manifest', withManifest((m) => ({ ...m, seq: 3.5 }))],
  ['a seq too large to count with', 'bad_manifest', withManifest((m) => ({ ...m, seq: 2 ** 53 }))],
  ['a seq in quotes', 'bad_manifest', withManifest((m) => ({ ...m, seq: '3' }))],
  ['no prev', 'bad_manifest', withManifest(({ prev: _, ...m }) => m)],
  ['a prev that is too short', 'bad_manifest', withManifest((m) => ({ ...m, prev: 'a'.repeat(63) }))],
  [
    'a range of one number',
    'bad_manifest',
    withManifest((m) => ({ ...m, records: { ...m.records, ranges: [[0]] } })),
  ],
  [
    'a loss without a reason we know',
    'bad_manifest',
    withManifest((m) => ({ ...m, lost: [{ ranges: [[0, 1]], reason: 'stolen' }] })),
  ],
  [
    'more lost ranges in one entry than an entry takes',
    'bad_manifest',
    withManifest((m) => ({ ...m, lost: [{ ranges: Array(33).fill([0, 1]), reason: 'torn' }] })),
  ],
  [
    'a codec that is not brotli',
    'bad_manifest',
    withManifest((m) => ({ ...m, payload: { ...m.payload, codec: 'gzip' } })),
  ],
  [
    'a payload larger than anyone takes',
    'bad_manifest',
    withManifest((m) => ({ ...m, payload: { ...m.payload, len: 9_000_000 } })),
  ],
  [
    'a payload that would unpack to a gigabyte',
    'bad_manifest',
    withManifest((m) => ({ ...m, payload: { ...m.payload, rawLen: 2 ** 30 } })),
  ],
  [
    'a source of time nobody knows',
    'bad_manifest',
    withManifest((m) => ({ ...m, time: { ...m.time, src: 'gps' } })),
  ],
  ['an anchor of no batch', 'bad_manifest', withTime({ anchors: [{ ...anchor, batch: 'b' }] })],
  ['an anchor without a time', 'bad_manifest', withTime({ anchors: [{ ...anchor, at: null }] })],
  [
    'an anchor that was never received',
    'bad_manifest',
    withTime({ anchors: [{ ...anchor, received: null }] }),
  ],
  [
    'an anchor before its boot began',
    'bad_manifest',
    withTime({ anchors: [{ ...anchor, sent: { monoMs: -1 } }] }),
  ],
  ['more anchors than a manifest takes', 'bad_manifest', withTime({ anchors: Array(17).fill(anchor) })],
  [
    'a step that does not say whether it slept',
    'bad_manifest',
    withTime({ steps: [{ monoMs: 1, deltaMs: 2 }] }),
  ],
  ['steps that are only counted', 'bad_manifest', withTime({ steps: 3 })],
  ['more steps than a manifest takes', 'bad_manifest', withTime({ steps: Array(33).fill(step) })],
  ['a sleep of no length', 'bad_manifest', withTime({ suspendedMs: '1 h' })],
  ['a bound of the time that is no instant', 'bad_manifest', withTime({ notBefore: 1.5 })],
  ['an age of the last synchronisation below 0', 'bad_manifest', withTime({ lastSyncAgeS: -1 })],
  ['a list without a version', 'bad_manifest', withManifest((m) => ({ ...m, lists: { core: '7' } }))],
  [
    'a batch of one probe signed by another',
    'device_mismatch',
    withManifest((m) => ({ ...m, device: otherDevice })),
  ],
  ['one byte behind the payload', 'trailing_bytes', Buffer.concat([good.bytes, Buffer.alloc(1)])],
  ['two batches in one file', 'trailing_bytes', Buffer.concat([good.bytes, good.bytes])],
  ['a payload with one bit changed', 'payload_mismatch', flipped(good.bytes, good.bytes.length - 1)],
  ['the payload of another batch', 'payload_mismatch', frame(envelope, Buffer.alloc(payload.length, 7))],
]

describe('verifyBatch() refuses', () => {
  it.each(rows)('%s (%s)', (_, code, bytes) => {
    expect(codeOf(bytes)).toBe(code)
  })

  it('a file cut at any place', () => {
    for (let length = 0; length < good.bytes.length; length++) {
      expect(codeOf(good.bytes.subarray(0, length)), `${length} bytes`).toBe('truncated')
    }
  })

  it('a file of which any byte was changed, or gives back the same batch', () => {
    for (let at = 0; at < good.bytes.length; at++) {
      try {
        // Base64 can write the same bytes in more than one way; no other change is accepted.
        expect(verifyBatch(flipped(good.bytes, at), enrolled)).toMatchObject({
          id: good.id,
          manifest: content,
        })
      } catch (error) {
        expect(error, `byte ${at}`).toBeInstanceOf(BatchRefused)
      }
    }
  })

  it('every bad field of a manifest by its path, not the first alone', () => {
    const bytes = withManifest((m) => ({ ...m, seq: -1, payload: { ...m.payload, codec: 'gzip' } }))
    expect(() => verifyBatch(bytes, enrolled)).toThrow(/seq: .*payload\.codec: /)
  })
})

describe('batch.md', () => {
  const page = readFileSync(new URL('batch.md', import.meta.url), 'utf8')
  const example = page.slice(page.indexOf('## Example'))
  const blocks = [...example.matchAll(/```(?:json)?\n([\s\S]*?)```/g)].map((match) => match[1]?.trim() ?? '')
  const [json = '', envelopeText = ''] = blocks
  const [, length] = /has (\d+) bytes/.exec(example) ?? []
  const [, id] = /batchId is `([0-9a-f]{64})`/.exec(example) ?? []
  const spki = '302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'
  const testKey = publicKeyFrom(Buffer.from(spki, 'hex').toString('base64'))
  const file = Buffer.concat([
    Buffer.from('505342310000046c', 'hex'),
    Buffer.from(envelopeText),
    Buffer.from('3b', 'hex'),
  ])

  it('has an example that verifies, byte for byte as described', () => {
    const batch = verifyBatch(file, (keyId) => (keyId === keyIdOf(testKey) ? testKey : null))
    expect(file).toHaveLength(Number(length))
    expect(batch.id).toBe(id)
    expect(batch.manifest).toEqual(JSON.parse(json))
    expect(sha256Hex(Buffer.from(JSON.stringify(JSON.parse(json))))).toBe(id)
  })

  it('has an example that our own writer makes', () => {
    const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
    const pkcs8 = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    expect(createPublicKey(privateKey).equals(testKey)).toBe(true)
    expect(encodeBatch(JSON.parse(json), Buffer.from('3b', 'hex'), privateKey).bytes).toEqual(file)
  })

  it('names every code this file tries', () => {
    for (const [, code] of rows) expect(page).toContain(`\`${code}\``)
  })
})
