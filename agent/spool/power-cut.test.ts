// The promise of the spool, tried by cutting the power: on a simulated disk at any operation, with unsynced sectors
// and names kept, lost or ruined by chance, several times over the same spool. Now and then only the process dies:
// what it had not synced can then be read, and is still not safe.

import { describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  noise,
  numbersIn,
  type OpenedBatch,
  openBatch,
  openSample,
  readPending,
  receiptFor,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { f2fs, type Operation, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { RecordClass } from '../../tests-spec/data-formats/measurement.ts'
import type { Spool } from './spool.ts'

const deep = process.env.SONDE_DEEP !== undefined
const dir = '/state/spool'
/** Small segments, so that there are many; large enough that nothing has to be given up. */
const quota = 4 * 1024 * 1024

/** What is known of a spool outside it: all that a power cut must not contradict. */
class Witness {
  /** By the name of the record: the number that `put` resolved with. */
  readonly acknowledged = new Map<string, number>()
  /** By epoch and seq: every batch that was ever seen outside. */
  readonly seen = new Map<string, OpenedBatch>()
  readonly receipted = new Set<string>()
  #count = 0

  put(spool: Spool, recordClass: RecordClass, padding: string): void {
    const name = `record-${this.#count++}`
    spool.put(sampleEntry(name, recordClass, padding)).then(
      (n) => this.acknowledged.set(name, n),
      () => {},
    )
  }

  see(batch: OpenedBatch): void {
    const place = `${batch.manifest.epoch} ${batch.manifest.seq}`
    const before = this.seen.get(place)
    if (before !== undefined) expect(batch.id, `second content for ${place}`).toBe(before.id)
    this.seen.set(place, batch)
  }

  /** After everything was sealed: each acknowledged record is in one batch, under its number, or named as lost. */
  judge(): void {
    const where = new Map<string, number[]>()
    const batches = [...this.seen.values()]
    for (const { records } of batches) {
      for (const { n, name } of records) where.set(name, [...(where.get(name) ?? []), n])
    }
    for (const [name, n] of this.acknowledged) expect(where.get(name), name).toEqual([n])
    for (const [name, numbers] of where) expect(numbers, `${name} sealed twice`).toHaveLength(1)
    this.#judgeNumbers(batches)
    this.#judgeChain(batches)
  }

  /** No number is in two places, and every number is in one. */
  #judgeNumbers(batches: readonly OpenedBatch[]): void {
    const sealed = batches.flatMap(({ manifest }) => numbersIn(manifest.records.ranges))
    const lost = batches.flatMap(({ manifest }) => manifest.lost.flatMap(({ ranges }) => numbersIn(ranges)))
    const all = [...sealed, ...lost].sort((a, b) => a - b)
    expect(all).toEqual(all.map((_, i) => i))
  }

  #judgeChain(batches: readonly OpenedBatch[]): void {
    const inOrder = batches.toSorted((a, b) => a.manifest.seq - b.manifest.seq)
    for (const [i, { manifest }] of inOrder.entries()) {
      expect(manifest.seq).toBe(i)
      expect(manifest.prev).toBe(inOrder[i - 1]?.id ?? enrolmentDigest)
      expect(manifest.epoch).toBe(inOrder[0]?.manifest.epoch)
    }
  }
}

/** Uses the spool until the power goes, which happens after `operations` operations of the disk. */
async function liveUntilCut(
  disk: SimulatedDisk,
  witness: Witness,
  chance: () => number,
  operations: number,
): Promise<void> {
  let left = operations
  let cut: () => void = () => {}
  const dead = new Promise<void>((resolve) => {
    cut = resolve
  })
  disk.before = async () => {
    if (left-- > 0) return
    cut()
    // Nothing answers any more, and no code that waits goes on.
    await new Promise(() => {})
  }
  await Promise.race([dead, live(disk, witness, chance)])
}

async function live(disk: SimulatedDisk, witness: Witness, chance: () => number): Promise<never> {
  const spool = await openSample(dir, { disk, quotaBytes: quota })
  for (;;) {
    const what = chance()
    if (what < 0.7) {
      const burst = 1 + Math.floor(chance() * 20)
      for (let i = 0; i < burst; i++) {
        const recordClass = (['anomaly', 'routine', 'routine', 'diagnostic'] as const)[
          Math.floor(chance() * 4)
        ]
        witness.put(spool, recordClass ?? 'routine', noise(chance, Math.floor(chance() ** 4 * 3_000)))
      }
      if (chance() < 0.5) await spool.flush()
    } else if (what < 0.85) {
      await spool.seal('age', enrolmentDigest)
    } else {
      const batch = spool.pending()[0]
      if (batch === undefined) continue
      const opened = openBatch(await spool.read(batch.id))
      witness.see(opened)
      witness.receipted.add(opened.id)
      await spool.receipted(receiptFor(opened))
    }
  }
}

