import { describe, expect, it } from 'vitest'
import { SampleLists } from '../../test/support/sample-lists.ts'
import { SimulatedDisk } from '../../test/support/simulated-disk.ts'
import { findTarget } from '../../tests-spec/lists/tuf/client-workflow.ts'
import { writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { deviceLimits, openTrusted } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { ListUpdate } from './list-update.ts'
import { mirrorSource, oneFileSource, walk } from './source.ts'

const nowMs = Date.parse('2027-01-10T12:00:00Z')
const path = 'core/ségou #1.json'

function repository(): SampleLists {
  const lists = new SampleLists(nowMs)
  lists.lists.set(path, Buffer.from('core 1'))
  lists.publish()
  return lists
}

function device(lists: SampleLists): Promise<ListUpdate> {
  const options = {
    dir: '/update',
    root: lists.root,
    floor: new Map(),
    limits: deviceLimits,
    everyRole: true,
  }
  return ListUpdate.open({ ...options, disk: new SimulatedDisk(), boot: { id: 'boot', monoMs: 0 } })
}

describe('mirrorSource()', () => {
  it('asks by paths as they stand in a URL', async () => {
    const lists = repository()
    const update = await device(lists)
    const asked: string[] = []
    const source = mirrorSource(async (where, maxBytes) => {
      asked.push(where)
      const [kind, ...name] = where.split('/')
      if (kind === 'metadata') return await lists.get({ kind, name: name.join('/'), maxBytes })
      return await lists.get({ kind: 'target', name: decodeURIComponent(name.join('/')), maxBytes })
    })
    expect(
      (await update.refresh(source, [path], { nowMs, isTrusted: true, latestMs: null })).refusal,
    ).toBeNull()
    expect(asked).toEqual([
      'metadata/2.root.json',
      'metadata/timestamp.json',
      'metadata/1.snapshot.json',
      'metadata/1.targets.json',
      expect.stringMatching(/^targets\/core\/[0-9a-f]{64}\.s%C3%A9gou%20%231\.json$/),
    ])
    expect(await update.inForce(path)).toMatchObject({ bytes: Buffer.from('core 1') })
  })
})

describe('oneFileSource()', () => {
  it('brings a list to a device that has no other way, and nothing older than it knows', async () => {
    const lists = repository()
    const stick = () =>
      writeOneFile(
        new Map([
          ...[...lists.files.metadata].map(([name, bytes]) => [`metadata/${name}`, bytes] as const),
          ...[...lists.files.target].map(([name, bytes]) => [`targets/${name}`, bytes] as const),
        ]),
      )
    const old = stick()
    lists.lists.set(path, Buffer.from('core 2'))
    lists.publish()
    const update = await device(lists)
    expect(
      (await update.refresh(oneFileSource(stick()), [path], { nowMs, isTrusted: false, latestMs: null }))
        .refusal,
    ).toBeNull()
    const again = await update.refresh(oneFileSource(old), [path], {
      nowMs,
      isTrusted: false,
      latestMs: null,
    })
    expect(again.refusal).toMatchObject({ code: 'rollback' })
    expect(await update.inForce(path)).toMatchObject({ bytes: Buffer.from('core 2') })
  })
})

describe('walk()', () => {
  const terms = { effectiveMs: nowMs, limits: deviceLimits, floor: new Map<string, number>() }

  it('holds a source to the limit that it forgets', async () => {
    const lists = repository()
    const update = await device(lists)
    const endless = { get: async () => Buffer.alloc(1_000_000, ' ') }
    const { refusal } = await update.refresh(endless, [path], { nowMs, isTrusted: true, latestMs: null })
    expect(refusal).toMatchObject({ code: 'endless_data', at: '5.3.3' })
  })

  it('is not let go on without a refresh that went through', async () => {
    const lists = repository()
    await expect(walk(findTarget(openTrusted(lists.root), path, terms), lists)).rejects.toThrow(TypeError)
  })
})
