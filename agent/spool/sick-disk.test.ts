// What the spool does while the disk refuses: it is full, failing, read-only, or takes fewer bytes than asked. The
// promise is the same: a record whose `put` resolved is there, and nothing that can be kept is lost.

import { describe, expect, it } from 'vitest'
import {
  enrolmentDigest,
  lostIn,
  openSample,
  readPending,
  receiptFor,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { diskError, f2fs, type Operation, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { NotDurable } from './spool.ts'

const dir = '/state/spool'

/**
 * Makes the disk refuse the named operations.
 * @returns A function that mends the disk.
 */
function refusing(disk: SimulatedDisk, code: string, operations: readonly Operation[]): () => void {
  disk.before = async (operation) => {
    if (operations.includes(operation)) throw diskError(code, operation)
  }
  return () => {
    disk.before = async () => {}
  }
}

async function namesAfterRestart(disk: SimulatedDisk): Promise<string[]> {
  const chance = seededChance(1)
  const spool = await openSample(dir, { disk: disk.afterCut(chance) })
  return (await sealAll(spool)).flatMap(({ records }) => records.map(({ name }) => name))
}

describe('a disk that refuses', () => {
  const rows: readonly [what: string, code: string, operations: readonly Operation[]][] = [
    ['is full', 'ENOSPC', ['create', 'write']],
    ['is full for this user', 'EDQUOT', ['create', 'write']],
    ['fails to sync', 'EIO', ['sync', 'datasync']],
    ['fails to write', 'EIO', ['write']],
    ['was made read-only', 'EROFS', ['create', 'write', 'sync', 'datasync', 'rename', 'unlink', 'open']],
    ['was pulled out', 'EIO', ['create', 'write', 'sync', 'datasync', 'syncDirectory', 'open']],
    ['cannot make names durable', 'EIO', ['syncDirectory', 'datasync']],
  ]

  it.each(rows)(
    'that %s (%s): put() accepts, says so, and all is written when it is well',
    async (_, code, operations) => {
      const disk = new SimulatedDisk()
      const spool = await openSample(dir, { disk })
      const before = await spool.put(sampleEntry('before', 'anomaly'))
      const mend = refusing(disk, code, operations)

      const refused = await spool.put(sampleEntry('meanwhile', 'anomaly')).catch((error: NotDurable) => error)
      expect(refused).toMatchObject({ name: 'NotDurable', code: 'in_memory' })
      expect(spool.stats()).toMatchObject({ health: 'memory_only', unsealed: 2, lost: 0 })
      void spool.put(sampleEntry('routine'))
      await spool.flush()
      expect(spool.stats()).toMatchObject({ health: 'memory_only', unsealed: 3, lost: 0 })

      mend()
      const after = await spool.put(sampleEntry('after', 'anomaly'))
      await spool.flush()
      expect(spool.stats()).toMatchObject({ health: 'ok', unsealed: 4, lost: 0 })
      expect(after).toBeGreaterThan(before)
      expect((await namesAfterRestart(disk)).sort()).toEqual(['after', 'before', 'meanwhile', 'routine'])
    },
  )

  it.each(rows)(
    'that %s (%s) from the start: openSpool() resolves and catches up later',
    async (_, code, operations) => {
      const disk = new SimulatedDisk()
      const mend = refusing(disk, code, operations)
      const spool = await openSample(dir, { disk })
      expect(spool.stats()).toMatchObject({ health: 'memory_only', epoch: '', diskBytes: 0 })
      for (const name of ['one', 'two']) void spool.put(sampleEntry(name))
      expect(await spool.seal('manual', enrolmentDigest)).toBeNull()
      mend()
      await spool.flush()
      expect(spool.stats()).toMatchObject({ health: 'ok', unsealed: 2, lost: 0 })
      const [batch] = await sealAll(spool)
      expect(batch?.records.map(({ n, name }) => [n, name])).toEqual([
        [0, 'one'],
        [1, 'two'],
      ])
    },
  )

  it('keeps at most 2,000 records in memory, gives up diagnostics and routine first, and names them', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    const mend = refusing(disk, 'EIO', ['datasync', 'sync'])
    await spool.put(sampleEntry('first', 'anomaly')).catch(() => {})
    const put = (name: string, recordClass: 'anomaly' | 'routine' | 'diagnostic') =>
      spool.put(sampleEntry(name, recordClass)).catch(({ code }: NotDurable) => code)
    for (let i = 0; i < 300; i++) void put(`d${i}`, 'diagnostic')
    for (let i = 0; i < 1_900; i++) void put(`r${i}`, 'routine')
    for (let i = 0; i < 499; i++) void put(`a${i}`, 'anomaly')
    await spool.flush()
    expect(spool.stats()).toMatchObject({ unsealed: 2_000, lost: 700, health: 'memory_only' })

    // At first the disk takes the records and refuses to note the losses.
    disk.before = async (operation, path) => {
      if (operation === 'datasync' && path.includes('/control/')) throw diskError('EIO', operation)
    }
    await spool.flush()
    expect(spool.stats()).toMatchObject({ unsealed: 2_000, lost: 700, health: 'memory_only' })
    mend()
    await spool.flush()
    expect(spool.stats()).toMatchObject({ unsealed: 2_000, lost: 700, health: 'ok' })
    const batches = await sealAll(spool)
    const names = batches.flatMap(({ records }) => records.map(({ name }) => name))
    expect(names.filter((name) => name.startsWith('a'))).toHaveLength(499)
    expect(names.filter((name) => name.startsWith('d'))).toHaveLength(0)
    // The oldest 400 routine records went after all the diagnostics had gone.
    expect(names.filter((name) => name.startsWith('r')).sort()[0]).toBe('r1000')
    expect(names).toContain('r400')
    expect(names).not.toContain('r399')
    expect(lostIn(batches, 'disk_full')).toHaveLength(700)
    expect(lostIn(batches)).toHaveLength(700)
  })

  it('keeps the bound, and the count, before a number could be given to anything', async () => {
    const disk = new SimulatedDisk()
    const mend = refusing(disk, 'EIO', ['sync'])
    const spool = await openSample(dir, { disk })
    for (let i = 0; i < 2_010; i++) void spool.put(sampleEntry(`r${i}`))
    expect(spool.stats()).toMatchObject({ unsealed: 2_000, lost: 10 })
    mend()
    const batches = await sealAll(spool)
    const numbers = [
      ...batches.flatMap(({ records }) => records.map(({ n }) => n)),
      ...lostIn(batches, 'disk_full'),
    ]
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 2_010 }, (_, i) => i))
  })

  it('does not entrust anything more to a file whose sync failed', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    await spool.put(sampleEntry('zero', 'anomaly'))
    const failed = disk.paths().find((path) => path.includes('/a-'))
    let syncs = 0
    disk.before = async (operation, path) => {
      if (operation === 'datasync' && path === failed && ++syncs === 1) throw diskError('EIO', 'fdatasync')
    }
    await expect(spool.put(sampleEntry('one', 'anomaly'))).rejects.toThrow('EIO')
    await spool.flush()
    await spool.put(sampleEntry('two', 'anomaly'))
    expect(syncs).toBe(1)
    expect(disk.paths().filter((path) => path.includes('/a-'))).toHaveLength(2)
    // The kernel may have dropped the pages it could not write; the record was written again elsewhere.
    expect((await namesAfterRestart(disk)).sort()).toEqual(['one', 'two', 'zero'])
  })

  it('nor to a control log whose sync failed', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    void spool.put(sampleEntry('one'))
    await spool.flush()
    const failed = disk.paths().find((path) => path.includes('/control/'))
    let syncs = 0
    disk.before = async (operation, path) => {
      if (operation === 'datasync' && path === failed && ++syncs === 1) throw diskError('EIO', 'fdatasync')
    }
    expect(await spool.seal('age', enrolmentDigest)).toBeNull()
    await sealAll(spool)
    expect(syncs).toBe(1)
    expect(disk.paths().filter((path) => path.includes('/control/'))).not.toContain(failed)
    const again = await openSample(dir, { disk: disk.afterCut(seededChance(1)) })
    expect(again.stats()).toMatchObject({ pendingBatches: 1, unsealed: 0, nextSeq: 1, lost: 0 })
  })

  it('sends a record once that is in two segments after a failed sync', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    let fail = true
    disk.before = async (operation) => {
      if (operation === 'datasync' && fail) {
        fail = false
        throw diskError('EIO', 'fdatasync')
      }
    }
    await spool.put(sampleEntry('twice', 'anomaly')).catch(() => {})
    await spool.flush()
    await spool.close()
    const again = await openSample(dir, { disk })
    expect(again.stats()).toMatchObject({ unsealed: 1, lost: 0 })
    const batches = await sealAll(again)
    expect(batches.flatMap(({ records }) => records.map(({ name }) => name))).toEqual(['twice'])
  })

  it('takes less than asked, time after time: everything is written all the same', async () => {
    const disk = new SimulatedDisk({ type: f2fs })
    disk.takes = (length) => Math.min(length, 777)
    const spool = await openSample(dir, { disk })
    for (let i = 0; i < 100; i++) void spool.put(sampleEntry(`r${i}`, 'routine', 'x'.repeat(i * 10)))
    await sealAll(spool)
    await spool.close()
    const again = await openSample(dir, { disk: disk.afterCut(seededChance(3)) })
    const batches = await readPending(again)
    expect(batches.flatMap(({ records }) => records)).toHaveLength(100)
  })

  it('takes nothing and says nothing: that is a full disk, not an endless loop', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    await spool.flush()
    disk.takes = () => 0
    await expect(spool.put(sampleEntry('x', 'anomaly'))).rejects.toThrow(/Disk took 0 of/)
  })

  it('lets close() resolve, and tells whoever waits that the record is gone', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    refusing(disk, 'EIO', ['datasync', 'sync'])
    const diagnostic = spool.put(sampleEntry('x', 'diagnostic')).catch(({ code }: NotDurable) => code)
    await spool.close()
    expect(await diagnostic).toBe('in_memory')
    await expect(spool.put(sampleEntry('y'))).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('a card with a place that cannot be read', () => {
  /** Refuses to read the second block of records, and so any read that covers it. */
  const sickPlace = { from: 8_192, to: 12_288 }

  async function filled(): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    for (let i = 0; i < 12; i++) await spool.put(sampleEntry(`a${i}`, 'anomaly'))
    await spool.close()
    return disk
  }
  const segmentOf = (disk: SimulatedDisk, letter: string) =>
    disk.paths().find((path) => path.includes(`/${letter}-`)) ?? ''

  it('in a segment: loses what is there and nothing else, names it, and goes on writing', async () => {
    const disk = await filled()
    const sick = segmentOf(disk, 'a')
    disk.beforeRead = (path, position, length) => {
      if (path === sick && position < sickPlace.to && position + length > sickPlace.from)
        throw diskError('EIO', 'read')
    }
    const spool = await openSample(dir, { disk })
    expect(spool.stats()).toMatchObject({ health: 'ok', lost: 1 })
    await spool.put(sampleEntry('after', 'anomaly'))
    const batches = await sealAll(spool)
    const names = batches.flatMap(({ records }) => records.map(({ name }) => name))
    expect(names.sort()).toEqual(
      [...Array.from({ length: 12 }, (_, i) => `a${i}`).filter((name) => name !== 'a1'), 'after'].sort(),
    )
    expect(lostIn(batches, 'corrupt')).toEqual([1])
  })

  it.each(['EIO', 'EISDIR', 'Unknown system error -117'])(
    'that is a whole segment (%s): sets it aside, names what is known to be gone, and goes on',
    async (code) => {
      const disk = await filled()
      const first = await openSample(dir, { disk })
      void first.put(sampleEntry('r', 'routine'))
      await first.close()
      const sick = segmentOf(disk, 'a')
      disk.beforeRead = (path) => {
        if (path === sick) throw diskError(code, 'read')
      }
      const spool = await openSample(dir, { disk })
      expect(spool.stats()).toMatchObject({ health: 'ok', lost: 12, unsealed: 1 })
      disk.beforeRead = () => {}
      const batches = await sealAll(spool)
      expect(batches.flatMap(({ records }) => records.map(({ name }) => name))).toEqual(['r'])
      expect(lostIn(batches)).toEqual(Array.from({ length: 12 }, (_, n) => n))
      await spool.close()
      const again = await openSample(dir, { disk })
      expect(again.stats()).toMatchObject({ health: 'ok', unsealed: 0, lost: 12 })
      expect(disk.paths().filter((path) => path.endsWith('.unreadable'))).toHaveLength(1)
    },
  )

  it('that is the control log: begins a new epoch once, and loses no record', async () => {
    const disk = await filled()
    const sick = segmentOf(disk, 'c')
    disk.beforeRead = (path) => {
      if (path === sick) throw diskError('EIO', 'read')
    }
    const spool = await openSample(dir, { disk })
    const { epoch } = spool.stats()
    expect(spool.stats()).toMatchObject({ health: 'ok', unsealed: 12, lost: 0 })
    await spool.close()
    const again = await openSample(dir, { disk })
    expect(again.stats()).toMatchObject({ epoch, unsealed: 12, lost: 0 })
  })

  it('and gives nothing at all for a while: nothing is given up', async () => {
    const disk = await filled()
    disk.before = async (operation) => {
      if (operation !== 'close') throw diskError('EIO', operation)
    }
    const spool = await openSample(dir, { disk })
    expect(spool.stats()).toMatchObject({ health: 'memory_only', lost: 0 })
    disk.before = async () => {}
    await spool.flush()
    expect(spool.stats()).toMatchObject({ health: 'ok', unsealed: 12, lost: 0 })
  })
})

