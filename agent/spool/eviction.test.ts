import { describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  lostIn,
  noise,
  openSample,
  readPending,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { f2fs, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import { budgetOf, type Evictable, minQuotaBytes, nextVictim } from './eviction.ts'

const evictable = (holds: Evictable['holds'], order: number): Evictable => ({ holds, order, bytes: 1 })

describe('nextVictim()', () => {
  it('takes what is refused, then diagnostics, routine, repeats, anomalies; the oldest of each first', () => {
    const left = [
      evictable('anomaly', 0),
      evictable('repeat', 5),
      evictable('routine', 7),
      evictable('anomaly', 1),
      evictable('diagnostic', 9),
      evictable('refused', 3),
      evictable('routine', 2),
      evictable('diagnostic', 4),
    ]
    const order: string[] = []
    for (let victim = nextVictim(left); victim !== null; victim = nextVictim(left)) {
      order.push(`${victim.holds} ${victim.order}`)
      left.splice(left.indexOf(victim), 1)
    }
    expect(order).toEqual([
      'refused 3',
      'diagnostic 4',
      'diagnostic 9',
      'routine 2',
      'routine 7',
      'repeat 5',
      'anomaly 0',
      'anomaly 1',
    ])
  })
})

describe('budgetOf()', () => {
  it('leaves room for a segment of each stream and a batch below the quota', () => {
    for (const quota of [minQuotaBytes, 3_999_999, 16 * 1024 * 1024, 1e9]) {
      const { smallSegment, largeSegment, limit, reserve } = budgetOf(quota)
      expect(limit + 3 * smallSegment + largeSegment).toBeLessThan(quota)
      expect(limit).toBeGreaterThan(reserve + smallSegment)
      expect(smallSegment % 4096).toBe(0)
      expect(largeSegment % 4096).toBe(0)
    }
  })

  it('uses segments of 256 KiB and 1 MiB from 16 MiB on', () => {
    expect(budgetOf(16 * 1024 * 1024)).toMatchObject({ smallSegment: 256 * 1024, largeSegment: 1024 * 1024 })
  })

  it.each([0, -1, Number.NaN, minQuotaBytes - 1])('refuses a quota of %d', (quota) => {
    expect(() => budgetOf(quota)).toThrow(RangeError)
  })
})

const dir = '/state/spool'
const padding = (chance: () => number) => noise(chance, 600)

describe.each([
  ['ext4', {}],
  ['f2fs', { type: f2fs }],
])('a spool that is full (%s)', (_, type) => {
  it('never stops accepting, stays within its quota, and loses no anomaly while anything routine is left', async () => {
    const chance = seededChance(7)
    const disk = new SimulatedDisk(type)
    const quotaBytes = 3 * 1024 * 1024
    const spool = await openSample(dir, { disk, quotaBytes })
    const used = () => disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).length, 0)
    let anomalies = 0
    for (let i = 0; i < 6_000; i++) {
      const recordClass = i % 25 === 0 ? 'anomaly' : i % 40 === 1 ? 'diagnostic' : 'routine'
      if (recordClass === 'anomaly') anomalies++
      void spool.put(sampleEntry(`${recordClass}-${i}`, recordClass, padding(chance)))
      if (i % 50 === 49) {
        await spool.flush()
        expect(used()).toBeLessThanOrEqual(quotaBytes)
      }
    }
    const { lost, unsealed } = spool.stats()
    expect(lost).toBeGreaterThan(1_000)
    expect(lost + unsealed).toBe(6_000)
    const batches = await sealAll(spool)
    expect(used()).toBeLessThanOrEqual(quotaBytes)
    const records = batches.flatMap((each) => each.records)
    expect(records.filter((each) => each.class === 'anomaly')).toHaveLength(anomalies)

    // The routine records that are left are the newest.
    const routine = records.filter((each) => each.class === 'routine').map(({ n }) => n)
    expect(Math.max(...routine)).toBeGreaterThan(5_990)
    const evicted = lostIn(batches, 'evicted')
    expect(evicted).toHaveLength(lost)
    expect(new Set([...evicted, ...records.map(({ n }) => n)]).size).toBe(6_000)
    for (const { lost: losses } of batches.map(({ manifest }) => manifest)) {
      for (const { ranges } of losses) expect(ranges.length).toBeLessThanOrEqual(32)
    }
  })

  it('gives up sealed routine before unsealed anomalies, and anomalies, oldest first, when nothing else is left', async () => {
    const chance = seededChance(8)
    const disk = new SimulatedDisk(type)
    const spool = await openSample(dir, { disk, quotaBytes: 2 * 1024 * 1024 })
    for (let i = 0; i < 300; i++) void spool.put(sampleEntry(`routine-${i}`, 'routine', padding(chance)))
    await sealAll(spool)
    const routineBatches = spool.pending().length
    expect(routineBatches).toBeGreaterThan(2)
    let firstLoss: number | null = null
    for (let i = 0; i < 3_000; i++) {
      void spool.put(sampleEntry(`anomaly-${i}`, 'anomaly', padding(chance)))
      if (i % 20 === 19) await spool.flush()
      const routineLeft = spool.pending().filter((each) => each.anomalies === 0).length
      if (routineLeft === 0) firstLoss ??= i
    }
    expect(firstLoss).not.toBeNull()
    const batches = await sealAll(spool)
    const records = batches.flatMap((each) => each.records)
    expect(records.some((each) => each.class === 'routine')).toBe(false)
    const kept = records.map(({ name }) => Number(name.split('-')[1])).sort((a, b) => a - b)
    // The anomalies that are left are an unbroken run of the newest.
    expect(kept.at(-1)).toBe(2_999)
    expect(kept).toEqual(kept.map((_, i) => (kept[0] ?? 0) + i))
    expect(lostIn(batches, 'evicted')).toHaveLength(300 + 3_000 - kept.length)
  })

  it('remembers across a restart what it gave up', async () => {
    const chance = seededChance(9)
    const disk = new SimulatedDisk(type)
    const options = { quotaBytes: 2 * 1024 * 1024 }
    const spool = await openSample(dir, { disk, ...options })
    for (let i = 0; i < 4_000; i++) void spool.put(sampleEntry(`r-${i}`, 'routine', padding(chance)))
    await spool.flush()
    const { lost } = spool.stats()
    expect(lost).toBeGreaterThan(0)
    const again = await openSample(dir, { disk: disk.afterCut(chance), ...options })
    expect(again.stats()).toMatchObject({ lost, health: 'ok' })
    await sealAll(again)
    expect(lostIn(await readPending(again), 'evicted')).toHaveLength(again.stats().lost)
  })
})

describe('a batch that is given up', () => {
  it('has the losses that it named named again: they used to be forgotten with it', async () => {
    const chance = seededChance(77)
    const spool = await openSample('/state/spool', { disk: new SimulatedDisk(), quotaBytes: minQuotaBytes })
    const numbers: Promise<number>[] = []
    for (let cycle = 0; cycle < 250; cycle++) {
      for (let i = 0; i < 40; i++)
        numbers.push(spool.put(sampleEntry(`r${cycle}-${i}`, 'routine', noise(chance, 150))))
      await spool.flush()
      while ((await spool.seal('size', enrolmentDigest)) !== null);
    }
    const put = await Promise.all(numbers)
    const batches = await sealAll(spool)
    const arrived = new Set(batches.flatMap(({ records }) => records.map(({ n }) => n)))
    const all = lostIn(batches)
    const named = new Set(all)
    // There were several generations of batches; without them nothing would have been tried.
    expect(batches[0]?.manifest.seq).toBeGreaterThan(10)
    expect(put.filter((n) => arrived.has(n) === named.has(n))).toEqual([])
    expect(all).toHaveLength(named.size)
    expect(spool.stats().lost).toBe(named.size)
  })
})
