// A spool whose device key is another than before, or cannot be read: good batches that the old key sealed used to be erased at the
// start, without a word, and the chain went on under the new key.

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { enrolmentDigest, handClock, sampleEntry } from '../../test/support/sample-spool.ts'
import { SimulatedDisk } from '../../test/support/simulated-disk.ts'
import { deviceId, verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import type { SpoolEvent } from './events.ts'
import { openSpool } from './spool.ts'

const dir = '/state/spool'
const [first, second] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]

async function lived(
  disk: SimulatedDisk,
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  put: readonly string[],
  keyless = false,
) {
  const events: SpoolEvent[] = []
  const device = v.parse(deviceId, keyIdOf(publicKey))
  const spool = await openSpool({
    ...{
      dir,
      disk,
      device,
      privateKey,
      keyless,
      clock: handClock(),
      quotaBytes: 4_000_000,
      agentVersion: '0',
    },
    lists: () => ({}),
    tell: (event) => events.push(event),
  })
  for (const name of put) await spool.put(sampleEntry(name, 'anomaly'))
  if (!keyless) while ((await spool.seal('age', enrolmentDigest)) !== null);
  const pending = spool.pending().map(({ id }) => id)
  const manifests = []
  if (!keyless)
    for (const id of pending)
      manifests.push(verifyBatch(await spool.read(id), (key) => (key === device ? publicKey : null)).manifest)
  const stats = spool.stats()
  await spool.close()
  return { events, pending, manifests, stats }
}

describe('a spool whose key', () => {
  it('is lost keeps what the old key sealed, begins a new epoch, and takes it back with the key', async () => {
    const disk = new SimulatedDisk()
    const before = await lived(disk, first, ['one', 'two'])
    expect(before.pending).toHaveLength(1)

    const other = await lived(disk, second, ['three'])
    expect(other.events).toContainEqual({ kind: 'epoch_begun', why: 'key_changed' })
    expect(other.events).toContainEqual({ kind: 'batches_kept', batches: 1 })
    expect(other.manifests).toMatchObject([{ seq: 0, prev: enrolmentDigest, lost: [], records: { n: 1 } }])
    expect(other.stats.epoch).not.toBe(before.stats.epoch)
    expect((await lived(disk, second, [])).events.map(({ kind }) => kind)).toEqual(['opened'])

    const back = await lived(disk, first, ['four'])
    expect(back.events).toContainEqual({ kind: 'epoch_begun', why: 'key_changed' })
    expect(back.pending).toContain(before.pending[0])
    expect(back.pending).toHaveLength(2)
    expect((await lived(disk, second, [])).pending).toEqual(other.pending)
  })

  it('is lost hands unsealed records on to the new one', async () => {
    const disk = new SimulatedDisk()
    await lived(disk, first, ['one'], true)
    const { manifests, stats } = await lived(disk, second, ['two'])
    expect(manifests.reduce((sum, { records }) => sum + records.n, 0)).toBe(2)
    expect(stats.lost).toBe(0)
  })

  it('cannot be read for a while leaves everything as it is, and records wait for it', async () => {
    const disk = new SimulatedDisk()
    const before = await lived(disk, first, ['one'])
    const keyless = await lived(disk, second, ['two'], true)
    expect(keyless.events.map(({ kind }) => kind)).toEqual(['opened'])
    const after = await lived(disk, first, [])
    expect(after.events.map(({ kind }) => kind)).toEqual(['opened'])
    expect(after.manifests.map(({ epoch, seq }) => [epoch, seq])).toEqual([
      [before.stats.epoch, 0],
      [before.stats.epoch, 1],
    ])
  })

  it('cannot be read, and whose control log is gone as well, keeps the batches until it can', async () => {
    const disk = new SimulatedDisk()
    const before = await lived(disk, first, ['one'])
    for (const path of disk.paths().filter((each) => each.includes('/control/'))) await disk.unlink(path)
    const keyless = await lived(disk, second, ['two'], true)
    expect(keyless.events).toContainEqual({ kind: 'batches_kept', batches: 1 })
    const after = await lived(disk, first, [])
    expect(after.pending).toContain(before.pending[0])
    expect(after.stats.lost).toBe(0)
  })
})
