// Attacks on signed lists, by what the attacker has: each is refused by its name, and the last list goes on.

import { describe, expect, it } from 'vitest'
import { at, bamako, core, ListDevice, publish, repository } from '../../test/support/list-device.ts'
import { type SampleKey, type SampleLists, sampleKey } from '../../test/support/sample-lists.ts'

describe('an attack', () => {
  it.each([
    ['one signature of two', 'threshold', ({ targets: [first] }) => (first === undefined ? [] : [first])],
    ["a stranger's keys", 'key_substitution', () => [sampleKey(), sampleKey()]],
    ["the timestamp's key under targets", 'key_confusion', ({ timestamp }) => timestamp],
  ] satisfies [string, string, (keys: SampleLists['keys']) => SampleKey[]][])(
    'by %s is refused, and the last list goes on',
    async (_, code, signers) => {
      const lists = repository()
      const device = new ListDevice(lists)
      await device.refresh(at(0))
      lists.keys.targets = signers(lists.keys)
      publish(lists, 'forged')
      expect((await device.refresh(at(1))).refusal).toMatchObject({ code, at: '5.6.3' })
      expect(await device.measured()).toBe('core 1')
    },
  )

  it('by a mirror that goes back is refused', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
    const old = lists.frozen()
    publish(lists, 'core 2')
    await device.refresh(at(0))
    expect((await device.refresh(at(1), old)).refusal).toMatchObject({ code: 'rollback' })
    expect(await device.measured()).toBe('core 2')
  })

  it('by a mirror that goes back behind a cycle that was not completed is refused', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
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
    const device = new ListDevice(lists, { floor: new Map([['timestamp', 2]]) })
    expect((await device.refresh(at(0), old)).refusal).toMatchObject({ code: 'rollback' })
    expect((await device.refresh(at(0))).refusal).toBeNull()
    const withheld = new ListDevice(lists, { floor: new Map([['root', 2]]) })
    expect((await withheld.refresh(at(0))).refusal).toMatchObject({ code: 'rollback', at: '5.3.5' })
  })

  it('with a key that was taken out is called by its name', async () => {
    const lists = repository()
    const device = new ListDevice(lists)
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
    const device = new ListDevice(lists)
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
    const device = new ListDevice(lists)
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
