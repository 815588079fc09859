import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchId } from '../../../tests-spec/protocol/batch.ts'
import { meteredDisk, nodeDisk } from '../log/disk.ts'
import { blockBytes } from '../log/frame.ts'
import { headerBytes } from '../log/segment.ts'
import { ControlLog, readControlLog } from './control-log.ts'
import { type BatchNote, type Change, Ledger } from './ledger.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sonde-control-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const at = () => ({ disk: nodeDisk, dir, segmentBytes: 64 * 1024 })
const begin = () => ControlLog.begin(at(), new Ledger('0123456789abcdef01'), { newest: 0, sequence: 0 })

const note = (seq: number): BatchNote => ({
  epoch: '0123456789abcdef01',
  seq,
  id: v.parse(batchId, seq.toString(16).padStart(64, '0')),
  bytes: 100,
  anomalies: 0,
  oldestWallMs: 1,
  ranges: [[seq * 10, seq * 10 + 8]],
})

/** The changes that a spool writes in a busy week. */
function entries(count: number): Change[] {
  return Array.from({ length: count }, (_, i) => {
    const batch = note(Math.floor(i / 3))
    if (i % 3 === 0) return { kind: 'sealed', batch, signed: [], nextN: batch.seq * 10 + 10 }
    if (i % 3 === 1) {
      const last = batch.seq * 10 + 9
      return { kind: 'lost', losses: [{ reason: 'evicted', ranges: [[last, last]] }], batch: null }
    }
    return batch.seq % 5 === 4
      ? { kind: 'quarantined', id: batch.id, reason: 'bad_manifest' }
      : { kind: 'receipted', id: batch.id, ranges: batch.ranges }
  })
}

const paths = () => readdirSync(dir).map((name) => join(dir, name))

async function reread(): Promise<Ledger> {
  const reading = await readControlLog(nodeDisk, dir)
  if (reading.kind !== 'intact') throw new Error('Control log was lost')
  return reading.ledger
}

describe('ControlLog', () => {
  it('is read back as the ledger it kept, over many segments and restarts', async () => {
    let log = await begin()
    for (const [i, entry] of entries(400).entries()) {
      await log.append(entry)
      if (i % 37 !== 0) continue
      await log.close()
      const reading = await readControlLog(nodeDisk, dir)
      if (reading.kind !== 'intact') throw new Error(`Control log was lost at ${i}`)
      expect(reading.ledger.snapshot()).toEqual(log.ledger.snapshot())
      log = await ControlLog.resume(at(), reading)
    }
    expect((await reread()).snapshot()).toEqual(log.ledger.snapshot())
    expect(log.ledger.nextSeq).toBe(134)
    expect(log.ledger.quarantined).toHaveLength(26)
    await log.close()
  })

  it('makes deferred receipts durable with the next entry, in one write, or when it is told to', async () => {
    const meter = { flushes: 0, bytesWritten: 0 }
    const log = await ControlLog.begin(
      { ...at(), disk: meteredDisk(nodeDisk, meter) },
      new Ledger('0123456789abcdef01'),
      { newest: 0, sequence: 0 },
    )
    for (const seq of [0, 1]) await log.append({ kind: 'sealed', batch: note(seq), signed: [], nextN: 20 })
    const before = meter.flushes
    for (const seq of [0, 1]) log.defer({ kind: 'receipted', id: note(seq).id, ranges: note(seq).ranges })
    expect(log.ledger.pending).toEqual([])
    expect((await reread()).pending).toHaveLength(2)
    await log.append({ kind: 'sealed', batch: note(2), signed: [], nextN: 30 })
    expect(meter.flushes - before).toBe(1)
    expect((await reread()).snapshot()).toEqual(log.ledger.snapshot())
    log.defer({ kind: 'receipted', id: note(2).id, ranges: note(2).ranges })
    await log.settle()
    expect((await reread()).pending).toEqual([])
    await log.close()
  })

  it('keeps one segment: the older ones are in its first entry', async () => {
    const log = await begin()
    for (const entry of entries(100)) await log.append(entry)
    expect(paths()).toHaveLength(1)
    await log.close()
  })

  it('makes room for a ledger that is larger than a segment', async () => {
    const log = await begin()
    const ranges = Array.from({ length: 60_000 }, (_, i): [number, number] => {
      const first = i * 7 + ((i * i) % 5)
      return [first, first]
    })
    await log.append({ kind: 'lost', losses: [{ reason: 'evicted', ranges }], batch: null })
    for (const entry of entries(60)) await log.append(entry)
    expect((await reread()).snapshot()).toEqual(log.ledger.snapshot())
    await log.close()
  })
})

describe('readControlLog()', () => {
  /** Place at which entry `i` was committed; the snapshot is entry 0. */
  const placeOf = (i: number) => headerBytes + i * blockBytes

  async function damagedAt(count: number, ...damaged: readonly number[]) {
    const log = await begin()
    for (const entry of entries(count)) await log.append(entry)
    await log.close()
    const [path] = paths()
    const bytes = readFileSync(path ?? '')
    for (const i of damaged) bytes.fill(0xff, placeOf(i) + 25, placeOf(i) + 29)
    writeFileSync(path ?? '', bytes)
    return readControlLog(nodeDisk, dir)
  }

  it('finds nothing in an empty folder', async () => {
    expect(await readControlLog(nodeDisk, dir)).toMatchObject({ kind: 'lost', epoch: null, newest: 0 })
  })

  it('takes an unreadable last entry for one that was being written', async () => {
    const reading = await damagedAt(5, 5)
    expect(reading).toMatchObject({ kind: 'intact', ledger: { nextSeq: 2 }, place: { sequence: 5 } })
  })

  it('gives up when two entries at the end are unreadable: somebody acted on the first', async () => {
    expect(await damagedAt(5, 4, 5)).toMatchObject({ kind: 'lost' })
  })

  it('gives up when an entry in the middle is missing, and still says what is settled', async () => {
    const reading = await damagedAt(7, 1)
    if (reading.kind !== 'lost') throw new Error('Expected a lost log')
    expect(reading.epoch).toBe('0123456789abcdef01')
    // Entry 1 sealed the records 0 to 8; entry 3, the receipt, names them again.
    expect(reading.settled.list()).toEqual([[0, 28]])
  })

  it('gives up when the snapshot is missing', async () => {
    expect(await damagedAt(3, 0)).toMatchObject({ kind: 'lost', epoch: '0123456789abcdef01' })
  })

  it('reads on behind a damaged header, and lets a new segment begin', async () => {
    const log = await begin()
    await log.append({ kind: 'sealed', batch: note(0), signed: [], nextN: 10 })
    await log.close()
    const [path] = paths()
    const bytes = readFileSync(path ?? '')
    bytes.fill(0, 0, headerBytes)
    writeFileSync(path ?? '', bytes)
    const reading = await readControlLog(nodeDisk, dir)
    expect(reading).toMatchObject({ kind: 'intact', ledger: { nextSeq: 1 }, place: { tail: null } })
    if (reading.kind !== 'intact') return
    const again = await ControlLog.resume(at(), reading)
    await again.append({ kind: 'receipted', id: note(0).id, ranges: note(0).ranges })
    await again.close()
    expect((await reread()).snapshot()).toEqual(again.ledger.snapshot())
  })
})
