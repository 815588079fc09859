import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type SampleKey, SampleLists, sampleKey } from '../../test/support/sample-lists.ts'
import { diskError, SimulatedDisk } from '../../test/support/simulated-disk.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { ListUpdate, type ListUpdateOptions, type UpdateClock } from './list-update.ts'
import type { UpdateSource } from './source.ts'

const core = 'core/list.json'
const bamako = 'groups/bamako/list.json'
const days = 86_400_000
const begin = Date.parse('2027-01-10T12:00:00Z')
const at = (day: number): UpdateClock => ({ nowMs: begin + day * days, isTrusted: true, latestMs: null })
const unsure = (day: number): UpdateClock => ({ nowMs: begin + day * days, isTrusted: false, latestMs: null })

function repository(): SampleLists {
  const lists = new SampleLists(begin)
  lists.addGroup('bamako')
  lists.addGroup('kayes')
  lists.lists.set(core, Buffer.from('core 1'))
  lists.group('bamako').lists.set(bamako, Buffer.from('bamako 1'))
  lists.publish()
  return lists
}

class Device {
  disk = new SimulatedDisk()
  readonly #lists: SampleLists
  readonly #options: Partial<ListUpdateOptions>

  constructor(lists: SampleLists, options: Partial<ListUpdateOptions> = {}) {
    this.#lists = lists
    this.#options = options
  }

  open(options: Partial<ListUpdateOptions> = {}): Promise<ListUpdate> {
    return ListUpdate.open({
      dir: '/update',
      disk: this.disk,
      root: this.#lists.root,
      floor: new Map(),
      limits: deviceLimits,
      everyRole: true,
      boot: { id: 'boot', monoMs: 0 },
      ...this.#options,
      ...options,
    })
  }

  async refresh(clock: UpdateClock, source: UpdateSource = this.#lists, paths = [core, bamako]) {
    return (await this.open()).refresh(source, paths, clock)
  }

  /** By a process that has only the disk. */
  async measured(path = core): Promise<string | null> {
    const list = await (await this.open()).inForce(path)
    return list === null ? null : Buffer.from(list.bytes).toString()
  }
}

function publish(lists: SampleLists, text: string): void {
  lists.lists.set(core, Buffer.from(text))
  lists.publish()
}

describe('ListUpdate', () => {
  it('measures what the build carries until a list has come, and the list from then on', async () => {
    const lists = repository()
    const device = new Device(lists)
    expect(await device.measured()).toBeNull()
    const { refusal, targets, diskError } = await device.refresh(at(0))
    expect({ refusal, diskError }).toEqual({ refusal: null, diskError: null })
    expect(targets.get(core)).toEqual({ kind: 'in_force', isNew: true })
    expect(await device.measured()).toBe('core 1')
    expect(await (await device.open()).inForce(bamako)).toMatchObject({ role: 'bamako', version: 1 })
  })

  it('asks for two files, and writes nothing, when nothing has changed', async () => {
    const lists = repository()
    const device = new Device(lists)
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
        await new Device(lists).refresh(at(0), lists, paths)
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
        const { targets, roles } = await new Device(lists).refresh(at(0), lists, paths)
        expect([...roles.keys()]).toEqual(['bamako', 'kayes'])
        if (paths.length > 1) expect(targets.get(bamako)).toMatchObject({ kind: 'refused' })
        return lists.asked.filter((name) => !name.includes('/'))
      }),
    )
    expect(asked[0]).toEqual(asked[1])
  })

  it('goes back to the list before when it cannot use the newest', async () => {
    const lists = repository()
    const device = new Device(lists)
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
    await new Device(lists, { everyRole: false }).refresh(at(0), lists, [core])
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
    const { refusal, roles, targets } = await new Device(lists).refresh(at(0))
    expect(refusal).toBeNull()
    expect(roles.get('kayes')).toMatchObject({ code: 'mix_and_match' })
    expect(targets.get(bamako)).toMatchObject({ kind: 'in_force' })
  })

  it('withdraws a list that is authentically no more, and keeps one that is merely withheld', async () => {
    const lists = repository()
    const device = new Device(lists)
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
    const device = new Device(lists)
    await device.refresh(at(0))
    lists.publish()
    const narrow = await device.open({ limits: { ...deviceLimits, rolesVisited: 1 } })
    const { targets } = await narrow.refresh(lists, [bamako], at(1))
    expect(targets.get(bamako)).toEqual({ kind: 'not_listed' })
    expect(await device.measured(bamako)).toBe('bamako 1')
  })

  it("believes a newer root of a build, and goes on from the one it walked to with an older one's", async () => {
    const lists = repository()
    const device = new Device(lists)
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
    const device = new Device(lists, { root: Buffer.from('{}') })
    expect((await device.refresh(at(0))).refusal).toMatchObject({ code: 'malformed' })
    expect(lists.asked).toEqual([])
    const update = await device.open()
    expect(await update.endUse()).toBeNull()
    expect(await update.inForce(core)).toBeNull()
  })

  it('measures a list that a full disk would not take, and takes it again after a restart', async () => {
    const lists = repository()
    const device = new Device(lists)
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
    const device = new Device(lists)
    for (let n = 1; n < 8; n++) {
      publish(lists, `core ${n}`)
      await device.refresh(at(n))
    }
    expect(device.disk.paths().filter((path) => path.endsWith('.target')).length).toBeLessThanOrEqual(4)
    expect(await device.measured()).toBe('core 7')
  })
})

