// Sealed files: the example of sealed.md, how batches are cut apart, and signed words that must not be believed.

import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Decrypter } from 'age-encryption'
import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { hostileBytes } from '../../test/support/mutations.ts'
import { readAgeRecipient, sealForAge } from './age.ts'
import { batchId, deviceId, encodeBatch, type Manifest, sha256Hex, verifyBatch } from './batch.ts'
import { type KeyLookup, keyIdOf, sealEnvelope } from './dsse.ts'
import { receiptType } from './receipt.ts'
import {
  joinLines,
  maxReceiptsFileBytes,
  maxSealedBytes,
  namesOf,
  openSealedReceipt,
  receiptsFiles,
  type SealedReceipt,
  sealedReceiptType,
  signSealedReceipt,
  splitBatches,
  splitLines,
} from './sealed.ts'

const probe = generateKeyPairSync('ed25519')
const device = v.parse(deviceId, keyIdOf(probe.publicKey))
const enrolled: KeyLookup = (id) => (id === device ? probe.publicKey : null)

function batch(seq: number, payload: Buffer = Buffer.alloc(seq * 7, seq)): Buffer {
  const content: Manifest = {
    v: 1,
    device,
    epoch: '0123456789abcdef01',
    seq,
    prev: 'ab'.repeat(32),
    records: { n: 0, ranges: [], classes: { anomaly: 0, routine: 0, diagnostic: 0 } },
    lost: [],
    payload: {
      codec: 'br',
      len: payload.length,
      sha256: sha256Hex(payload),
      rawLen: 0,
      rawSha256: sha256Hex(Buffer.alloc(0)),
      schema: 'sonde-record-1',
    },
    time: { wall: 1, bootId: 'b', monoMs: 1, src: 'none', uncMs: null },
    lists: {},
    agent: { version: '0' },
    why: 'export',
  }
  return encodeBatch(content, payload, probe.privateKey).bytes
}

const three = [batch(1), batch(2), batch(3)]
const content = Buffer.concat(three)

describe('splitBatches()', () => {
  it('gives back what was put together, byte for byte, and each verifies', () => {
    const { batches, fault } = splitBatches(content)
    expect(fault).toBeNull()
    expect(batches.map((each) => Buffer.from(each))).toEqual(three)
    expect(batches.map((each) => verifyBatch(each, enrolled).manifest.seq)).toEqual([1, 2, 3])
  })

  it('finds nothing in nothing', () => {
    expect(splitBatches(Buffer.alloc(0))).toEqual({ batches: [], fault: null })
  })

  it.each([
    ['a last batch that is cut', content.subarray(0, -1), 2, 'truncated'],
    ['a head alone', Buffer.concat([content, Buffer.from('PSB1')]), 3, 'truncated'],
    ['something else behind', Buffer.concat([content, Buffer.alloc(40)]), 3, 'not_a_batch'],
    ['no batch at all', Buffer.from('<html>Please log in</html>'), 0, 'not_a_batch'],
    ['an envelope too long', Buffer.from('5053423100ffffff', 'hex'), 0, 'too_large'],
    ['an envelope that is no JSON', Buffer.from('505342310000000278780000', 'hex'), 0, 'bad_envelope'],
    [
      'a payload longer than any',
      Buffer.concat([envelopeSaying(9_000_000), Buffer.alloc(10)]),
      0,
      'bad_envelope',
    ],
    ['a payload of less than nothing', envelopeSaying(-1), 0, 'bad_envelope'],
    ['a payload of half a byte', envelopeSaying(0.5), 0, 'bad_envelope'],
  ])('stops at %s', (_, bytes, count, code) => {
    const { batches, fault } = splitBatches(bytes)
    expect({ count: batches.length, code: fault?.code }).toEqual({ count, code })
  })

  it('comes to an end on anything, and never gives more than there is', () => {
    fc.assert(
      fc.property(hostileBytes(content), (bytes) => {
        const { batches } = splitBatches(bytes)
        expect(
          bytes.subarray(
            0,
            batches.reduce((sum, each) => sum + each.length, 0),
          ),
        ).toEqual(Buffer.concat(batches))
      }),
      { numRuns: 300 },
    )
  })
})

function envelopeSaying(len: number): Buffer {
  const body = Buffer.from(JSON.stringify({ payload: { len } })).toString('base64')
  const envelope = Buffer.from(JSON.stringify({ payload: body }))
  const head = Buffer.from('5053423100000000', 'hex')
  head.writeUInt32BE(envelope.length, 4)
  return Buffer.concat([head, envelope])
}

const collector = generateKeyPairSync('ed25519')
const collectorId = keyIdOf(collector.publicKey)
const impostor = generateKeyPairSync('ed25519')
const pinned: KeyLookup = (id) => (id === collectorId ? collector.publicKey : null)
const word: SealedReceipt = {
  v: 1,
  sealed: 'a'.repeat(64),
  collector: collectorId,
  at: 1_790_000_000_000,
  receipts: 2,
  stored: 1,
  refused: [{ batch: v.parse(batchId, 'b'.repeat(64)), code: 'chain_broken' }],
}
const signed = (change: object, type = sealedReceiptType) =>
  sealEnvelope(type, Buffer.from(JSON.stringify({ ...word, ...change })), collectorId, collector.privateKey)

