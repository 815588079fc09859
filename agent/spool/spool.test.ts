import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  handTimer,
  lostIn,
  noise,
  numbersIn,
  openSample,
  readPending,
  receiptFor,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { BatchUnreadable, type Spool } from './spool.ts'

let dir: string
let opened: Spool[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sonde-spool-'))
})
afterEach(async () => {
  for (const spool of opened) await spool.close()
  opened = []
  rmSync(dir, { recursive: true, force: true })
})

async function open(options: Parameters<typeof openSample>[1] = {}): Promise<Spool> {
  const spool = await openSample(join(dir, 'spool'), { quotaBytes: 4 * 1024 * 1024, ...options })
  opened.push(spool)
  return spool
}

async function reopened(spool: Spool, options: Parameters<typeof openSample>[1] = {}): Promise<Spool> {
  await spool.close()
  opened = opened.filter((each) => each !== spool)
  return open(options)
}

function files(below = dir): string[] {
  return readdirSync(below, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/**
 * Does everything that is due.
 * @returns Whether the record is durable afterwards.
 */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.finally(() => {
    settled = true
  })
  // Each step of the disk takes one turn of the event loop; 50 turns leave room to spare.
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
  return settled
}

describe('put()', () => {
  it('numbers records from 0, in the order they were put', async () => {
    const spool = await open()
    const put = [
      spool.put(sampleEntry('a')),
      spool.put(sampleEntry('b', 'anomaly')),
      spool.put(sampleEntry('c', 'diagnostic')),
    ]
    await spool.flush()
    expect(await Promise.all(put)).toEqual([0, 1, 2])
  })

  it('makes an anomaly durable at once, and nothing else with it', async () => {
    const spool = await open()
    const routine = spool.put(sampleEntry('routine'))
    await spool.put(sampleEntry('anomaly', 'anomaly'))
    expect(await isSettled(routine)).toBe(false)
    const flushes = spool.stats().flushes
    await spool.put(sampleEntry('another', 'anomaly'))
    expect(spool.stats().flushes - flushes).toBe(1)
  })

  it('makes routine records durable with the 64th, in one flush', async () => {
    const { timer } = handTimer()
    const spool = await open({ timer })
    for (let i = 0; i < 64; i++) void spool.put(sampleEntry(`warm-up-${i}`))
    await spool.flush()
    const flushes = spool.stats().flushes
    const put = Array.from({ length: 63 }, (_, i) => spool.put(sampleEntry(`r${i}`)))
    expect(await isSettled(Promise.race(put))).toBe(false)
    put.push(spool.put(sampleEntry('r63')))
    expect(await Promise.all(put)).toHaveLength(64)
    expect(spool.stats().flushes - flushes).toBe(1)
  })

  it('makes a lone routine record durable when the 30 s are over, and not before', async () => {
    const { timer, run, waiting } = handTimer()
    const spool = await open({ timer })
    const put = spool.put(sampleEntry('lone'))
    expect(await isSettled(put)).toBe(false)
    expect(waiting()).toBe(1)
    run()
    expect(await put).toBe(0)
    expect(waiting()).toBe(0)
  })

  it('lets diagnostics wait for flush(), and for a segment that is half full', async () => {
    const { timer, waiting } = handTimer()
    const spool = await open({ timer })
    const first = spool.put(sampleEntry('d', 'diagnostic'))
    expect(await isSettled(first)).toBe(false)
    expect(waiting()).toBe(0)
    const chance = seededChance(1)
    for (let i = 0; i < 40; i++) void spool.put(sampleEntry(`d${i}`, 'diagnostic', noise(chance, 2_000)))
    expect(await first).toBe(0)
  })

  it('takes ten thousand records without waiting for one', async () => {
    const spool = await open({ quotaBytes: 64 * 1024 * 1024 })
    const put = Array.from({ length: 10_000 }, (_, i) => spool.put(sampleEntry(`r${i}`)))
    await spool.flush()
    expect(await Promise.all(put)).toEqual(Array.from({ length: 10_000 }, (_, i) => i))
    expect(spool.stats()).toMatchObject({ unsealed: 10_000, lost: 0, health: 'ok' })
  })
})

describe('openSpool()', () => {
  it('finds what was put before, and goes on numbering behind it', async () => {
    const first = await open()
    for (let i = 0; i < 20; i++) void first.put(sampleEntry(`r${i}`, i % 3 === 0 ? 'anomaly' : 'routine'))
    const spool = await reopened(first)
    expect(spool.stats()).toMatchObject({ unsealed: 20, lost: 0 })
    expect(await spool.put(sampleEntry('next', 'anomaly'))).toBe(20)
  })

  it('keeps its epoch, and goes on in the same segments', async () => {
    const first = await open()
    await first.put(sampleEntry('one', 'anomaly'))
    const { epoch } = first.stats()
    expect(epoch).toMatch(/^[0-9a-f]{18}$/)
    const spool = await reopened(first)
    await spool.put(sampleEntry('two', 'anomaly'))
    expect(spool.stats().epoch).toBe(epoch)
    expect(files().filter((path) => path.includes('/a-'))).toHaveLength(1)
  })

  it('lets nobody but its user read the files', async () => {
    const spool = await open()
    await spool.put(sampleEntry('one', 'anomaly'))
    await sealAll(spool)
    for (const path of files()) expect(statSync(path).mode & 0o077, path).toBe(0)
  })

  it('removes what an interrupted write of a batch left', async () => {
    const first = await open()
    void first.put(sampleEntry('one'))
    await sealAll(first)
    const batch = files().find((path) => path.endsWith('.psb')) ?? ''
    writeFileSync(`${batch}.tmp`, readFileSync(batch).subarray(0, 100))
    await reopened(first)
    expect(files().some((path) => path.endsWith('.tmp'))).toBe(false)
  })

  it('deletes a half batch before its seq is used', async () => {
    const first = await open()
    void first.put(sampleEntry('one'))
    await first.flush()
    const half = join(dir, 'spool', 'batches', `0000000000-${'a'.repeat(64)}.psb`)
    writeFileSync(half, 'PSB1')
    const spool = await reopened(first)
    const [batch] = await sealAll(spool)
    expect(batch?.manifest.seq).toBe(0)
    expect(files().filter((path) => path.endsWith('.psb'))).toHaveLength(1)
  })

  it('does not take a batch that another key signed for its own', async () => {
    const first = await open()
    void first.put(sampleEntry('one'))
    await first.flush()
    const { encodeBatch } = await import('../../tests-spec/protocol/batch.ts')
    const stranger = generateKeyPairSync('ed25519')
    const other = await openSample(join(dir, 'other'))
    void other.put(sampleEntry('x'))
    const [model] = await sealAll(other)
    await other.close()
    if (model === undefined) throw new Error('Nothing was sealed')
    const payload = Buffer.alloc(model.manifest.payload.len)
    const forged = encodeBatch(
      { ...model.manifest, epoch: first.stats().epoch, prev: enrolmentDigest },
      payload,
      stranger.privateKey,
    )
    writeFileSync(join(dir, 'spool', 'batches', `0000000000-${forged.id}.psb`), forged.bytes)
    const spool = await reopened(first)
    expect(spool.stats()).toMatchObject({ nextSeq: 0, pendingBatches: 0, unsealed: 1 })
  })

  it('refuses a quota that no spool fits in', async () => {
    await expect(open({ quotaBytes: 1000 })).rejects.toThrow(RangeError)
  })
})

describe('seal()', () => {
  it('says null when there is nothing to seal', async () => {
    expect(await (await open()).seal('manual', enrolmentDigest)).toBeNull()
  })

  it('seals what was put and not flushed as well', async () => {
    const spool = await open()
    void spool.put(sampleEntry('r'))
    void spool.put(sampleEntry('d', 'diagnostic'))
    const sealed = await spool.seal('manual', enrolmentDigest)
    expect(sealed).toMatchObject({ seq: 0, anomalies: 0 })
    expect(spool.stats()).toMatchObject({ unsealed: 0, pendingBatches: 1, nextSeq: 1 })
  })

  it('links each batch to the one before, across restarts, and the first to the enrolment', async () => {
    let spool = await open()
    for (let i = 0; i < 4; i++) {
      void spool.put(sampleEntry(`r${i}`))
      await spool.seal('age', enrolmentDigest)
      spool = await reopened(spool)
    }
    const batches = await readPending(spool)
    expect(batches.map(({ manifest }) => manifest.seq)).toEqual([0, 1, 2, 3])
    expect(batches.map(({ manifest }) => manifest.prev)).toEqual([
      enrolmentDigest,
      ...batches.slice(0, 3).map(({ id }) => id),
    ])
  })

  it('removes segments that are wholly sealed, and keeps the one in use', async () => {
    const spool = await open()
    const chance = seededChance(2)
    for (let i = 0; i < 400; i++) void spool.put(sampleEntry(`r${i}`, 'routine', noise(chance, 3_000)))
    await spool.flush()
    const before = files().filter((path) => path.includes('/r-')).length
    expect(before).toBeGreaterThan(2)
    await sealAll(spool)
    expect(files().filter((path) => path.includes('/r-'))).toHaveLength(1)
  })
})

describe('pending()', () => {
  it('gives batches with anomalies first, then by age', async () => {
    const spool = await open()
    for (const recordClass of ['routine', 'anomaly', 'routine', 'anomaly'] as const) {
      void spool.put(sampleEntry('x', recordClass))
      await spool.seal('age', enrolmentDigest)
    }
    expect(spool.pending().map(({ seq, anomalies }) => [seq, anomalies])).toEqual([
      [1, 1],
      [3, 1],
      [0, 0],
      [2, 0],
    ])
  })
})

describe('receipted()', () => {
  it('forgets the batch, its file, and nothing else', async () => {
    const spool = await open()
    for (const name of ['one', 'two']) {
      void spool.put(sampleEntry(name))
      await spool.seal('age', enrolmentDigest)
    }
    const [first, second] = await readPending(spool)
    if (first === undefined || second === undefined) throw new Error('Expected two batches')
    await spool.receipted(receiptFor(first))
    expect(spool.pending().map(({ id }) => id)).toEqual([second.id])
    const again = await reopened(spool)
    expect(files().filter((path) => path.endsWith('.psb'))).toHaveLength(1)
    expect(again.pending().map(({ id }) => id)).toEqual([second.id])
    expect(again.stats()).toMatchObject({ nextSeq: 2, lost: 0, unsealed: 0 })
  })

  it('writes for eight receipts once, or with what is sealed next', async () => {
    const spool = await open()
    const seal = () => {
      void spool.put(sampleEntry('one'))
      return spool.seal('age', enrolmentDigest)
    }
    for (let i = 0; i < 9; i++) await seal()
    const receipts = (await readPending(spool)).map(receiptFor)
    const { flushes } = spool.stats()
    for (const receipt of receipts) await spool.receipted(receipt)
    expect(spool.stats()).toMatchObject({ flushes: flushes + 1, pendingBatches: 0 })
    expect(files().filter((path) => path.endsWith('.psb'))).toHaveLength(1)
    await seal()
    expect(files().filter((path) => path.endsWith('.psb'))).toHaveLength(1)
  })

  it('of a batch that is not there does nothing', async () => {
    const spool = await open()
    void spool.put(sampleEntry('one'))
    const [batch] = await sealAll(spool)
    if (batch === undefined) throw new Error('Nothing was sealed')
    await spool.receipted(receiptFor(batch))
    await spool.receipted(receiptFor(batch))
    expect(spool.stats()).toMatchObject({ pendingBatches: 0, health: 'ok' })
  })

  it('never gives the seq, or the numbers, to something else', async () => {
    let spool = await open()
    void spool.put(sampleEntry('one'))
    const [first] = await sealAll(spool)
    if (first === undefined) throw new Error('Nothing was sealed')
    await spool.receipted(receiptFor(first))
    spool = await reopened(spool)
    void spool.put(sampleEntry('two'))
    const [second] = await sealAll(spool)
    expect(second?.manifest).toMatchObject({ seq: 1, prev: first.id, records: { ranges: [[1, 1]] } })
  })
})

describe('read()', () => {
  it('throws for a batch that is not pending', async () => {
    const spool = await open()
    void spool.put(sampleEntry('one'))
    const [batch] = await sealAll(spool)
    if (batch === undefined) throw new Error('Nothing was sealed')
    await spool.receipted(receiptFor(batch))
    await expect(spool.read(batch.id)).rejects.toThrow(BatchUnreadable)
  })

  it('gives up a batch whose file rotted, and names its records in the next', async () => {
    const spool = await open()
    void spool.put(sampleEntry('one'))
    void spool.put(sampleEntry('two'))
    const [batch] = await sealAll(spool)
    if (batch === undefined) throw new Error('Nothing was sealed')
    const path = files().find((each) => each.endsWith('.psb')) ?? ''
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 3) ^ 1, bytes.length - 3)
    writeFileSync(path, bytes)
    await expect(spool.read(batch.id)).rejects.toThrow(BatchUnreadable)
    expect(spool.pending()).toEqual([])
    const [next] = await sealAll(spool)
    expect(next?.manifest).toMatchObject({
      seq: 1,
      prev: batch.id,
      records: { n: 0 },
      lost: [{ ranges: [[0, 1]], reason: 'corrupt' }],
    })
  })
})