describe('an attack', () => {
  it.each([
    ['one signature of two', 'threshold', ({ targets: [first] }) => (first === undefined ? [] : [first])],
    ["a stranger's keys", 'key_substitution', () => [sampleKey(), sampleKey()]],
    ["the timestamp's key under targets", 'key_confusion', ({ timestamp }) => timestamp],
  ] satisfies [string, string, (keys: SampleLists['keys']) => SampleKey[]][])(
    'by %s is refused, and the last list goes on',
    async (_, code, signers) => {
      const lists = repository()
      const device = new Device(lists)
      await device.refresh(at(0))
      lists.keys.targets = signers(lists.keys)
      publish(lists, 'forged')
      expect((await device.refresh(at(1))).refusal).toMatchObject({ code, at: '5.6.3' })
      expect(await device.measured()).toBe('core 1')
    },
  )

  it('by a mirror that goes back is refused', async () => {
    const lists = repository()
    const device = new Device(lists)
    const old = lists.frozen()
    publish(lists, 'core 2')
    await device.refresh(at(0))
    expect((await device.refresh(at(1), old)).refusal).toMatchObject({ code: 'rollback' })
    expect(await device.measured()).toBe('core 2')
  })

  it('by a mirror that goes back behind a cycle that was not completed is refused', async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    const old = lists.frozen()
    publish(lists, 'core 2')
    lists.files.metadata.delete('2.targets.json')
    expect((await device.refresh(at(1))).refusal).toMatchObject({ code: 'freeze', at: '5.6.1' })
    expect((await device.refresh(at(1), old)).refusal).toMatchObject({ code: 'rollback', at: '5.4.3.1' })
    expect(await device.measured()).toBe('core 1')
  })

  it('by whoever reflashes a card is refused by the floor', async () => {
    const lists = repository()
    const old = lists.frozen()
    publish(lists, 'core 2')
    const device = new Device(lists, { floor: new Map([['timestamp', 2]]) })
    expect((await device.refresh(at(0), old)).refusal).toMatchObject({ code: 'rollback' })
    expect((await device.refresh(at(0))).refusal).toBeNull()
    const withheld = new Device(lists, { floor: new Map([['root', 2]]) })
    expect((await withheld.refresh(at(0))).refusal).toMatchObject({ code: 'rollback', at: '5.3.5' })
  })

  it('with a key that was taken out is called by its name', async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    const stolen = lists.keys.timestamp
    lists.keys.timestamp = [sampleKey()]
    lists.publishRoot()
    publish(lists, 'core 2')
    await device.refresh(at(1))
    lists.keys.timestamp = stolen
    lists.publishTimestamp({ 'snapshot.json': { version: 2 } })
    expect((await device.refresh(at(1))).refusal).toMatchObject({ code: 'revoked_key', at: '5.4.2' })
    expect(await device.measured()).toBe('core 2')
  })

  it("with a group's key reaches that group alone, until targets takes the key out", async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    const group = lists.group('bamako')
    group.lists.set(core, Buffer.from('forged')).set('groups/kayes/list.json', Buffer.from('forged'))
    lists.publish()
    const everything = [core, bamako, 'groups/kayes/list.json']
    const { targets } = await device.refresh(at(1), lists, everything)
    expect([...targets.values()].map(({ kind }) => kind)).toEqual(['in_force', 'in_force', 'not_listed'])
    expect(await device.measured()).toBe('core 1')

    lists.group('kayes').signer = group.key
    lists.publish()
    expect((await device.refresh(at(1))).roles.get('kayes')).toMatchObject({ code: 'foreign_path' })

    group.signer = group.key
    group.key = sampleKey()
    group.lists.set(bamako, Buffer.from('forged'))
    lists.publish()
    const outcome = await device.refresh(at(1))
    expect(outcome.roles.get('bamako')).toMatchObject({ code: 'revoked_key' })
    expect(outcome.targets.get(bamako)).toMatchObject({ kind: 'refused' })
    expect(await device.measured(bamako)).toBe('bamako 1')
  })

  it('that runs versions up is undone by a new key, and by nothing else', async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    const honest = { ...lists.versions }
    lists.versions = { ...honest, timestamp: 1_000_000 }
    lists.publish()
    await device.refresh(at(1))
    lists.versions = { ...lists.versions, timestamp: honest.timestamp }
    publish(lists, 'core 2')
    expect((await device.refresh(at(1))).refusal).toMatchObject({ code: 'rollback', at: '5.4.3.1' })
    lists.keys.timestamp = [sampleKey()]
    lists.publishRoot()
    publish(lists, 'core 3')
    expect((await device.refresh(at(1))).refusal).toBeNull()
    expect(await device.measured()).toBe('core 3')
  })
})