async function runCase(seed: number): Promise<void> {
  const chance = seededChance(seed)
  const witness = new Witness()
  let disk = new SimulatedDisk(chance() < 0.5 ? {} : { type: f2fs })
  const cuts = 1 + Math.floor(chance() * 4)
  for (let i = 0; i < cuts; i++) {
    await liveUntilCut(disk, witness, chance, Math.floor(chance() ** 2 * 250))
    disk = chance() < 0.4 ? disk.afterKill() : disk.afterCut(chance)
  }
  const spool = await openSample(dir, { disk, quotaBytes: quota })
  expect(spool.stats().health).toBe('ok')
  await sealAll(spool)
  for (const batch of await readPending(spool)) witness.see(batch)
  witness.judge()
  await spool.close()
}

describe('openSpool() after a kill', () => {
  /** Stops everything before the first `operation` on a path with this ending, then kills the process. */
  async function killedBefore(
    disk: SimulatedDisk,
    operation: Operation,
    path: RegExp,
    act: (spool: Spool) => unknown,
  ): Promise<SimulatedDisk> {
    const spool = await openSample(dir, { disk, quotaBytes: quota })
    const reached = new Promise<void>((resolve) => {
      disk.before = async (what, where) => {
        if (what !== operation || !path.test(where)) return
        resolve()
        await new Promise(() => {})
      }
    })
    act(spool)
    await reached
    return disk.afterKill()
  }
  /** The power goes, and everything that was not synced is lost. */
  const cut = (disk: SimulatedDisk) => disk.afterCut(() => 0.999)

  it('does not go on in a segment whose name is not durable', async () => {
    const survivor = await killedBefore(
      new SimulatedDisk({ type: f2fs }),
      'syncDirectory',
      /records\/\w+$/,
      (spool) => spool.put(sampleEntry('first', 'anomaly')),
    )
    const second = await openSample(dir, { disk: survivor, quotaBytes: quota })
    await second.put(sampleEntry('second', 'anomaly'))
    const third = await openSample(dir, { disk: cut(survivor), quotaBytes: quota })
    expect((await sealAll(third)).flatMap(({ records }) => records.map(({ name }) => name))).toEqual([
      'second',
    ])
  })

  it('makes sure of a receipt it found before it removes the batch', async () => {
    const disk = new SimulatedDisk()
    const first = await openSample(dir, { disk, quotaBytes: quota })
    void first.put(sampleEntry('one'))
    const [batch] = await sealAll(first)
    if (batch === undefined) throw new Error('Nothing was sealed')
    await first.close()
    const survivor = await killedBefore(disk, 'datasync', /control/, async (spool) => {
      await spool.receipted(receiptFor(batch))
      await spool.close()
    })
    await (await openSample(dir, { disk: survivor, quotaBytes: quota })).close()
    const third = await openSample(dir, { disk: cut(survivor), quotaBytes: quota })
    expect(third.stats()).toMatchObject({ pendingBatches: 0, lost: 0, unsealed: 0 })
  })

  it('makes sure of a batch it found before it takes note of it', async () => {
    const survivor = await killedBefore(
      new SimulatedDisk({ type: f2fs }),
      'syncDirectory',
      /batches$/,
      (spool) => {
        void spool.put(sampleEntry('one'))
        return spool.seal('age', enrolmentDigest)
      },
    )
    const second = await openSample(dir, { disk: survivor, quotaBytes: quota })
    expect(second.stats()).toMatchObject({ pendingBatches: 1, unsealed: 0 })
    const third = await openSample(dir, { disk: cut(survivor), quotaBytes: quota })
    expect(third.stats()).toMatchObject({ pendingBatches: 1, unsealed: 0, lost: 0 })
    expect((await readPending(third)).flatMap(({ records }) => records.map(({ name }) => name))).toEqual([
      'one',
    ])
  })
})

describe('openSpool() after a power cut', () => {
  const cases = deep ? 6_000 : 150
  const perTest = 50
  it.each(Array.from({ length: cases / perTest }, (_, i) => i * perTest))(
    'has every record whose put() resolved once, and one content per seq (cases from %i)',
    async (first) => {
      for (let seed = first; seed < first + perTest; seed++) {
        try {
          await runCase(seed)
        } catch (cause) {
          throw new Error(`Case ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause })
        }
      }
    },
    120_000,
  )
})
