import { describe, expect, it } from 'vitest'
import {
  noise,
  openSample,
  receiptFor,
  sampleEntry,
  sealAll,
  seededChance,
} from '../../test/support/sample-spool.ts'
import { diskError, f2fs, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import type { SpoolEvent } from './events.ts'

const dir = '/state/spool'

/** Opens a spool and listens to it. */
async function listened(disk: SimulatedDisk, options: Parameters<typeof openSample>[1] = {}) {
  const events: SpoolEvent[] = []
  const spool = await openSample(dir, { disk, tell: (event) => events.push(event), ...options })
  return { spool, events }
}

/** A disk with a spool that was closed: one batch, and `unsealed` records in no batch. */
async function used(unsealed = 2): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const { spool } = await listened(disk)
  for (const name of ['one', 'two', 'three']) void spool.put(sampleEntry(name, 'anomaly'))
  await sealAll(spool)
  for (let i = 0; i < unsealed; i++) await spool.put(sampleEntry(`late-${i}`, 'anomaly'))
  await spool.close()
  return disk
}

const fileIn = (disk: SimulatedDisk, part: string) => {
  const path = disk.paths().find((each) => each.includes(part))
  if (path === undefined) throw new Error(`Nothing in ${part}`)
  return path
}

const nothing = { records: 0, batches: 0, quarantined: 0, lost: 0 }

