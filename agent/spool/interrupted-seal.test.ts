// Sealing, forgetting and setting aside, interrupted at every single operation of the disk: before the operation, or
// after it was done and reported as failed; once, or from then on. One seq never gets two contents, and nothing is
// sealed twice.

import { describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  numbersIn,
  type OpenedBatch,
  openBatch,
  openSample,
  receiptFor,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { diskError, f2fs, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { Spool } from './spool.ts'

const dir = '/state/spool'
const names = Array.from({ length: 40 }, (_, i) => `r${i}`)

interface Way {
  readonly what: string
  readonly when: 'before' | 'after'
  readonly lasting: boolean
}
const ways: readonly Way[] = [
  { what: 'refused once', when: 'before', lasting: false },
  { what: 'refused from then on', when: 'before', lasting: true },
  { what: 'done, and reported as failed', when: 'after', lasting: false },
  { what: 'done, reported as failed, and all later ones too', when: 'after', lasting: true },
]

/**
 * Makes operation number `k` from now fail.
 * @returns A function that says whether operation `k` was reached.
 */
function failAt(disk: SimulatedDisk, k: number, { when, lasting }: Way): () => boolean {
  let count = 0
  let failed = false
  disk[when] = async (operation) => {
    if (lasting ? count++ < k : count++ !== k) return
    failed = true
    throw diskError('EIO', operation)
  }
  return () => failed
}

async function filled(type: { type?: number }): Promise<{ disk: SimulatedDisk; spool: Spool }> {
  const disk = new SimulatedDisk(type)
  const spool = await openSample(dir, { disk, quotaBytes: 2 * 1024 * 1024 })
  const put = names.map((name, i) =>
    spool.put(sampleEntry(name, i % 4 === 0 ? 'anomaly' : 'routine', name.repeat(40))),
  )
  await spool.flush()
  await Promise.all(put)
  return { disk, spool }
}

/** Everything that could have been seen of a spool from outside, by seq. */
class Seen {
  readonly #bySeq: Map<string, OpenedBatch>

  constructor(before?: Seen) {
    this.#bySeq = new Map(before === undefined ? [] : before.#bySeq)
  }

  async look(spool: Spool): Promise<void> {
    for (const { id } of spool.pending()) {
      const batch = openBatch(await spool.read(id))
      const place = `${batch.manifest.epoch} ${batch.manifest.seq}`
      expect(this.#bySeq.get(place)?.id ?? batch.id, place).toBe(batch.id)
      this.#bySeq.set(place, batch)
    }
  }

  judge(more: readonly string[]): void {
    const all = [...this.#bySeq.values()]
    const expected = [...names, ...more]
    const sealed = all.flatMap(({ records }) => records.map(({ name }) => name))
    expect(sealed.sort()).toEqual(expected.toSorted())
    const numbers = all.flatMap(({ manifest }) => numbersIn(manifest.records.ranges))
    expect(numbers.sort((a, b) => a - b)).toEqual(expected.map((_, i) => i))
    expect(all.flatMap(({ manifest }) => manifest.lost)).toEqual([])
  }
}

/** Seqs of the batch files on the disk, a seq with two contents twice. */
function seqsOf(disk: SimulatedDisk): string[] {
  return disk.paths().flatMap((path) => /\/batches\/(\d{10})-\w+\.psb$/.exec(path)?.[1] ?? [])
}

/**
 * Runs with failures at operation 1, 2, 3 and so on, until one run goes through.
 * @returns How many operations there were to fail at.
 */
async function atEveryOperation(way: Way, run: (k: number) => Promise<boolean>): Promise<number> {
  let k = 0
  while (await run(k)) k++
  expect(k, way.what).toBeGreaterThan(3)
  return k
}

describe.each(ways)('an operation that is $what', (way) => {
  it.each([
    ['ext4', {}],
    ['f2fs', { type: f2fs }],
  ])(
    'during seal() leaves one content per seq, whether the spool goes on or starts again (%s)',
    async (_, type) => {
      await atEveryOperation(way, async (k) => {
        const { disk, spool } = await filled(type)
        const failed = failAt(disk, k, way)
        await spool.seal('age', enrolmentDigest)
        const seen = new Seen()
        disk.before = async () => {}
        disk.after = async () => {}
        await seen.look(spool)
        // Either the power goes now, or the spool goes on; in both cases the disk works again.
        for (const after of ['a restart', 'no restart']) {
          const place = after === 'a restart' ? disk.afterCut(seededChance(k)) : disk
          const going = after === 'a restart' ? await openSample(dir, { disk: place }) : spool
          const whole = new Seen(seen)
          // The next batch gets another content than the interrupted one would have had.
          void going.put(sampleEntry('more'))
          await sealAll(going)
          await whole.look(going)
          whole.judge(['more'])
          expect(new Set(seqsOf(place)).size).toBe(seqsOf(place).length)
          expect(going.stats()).toMatchObject({ unsealed: 0, lost: 0, health: 'ok' })
        }
        return failed()
      })
    },
  )

  it('during receipted() or quarantine() loses nothing that was not receipted', async () => {
    await atEveryOperation(way, async (k) => {
      const { disk, spool } = await filled({})
      await spool.seal('age', enrolmentDigest)
      for (const name of ['late-1', 'late-2']) void spool.put(sampleEntry(name))
      await spool.seal('age', enrolmentDigest)
      const [first, second] = spool.pending()
      if (first === undefined || second === undefined) throw new Error('Expected two batches')
      const receipt = receiptFor(openBatch(await spool.read(first.id)))
      const failed = failAt(disk, k, way)
      await spool.receipted(receipt)
      await spool.quarantine(second.id, 'bad_manifest')
      const again = await openSample(dir, { disk: disk.afterCut(seededChance(k)) })
      const { pendingBatches, quarantined, unsealed, lost } = again.stats()
      expect({ unsealed, lost }).toEqual({ unsealed: 0, lost: 0 })
      // Where the note was not written, the batch is still there and is sent again: the collector knows it.
      expect(quarantined + again.pending().filter(({ id }) => id === second.id).length).toBe(1)
      expect(pendingBatches).toBeLessThanOrEqual(2)
      return failed()
    })
  })

  it('during openSpool() costs nothing at the next start', async () => {
    const { disk, spool } = await filled({})
    await spool.seal('age', enrolmentDigest)
    for (const name of ['late-1', 'late-2']) void spool.put(sampleEntry(name))
    await spool.flush()
    await atEveryOperation(way, async (k) => {
      const copy = disk.afterCut(seededChance(k))
      const failed = failAt(copy, k, way)
      await (await openSample(dir, { disk: copy })).close()
      const again = await openSample(dir, { disk: copy.afterCut(seededChance(k)) })
      expect(again.stats()).toMatchObject({
        unsealed: 2,
        pendingBatches: 1,
        lost: 0,
        health: 'ok',
        nextSeq: 1,
      })
      return failed()
    })
  })
})
