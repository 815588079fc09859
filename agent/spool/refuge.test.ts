// What the spool does on a disk that takes nothing, while the collector can be reached: it sends from memory, in an epoch of its own.

import { describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  openSample,
  readPending,
  receiptFor,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { diskError, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { SpoolEvent } from './events.ts'

const dir = '/state/spool'

async function spoolOn(disk: SimulatedDisk) {
  const events: SpoolEvent[] = []
  const spool = await openSample(dir, { disk, tell: (event) => events.push(event) })
  const named = async () => (await readPending(spool)).map(({ records }) => records.map(({ name }) => name))
  return { spool, events, named }
}

function turnReadOnly(disk: SimulatedDisk): () => void {
  disk.before = async (operation) => {
    if (operation !== 'read' && operation !== 'close') throw diskError('EROFS', operation)
  }
  return () => {
    disk.before = async () => {}
  }
}

async function putAll(spool: Awaited<ReturnType<typeof openSample>>, ...names: string[]): Promise<void> {
  for (const name of names) void spool.put(sampleEntry(name)).catch(() => {})
  await spool.flush()
}

describe('on a card that has turned read-only', () => {
  it('results leave from memory, in an epoch of their own whose chain is whole: they used to wait until the process lost them', async () => {
    const disk = new SimulatedDisk()
    const { spool, events, named } = await spoolOn(disk)
    await putAll(spool, 'before')
    const epoch = spool.stats().epoch
    turnReadOnly(disk)
    await putAll(spool, 'one', 'two')
    expect(spool.stats()).toMatchObject({ health: 'memory_only', inMemory: 2 })

    const first = await spool.seal('age', enrolmentDigest)
    expect(await named()).toEqual([['one', 'two']])
    expect(spool.stats()).toMatchObject({ inMemory: 2, pendingBatches: 1 })
    const [batch] = await readPending(spool)
    expect(batch?.manifest).toMatchObject({
      seq: 0,
      prev: enrolmentDigest,
      lost: [],
      records: { ranges: [[0, 1]] },
    })
    expect(batch?.manifest.epoch).not.toBe(epoch)
    if (batch === undefined) throw new Error('Nothing was sealed')
    await spool.receipted(receiptFor(batch))
    expect(spool.stats()).toMatchObject({ inMemory: 0, pendingBatches: 0 })

    await putAll(spool, 'three')
    await spool.seal('age', enrolmentDigest)
    const [second] = await readPending(spool)
    expect(second?.manifest).toMatchObject({ epoch: batch.manifest.epoch, seq: 1, prev: first?.id })
    expect(second?.manifest.records.ranges).toEqual([[2, 2]])
    expect(events.filter(({ kind }) => kind === 'sending_from_memory')).toHaveLength(1)
  })

  it('no batch is sealed in memory for room, or for a stick', async () => {
    const disk = new SimulatedDisk()
    const { spool } = await spoolOn(disk)
    turnReadOnly(disk)
    await putAll(spool, 'one')
    expect(await spool.seal('size', enrolmentDigest)).toBeNull()
    expect(await spool.seal('export', enrolmentDigest)).toBeNull()
    expect(spool.stats()).toMatchObject({ inMemory: 1, pendingBatches: 0 })
  })

  it('that is well again, what has left is not named as lost, and what has not is kept', async () => {
    const disk = new SimulatedDisk()
    const { spool, events } = await spoolOn(disk)
    await putAll(spool, 'before')
    const mend = turnReadOnly(disk)
    await putAll(spool, 'gone')
    await spool.seal('age', enrolmentDigest)
    const [gone] = await readPending(spool)
    if (gone === undefined) throw new Error('Nothing was sealed')
    await spool.receipted(receiptFor(gone))
    await putAll(spool, 'held')
    await spool.seal('age', enrolmentDigest)
    await putAll(spool, 'waiting')
    mend()
    await putAll(spool, 'after')
    expect(spool.stats()).toMatchObject({ health: 'ok', inMemory: 0, lost: 0 })
    expect(events).toContainEqual({ kind: 'epoch_begun', why: 'sent_from_memory' })

    const again = await openSample(dir, { disk: disk.afterCut(seededChance(3)) })
    const sealed = await sealAll(again)
    const held = await readPending(again)
    const names = [...held, ...sealed].flatMap(({ records }) => records.map(({ name }) => name))
    expect(new Set(names)).toEqual(new Set(['held', 'before', 'waiting', 'after']))
    expect([...held, ...sealed].flatMap(({ manifest }) => manifest.lost)).toEqual([])
    expect(again.stats()).toMatchObject({ lost: 0 })
  })

  it('and of which nothing can be read at a start: the same', async () => {
    const disk = new SimulatedDisk()
    disk.before = async (operation) => {
      throw diskError('EIO', operation)
    }
    const { spool, named } = await spoolOn(disk)
    await putAll(spool, 'one')
    await spool.seal('age', enrolmentDigest)
    expect(await named()).toEqual([['one']])
    disk.before = async () => {}
    await putAll(spool, 'two')
    expect(spool.stats()).toMatchObject({ health: 'ok', inMemory: 0 })
    await sealAll(spool)
    expect((await named()).flat().sort()).toEqual(['one', 'two'])
  })

  it('a batch that the collector refuses is set aside, and the next begins another epoch', async () => {
    const disk = new SimulatedDisk()
    const { spool } = await spoolOn(disk)
    turnReadOnly(disk)
    await putAll(spool, 'one')
    await spool.seal('age', enrolmentDigest)
    const [refused] = await readPending(spool)
    if (refused === undefined) throw new Error('Nothing was sealed')
    await spool.quarantine(refused.id, 'seq_conflict')
    expect(spool.aside().map(({ id }) => id)).toEqual([refused.id])
    await putAll(spool, 'two')
    await spool.seal('age', enrolmentDigest)
    const [next] = await readPending(spool)
    expect(next?.manifest).toMatchObject({ seq: 0, prev: enrolmentDigest })
    expect(next?.manifest.epoch).not.toBe(refused.manifest.epoch)
    expect(spool.stats()).toMatchObject({ inMemory: 2, quarantined: 1 })
  })
})
