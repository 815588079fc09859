// The archive on a real disk: what is put is found; what rotted is reported and harms nothing else.

import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SampleBatch, SampleProbe, sampleMeasurement } from '../../test/support/sample-probe.ts'
import { Archive } from './archive.ts'
import { openCollectorKey } from './collector-key.ts'
import { ProbeRegister } from './probe-register.ts'

let state: string
let archive: Archive
let probe: SampleProbe

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'sonde-archive-'))
  archive = await Archive.open(state)
  probe = new SampleProbe()
})
afterEach(() => rm(state, { recursive: true }))

const withPrev = (batch: SampleProbe) =>
  batch.next([sampleMeasurement()], (m) => ({ ...m, prev: m.prev || 'ab'.repeat(32) }))
const pathOf = ({ id }: SampleBatch) => join(state, 'batches', id.slice(0, 2), `${id}.psb`)
const put = async () => {
  const batch = withPrev(probe)
  await archive.putBatch(batch.id, batch.bytes)
  return batch
}

describe('Archive.scan()', () => {
  it('reads the manifest of every batch', async () => {
    const batches = [await put(), await put(), await put()]
    const found = [...archive.scan()].map((each) => each.kind === 'batch' && each.batch.manifest)
    expect(found).toHaveLength(3)
    expect(found).toEqual(expect.arrayContaining(batches.map(({ manifest }) => manifest)))
  })

  it('reads a manifest that is longer than one page of the disk', async () => {
    const lists = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`list-${i}`, i]))
    const batch = probe.next([], (m) => ({ ...m, prev: 'ab'.repeat(32), lists }))
    await archive.putBatch(batch.id, batch.bytes)
    expect([...archive.scan()]).toMatchObject([
      { kind: 'batch', batch: { id: batch.id, manifest: { lists } } },
    ])
  })

  it.each([
    [
      'a flipped bit in the manifest',
      async (path: string) => {
        const bytes = await readFile(path)
        bytes[120] = (bytes[120] ?? 0) ^ 1
        await writeFile(path, bytes)
      },
    ],
    ['a file cut in its envelope', (path: string) => truncate(path, 100)],
    ['a file cut in its payload', async (path: string) => truncate(path, (await readFile(path)).length - 1)],
    ['an empty file', (path: string) => truncate(path, 0)],
    [
      'a batch under the name of another',
      (path: string) => writeFile(path, withPrev(new SampleProbe()).bytes),
    ],
  ])('reports %s, and reads the others', async (_, damage) => {
    const [bad, good] = [await put(), await put()]
    await damage(pathOf(bad))
    const scanned = [...archive.scan()]
    expect(scanned.filter(({ kind }) => kind === 'damaged')).toMatchObject([{ path: pathOf(bad) }])
    expect(scanned.filter(({ kind }) => kind === 'batch')).toMatchObject([{ batch: { id: good.id } }])
  })
})

describe('Archive', () => {
  it('keeps at most 32 conflicting batches of a probe', async () => {
    const rivals = Array.from({ length: 40 }, () => withPrev(probe))
    const kept = []
    for (const { id, bytes } of rivals) kept.push(await archive.putConflict(probe.device, id, bytes))
    expect(kept.filter(Boolean)).toHaveLength(32)
    expect(await readdir(join(state, 'conflicts', probe.device))).toHaveLength(32)
  })

  it('dates a batch without a receipt by its file', async () => {
    const batch = await put()
    expect(await archive.receivedAt(batch.id, () => null)).toBeGreaterThan(Date.now() - 60_000)
    expect(await archive.receivedAt(withPrev(probe).id, () => null)).toBeNull()
  })
})

describe('openCollectorKey()', () => {
  it('makes one key, whoever comes first', async () => {
    const keys = await Promise.all([
      openCollectorKey(state),
      openCollectorKey(state),
      openCollectorKey(state),
    ])
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1)
    expect((await openCollectorKey(state)).id).toBe(keys[0].id)
  })

  it('makes no second key when the first is gone and probes are enrolled with it', async () => {
    const { id } = await openCollectorKey(state)
    await ProbeRegister.open(state, id)
    await writeFile(join(state, 'probes', 'any.json'), '{}')
    await rm(join(state, 'collector-key'))
    await expect(openCollectorKey(state)).rejects.toMatchObject({ code: 'key_unusable' })
  })

  it('refuses a file that is no key', async () => {
    await writeFile(join(state, 'collector-key'), 'not a key')
    await expect(openCollectorKey(state)).rejects.toMatchObject({ code: 'key_unusable' })
  })
})