describe('a file system that others filled', () => {
  /** Counts blocks as a file system does: the files together never take more than `room`. */
  function bounded(disk: SimulatedDisk) {
    let room = Number.POSITIVE_INFINITY
    const used = () => disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).length, 0)
    disk.takes = (length) => (used() >= room ? 0 : length)
    return { fill: () => (room = used()), free: () => (room = Number.POSITIVE_INFINITY) }
  }

  it('can still be sealed, sent from and so emptied, out of the reserve', async () => {
    // Files grow, and every block has to be found anew: the worst case.
    const disk = new SimulatedDisk({ type: f2fs })
    const spool = await openSample(dir, { disk })
    for (let i = 0; i < 200; i++) void spool.put(sampleEntry(`r${i}`, 'routine', `${i}`.repeat(300)))
    await spool.flush()
    const reserve = disk.paths().find((path) => path.endsWith('/reserve'))
    expect(reserve).toBeDefined()
    const { fill } = bounded(disk)
    fill()
    const batches = await sealAll(spool)
    expect(batches.flatMap(({ records }) => records)).toHaveLength(200)
    for (const batch of batches) await spool.receipted(receiptFor(batch))
    expect(spool.stats()).toMatchObject({ pendingBatches: 0, unsealed: 0, health: 'ok' })
  })

  it('has its reserve again once there is room', async () => {
    const disk = new SimulatedDisk({ type: f2fs })
    const spool = await openSample(dir, { disk })
    void spool.put(sampleEntry('one'))
    await spool.flush()
    const { fill, free } = bounded(disk)
    fill()
    const [batch] = await sealAll(spool)
    expect(disk.paths().some((path) => path.endsWith('/reserve'))).toBe(false)
    free()
    if (batch) await spool.receipted(receiptFor(batch))
    expect(disk.paths().some((path) => path.endsWith('/reserve'))).toBe(true)
  })
})

