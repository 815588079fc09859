import { describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  lostIn,
  noise,
  openBatch,
  openSample,
  readPending,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../../test/support/sample-spool.ts'
import { SimulatedDisk } from '../../../test/support/simulated-disk.ts'
import { currentDictionary } from '../log/dictionary.ts'

const dir = '/state/spool'

/** Half of the text compresses, as in the field. */
function padding(chance: () => number, length: number): string {
  return noise(chance, length / 2) + 'header: the same in every record; '.repeat(length / 68)
}

describe('seal()', () => {
  it.each([
    ['small records', 40, 4_000],
    ['records of the usual size', 2_000, 300],
    ['large records', 24_000, 60],
  ])('fills batches of %s to about 64 KiB, and never far beyond', async (_, length, count) => {
    const chance = seededChance(4)
    const spool = await openSample(dir, { disk: new SimulatedDisk() })
    for (let i = 0; i < count; i++) void spool.put(sampleEntry(`r${i}`, 'routine', padding(chance, length)))
    const batches = await sealAll(spool)
    const sizes = spool.pending().map(({ bytes }) => bytes)
    expect(batches.flatMap(({ records }) => records)).toHaveLength(count)
    expect(sizes.length).toBeGreaterThan(1)
    for (const size of sizes) expect(size).toBeLessThanOrEqual(80 * 1024)
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(50 * 1024)
  })

  it('puts a record that is larger than a batch, or than a segment, into one of its own', async () => {
    const chance = seededChance(5)
    const spool = await openSample(dir, { disk: new SimulatedDisk(), quotaBytes: 4 * 1024 * 1024 })
    const large = padding(chance, 600_000)
    for (const name of ['before', 'large', 'after']) {
      void spool.put(sampleEntry(name, 'anomaly', name === 'large' ? large : ''))
    }
    await spool.flush()
    const again = await sealAll(spool)
    const records = again.flatMap((each) => each.records)
    expect(records.map(({ name }) => name).sort()).toEqual(['after', 'before', 'large'])
    expect(records.find(({ name }) => name === 'large')?.padding).toBe(large)
  })

  it('takes anomalies first, then routine, then diagnostics; within each the oldest first', async () => {
    const spool = await openSample(dir, { disk: new SimulatedDisk() })
    for (const [name, recordClass] of [
      ['r0', 'routine'],
      ['d1', 'diagnostic'],
      ['a2', 'anomaly'],
      ['r3', 'routine'],
      ['a4', 'anomaly'],
    ] as const) {
      void spool.put(sampleEntry(name, recordClass))
    }
    const [batch] = await sealAll(spool)
    expect(batch?.records.map(({ name }) => name)).toEqual(['a2', 'a4', 'r0', 'r3', 'd1'])
    expect(batch?.manifest.records).toEqual({
      n: 5,
      ranges: [[0, 4]],
      classes: { anomaly: 2, routine: 2, diagnostic: 1 },
    })
  })

  it('names, in the same batch, records that rotted between put() and sealing', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    for (let i = 0; i < 5; i++) await spool.put(sampleEntry(`a${i}`, 'anomaly'))
    const path = disk.paths().find((each) => each.includes('/a-')) ?? ''
    const file = await disk.openExisting(path)
    // This is the third commit, in the third block behind the header.
    await file.write(Buffer.alloc(8, 0xff), 0, 8, 3 * 4096 + 24)
    const [batch] = await sealAll(spool)
    expect(batch?.records.map(({ n }) => n)).toEqual([0, 1, 3, 4])
    expect(batch?.manifest.lost).toEqual([{ ranges: [[2, 2]], reason: 'corrupt' }])
    expect(spool.stats()).toMatchObject({ unsealed: 0, lost: 1 })
  })

  it('leaves a segment alone that needs a dictionary of another version', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    await spool.put(sampleEntry('kept', 'anomaly'))
    await spool.close()
    const path = disk.paths().find((each) => each.includes('/a-')) ?? ''
    const foreign = disk.bytesOf(path)
    const { encodeHeader } = await import('../log/segment.ts')
    const epoch = path.split('/').at(-2) ?? ''
    encodeHeader({ stream: 'a', number: 1, epoch, dictionary: 'feedfeedfeedfeed' }).copy(foreign)
    const other = disk.damaged(path, foreign)
    const again = await openSample(dir, { disk: other })
    expect(again.stats()).toMatchObject({ unsealed: 1, lost: 0, oldestWallMs: null })
    expect(await again.seal('manual', enrolmentDigest)).toBeNull()
    await again.put(sampleEntry('newer', 'anomaly'))
    const [batch] = await sealAll(again)
    expect(batch?.records.map(({ n, name }) => [n, name])).toEqual([[1, 'newer']])
    await again.close()

    // An agent that knows the dictionary finds the record where it was.
    const back = await openSample(dir, { disk: other.damaged(path, disk.bytesOf(path)) })
    expect((await sealAll(back)).at(-1)?.records.map(({ name }) => name)).toEqual(['kept'])
  })

  it('goes on with other segments when one cannot be read, and comes back to it', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    await spool.put(sampleEntry('behind-a-sick-place', 'anomaly'))
    void spool.put(sampleEntry('elsewhere', 'routine'))
    await spool.flush()
    disk.before = async (operation, path) => {
      if (operation === 'read' && path.includes('/a-')) throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    const [first] = await sealAll(spool)
    expect(first?.records.map(({ name }) => name)).toEqual(['elsewhere'])
    disk.before = async () => {}
    await sealAll(spool)
    expect((await readPending(spool)).at(-1)?.records.map(({ name }) => name)).toEqual([
      'behind-a-sick-place',
    ])
    expect(lostIn(await readPending(spool))).toEqual([])
  })
})

describe('the manifest', () => {
  it('says who, when, with what and why', async () => {
    const spool = await openSample(dir, { disk: new SimulatedDisk() })
    void spool.put(sampleEntry('one'))
    const sealed = await spool.seal('urgent', enrolmentDigest)
    if (sealed === null) throw new Error('Nothing was sealed')
    const { manifest } = openBatch(await spool.read(sealed.id))
    expect(manifest).toMatchObject({
      v: 1,
      epoch: spool.stats().epoch,
      seq: 0,
      prev: enrolmentDigest,
      lost: [],
      time: { wall: 1_790_000_000_000, bootId: '0123456789abcdef', monoMs: 5_000, src: 'ntp', uncMs: null },
      lists: { core: 1 },
      agent: { version: '0.0.0-test' },
      why: 'urgent',
    })
  })
})

describe('the dictionary', () => {
  it('keeps its name: segments in the field were written with it, and a changed text must get another', () => {
    expect(currentDictionary.name).toBe('0aa3c8e3535248e5')
  })
})
