// What is sealed and receipted is not left in the segment that is being written.

import { expect, it } from 'vitest'
import {
  enrolmentDigest,
  noise,
  openBatch,
  openSample,
  receiptFor,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { SimulatedDisk } from '../../test/support/simulated-disk.ts'
import { scanFrames } from './log/frame.ts'
import { headerBytes } from './log/segment.ts'
import type { Spool } from './spool.ts'

const dir = '/state/spool'
const segmentOf = (disk: SimulatedDisk) => disk.paths().find((path) => path.includes('/r-')) ?? ''
const numbersIn = (disk: SimulatedDisk) =>
  scanFrames(disk.bytesOf(segmentOf(disk)), headerBytes).frames.flatMap(({ stream, sequence }) =>
    stream === 'c' ? [] : [sequence],
  )

async function put(spool: Spool, names: readonly string[]): Promise<void> {
  const chance = seededChance(1)
  const all = names.map((name) => spool.put(sampleEntry(name, 'routine', noise(chance, 300))))
  await spool.flush()
  await Promise.all(all)
}

async function deliver(spool: Spool): Promise<void> {
  const batch = await spool.seal('age', enrolmentDigest)
  if (batch !== null) await spool.receipted(receiptFor(openBatch(await spool.read(batch.id))))
}

it('once there is a receipt for all of it, and without a flush of its own; the next records follow', async () => {
  const disk = new SimulatedDisk()
  const spool = await openSample(dir, { disk })
  await put(spool, ['one', 'two'])
  const before = spool.stats().flushes
  await deliver(spool)
  // Two for the file of the batch, one for the note of it.
  expect(spool.stats().flushes - before).toBe(3)
  expect(numbersIn(disk)).toEqual([])
  await put(spool, ['three'])
  await spool.seal('age', enrolmentDigest)
  expect(numbersIn(disk)).toEqual([2])
  await spool.close()
  const again = await openSample(dir, { disk })
  for (const { id } of again.pending()) await again.receipted(receiptFor(openBatch(await again.read(id))))
  await put(again, ['four'])
  await again.close()
  expect(numbersIn(disk)).toEqual([3])
  const last = await openSample(dir, { disk })
  expect(last.stats()).toMatchObject({ unsealed: 1, lost: 0 })
  const names = (await sealAll(last)).flatMap(({ records }) => records.map(({ name }) => name))
  expect(names).toEqual(['four'])
})
