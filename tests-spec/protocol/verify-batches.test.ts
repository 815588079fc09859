// Batch files checked offline: a whole chain, damaged files, probes that sign lies, a gap, a fork, and the text about
// each.

import { generateKeyPairSync } from 'node:crypto'
import { brotliCompressSync } from 'node:zlib'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { deviceId, encodeBatch, type Manifest, sha256Hex } from './batch.ts'
import { keyIdOf } from './dsse.ts'
import { sealEnrolment } from './enrolment.ts'
import { verificationText } from './verification-text.ts'
import { type KnownProbe, probeOfEnrolment, probeOfKey, verifyBatches } from './verify-batches.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const device = v.parse(deviceId, keyIdOf(publicKey))
const enrolmentDigest = 'e'.repeat(64)
const probe: KnownProbe = { publicKey, enrolmentDigest }
const noon = Date.UTC(2026, 0, 2, 12)

function recordsText(numbers: readonly number[]): Buffer {
  const lines = numbers.map((n) => ({
    n,
    class: 'routine',
    time: { wall_ms: noon + n, boot: 'b', mono_ms: n, clock: n === 0 ? 'restored' : 'synced' },
    measurement: {},
  }))
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

interface Asked {
  readonly seq?: number
  readonly prev?: string
  readonly numbers?: readonly number[]
  readonly raw?: Buffer
  readonly payload?: Buffer
  readonly change?: (manifest: Manifest) => Manifest
}

function batch({
  seq = 0,
  prev = enrolmentDigest,
  numbers = [0, 1],
  change = (m) => m,
  ...asked
}: Asked = {}) {
  const raw = asked.raw ?? recordsText(numbers)
  const payload = asked.payload ?? brotliCompressSync(raw)
  const manifest: Manifest = {
    v: 1,
    device,
    epoch: '0123456789abcdef01',
    seq,
    prev,
    records: {
      n: numbers.length,
      ranges: numbers.length === 0 ? [] : [[numbers[0] ?? 0, numbers.at(-1) ?? 0]],
      classes: { anomaly: 0, routine: numbers.length, diagnostic: 0 },
    },
    lost: [],
    payload: {
      codec: 'br',
      len: payload.length,
      sha256: sha256Hex(payload),
      rawLen: raw.length,
      rawSha256: sha256Hex(raw),
      schema: 'sonde-record-1',
    },
    time: { wall: noon, bootId: 'b', monoMs: 5, src: 'ntp', uncMs: 40 },
    lists: { core: 7 },
    agent: { version: '1.2.3' },
    why: 'age',
  }
  return encodeBatch(change(manifest), payload, privateKey)
}

function verify(files: Readonly<Record<string, Uint8Array>>, probes: readonly KnownProbe[] = [probe]) {
  const read = (name: string) => {
    const bytes = files[name]
    if (bytes === undefined) throw new Error(`no such file, ${name}`)
    return bytes
  }
  return verifyBatches(Object.keys(files), read, probes)
}

const first = batch()
const second = batch({ seq: 1, prev: first.id, numbers: [2, 3] })
const third = batch({ seq: 2, prev: second.id, numbers: [4] })

describe('verifyBatches()', () => {
  it('believes a whole chain, in any order and with one batch twice', () => {
    const { good, files, chains } = verify({
      c: third.bytes,
      a: first.bytes,
      b: second.bytes,
      b2: second.bytes,
    })
    expect(good).toBe(true)
    expect(files[1]).toMatchObject({
      id: first.id,
      measured: [noon, noon + 1],
      clocks: { restored: 1, synced: 1 },
    })
    expect(chains).toEqual([
      { device, epoch: '0123456789abcdef01', seqs: [[0, 2]], missing: [], unnamed: [], faults: [] },
    ])
  })

  it('names the batches that are missing, which is no fault', () => {
    const { good, chains } = verify({ a: first.bytes, c: third.bytes })
    expect(good).toBe(true)
    expect(chains[0]).toMatchObject({
      seqs: [
        [0, 0],
        [2, 2],
      ],
      missing: [[1, 1]],
      unnamed: null,
    })
  })

  it('sees a fork, and believes a link to either side of it', () => {
    const copy = batch({ seq: 1, prev: first.id, numbers: [2] })
    const { good, chains } = verify({ a: first.bytes, b: second.bytes, b2: copy.bytes, c: third.bytes })
    expect(good).toBe(false)
    expect(chains[0]?.faults).toMatchObject([{ code: 'seq_conflict', seq: 1 }])
  })

  it('sees a link that does not hold, the one to the enrolment record too where that is known', () => {
    const elsewhere = batch({ prev: 'f'.repeat(64) })
    const files = { a: elsewhere.bytes, b: second.bytes }
    expect(verify(files).chains[0]?.faults).toMatchObject([
      { code: 'chain_broken', seq: 0 },
      { code: 'chain_broken', seq: 1 },
    ])
    const withoutRecord = verify(files, [{ publicKey, enrolmentDigest: null }])
    expect(withoutRecord.chains[0]?.faults).toMatchObject([{ code: 'chain_broken', seq: 1 }])
  })

  it('tells record numbers that nobody accounts for, however many', () => {
    const far = 2 ** 52
    const lost = [{ ranges: [[2, 9]] as [number, number][], reason: 'torn' as const }]
    const next = batch({ seq: 1, prev: first.id, numbers: [far], change: (m) => ({ ...m, lost }) })
    expect(verify({ a: first.bytes, b: next.bytes }).chains[0]?.unnamed).toEqual([[10, far - 1]])
  })

  it('takes the key from a base64 SPKI or from the enrolment record', () => {
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    expect(verify({ a: first.bytes }, [probeOfKey(spki)]).good).toBe(true)
    const collector = generateKeyPairSync('ed25519')
    const keyId = keyIdOf(collector.publicKey)
    const collectorSpki = collector.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    const record = sealEnrolment(
      { v: 1, device, spki, collector: keyId, collectorSpki, at: noon },
      collector.privateKey,
    )
    const enrolled = probeOfEnrolment(record, keyId)
    const linked = batch({ prev: enrolled.enrolmentDigest ?? '' })
    expect(verify({ a: linked.bytes }, [enrolled]).good).toBe(true)
    expect(verify({ a: first.bytes }, [enrolled]).chains[0]?.faults).toMatchObject([{ code: 'chain_broken' }])
  })

  const flipped = Buffer.from(first.bytes)
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
  const raw = recordsText([0, 1])
  const promising = (part: Partial<Manifest['payload']>) => ({
    change: (m: Manifest) => ({ ...m, payload: { ...m.payload, ...part } }),
  })
  const counting = (part: Partial<Manifest['records']>) => ({
    change: (m: Manifest) => ({ ...m, records: { ...m.records, ...part } }),
  })
  it.each([
    ['is empty', Buffer.alloc(0), 'truncated'],
    ['is something else', Buffer.from('a text file'), 'not_a_batch'],
    ['is cut short', first.bytes.subarray(0, -1), 'truncated'],
    ['has bytes after its end', Buffer.concat([first.bytes, Buffer.alloc(1)]), 'trailing_bytes'],
    ['has a bit turned', flipped, 'payload_mismatch'],
    ['does not unpack', batch({ payload: Buffer.from('no') }).bytes, 'not_brotli'],
    ['is a bomb', batch({ payload: brotliCompressSync(Buffer.alloc(2 ** 26)) }).bytes, 'too_long'],
    ['unpacks to less than it says', batch(promising({ rawLen: raw.length + 1 })).bytes, 'wrong_length'],
    ['unpacks to something else', batch(promising({ rawSha256: 'a'.repeat(64) })).bytes, 'wrong_digest'],
    ['counts other records than it holds', batch(counting({ n: 3 })).bytes, 'records_mismatch'],
    ['numbers them otherwise', batch(counting({ ranges: [[1, 2]] })).bytes, 'records_mismatch'],
    [
      'classes them otherwise',
      batch(counting({ classes: { anomaly: 1, routine: 1, diagnostic: 0 } })).bytes,
      'records_mismatch',
    ],
    [
      'holds lines that are no records',
      batch({ raw: Buffer.from('{}\n{"n":1}\n') }).bytes,
      'records_mismatch',
    ],
  ])('does not believe a file that %s', (_, bytes, code) => {
    const { good, files, chains } = verify({ bad: bytes, fine: second.bytes })
    expect(good).toBe(false)
    expect(files.map((file) => file.code)).toEqual([code, null])
    expect(chains[0]?.seqs).toEqual([[1, 1]])
  })

  it('believes nobody without a key, and says so of a file it cannot read', () => {
    expect(verify({ a: first.bytes }, []).files[0]?.code).toBe('unknown_key')
    expect(verifyBatches(['gone'], () => Buffer.from(''), [])).toMatchObject({
      files: [{ code: 'truncated' }],
    })
    const unreadable = verifyBatches(['gone'], () => {
      throw new Error('ENOENT')
    }, [probe])
    expect(unreadable.files).toEqual([{ file: 'gone', code: 'unreadable', problem: 'ENOENT' }])
  })

  it('believes a batch that only tells of losses', () => {
    const told = batch({ numbers: [], raw: Buffer.alloc(0) })
    expect(verify({ a: told.bytes })).toMatchObject({ good: true, files: [{ measured: null, clocks: {} }] })
  })
})

describe('verificationText()', () => {
  it('says what a file proves, and what the chain lacks', () => {
    const text = verificationText(verify({ a: first.bytes, c: third.bytes, x: Buffer.from('nothing much') }))
    for (const line of [
      'a: good',
      `batch     ${first.id}`,
      "sealed    2026-01-02T12:00:00.000Z by the probe's clock (from ntp, at most 40 ms wrong), 5 ms into boot b; why: age",
      'records   2, numbers 0-1: 0 anomaly, 2 routine, 0 diagnostic',
      "measured  2026-01-02T12:00:00.000Z to 2026-01-02T12:00:00.001Z by the probe's clock: 1 restored, 1 synced",
      'lists     core 7',
      'x: NOT BELIEVED [not_a_batch]',
      'held      seq 0, 2',
      'missing   seq 1, not among these files',
    ])
      expect(text).toContain(line)
  })

  it('lets no probe steer the terminal, and no clock make it throw', () => {
    const change = (m: Manifest) => ({
      ...m,
      agent: { version: '\u001b[2J' },
      time: { ...m.time, wall: Number.MAX_SAFE_INTEGER },
    })
    const text = verificationText(verify({ a: batch({ change }).bytes }))
    expect(text).not.toContain('\u001b')
    expect(text).toContain('sealed    9007199254740991 ms')
  })
})
