// Changes of trust: proposals that two of three holders sign, and what a collector makes of them. The built programs.

import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { RunningCollector } from '../../test/support/processes.ts'
import { SampleCoordinator } from '../../test/support/sample-coordinator.ts'

const laptop = new SampleCoordinator()
let collector: RunningCollector
beforeAll(async () => {
  await laptop.init('bamako')
  collector = await laptop.startCollector()
  await laptop.say('publish', '--to', collector.url)
  const list = laptop.list('list.csv', [['https://a.ml/', 'NEWS']])
  expect(await laptop.sign('push', list, '--group', 'bamako')).toMatchObject({ code: 0 })
}, 60_000)
afterAll(() => collector?.stop())

const proposal = (name: string) => join(laptop.home, `${name}.slr`)
const passphrase = () => ['--passphrase-file', laptop.passphraseFile]
const rotate = (name: string, ...argv: string[]) => laptop.say('rotate', '--to', proposal(name), ...argv)
const rotateKey = (name: string, key: string) =>
  rotate(name, '--key', key, '--work-factor', '10', ...passphrase())
const sign = (name: string, key: string) => laptop.sign('sign', proposal(name), '--key', key)
const publish = (name: string) => laptop.say('publish', '--to', collector.url, '--with', proposal(name))
const push = (name: string, url: string) =>
  laptop.sign('push', laptop.list(`${name}.csv`, [[url, 'NEWS']]), '--group', 'bamako')
const out = (role: string, version: number) =>
  fetch(`${collector.url}/v1/lists/metadata/${version}.${role}.json`).then(({ ok }) => ok)

it('one holder is not enough, two are, and a group is not', async () => {
  expect(await rotate('renew')).toMatchObject({ code: 0, err: '' })
  expect((await publish('renew')).err).toContain('[threshold_not_met]')
  const first = await sign('renew', 'offline-1')
  expect(first.err).toContain('changes nothing but dates')
  expect(first.out).toContain('One more holder has to')
  expect((await sign('renew', 'offline-1')).out).toContain('One more holder has to')
  expect((await publish('renew')).err).toContain('[threshold_not_met]')
  expect((await sign('renew', 'bamako')).err).toContain('[key_not_entitled]')
  expect((await sign('renew', 'offline-3')).out).toContain('enough have')
  expect(await publish('renew')).toMatchObject({ code: 0, err: '' })
  expect([await out('root', 2), await out('targets', 2)]).toEqual([true, true])
}, 60_000)

it('a new group is made, and pushed to', async () => {
  await rotateKey('gao', 'gao')
  expect((await sign('gao', 'offline-1')).err).toContain('makes a group: gao')
  await sign('gao', 'offline-2')
  expect(await publish('gao')).toMatchObject({ code: 0, err: '' })
  const list = laptop.list('gao.csv', [['https://g.ml/', 'NEWS']])
  expect(await laptop.sign('push', list, '--group', 'gao')).toMatchObject({ code: 0 })
}, 60_000)

it('a group gets another key, and the stolen one signs nothing more', async () => {
  const key = join(laptop.dir, 'keys', 'bamako.json')
  await rotateKey('stolen', 'bamako')
  expect(existsSync(join(laptop.dir, 'keys', 'bamako.old'))).toBe(true)
  expect((await sign('stolen', 'offline-2')).err).toContain("another key in the place of the group bamako's")
  await sign('stolen', 'offline-3')
  expect(await publish('stolen')).toMatchObject({ code: 0, err: '' })
  expect(await push('new-key', 'https://b.ml/')).toMatchObject({ code: 0 })
  renameSync(key, `${key}.kept`)
  renameSync(join(laptop.dir, 'keys', 'bamako.old'), key)
  expect((await push('old-key', 'https://c.ml/')).err).toContain('[key_not_entitled]')
  renameSync(`${key}.kept`, key)
}, 60_000)

it('an offline key that was lost is replaced by the two others, and the new one signs', async () => {
  await rotateKey('lost', 'offline-1')
  const first = await sign('lost', 'offline-2')
  expect(first.err).toContain('takes an offline key out')
  await sign('lost', 'offline-3')
  expect(await publish('lost')).toMatchObject({ code: 0, err: '' })
  await rotate('after')
  await sign('after', 'offline-1')
  await sign('after', 'offline-2')
  expect(await publish('after')).toMatchObject({ code: 0, err: '' })
  expect(await push('after', 'https://d.ml/')).toMatchObject({ code: 0 })
}, 60_000)

it('a group is no more', async () => {
  expect(await laptop.say('revoke', 'gao', '--to', proposal('end'))).toMatchObject({ code: 0 })
  expect((await sign('end', 'offline-1')).err).toContain('ends a group: gao')
  await sign('end', 'offline-2')
  expect(await publish('end')).toMatchObject({ code: 0, err: '' })
  const list = laptop.list('gone.csv', [['https://g.ml/', 'NEWS']])
  expect((await laptop.sign('push', list, '--group', 'gao')).err).toContain('[no_group]')
}, 60_000)

it("the collector's keys are changed, as the page says", async () => {
  // The operator: stop, move the keys away, print the word of the new ones, start.
  await collector.stop()
  for (const name of ['snapshot-key', 'timestamp-key']) {
    const path = join(laptop.collectorState, 'lists', name)
    renameSync(path, `${path}.old`)
  }
  const word = laptop.listsKeys
  collector = await laptop.startCollector()
  // What was published goes on to be served, and nothing new is: its new keys count for nothing yet.
  const before = await laptop.say('status', '--collector', collector.url, '--json')
  const versionOf = (text: string) => JSON.parse(text).lists[1].version
  expect(before.code).toBe(0)
  expect(await rotate('online', '--lists-keys', word, '--collector', collector.url)).toMatchObject({
    code: 0,
  })
  expect((await sign('online', 'offline-1')).err).toContain("changes the collector's keys")
  await sign('online', 'offline-3')
  expect(await publish('online')).toMatchObject({ code: 0, err: '' })
  expect(await push('online', 'https://e.ml/')).toMatchObject({ code: 0, err: expect.any(String) })
  const after = await laptop.say('status', '--json')
  expect(versionOf(after.out)).toBe(versionOf(before.out) + 1)
  const served = await fetch(`${collector.url}/v1/lists/metadata/timestamp.json`).then(({ status }) => status)
  const names = JSON.parse(readFileSync(join(laptop.dir, 'names.json'), 'utf8'))
  expect(Object.keys(names)).toContain('offline-1')
  expect(served).toBe(200)
}, 60_000)
