// A segment that is empty, short or gone, and a bit that flipped where the last commit ends: what was acknowledged is named as
// damaged and never as torn, and its numbers are not given again.

import { describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  lostIn,
  numbersIn,
  openBatch,
  openSample,
  receiptFor,
  sampleEntry,
  sealAll,
} from '../../test/support/sample-spool.ts'
import { f2fs, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { SpoolEvent } from './events.ts'
import { frameHeadBytes, scanFrames } from './log/frame.ts'
import { headerBytes } from './log/segment.ts'

const dir = '/state/spool'
const count = 32

/** A spool that holds that many acknowledged records behind a batch that was receipted, and was closed. */
async function used(disk: SimulatedDisk): Promise<SimulatedDisk> {
  const spool = await openSample(dir, { disk })
  await spool.put(sampleEntry('sent', 'anomaly'))
  const batch = await spool.seal('age', enrolmentDigest)
  if (batch === null) throw new Error('Nothing was sealed')
  await spool.receipted(receiptFor(openBatch(await spool.read(batch.id))))
  const put = Array.from({ length: count }, (_, i) => spool.put(sampleEntry(`record-${i}`)))
  await spool.flush()
  await Promise.all(put)
  await spool.close()
  return disk
}

const segmentIn = (disk: SimulatedDisk) => disk.paths().find((path) => path.includes('/r-')) ?? ''
const all = Array.from({ length: count }, (_, i) => i + 1)
const lastFrame = (bytes: Buffer) => {
  const frame = scanFrames(bytes, headerBytes).frames.at(-1)
  if (frame === undefined) throw new Error('There is no frame')
  return frame
}

const damages: readonly (readonly [
  what: string,
  damage: (bytes: Buffer) => Buffer | null,
  gone: number[],
])[] = [
  ['is gone', () => null, all],
  ['is empty', () => Buffer.alloc(0), all],
  ['has its header alone', (bytes) => bytes.subarray(0, headerBytes), all],
  ['is cut within its last record', (bytes) => bytes.subarray(0, lastFrame(bytes).offset + 30), [count]],
  ['is zeros', (bytes) => Buffer.alloc(bytes.length), all],
  [
    'has one bit flipped in its last record',
    (bytes) => {
      const { offset } = lastFrame(bytes)
      bytes[offset + frameHeadBytes + 5] = (bytes[offset + frameHeadBytes + 5] ?? 0) ^ 1
      return bytes
    },
    [count],
  ],
]

describe.each([
  ['ext4', {}],
  ['f2fs', { type: f2fs }],
])('on %s, a segment that', (_fs, options) => {
  it.each(damages)(
    '%s: its records are named as damaged, and the next number is new',
    async (_, damage, gone) => {
      const disk = await used(new SimulatedDisk(options))
      const path = segmentIn(disk)
      const spool = await openSample(dir, {
        disk: disk.damaged(path, damage(Buffer.from(disk.bytesOf(path)))),
      })
      expect(spool.stats()).toMatchObject({ unsealed: count - gone.length, lost: gone.length })
      expect(await spool.put(sampleEntry('next', 'anomaly'))).toBe(count + 1)
      const batches = await sealAll(spool)
      expect(lostIn(batches, 'corrupt')).toEqual(gone)
      expect(lostIn(batches, 'torn')).toEqual([])
      const numbers = batches
        .flatMap(({ manifest }) => numbersIn(manifest.records.ranges))
        .sort((a, b) => a - b)
      expect(numbers).toEqual([...all.filter((n) => !gone.includes(n)), count + 1])
      await spool.close()
    },
  )
})

const noteIn = (disk: SimulatedDisk) => disk.paths().find((each) => each.endsWith('/acknowledged')) ?? ''
const withoutNote: readonly (readonly [string, (bytes: Buffer) => Buffer | null])[] = [
  ['gone', () => null],
  ['empty', () => Buffer.alloc(0)],
  ['filled with 0xFF', (bytes) => Buffer.alloc(bytes.length, 0xff)],
  ['cut short', (bytes) => bytes.subarray(0, 40)],
]

describe.each(withoutNote)('with the note of what is safe %s', (_what, spoil) => {
  it('says so, begins a new epoch, and loses nothing', async () => {
    const disk = await used(new SimulatedDisk())
    const events: SpoolEvent[] = []
    const before = (await openSample(dir, { disk: disk.damaged('none', null) })).stats().epoch
    const spool = await openSample(dir, {
      disk: disk.damaged(noteIn(disk), spoil(disk.bytesOf(noteIn(disk)))),
      tell: (event) => events.push(event),
    })
    expect(events).toContainEqual({ kind: 'epoch_begun', why: 'acknowledged_lost' })
    expect(spool.stats()).toMatchObject({ unsealed: count, lost: 0 })
    expect(spool.stats().epoch).not.toBe(before)
    await spool.close()
  })

  it.each(damages)(
    'a segment that %s costs no number twice, and nothing is called torn',
    async (_, damage) => {
      const disk = await used(new SimulatedDisk())
      const before = (await openSample(dir, { disk: disk.damaged('none', null) })).stats().epoch
      const path = segmentIn(disk)
      const spoilt = disk.damaged(noteIn(disk), spoil(disk.bytesOf(noteIn(disk))))
      const spool = await openSample(dir, {
        disk: spoilt.damaged(path, damage(Buffer.from(spoilt.bytesOf(path)))),
      })
      await spool.put(sampleEntry('next', 'anomaly'))
      const batches = await sealAll(spool)
      expect(batches.map(({ manifest }) => manifest.epoch)).not.toContain(before)
      expect(lostIn(batches, 'torn')).toEqual([])
      const sent = batches.flatMap(({ manifest }) => numbersIn(manifest.records.ranges))
      expect(new Set(sent).size).toBe(sent.length)
      await spool.close()
    },
  )
})

it('with the note gone, a bit that flipped in the last record is named, as unknown', async () => {
  const disk = await used(new SimulatedDisk())
  const [, flip = (bytes: Buffer) => bytes] = damages.find(([what]) => what.includes('one bit')) ?? []
  const path = segmentIn(disk)
  const spool = await openSample(dir, {
    disk: disk.damaged(noteIn(disk), null).damaged(path, flip(Buffer.from(disk.bytesOf(path)))),
  })
  expect(lostIn(await sealAll(spool), 'unknown')).toHaveLength(1)
  await spool.close()
})

it('a note of another epoch says nothing, and costs nothing', async () => {
  const disk = await used(new SimulatedDisk())
  const other = await used(new SimulatedDisk())
  const spool = await openSample(dir, { disk: disk.damaged(noteIn(disk), other.bytesOf(noteIn(other))) })
  expect(spool.stats()).toMatchObject({ unsealed: count, lost: 0 })
  expect(await spool.put(sampleEntry('next', 'anomaly'))).toBe(count + 1)
  await spool.close()
})

it('one of the blocks that take turns is enough', async () => {
  const disk = await used(new SimulatedDisk())
  const bytes = disk.bytesOf(noteIn(disk))
  for (const at of [4096, 8192]) {
    const torn = Buffer.from(bytes)
    torn.fill(0, at + 30, at + 4096)
    const spool = await openSample(dir, { disk: disk.damaged(noteIn(disk), torn) })
    expect(spool.stats()).toMatchObject({ unsealed: count, lost: 0 })
    expect(await spool.put(sampleEntry('next', 'anomaly'))).toBe(count + 1)
    await spool.close()
  }
})

it('costs no flush but one at the end', async () => {
  const disk = new SimulatedDisk()
  const spool = await openSample(dir, { disk })
  await spool.put(sampleEntry('first', 'anomaly'))
  const before = spool.stats().flushes
  for (let i = 0; i < 10; i++) await spool.put(sampleEntry(`record-${i}`, 'anomaly'))
  expect(spool.stats().flushes - before).toBe(10)
  await spool.close()
  expect(spool.stats().flushes - before).toBe(11)
})