describe('quarantine()', () => {
  it('keeps the batch aside, across restarts', async () => {
    let spool = await open()
    void spool.put(sampleEntry('one'))
    const [batch] = await sealAll(spool)
    if (batch === undefined) throw new Error('Nothing was sealed')
    await spool.quarantine(batch.id, 'bad_manifest: payload.codec')
    expect(spool.stats()).toMatchObject({ pendingBatches: 0, quarantined: 1 })
    expect(files().filter((path) => path.includes('/quarantine/'))).toHaveLength(1)
    const { epoch } = spool.stats()
    spool = await reopened(spool)
    expect(spool.stats()).toMatchObject({ pendingBatches: 0, quarantined: 1, lost: 0, epoch })
  })

  it('for seq_conflict begins a new epoch: what was not sealed goes on in it, losses included', async () => {
    let spool = await open()
    for (let i = 0; i < 10; i++) void spool.put(sampleEntry(`old-${i}`, i % 2 === 0 ? 'anomaly' : 'routine'))
    const [batch] = await sealAll(spool)
    if (batch === undefined) throw new Error('Nothing was sealed')
    for (let i = 0; i < 6; i++) void spool.put(sampleEntry(`new-${i}`, i % 2 === 0 ? 'anomaly' : 'routine'))
    await spool.flush()
    const waiting = spool.put(sampleEntry('in memory'))
    const before = spool.stats().epoch
    await spool.quarantine(batch.id, 'seq_conflict: seq 0 is held as something else')
    const { epoch, unsealed, nextSeq } = spool.stats()
    expect(epoch).not.toBe(before)
    expect({ unsealed, nextSeq }).toEqual({ unsealed: 7, nextSeq: 0 })
    await spool.flush()
    await waiting

    spool = await reopened(spool)
    expect(spool.stats()).toMatchObject({ epoch, unsealed: 7, quarantined: 1, lost: 0, health: 'ok' })
    const [first, ...more] = await sealAll(spool)
    expect(more).toEqual([])
    expect(first?.manifest).toMatchObject({ epoch, seq: 0, prev: enrolmentDigest, lost: [] })
    expect(numbersIn(first?.manifest.records.ranges ?? [])).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(first?.records.map(({ name }) => name).sort()).toEqual([
      'in memory',
      ...Array.from({ length: 6 }, (_, i) => `new-${i}`),
    ])
  })

  it.each([
    ['chain_broken of a later seq', 1, true],
    ['chain_broken of seq 0, which speaks of the enrolment', 0, false],
  ])('for %s begins a new epoch or not', async (_, index, begins) => {
    const spool = await open()
    for (const name of ['one', 'two']) {
      void spool.put(sampleEntry(name))
      await spool.seal('age', enrolmentDigest)
    }
    const before = spool.stats().epoch
    const batch = spool.pending()[index]
    if (batch === undefined) throw new Error('Expected two batches')
    await spool.quarantine(batch.id, 'chain_broken')
    expect(spool.stats().epoch !== before).toBe(begins)
    expect(spool.stats()).toMatchObject({ pendingBatches: 1, quarantined: 1 })
  })

  it('carries losses that no manifest has named into the new epoch', async () => {
    const spool = await open()
    void spool.put(sampleEntry('one'))
    const [first] = await sealAll(spool)
    void spool.put(sampleEntry('two'))
    await spool.seal('age', enrolmentDigest)
    const second = spool.pending().find(({ id }) => id !== first?.id)
    const path = files().find((each) => each.endsWith(`${second?.id}.psb`)) ?? ''
    writeFileSync(path, 'rotten')
    if (first === undefined || second === undefined) throw new Error('Expected two batches')
    await expect(spool.read(second.id)).rejects.toThrow(BatchUnreadable)
    await spool.quarantine(first.id, 'seq_conflict')
    const [batch] = await sealAll(spool)
    expect(batch?.manifest).toMatchObject({ seq: 0, records: { n: 0 } })
    expect(lostIn(batch === undefined ? [] : [batch], 'corrupt')).toEqual([0])
  })
})