describe('the clock', () => {
  const tenYears = 3_653

  it('ten years ahead and not certain: a newer list is taken, is stale, and moves no time', async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    expect((await device.refresh(unsure(tenYears))).refusal).toBeNull()
    expect(await device.measured()).toBe('core 2')
    const update = await device.open()
    expect([update.isStale(core, unsure(tenYears)), update.isStale(core, at(1))]).toEqual([true, false])
    publish(lists, 'core 3')
    expect((await device.refresh(at(1))).refusal).toBeNull()
  })

  it('ten years behind and not certain: a newer list is taken, and an older one is not', async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    const old = lists.frozen()
    publish(lists, 'core 2')
    expect((await device.refresh(unsure(-tenYears))).refusal).toBeNull()
    expect(await device.measured()).toBe('core 2')
    expect((await device.refresh(unsure(-tenYears), old)).refusal).toMatchObject({ code: 'rollback' })
  })

  it('ten years ahead and said to be certain: the new is refused, the last list goes on and is stale', async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    expect((await device.refresh(at(tenYears))).refusal).toMatchObject({ code: 'freeze', at: '5.3.10' })
    expect(await device.measured()).toBe('core 1')
    expect((await device.open()).isStale(core, at(tenYears))).toBe(true)
  })

  it.each([at, unsure])(
    'ten years behind, after a time that was certain: what expired since stays refused',
    async (clock) => {
      const lists = repository()
      const device = new Device(lists)
      await device.refresh(at(0))
      expect((await device.refresh(at(40))).refusal).toMatchObject({ code: 'freeze', at: '5.4.4' })
      expect((await device.refresh(clock(-tenYears))).refusal).toMatchObject({ code: 'freeze', at: '5.4.4' })
      expect(await device.measured()).toBe('core 1')
      lists.nowMs = begin + 40 * days
      publish(lists, 'core 2')
      expect((await device.refresh(clock(-tenYears))).refusal).toBeNull()
      expect(await device.measured()).toBe('core 2')
    },
  )
})

describe('a time that was believed and was wrong', () => {
  it('is taken back by a signed word, and by nothing else', async () => {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    await device.refresh(at(3_653))
    publish(lists, 'core 2')
    expect((await device.refresh(at(1))).refusal).toMatchObject({ code: 'freeze' })
    const receipted = { ...unsure(1), latestMs: begin + days }
    expect((await device.refresh(receipted)).refusal).toBeNull()
    expect(await device.measured()).toBe('core 2')
    expect((await device.refresh(at(1))).refusal).toBeNull()
  })
})

describe('a list that kills the agent', () => {
  const boot = { id: 'boot', monoMs: 1_000 }

  async function crash(device: Device, times: number, now = boot): Promise<void> {
    for (let n = 0; n < times; n++) await (await device.open({ boot: now })).beginUse(now)
  }

  async function twoLists() {
    const lists = repository()
    const device = new Device(lists)
    await device.refresh(at(0))
    publish(lists, 'core 2')
    await device.refresh(at(1))
    return { lists, device }
  }

  it('three times in a row is set aside, and the one before is in force until another comes', async () => {
    const { lists, device } = await twoLists()
    await crash(device, 2)
    expect(await device.measured()).toBe('core 2')
    await crash(device, 3)
    expect(await device.measured()).toBe('core 1')
    expect((await device.refresh(at(1))).targets.get(core)).toEqual({ kind: 'in_force', isNew: false })
    expect(await device.measured()).toBe('core 1')
    publish(lists, 'core 3')
    await device.refresh(at(1))
    expect(await device.measured()).toBe('core 3')
    await crash(device, 4)
    expect(await device.measured(), 'never back to the one that was set aside').toBe('core 1')
  })

  it('and then does not is used', async () => {
    const { device } = await twoLists()
    await crash(device, 2)
    const update = await device.open({ boot })
    await update.beginUse(boot)
    expect(await update.endUse()).toBeNull()
    await crash(device, 2)
    expect(await device.measured()).toBe('core 2')
  })

  it('is not blamed for a power cut: a mark of another boot is none', async () => {
    const { device } = await twoLists()
    for (let n = 0; n < 9; n++) {
      const now = { id: `boot ${n}`, monoMs: 1_000 }
      await (await device.open({ boot: now })).beginUse(now)
    }
    expect((await (await device.open({ boot: { id: 'last', monoMs: 0 } })).inForce(core))?.isFallback).toBe(
      false,
    )
  })

  it('is noticed where boots have no names, as long as the clock of the boot goes on', async () => {
    const { device } = await twoLists()
    const none = (monoMs: number) => ({ id: null, monoMs })
    for (let n = 0; n < 9; n++) await (await device.open({ boot: none(0) })).beginUse(none(50_000))
    expect((await (await device.open({ boot: none(0) })).inForce(core))?.isFallback).toBe(false)
    for (let n = 1; n < 5; n++)
      await (await device.open({ boot: none(n * 60_000) })).beginUse(none(n * 60_000))
    expect((await (await device.open({ boot: none(0) })).inForce(core))?.isFallback).toBe(true)
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
