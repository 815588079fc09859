// Which devices have a list, what they would measure, and campaigns: the built programs, and devices that enrol and measure.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RunningCollector, sonde, temporaryFolder } from '../../test/support/processes.ts'
import { SampleCoordinator } from '../../test/support/sample-coordinator.ts'

const laptop = new SampleCoordinator()
let collector: RunningCollector
beforeAll(async () => {
  await laptop.init('bamako', 'kayes')
  collector = await laptop.startCollector()
  await laptop.say('publish', '--to', collector.url)
}, 60_000)
afterAll(() => collector?.stop())

/** Enrols a device, and measures once without anything on the list: what counts is the batch. */
async function device(): Promise<{ readonly id: string; measure(): Promise<void> }> {
  const state = temporaryFolder('agent')
  const { out } = await sonde(['enrol', collector.url, await collector.token(), '--state', state])
  const env = {
    SONDE_LAB: 'true',
    SONDE_HOST_AGREED: 'true',
    SONDE_GROUPS: '["bamako"]',
    SONDE_LISTS_EVERY_MINUTES: '1',
    SONDE_REPEAT_AFTER_SECONDS: '0',
  }
  return {
    id: /Enrolled as (\w+)/.exec(out)?.[1] ?? '',
    async measure() {
      const { err, code } = await sonde(['once', 'http://127.0.0.1:9/', '--state', state], env)
      if (code !== 0) throw new Error(err)
    },
  }
}

const statusOf = async (...further: string[]) =>
  JSON.parse((await laptop.say('status', '--json', ...further)).out)

it('status says who has a list, who not yet, and of whom nothing is known', async () => {
  const first = laptop.list('first.csv', [['https://a.ml/', 'NEWS']])
  expect(await laptop.sign('push', first, '--group', 'bamako')).toMatchObject({ code: 0 })
  const [early, silent] = [await device(), await device()]
  // The first upload brings the list, and the second tells of it.
  await early.measure()
  await early.measure()
  const bamako = { name: 'groups/bamako', version: 2, have: [early.id], not_yet: [] }
  const one = await statusOf()
  expect(one.lists).toEqual(expect.arrayContaining([expect.objectContaining(bamako)]))
  expect(one.without_group).toEqual([{ device: silent.id, received_at: null }])

  const second = laptop.list('second.csv', [['https://b.ml/', 'NEWS']])
  expect((await laptop.sign('push', second, '--group', 'bamako')).err).toContain(
    '1 device measured by this list',
  )
  const two = await statusOf()
  expect(two.lists[1]).toMatchObject({ version: 3, have: [], not_yet: [{ device: early.id }] })
  const { out } = await laptop.say('status')
  expect(out).toContain(`not yet: ${early.id} (version 2, last heard of 20`)
}, 90_000)

it('preview shows what a device would measure, with the core list and without what it leaves out', async () => {
  const list = laptop.list('preview.csv', [
    ['https://c.ml/', 'NEWS'],
    ['https://d.ml/', 'GMB'],
  ])
  const { out } = await laptop.say('preview', list, '--group', 'kayes', '--json')
  const { entries, left_out } = JSON.parse(out)
  const inputs = entries.map(({ input }: { input: string }) => input)
  expect(inputs).toContain('https://c.ml/')
  expect(inputs).not.toContain('https://d.ml/')
  expect(entries.length).toBeGreaterThan(30)
  expect(left_out).toEqual({ no_consent: 1 })
})

it('campaigns are added, shown, kept by a push of a table, and removed', async () => {
  const times = ['--from', '2099-12-06T06:00Z', '--to', '2099-12-06T22:00Z', '--every', '5']
  const add = (...further: string[]) =>
    laptop.sign('campaign', 'add', 'election', '--group', 'bamako', ...times, ...further)
  expect((await add('--input', 'https://nowhere.ml/')).code).toBe(65)
  expect(await add('--input', 'https://b.ml/')).toMatchObject({ code: 0 })
  expect((await add()).err).toContain('already: remove it first')
  const campaigns = async () =>
    JSON.parse((await laptop.say('campaign', 'list', '--group', 'bamako', '--json')).out).campaigns
  const election = {
    name: 'election',
    from: '2099-12-06T06:00:00Z',
    to: '2099-12-06T22:00:00Z',
    every_minutes: 5,
    inputs: ['https://b.ml/'],
  }
  expect(await campaigns()).toEqual([election])
  await laptop.sign('push', laptop.list('third.csv', [['https://e.ml/', 'NEWS']]), '--group', 'bamako')
  expect(await campaigns()).toEqual([election])
  expect(await laptop.sign('campaign', 'remove', 'election', '--group', 'bamako')).toMatchObject({ code: 0 })
  expect(await campaigns()).toEqual([])
})

it.each([
  ['no time', ['--to', '2099-12-06T22:00Z', '--every', '5'], 'needs --from'],
  [
    'a time that is over',
    ['--from', '2020-01-01T00:00Z', '--to', '2020-01-02T00:00Z', '--every', '5'],
    'over already',
  ],
  [
    'an end before its beginning',
    ['--from', '2099-01-02T00:00Z', '--to', '2099-01-01T00:00Z', '--every', '5'],
    'no campaign',
  ],
])('refuses a campaign with %s', async (_, argv, words) => {
  const said = await laptop.sign('campaign', 'add', 'x', '--group', 'bamako', ...argv)
  expect([said.code, said.err]).toEqual([64, expect.stringContaining(words)])
})

it('status says that readers need a token, and takes it', async () => {
  const url = await (async () => {
    await collector.stop()
    collector = await laptop.startCollector('--readers', 'token')
    return collector.url
  })()
  const without = await laptop.say('status', '--collector', url)
  expect(without.out).toContain('told to readers')
  const token = join(collector.state, 'reader-token')
  expect(readFileSync(token, 'utf8')).not.toBe('')
  const known = await statusOf('--collector', url, '--reader-token', token)
  expect(known.devices_known).toBe(true)
})
