// A full spool gives up repeats before it gives up an anomaly, and moves what is left of a segment into another.
// Tested by cutting the power, taking the room away and flipping bits, at every step of it: the records of changes
// are there, and each record that went is named once.

import { describe, expect, it } from 'vitest'
import { damaged } from '../../test/damage/damages.ts'
import {
  enrolmentDigest,
  lostIn,
  noise,
  type OpenedBatch,
  openSample,
  readPending,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { diskError, f2fs, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { Measurement, SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import { scanFrames } from './log/frame.ts'
import { headerBytes } from './log/segment.ts'
import type { Spool } from './spool.ts'

const deep = process.env.SONDE_DEEP !== undefined
const dir = '/state/spool'
/**
 * With this quota, segments have 32 KiB: there are twenty cycles in each, and the spool is full after a few hundred
 * cycles.
 */
const quotaBytes = 1024 * 1024
const targets = 8
/** Number of cycles after which each target changes its state; the targets do not change all at once. */
const rowLength = 60

interface Put {
  readonly target: string
  /** Text that tells one record of a target from another. */
  readonly padding: string
  readonly changed: boolean
}

/** The records that were put, by number: in one life of a spool, numbers are given in the order of putting. */
class Story {
  readonly told: Put[] = []
  readonly acknowledged = new Set<number>()
  readonly #chance = seededChance(5)

  /** One cycle: a record of each target, all at once. */
  async cycle(spool: Spool): Promise<void> {
    const cycle = this.told.length / targets
    for (let i = 0; i < targets; i++) {
      const row = Math.floor((cycle + i * 7) / rowLength)
      const changed = cycle === 0 || row !== Math.floor((cycle - 1 + i * 7) / rowLength)
      const n = this.told.length
      const put = { target: `target-${i}`, padding: `${n} ${noise(this.#chance, 500)}`, changed }
      this.told.push(put)
      spool.put(entryOf(put, row % 2 === 0 ? 'connection_reset' : 'generic_timeout_error')).then(
        (given) => {
          if (given !== n) throw new Error(`Record ${n} has the number ${given}`)
          this.acknowledged.add(n)
        },
        // The record is not durable yet: it waits in memory, and in the end the ledger or a batch names it.
        () => {},
      )
    }
    await spool.flush()
  }

  copy(): Story {
    const story = new Story()
    for (const put of this.told) {
      story.told.push(put)
      noise(story.#chance, 500)
    }
    for (const n of this.acknowledged) story.acknowledged.add(n)
    return story
  }

  /** @param mayMiss - Numbers of records that were damaged. */
  judge(batches: readonly OpenedBatch[], mayMiss: ReadonlySet<number> = new Set()): void {
    const arrived = new Map<number, number>()
    for (const { n, name, padding } of batches.flatMap(({ records }) => records)) {
      const { target, padding: put } = this.told[n] ?? {}
      expect({ name, padding }, `record ${n} is not what was put`).toEqual({ name: target, padding: put })
      arrived.set(n, (arrived.get(n) ?? 0) + 1)
    }
    const named = new Set(lostIn(batches))
    expect(
      [...arrived].filter(([, times]) => times > 1),
      'sent twice',
    ).toEqual([])
    expect(
      [...arrived.keys()].filter((n) => named.has(n)),
      'sent and named as lost',
    ).toEqual([])
    const known = [...this.acknowledged]
    const newest = Math.max(...arrived.keys())
    const unnamed = known.filter((n) => !arrived.has(n) && !named.has(n))
    expect(
      unnamed.filter((n) => !mayMiss.has(n) || n < newest),
      'neither there nor named',
    ).toEqual([])
    const changes = known.filter((n) => this.told[n]?.changed && !arrived.has(n) && !mayMiss.has(n))
    expect(changes, 'changes that are gone').toEqual([])
  }
}

function entryOf({ target, padding }: Put, how: string): SpoolEntry {
  const measurement = {
    test_name: 'web_connectivity',
    input: `https://${target}.example/`,
    padding,
    test_keys: { x_sonde_verdict: { verdict: 'anomaly', step: 'tls_handshake', how } },
  } as unknown as Measurement
  return {
    class: 'anomaly',
    time: { wall_ms: 1_790_000_000_000, boot: 'b', mono_ms: 1, clock: 'synced' },
    measurement,
  }
}

/** Two ways to make room: thinning segments, or sealing repeats apart and giving up their batches. */
const habits = ['keeps everything in segments', 'seals for room'] as const
type Habit = (typeof habits)[number]

async function live(spool: Spool, story: Story, habit: Habit, cycles: number): Promise<void> {
  for (let i = 0; i < cycles; i++) {
    await story.cycle(spool)
    if (habit === 'seals for room') while ((await spool.seal('size', enrolmentDigest)) !== null);
  }
}

/** Makes a spool that is full and has just begun to give up repeats. */
async function makeFull(habit: Habit, type: { readonly type?: number }) {
  const disk = new SimulatedDisk(type)
  const story = new Story()
  const spool = await openSample(dir, { disk, quotaBytes })
  while (spool.stats().lost === 0) await live(spool, story, habit, 1)
  await live(spool, story, habit, 5)
  await spool.close()
  return {
    disk,
    story,
    clone: () => disk.damaged(disk.paths()[0] ?? '', disk.bytesOf(disk.paths()[0] ?? '')),
  }
}

/** Number of further cycles: enough to give up repeats several times more. */
const further = 24

describe.each(habits)('a full spool that %s', (habit) => {
  const begun = Promise.all([makeFull(habit, {}), makeFull(habit, { type: f2fs })])

  /**
   * How many operations of the disk `further` cycles take when nothing disturbs them, and what the batches hold then.
   */
  const undisturbed = (async () => {
    let operations = 0
    const [{ clone, story: before }] = await begun
    const [disk, story] = [clone(), before.copy()]
    disk.before = async () => void operations++
    const spool = await openSample(dir, { disk, quotaBytes })
    await live(spool, story, habit, further)
    const { lost } = spool.stats()
    return { operations, lost, batches: await sealAll(spool), story }
  })()

  it('gives up nothing but repeats', async () => {
    const { lost, batches, story } = await undisturbed
    expect(lost).toBeGreaterThan(200)
    story.judge(batches)
    // Without this check, a spool that had given up half of the changes would pass for one that had thinned.
    expect(lostIn(batches, 'evicted')).toHaveLength(lost)
  })

  it('has every change and names the rest when the power goes, wherever it goes', {
    timeout: 600_000,
  }, async () => {
    const { operations } = await undisturbed
    const step = deep ? 1 : 53
    for (let at = 0; at < operations; at += step) {
      const subject = (await begun)[at % 2] ?? raise()
      const [disk, story, chance] = [subject.clone(), subject.story.copy(), seededChance(at)]
      await untilCut(disk, at, async () => {
        const spool = await openSample(dir, { disk, quotaBytes })
        await live(spool, story, habit, further)
      })
      const found = chance() < 0.3 ? disk.afterKill() : disk.afterCut(chance)
      const spool = await openSample(dir, { disk: found, quotaBytes })
      await inCase(`cut before operation ${at}`, async () => story.judge(await sealAll(spool)))
    }
  })

  it('has every change and names the rest when there is no room for a while', {
    timeout: 600_000,
  }, async () => {
    const { operations } = await undisturbed
    const step = deep ? 1 : 53
    for (let at = 0; at < operations; at += step) {
      const subject = (await begun)[at % 2] ?? raise()
      const [disk, story] = [subject.clone(), subject.story.copy()]
      const lasts = 1 + (at % 9)
      let count = 0
      disk.before = async (operation) => {
        const full = count >= at && count < at + lasts
        count++
        if (full && (operation === 'write' || operation === 'create')) throw diskError('ENOSPC')
      }
      const spool = await openSample(dir, { disk, quotaBytes })
      await live(spool, story, habit, further)
      disk.before = async () => {}
      await spool.flush()
      await inCase(`full for ${lasts} from operation ${at}`, async () => {
        expect(spool.stats().health).toBe('ok')
        const sealed = await sealAll(spool)
        story.judge(sealed)
        await spool.close()
        const again = await openSample(dir, { disk, quotaBytes })
        const pending = await readPending(again)
        expect(pending.map(({ id }) => id)).toEqual(sealed.map(({ id }) => id))
        expect(again.stats().unsealed).toBe(0)
      })
    }
  })

  it('loses no record that was not damaged, and names those that were', { timeout: 600_000 }, async () => {
    for (let seed = 0; seed < (deep ? 300 : 12); seed++) {
      const subject = (await begun)[seed % 2] ?? raise()
      const chance = seededChance(seed)
      const segments = subject.disk
        .paths()
        .filter((path) => path.includes('/records/') && path.includes('/a-'))
      const path = segments[Math.floor(chance() * segments.length)] ?? raise()
      const before = subject.disk.bytesOf(path)
      const { what, bytes } = damaged(before, chance)
      const spool = await openSample(dir, { disk: subject.disk.damaged(path, bytes), quotaBytes })
      const mayMiss = scanFrames(before, headerBytes)
        .frames.filter(({ offset, end }) => bytes.indexOf(before.subarray(offset, end), headerBytes) === -1)
        .map(({ sequence }) => sequence)
      await inCase(`seed ${seed}, ${what}`, async () =>
        subject.story.copy().judge(await sealAll(spool), new Set(mayMiss)),
      )
    }
  })
})

/**
 * Runs `work` until it has done `operations` operations of the disk; after that the disk does not answer any more.
 */
async function untilCut(disk: SimulatedDisk, operations: number, work: () => Promise<void>): Promise<void> {
  let left = operations
  let cut: () => void = () => {}
  const dead = new Promise<void>((resolve) => {
    cut = resolve
  })
  disk.before = async () => {
    if (left-- > 0) return
    cut()
    await new Promise(() => {})
  }
  await Promise.race([dead, work()])
}

async function inCase(name: string, check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}

function raise(): never {
  throw new Error('There is no such thing')
}