describe('close()', () => {
  it('writes what waits, and lets go of the folder for good', async () => {
    const spool = await open()
    const put = spool.put(sampleEntry('last'))
    await spool.close()
    expect(await put).toBe(0)
    const other = await reopened(spool)
    await expect(spool.flush()).rejects.toThrow('closed')
    await expect(spool.put(sampleEntry('late'))).rejects.toMatchObject({ code: 'closed' })
    expect(other.stats()).toMatchObject({ unsealed: 1, lost: 0 })
  })

  it('may be called twice', async () => {
    const spool = await open()
    await spool.close()
    await spool.close()
  })
})

describe('stats()', () => {
  it('counts what the folder takes, to the byte', async () => {
    const spool = await open()
    for (let i = 0; i < 50; i++) void spool.put(sampleEntry(`r${i}`, i % 5 === 0 ? 'anomaly' : 'routine'))
    await spool.flush()
    await spool.seal('age', enrolmentDigest)
    const onDisk = files().reduce((sum, path) => sum + statSync(path).size, 0)
    expect(spool.stats().diskBytes).toBe(onDisk)
  })

  it('knows the age of the oldest record that waits', async () => {
    let spool = await open()
    expect(spool.stats().oldestWallMs).toBeNull()
    const at = (wallMs: number) => {
      const entry = sampleEntry('x')
      return { ...entry, time: { ...entry.time, wall_ms: wallMs } }
    }
    void spool.put(at(5_000))
    expect(spool.stats().oldestWallMs).toBe(5_000)
    await spool.seal('age', enrolmentDigest)
    void spool.put(at(7_000))
    spool = await reopened(spool)
    expect(spool.stats().oldestWallMs).toBe(5_000)
    const [batch] = await readPending(spool)
    if (batch === undefined) throw new Error('Expected a batch')
    await spool.receipted(receiptFor(batch))
    expect(spool.stats().oldestWallMs).toBeGreaterThanOrEqual(5_000)
  })
})