describe('a receipt that cannot be noted', () => {
  it('is not forgotten: the batch is not pending any more, and its file goes when the disk is well', async () => {
    const disk = new SimulatedDisk()
    const spool = await openSample(dir, { disk })
    void spool.put(sampleEntry('one'))
    const [batch] = await sealAll(spool)
    if (batch === undefined) throw new Error('Nothing was sealed')
    const mend = refusing(disk, 'EIO', ['datasync', 'sync'])
    await spool.receipted(receiptFor(batch))
    expect(spool.pending()).toEqual([])
    // The loss would have been noted with the next sealing.
    void spool.put(sampleEntry('two'))
    await spool.seal('age', enrolmentDigest)
    expect(spool.stats().health).toBe('memory_only')
    expect(disk.paths().some((path) => path.endsWith('.psb'))).toBe(true)
    mend()
    await spool.receipted(receiptFor(batch))
    // The file goes with the next note, which that of a sealing is.
    await spool.put(sampleEntry('three', 'anomaly'))
    await sealAll(spool)
    const left = spool.pending().map(({ id }) => id)
    expect(spool.stats()).toMatchObject({ health: 'ok', pendingBatches: 2 })
    expect(disk.paths().filter((path) => path.endsWith('.psb'))).toHaveLength(2)
    const again = await openSample(dir, { disk: disk.afterCut(seededChance(2)) })
    expect(again.pending().map(({ id }) => id)).toEqual(left)
    expect(again.stats()).toMatchObject({ lost: 0 })
  })
})