describe('a spool tells', () => {
  it('that it was opened, and that a new one begins an epoch', async () => {
    const { events } = await listened(new SimulatedDisk())
    expect(events).toEqual([
      { kind: 'epoch_begun', why: 'new' },
      { kind: 'opened', ...nothing },
    ])
  })

  it('what is there when it is opened again, and nothing else when nothing happened', async () => {
    const { events } = await listened(await used())
    expect(events).toEqual([{ kind: 'opened', ...nothing, records: 2, batches: 1 }])
  })

  it('nothing of what it is asked for', async () => {
    const { spool, events } = await listened(await used())
    events.splice(0)
    await spool.put(sampleEntry('more', 'anomaly'))
    const [first, second] = await sealAll(spool)
    if (first === undefined || second === undefined) throw new Error('Expected two batches')
    await spool.receipted(receiptFor(first))
    await spool.quarantine(second.id, 'bad_manifest: no')
    await spool.close()
    expect(events).toEqual([])
  })

  it('once that it cannot be read, and only once it can be that it was opened', async () => {
    const disk = await used()
    disk.before = async (operation) => {
      if (operation !== 'close') throw diskError('EIO', operation)
    }
    const { spool, events } = await listened(disk)
    await spool.flush()
    const unread = { kind: 'unread', code: 'EIO', path: null }
    expect(events).toEqual([unread])
    disk.before = async () => {}
    await spool.flush()
    expect(events).toEqual([unread, { kind: 'opened', ...nothing, records: 2, batches: 1 }])
  })

  it('how many records a power cut took', async () => {
    const disk = new SimulatedDisk()
    const { spool } = await listened(disk)
    await spool.put(sampleEntry('one', 'anomaly'))
    const acknowledged = fileIn(disk, '/acknowledged')
    const before = Buffer.from(disk.bytesOf(acknowledged))
    // The second record was on its way to the medium when the power went, and its number is what arrived whole.
    void spool.put(sampleEntry('two', 'anomaly'))
    await spool.flush()
    const segment = fileIn(disk, '/a-')
    const bytes = disk.bytesOf(segment)
    const cut = disk.damaged(segment, withTornEnd(bytes)).damaged(acknowledged, before)
    expect((await listened(cut)).events).toEqual([
      { kind: 'records_lost', reason: 'torn', records: 1 },
      { kind: 'opened', ...nothing, records: 1, lost: 1 },
    ])
    // Had it been acknowledged, it would be damage.
    expect((await listened(disk.damaged(segment, withTornEnd(bytes)))).events[0]).toEqual({
      kind: 'records_lost',
      reason: 'corrupt',
      records: 1,
    })
  })

  it('how many a segment lost that rots', async () => {
    const disk = await used(12)
    const path = fileIn(disk, '/a-')
    disk.beforeRead = (where, position, length) => {
      if (where === path && position < 12_288 && position + length > 8_192) throw diskError('EIO', 'read')
    }
    const { events } = await listened(disk)
    expect(events).toEqual([
      { kind: 'records_lost', reason: 'corrupt', records: expect.any(Number) },
      { kind: 'opened', ...nothing, records: expect.any(Number), batches: 1, lost: expect.any(Number) },
    ])
  })

  it('that a batch file is gone, at the start and when it is read', async () => {
    const disk = await used()
    const path = fileIn(disk, '.psb')
    const { events } = await listened(disk.damaged(path, null))
    expect(events).toEqual([
      { kind: 'batches_lost', batches: 1, records: 3 },
      { kind: 'opened', ...nothing, records: 2, lost: 3 },
    ])
    const rotten = Buffer.from(disk.bytesOf(path))
    rotten[rotten.length - 1] = (rotten.at(-1) ?? 0) ^ 1
    const running = await listened(disk.damaged(path, rotten))
    running.events.splice(0)
    await expect(running.spool.read(running.spool.pending()[0]?.id as never)).rejects.toThrow('damaged')
    expect(running.events).toEqual([{ kind: 'batches_lost', batches: 1, records: 3 }])
  })

  it('that its control log is gone, and what it takes over from the epoch before', async () => {
    const disk = await used()
    const { events } = await listened(disk.damaged(fileIn(disk, '/control/'), null))
    expect(events).toEqual([
      { kind: 'epoch_begun', why: 'control_log_lost' },
      { kind: 'carried_over', records: 2 },
      { kind: 'opened', ...nothing, records: 2, batches: 1 },
    ])
  })

  it('that its control log is from before its batches', async () => {
    const disk = new SimulatedDisk()
    const { spool } = await listened(disk)
    await spool.put(sampleEntry('one', 'anomaly'))
    const control = fileIn(disk, '/control/')
    const before = Buffer.from(disk.bytesOf(control))
    await sealAll(spool)
    await spool.put(sampleEntry('two', 'anomaly'))
    await sealAll(spool)
    await spool.close()
    // Of two batches that the log does not know, the first could be the next one of the chain, and it is not on the
    // card any more.
    const older = disk.damaged(control, before)
    const { events } = await listened(older.damaged(fileIn(older, '/0000000000-'), null))
    expect(events).toEqual([
      { kind: 'epoch_begun', why: 'control_log_behind' },
      { kind: 'carried_over', records: 1 },
      { kind: 'opened', ...nothing, records: 1, batches: 1 },
    ])
  })

  it('that it keeps a batch whose sealing was not noted', async () => {
    const disk = new SimulatedDisk()
    const { spool } = await listened(disk)
    await spool.put(sampleEntry('one', 'anomaly'))
    const control = fileIn(disk, '/control/')
    const before = Buffer.from(disk.bytesOf(control))
    await sealAll(spool)
    await spool.close()
    const { events } = await listened(disk.damaged(control, before))
    expect(events).toEqual([{ kind: 'batch_adopted' }, { kind: 'opened', ...nothing, batches: 1 }])
  })

  it('that the collector refused its chain', async () => {
    const { spool, events } = await listened(await used())
    events.splice(0)
    await spool.quarantine(spool.pending()[0]?.id as never, 'seq_conflict: another content')
    expect(events).toEqual([
      { kind: 'epoch_begun', why: 'chain_refused' },
      { kind: 'carried_over', records: 2 },
    ])
  })

  it('what it gives up for room, of least worth first', async () => {
    const chance = seededChance(3)
    const { spool, events } = await listened(new SimulatedDisk(), { quotaBytes: 1024 * 1024 })
    for (let i = 0; i < 1_500; i++) {
      const recordClass = i % 3 === 0 ? 'diagnostic' : 'routine'
      void spool.put(sampleEntry(`r${i}`, recordClass, noise(chance, 900)))
      if (i % 50 === 49) await spool.flush()
    }
    const evicted = events.flatMap((event) => (event.kind === 'evicted' ? [event] : []))
    expect(evicted[0]).toMatchObject({ holds: 'diagnostic' })
    expect(evicted.map(({ holds }) => holds)).toContain('routine')
    expect(evicted.reduce((sum, { records }) => sum + records, 0)).toBe(spool.stats().lost)
  })

  it('that it gave its reserve back, once each time', async () => {
    const disk = new SimulatedDisk({ type: f2fs })
    const { spool, events } = await listened(disk)
    void spool.put(sampleEntry('one'))
    await spool.flush()
    events.splice(0)
    const size = () => disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).length, 0)
    const room = size()
    disk.takes = (length) => (size() >= room ? 0 : length)
    await sealAll(spool)
    expect(events).toEqual([{ kind: 'reserve_given_back' }])
  })

  it('what memory could not hold while the disk refused', async () => {
    const disk = new SimulatedDisk()
    const { spool, events } = await listened(disk)
    events.splice(0)
    disk.before = async (operation) => {
      if (operation === 'datasync') throw diskError('EIO', operation)
    }
    for (let i = 0; i < 2_100; i++) void spool.put(sampleEntry(`r${i}`))
    await spool.flush()
    const { lost } = spool.stats()
    expect(lost).toBeGreaterThan(0)
    disk.before = async () => {}
    await spool.flush()
    expect(events).toEqual([{ kind: 'records_lost', reason: 'disk_full', records: lost }])
  })
})

/** The bytes with the last 8 of them ruined, as by a write that stopped. */
function withTornEnd(bytes: Buffer): Buffer {
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1
  return Buffer.concat([bytes.subarray(0, end - 8), Buffer.alloc(8, 0xaa), bytes.subarray(end)])
}
