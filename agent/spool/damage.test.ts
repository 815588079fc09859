// Worn cards: files of the spool with flipped bits, missing ends, blocks of zeros, junk. No corrupt record is
// accepted, no undamaged record is lost, and lost records are named.

import { describe, expect, it } from 'vitest'
import { damages } from '../../test/damage/damages.ts'
import {
  enrolmentDigest,
  lostIn,
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
import { f2fs, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { RecordClass } from '../../tests-spec/data-formats/measurement.ts'
import { scanFrames } from './log/frame.ts'
import { headerBytes } from './log/segment.ts'
import type { Spool } from './spool.ts'

const deep = process.env.SONDE_DEEP !== undefined
const cases = deep ? 4_000 : 400
const dir = '/state/spool'
const quota = 4 * 1024 * 1024

/** A spool that was closed, with some batches receipted, some pending, and records in segments. */
interface Worn {
  readonly disk: SimulatedDisk
  /** What was put, by name of the record; the padding tells a corrupt record from a sound one. */
  readonly paddings: ReadonlyMap<string, string>
  /** Numbers of acknowledged records, by name of the record. */
  readonly numbers: ReadonlyMap<string, number>
  /** Every batch that was seen outside the spool, receipted ones included. */
  readonly seen: readonly OpenedBatch[]
}

async function makeWorn(seed: number): Promise<Worn> {
  const chance = seededChance(seed)
  const disk = new SimulatedDisk(seed % 2 === 0 ? {} : { type: f2fs })
  const paddings = new Map<string, string>()
  const numbers = new Map<string, number>()
  const seen: OpenedBatch[] = []
  let spool = await openSample(dir, { disk, quotaBytes: quota })
  for (let round = 0; round < 5; round++) {
    const acknowledged = Array.from({ length: 10 + Math.floor(chance() * 40) }, () => {
      const name = `record-${paddings.size}`
      const padding = noise(chance, Math.floor(chance() ** 3 * 2_500))
      paddings.set(name, padding)
      const recordClass: RecordClass =
        (['anomaly', 'routine', 'diagnostic'] as const)[Math.floor(chance() * 3)] ?? 'routine'
      return spool.put(sampleEntry(name, recordClass, padding)).then((n) => numbers.set(name, n))
    })
    await spool.flush()
    await Promise.all(acknowledged)
    if (round === 1 || round === 2) {
      const sealed = await spool.seal('age', enrolmentDigest)
      if (sealed === null) throw new Error('Nothing was sealed')
      const batch = openBatch(await spool.read(sealed.id))
      seen.push(batch)
      if (round === 1) await spool.receipted(receiptFor(batch))
    }
    if (round === 3) {
      await spool.close()
      spool = await openSample(dir, { disk, quotaBytes: quota })
    }
  }
  await spool.close()
  return { disk, paddings, numbers, seen }
}

const worn = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(makeWorn))

/** Damages a used part of the file: most of a segment is zeros, where damage does no harm. */
function damage(bytes: Buffer, chance: () => number): { damaged: Buffer; what: string } {
  const used = Math.max(headerBytes, scanFrames(bytes, 0).tail)
  const { what, endsFile, do: apply } = damages[Math.floor(chance() * damages.length)] ?? raise()
  const head = apply(Buffer.from(bytes.subarray(0, used)), chance)
  const damaged = endsFile ? head : Buffer.concat([head, bytes.subarray(used)])
  return { damaged, what }
}

function raise(): never {
  throw new Error('No damage to choose from')
}

function checkContents({ paddings }: Worn, batches: readonly OpenedBatch[]): void {
  for (const { records } of batches) {
    for (const { name, padding } of records)
      expect(paddings.get(name), `${name} was never put so`).toBe(padding)
  }
}

async function inEachCase(run: (subject: Worn, chance: () => number) => Promise<void>): Promise<void> {
  for (let seed = 0; seed < cases; seed++) {
    const subject = worn[seed % worn.length] ?? raise()
    try {
      await run(subject, seededChance(1_000 + seed))
    } catch (cause) {
      throw new Error(`Case ${seed}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
}

/** Opens the damaged spool, seals everything, and reads it as a collector would. */
async function outcome(disk: SimulatedDisk): Promise<{ spool: Spool; batches: OpenedBatch[] }> {
  const spool = await openSample(dir, { disk, quotaBytes: quota })
  expect(spool.stats().health).toBe('ok')
  return { spool, batches: await sealAll(spool) }
}

const timeoutMs = deep ? 600_000 : 60_000

describe(`a spool with one damaged file (${cases} cases each)`, () => {
  it(
    'of records: accepts no corrupt record, loses no undamaged one, and names what is missing',
    async () => {
      await inEachCase(async (subject, chance) => {
        const segments = subject.disk.paths().filter((path) => path.includes('/records/'))
        const path = segments[Math.floor(chance() * segments.length)] ?? raise()
        const before = subject.disk.bytesOf(path)
        const { damaged } = damage(before, chance)
        const { spool, batches } = await outcome(subject.disk.damaged(path, damaged))
        checkContents(subject, batches)

        const all = [
          ...subject.seen,
          ...batches.filter(({ id }) => !subject.seen.some((each) => each.id === id)),
        ]
        const arrived = new Set(all.flatMap(({ records }) => records.map(({ n }) => n)))
        const hurt = scanFrames(before, headerBytes).frames.filter(
          // A frame that was swapped into the header's block is whole, but the spool does not look for frames there.
          ({ offset, end }) => damaged.indexOf(before.subarray(offset, end), headerBytes) === -1,
        )
        const mayMiss = new Set(hurt.map(({ sequence }) => sequence))
        for (const [name, n] of subject.numbers) {
          if (!mayMiss.has(n)) expect(arrived.has(n), `${name} was not damaged, and is gone`).toBe(true)
        }
        const named = new Set(lostIn(all))
        const corrupt = new Set(lostIn(all, 'corrupt'))
        for (const n of mayMiss) {
          if (!arrived.has(n)) expect(corrupt.has(n), `${n} is gone, and not named as damaged`).toBe(true)
        }
        for (const n of named) expect(arrived.has(n), `${n} is named as lost, and is there`).toBe(false)
        expect(all.flatMap(({ records }) => records)).toHaveLength(arrived.size)
        await spool.close()
      })
    },
    timeoutMs,
  )

  it(
    'of the control log: loses no record and no batch, and gives no seq a second content',
    async () => {
      await inEachCase(async (subject, chance) => {
        const path = subject.disk.paths().find((each) => each.includes('/control/')) ?? raise()
        const { damaged } = damage(subject.disk.bytesOf(path), chance)
        const { spool, batches } = await outcome(subject.disk.damaged(path, damaged))
        checkContents(subject, batches)

        const receipted = subject.seen[0] ?? raise()
        const arrived = new Set(
          [receipted, ...batches].flatMap(({ records }) => records.map(({ name }) => name)),
        )
        for (const name of subject.numbers.keys()) expect(arrived.has(name), `${name} is gone`).toBe(true)
        const contents = new Map(
          subject.seen.map(({ id, manifest }) => [`${manifest.epoch} ${manifest.seq}`, id]),
        )
        for (const { id, manifest } of batches) {
          const place = `${manifest.epoch} ${manifest.seq}`
          expect(contents.get(place) ?? id, `second content for ${place}`).toBe(id)
          contents.set(place, id)
        }
        await spool.close()
      })
    },
    timeoutMs,
  )

  it(
    'of a batch: gives the batch up, names its records, and keeps all others',
    async () => {
      await inEachCase(async (subject, chance) => {
        const path = subject.disk.paths().find((each) => each.endsWith('.psb')) ?? raise()
        const before = subject.disk.bytesOf(path)
        const damaged = chance() < 0.2 ? null : damage(before, chance).damaged
        if (damaged?.equals(before)) return
        const spool = await openSample(dir, { disk: subject.disk.damaged(path, damaged), quotaBytes: quota })
        const [pending] = spool.pending()
        if (pending !== undefined) await expect(spool.read(pending.id)).rejects.toThrow('gone or damaged')
        const batches = await sealAll(spool)
        const gone = subject.seen[1] ?? raise()
        expect(lostIn(batches, 'corrupt').sort((a, b) => a - b)).toEqual(
          numbersIn(gone.manifest.records.ranges),
        )
        expect(batches.flatMap(({ records }) => records)).toHaveLength(
          subject.numbers.size - subject.seen.reduce((sum, { records }) => sum + records.length, 0),
        )
        expect(batches[0]?.manifest).toMatchObject({ seq: 2, prev: gone.id })
        await spool.close()
      })
    },
    timeoutMs,
  )
})

describe('a spool whose control log is gone', () => {
  it('begins a new epoch, sends the old batches as they are, and the records under new numbers, once', async () => {
    for (const subject of worn) {
      const path = subject.disk.paths().find((each) => each.includes('/control/')) ?? raise()
      const disk = subject.disk.damaged(path, null)
      const { spool, batches } = await outcome(disk)
      const old = subject.seen[1] ?? raise()
      expect(batches.some(({ id }) => id === old.id)).toBe(true)
      const fresh = batches.filter(({ manifest }) => manifest.epoch !== old.manifest.epoch)
      expect(fresh[0]?.manifest).toMatchObject({ seq: 0, prev: enrolmentDigest })
      const numbers = fresh
        .flatMap(({ manifest }) => numbersIn(manifest.records.ranges))
        .sort((a, b) => a - b)
      expect(numbers).toEqual(numbers.map((_, i) => i))
      const names = batches.flatMap(({ records }) => records.map(({ name }) => name))
      expect(new Set(names).size).toBe(names.length)
      await spool.close()

      const again = await openSample(dir, { disk, quotaBytes: quota })
      expect(again.stats()).toMatchObject({ epoch: fresh[0]?.manifest.epoch, unsealed: 0, health: 'ok' })
      expect((await readPending(again)).map(({ id }) => id).sort()).toEqual(
        batches.map(({ id }) => id).sort(),
      )
      await again.close()
    }
  })
})