describe('openSealedReceipt()', () => {
  it('gives back what was signed, and keeps fields of a later day', () => {
    expect(openSealedReceipt(signSealedReceipt(word, collector.privateKey), pinned)).toEqual(word)
    expect(openSealedReceipt(signed({ log: 1 }), pinned)).toMatchObject({ log: 1 })
  })

  it.each([
    ['by an impostor in our collector’s name', signSealedReceipt(word, impostor.privateKey)],
    [
      'by another collector',
      signSealedReceipt({ ...word, collector: keyIdOf(impostor.publicKey) }, impostor.privateKey),
    ],
    ['that is a receipt', signed({}, receiptType)],
    ['of a later version', signed({ v: 2 })],
    ['for no file', signed({ sealed: undefined })],
    ['for a file with half a digest', signed({ sealed: 'a'.repeat(32) })],
    ['with more receipts than a file has batches', signed({ receipts: 17 })],
    ['with less than no receipt', signed({ receipts: -1 })],
    ['with refusals without end', signed({ refused: Array(18).fill({ batch: null, code: 'x' }) })],
    ['of a captive portal', Buffer.from('<html>Please log in</html>')],
  ])('refuses a word %s', (_, bytes) => {
    expect(() => openSealedReceipt(bytes, pinned)).toThrow()
  })
})

describe('lines and names', () => {
  it('splitLines() reads what joinLines() wrote, with and without a last line feed', () => {
    const lines = [Buffer.from('{"a":1}'), Buffer.from('{"b":"\\n"}')]
    expect(splitLines(joinLines(lines))).toEqual(lines)
    expect(splitLines(joinLines(lines).subarray(0, -1))).toEqual(lines)
    expect(splitLines(Buffer.from('\n\n'))).toEqual([])
  })

  it('splitLines() leaves out what is longer than a receipt can be', () => {
    const lines = [Buffer.from('a'), Buffer.alloc(20_000, 'x'), Buffer.from('b')]
    expect(splitLines(joinLines(lines))).toEqual([lines[0], lines[2]])
  })

  it('receiptsFiles() makes files that a reader takes, and loses no line', () => {
    const lines = Array.from({ length: 3_000 }, (_, i) => Buffer.from(String(i).padEnd(1_000, '.')))
    const files = receiptsFiles(lines)
    expect(files.length).toBe(3)
    for (const file of files) expect(file.length).toBeLessThanOrEqual(maxReceiptsFileBytes)
    expect(files.flatMap(splitLines)).toEqual(lines)
    expect(receiptsFiles([])).toEqual([])
  })

  it('namesOf() makes plain names that say nothing, the first eight and three letters long', () => {
    const names = namesOf(Buffer.from('x'), '.age')
    expect(names[0]).toMatch(/^[0-9a-f]{8}\.age$/)
    expect(new Set(names).size).toBe(3)
    for (const name of names) expect(sha256Hex(Buffer.from('x')).startsWith(name.slice(0, -4))).toBe(true)
  })
})

describe('sealed.md', () => {
  const page = readFileSync(new URL('sealed.md', import.meta.url), 'utf8')
  const example = page.slice(page.indexOf('## Example'))
  const [, base64 = ''] = /```\n([\s\S]*?)```/.exec(example) ?? []
  const [, identity = ''] = /`(AGE-SECRET-KEY-1\w+)`/.exec(example) ?? []
  const [, recipient = ''] = /`(age1\w+)`/.exec(example) ?? []
  const [, length] = /has (\d+) bytes/.exec(example) ?? []
  const file = Buffer.from(base64, 'base64')
  const batchPage = readFileSync(new URL('batch.md', import.meta.url), 'utf8')
  const [envelope = ''] =
    /^\{"payloadType":"application\/vnd\.sonde\.batch-manifest.*$/m.exec(batchPage) ?? []
  const inside = Buffer.concat([
    Buffer.from('505342310000046c', 'hex'),
    Buffer.from(envelope),
    Buffer.of(0x3b),
  ])

  it('has an example that opens to the batch of batch.md', async () => {
    const decrypter = new Decrypter()
    decrypter.addIdentity(identity)
    expect(Buffer.from(await decrypter.decrypt(file))).toEqual(inside)
    expect(file).toHaveLength(Number(length))
    expect(example).toContain(`\`${sha256Hex(file)}\``)
    expect(example).toContain(`\`${namesOf(file, '.age')[0]}\``)
  })

  it('has an example that our own writer makes', () => {
    const known = readAgeRecipient(recipient)
    let next = 0
    const counted = (bytes: number) => Buffer.from(Array.from({ length: bytes }, () => next++))
    expect(known).not.toBeNull()
    if (known !== null) expect(Buffer.concat([...sealForAge(known, [inside], counted)])).toEqual(file)
  })

  it('names the limit that the code has', () => {
    expect(page).toContain(maxSealedBytes.toLocaleString('en-US'))
  })
})
