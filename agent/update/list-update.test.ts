import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { at, bamako, core, ListDevice, publish, repository } from '../../test/support/list-device.ts'
import { diskError } from '../../test/support/simulated-disk.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { ListUpdate } from './list-update.ts'

describe('ListUpdate', () => {
  it('measures what the build carries until a list has come, and the list from then on', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    expect(await device.measured()).toBeNull()
    const { refusal, targets, diskError } = await device.refresh(at(0))
    expect({ refusal, diskError }).toEqual({ refusal: null, diskError: null })
    expect(targets.get(core)).toEqual({ kind: 'in_force', isNew: true })
    expect(await device.measured()).toBe('core 1')
    expect(await (await device.open()).inForce(bamako)).toMatchObject({ role: 'bamako', version: 1 })
  })

  it('asks for two files, and writes nothing, when nothing has changed', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    const before = device.disk.paths().map((path) => device.disk.bytesOf(path))
    lists.asked = []
    const { targets } = await device.refresh(at(0))
    expect(lists.asked).toEqual(['2.root.json', 'timestamp.json'])
    expect(targets.get(core)).toEqual({ kind: 'in_force', isNew: false })
    expect(device.disk.paths().map((path) => device.disk.bytesOf(path))).toEqual(before)
  })

  it('fetches the metadata of every group, in one order, whichever of them it measures', async () => {
    const asked = await Promise.all(
      [[core], [core, bamako]].map(async (paths) => {
        const lists = repository()
        await new ListDevice(lists).refresh(at(0), lists, paths)
        return lists.asked.filter((name) => !name.includes('/'))
      }),
    )
    expect(asked[0]).toEqual(asked[1])
    expect(asked[0]).toEqual(expect.arrayContaining(['1.bamako.json', '1.kayes.json']))
  })

  it('asks once for what a mirror breaks, so that it does not see whose list is missed', async () => {
    const asked = await Promise.all(
      [[core], [core, bamako]].map(async (paths) => {
        const lists = repository()
        for (const name of ['1.bamako.json', '1.kayes.json'])
          lists.files.metadata.set(name, Buffer.from('<html>'))
        const { targets, roles } = await new ListDevice(lists).refresh(at(0), lists, paths)
        expect([...roles.keys()]).toEqual(['bamako', 'kayes'])
        if (paths.length > 1) expect(targets.get(bamako)).toMatchObject({ kind: 'refused' })
        return lists.asked.filter((name) => !name.includes('/'))
      }),
    )
    expect(asked[0]).toEqual(asked[1])
  })

  it('goes back to the list before when it cannot use the newest', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    await device.refresh(at(1))
    const update = await device.open()
    const isOld = (bytes: Uint8Array) => Buffer.from(bytes).toString() === 'core 1'
    expect(await update.inForce(core, isOld)).toMatchObject({
      bytes: Buffer.from('core 1'),
      isFallback: true,
    })
    expect(await update.inForce(core, () => false)).toBeNull()
  })

  it('fetches along the search alone when it is told to', async () => {
    const lists = repository()
    await new ListDevice(lists, { everyRole: false }).refresh(at(0), lists, [core])
    expect(lists.asked.filter((name) => !name.includes('/'))).toEqual([
      '2.root.json',
      'timestamp.json',
      '1.snapshot.json',
      '1.targets.json',
    ])
  })

  it('is not held up by a group whose file is not to be had', async () => {
    const lists = repository()
    lists.files.metadata.set('1.kayes.json', Buffer.from('<html>'))
    const { refusal, roles, targets } = await new ListDevice(lists).refresh(at(0))
    expect(refusal).toBeNull()
    expect(roles.get('kayes')).toMatchObject({ code: 'mix_and_match' })
    expect(targets.get(bamako)).toMatchObject({ kind: 'in_force' })
  })

  it("fetches no more of a group's file than a group may have, whatever snapshot declares", async () => {
    const lists = repository()
    for (let i = 0; i < 200; i++) lists.group('kayes').lists.set(`groups/kayes/${i}.json`, Buffer.from('x'))
    lists.publish()
    const { refusal, roles } = await new ListDevice(lists).refresh(at(0))
    expect(refusal).toBeNull()
    expect(roles.get('kayes')).toMatchObject({ code: 'endless_data' })
  })

  it('withdraws a list that is authentically no more, and keeps one that is merely withheld', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    for (const name of lists.files.target.keys())
      if (name.startsWith('core/')) lists.files.target.delete(name)
    expect((await device.refresh(at(1))).targets.get(core)).toMatchObject({ refusal: { code: 'freeze' } })
    expect(await device.measured()).toBe('core 1')
    lists.lists.delete(core)
    lists.publish()
    expect((await device.refresh(at(1))).targets.get(core)).toEqual({ kind: 'withdrawn' })
    expect(await device.measured()).toBeNull()
    expect(device.disk.paths().filter((path) => path.endsWith('.target'))).not.toHaveLength(0)
  })

  it('does not take the limit of roles for a withdrawal', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    lists.publish()
    const narrow = await device.open({ limits: { ...deviceLimits, rolesVisited: 1 } })
    const { targets } = await narrow.refresh(lists, [bamako], at(1))
    expect(targets.get(bamako)).toEqual({ kind: 'not_listed' })
    expect(await device.measured(bamako)).toBe('bamako 1')
  })

  it("believes a newer root of a build, and goes on from the one it walked to with an older one's", async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    await device.refresh(at(0))
    lists.publishRoot()
    const newer = lists.files.metadata.get('2.root.json') as Buffer
    const { versions } = await device.open({ root: newer })
    expect(Object.fromEntries(versions)).toMatchObject({ root: 2, timestamp: 1, targets: 1 })
    await device.refresh(at(0))
    expect((await device.open()).versions.get('root')).toBe(2)
    expect(await device.measured()).toBe('core 1')
  })

  it('opens with a root that is no root, says so, and measures what the build carries', async () => {
    const lists = repository()
    const device = new ListDevice(lists, { root: Buffer.from('{}') })
    expect((await device.refresh(at(0))).refusal).toMatchObject({ code: 'malformed' })
    expect(lists.asked).toEqual([])
    const update = await device.open()
    expect(await update.endUse()).toBeNull()
    expect(await update.inForce(core)).toBeNull()
  })

  it('measures a list that a full disk would not take, and takes it again after a restart', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    device.disk.before = async (operation) => {
      if (operation === 'write') throw diskError('ENOSPC')
    }
    const update = await device.open()
    const outcome = await update.refresh(lists, [core], at(0))
    expect(outcome.diskError).toMatchObject({ code: 'ENOSPC' })
    expect(outcome.targets.get(core)).toMatchObject({ kind: 'in_force' })
    expect(await update.inForce(core)).toMatchObject({ bytes: Buffer.from('core 1') })
    device.disk.before = async () => {}
    expect(await device.measured()).toBeNull()
    expect((await device.refresh(at(0))).diskError).toBeNull()
    expect(await device.measured()).toBe('core 1')
  })

  it('keeps no content that neither slot names', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    for (let n = 1; n < 8; n++) {
      publish(lists, `core ${n}`)
      await device.refresh(at(n))
    }
    expect(device.disk.paths().filter((path) => path.endsWith('.target')).length).toBeLessThanOrEqual(4)
    expect(await device.measured()).toBe('core 7')
  })
})

describe('on a real disk', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sonde-update-'))
  afterEach(() => rmSync(dir, { recursive: true }))

  it('keeps what it took', async () => {
    const lists = repository()
    const options = { dir, root: lists.root, floor: new Map(), limits: deviceLimits, everyRole: true }
    const open = () => ListUpdate.open({ ...options, boot: { id: 'boot', monoMs: 0 } })
    expect((await (await open()).refresh(lists, [core], at(0))).diskError).toBeNull()
    expect(await (await open()).inForce(core)).toMatchObject({ bytes: Buffer.from('core 1'), version: 1 })
  })
})
