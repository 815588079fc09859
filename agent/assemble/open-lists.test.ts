// A device's lists, asked for over real sockets from a mirror beside a collector.

import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SampleLists, sampleKey } from '../../test/support/sample-lists.ts'
import coreList from '../../tests-spec/lists/core.json' with { type: 'json' }
import { writeOneFile } from '../../tests-spec/lists/tuf/one-file.ts'
import { loadConfig } from '../config.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { makeStateFolder, type StateFolder } from '../platform/state-folder.ts'
import type { WatchedClock } from '../platform/watched-clock.ts'
import { Uplink } from '../submit/ways/uplink.ts'
import { bringLists } from '../update/brought-lists.ts'
import { Lists } from './open-lists.ts'

const begin = Date.parse('2027-01-10T12:00:00Z')
const hour = 3_600_000
const core = 'core/list.json'
const bamako = 'groups/bamako/list.json'
const signal = new AbortController().signal
const site = (host: string) => ({
  nettest: 'web_connectivity',
  input: `https://${host}/`,
  category_code: 'NEWS',
})
const coreOf = (version: number) => Buffer.from(JSON.stringify({ ...coreList, version }))
const groupOf = (...hosts: string[]) =>
  Buffer.from(JSON.stringify({ v: 1, name: 'bamako', entries: hosts.map(site) }))

let repository: SampleLists
let server: Server
let url: string
let folder: StateFolder
let logged: unknown[]
let nowMs: number
let quality: string
let asked: string[]

beforeEach(async () => {
  repository = new SampleLists(begin)
  repository.addGroup('bamako')
  repository.lists.set(core, coreOf(7))
  repository.group('bamako').lists.set(bamako, groupOf('news.example.org', '192.168.1.1'))
  repository.publish()
  logged = []
  asked = []
  nowMs = begin
  quality = 'synced'
  folder = makeStateFolder(mkdtempSync(join(tmpdir(), 'sonde-lists-')), {})
  server = createServer(({ url: path = '', headers }, response) => {
    asked.push(path)
    const [, kind, name = ''] = /^\/v1\/lists\/(metadata|targets)\/(.+)$/.exec(path) ?? []
    const bytes = repository.files[kind === 'metadata' ? 'metadata' : 'target'].get(decodeURIComponent(name))
    if (bytes === undefined) return response.writeHead(404).end()
    const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`
    if (headers['if-none-match'] === etag) return response.writeHead(304, { etag }).end()
    return response.writeHead(200, { etag }).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

const clock = {
  now: () => nowMs,
  monotonicMs: () => nowMs - begin,
  quality: () => quality,
  bounds: () => ({ earliest: Number.NEGATIVE_INFINITY, latest: Number.POSITIVE_INFINITY }),
} as unknown as WatchedClock
const say = (code: string, fields: object = {}) => logged.push([code, fields])

function open(listsRoot: string | null = sha256(repository.root), isAgreed = true): Promise<Lists> {
  const config = { ...loadConfig(null, {}), groups: ['bamako'] }
  const collector = { listsRoot } as Collector
  const log = { info: say, warn: say, error: say }
  const allowed = () => ({ groups: isAgreed, categories: new Set<string>() })
  return Lists.open({ folder, config, collector, clock, log, allowed })
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function openUplink(): Promise<Uplink> {
  return Uplink.open({
    collectorKeyId: 'x',
    collectorKey: generateKeyPairSync('ed25519').publicKey,
    endpoints: [{ kind: 'collector', url }],
    memory: {
      read: async () => ({ lastGood: null, ways: new Map() }),
      write: async () => {},
    },
    now: () => performance.now(),
    chance: () => 0,
    spreadMs: 0,
  })
}

/** Over the way that an upload left open. */
async function refresh(lists: Lists, uplink: Uplink) {
  return await lists.refresh(uplink, await uplink.climb(new Set(), signal), signal)
}

const codes = () => logged.map((each) => (each as [string])[0])

describe('Lists', () => {
  it('takes up what a stick brought, also where it is cut off and has no root yet, and only once', async () => {
    const files = new Map<string, Uint8Array>()
    for (const [folder, all] of Object.entries(repository.files))
      for (const [name, bytes] of all) files.set(`${folder === 'target' ? 'targets' : folder}/${name}`, bytes)
    const bytes = writeOneFile(files)
    expect(await bringLists(folder.lists, bytes.subarray(0, -1))).toBe(false)
    expect(await bringLists(folder.lists, bytes)).toBe(true)
    const lists = await open()
    expect(lists.inForce.versions).toEqual({ core: 7, 'groups/bamako': 1 })
    expect(readdirSync(folder.lists)).toEqual([sha256(repository.root)])
    // While the agent runs: with its next delivery, whether there is a way out or not.
    repository.lists.set(core, coreOf(8))
    repository.publish()
    for (const [name, bytes] of repository.files.metadata) files.set(`metadata/${name}`, bytes)
    for (const [name, bytes] of repository.files.target) files.set(`targets/${name}`, bytes)
    await bringLists(folder.lists, writeOneFile(files))
    await lists.refresh(null, null, signal)
    expect(lists.inForce.versions).toEqual({ core: 8, 'groups/bamako': 2 })
    // An older stick takes nothing away.
    await bringLists(folder.lists, bytes)
    await lists.refresh(null, null, signal)
    expect(lists.inForce.versions).toEqual({ core: 8, 'groups/bamako': 2 })
    expect(codes()).toContain('S7101')
    expect(readdirSync(folder.lists)).toEqual([sha256(repository.root)])
  })

  it('measures what is pushed, without what the gate leaves out, and after a restart too', async () => {
    const lists = await open()
    const uplink = await openUplink()
    await refresh(lists, uplink)
    expect(lists.inForce.versions).toEqual({ core: 7, 'groups/bamako': 1 })
    expect(lists.inForce.list.entries.map(({ input }) => input)).toContain('https://news.example.org/')
    expect(lists.inForce.leftOut).toEqual({ no_public_host: 1 })
    expect(lists.annotations).toEqual({ x_sonde_lists: 'core 7, groups/bamako 1' })
    expect(codes()).toEqual(['S7001', 'S7001', 'S7104'])
    const again = await open()
    expect(again.inForce).toEqual(lists.inForce)
  })

  it('costs at most 1 kB both ways when nothing changed, and is not asked again within an hour', async () => {
    const lists = await open()
    const uplink = await openUplink()
    await refresh(lists, uplink)
    await refresh(lists, uplink)
    asked = []
    nowMs += hour
    const { sent, received } = await refresh(lists, uplink)
    console.log(`A refresh when nothing changed: ${sent} bytes sent, ${received} received`)
    expect(sent + received).toBeLessThanOrEqual(1_000)
    expect(asked).toHaveLength(2)
    nowMs += hour - 1
    expect(await refresh(lists, uplink)).toEqual({ sent: 0, received: 0 })
  })

  it('keeps the last good list through a refusal, and says so once', async () => {
    const lists = await open()
    const uplink = await openUplink()
    await refresh(lists, uplink)
    repository.keys.timestamp = [sampleKey('thief')]
    repository.lists.set(core, coreOf(8))
    repository.publish()
    logged = []
    await refresh(lists, uplink)
    await refresh(lists, uplink)
    expect(lists.inForce.versions.core).toBe(7)
    expect(logged).toEqual([['S7101', { reason: expect.any(String), at: '5.4.2' }]])
  })

  it('goes back to the list of the build when a list is withdrawn', async () => {
    const lists = await open()
    const uplink = await openUplink()
    await refresh(lists, uplink)
    repository.lists.delete(core)
    repository.publish()
    await refresh(lists, uplink)
    expect(lists.inForce.list.version).toBe(coreList.version)
    expect(codes()).toContain('S7002')
  })

  it('sets a list aside over which the agent died three times', async () => {
    const uplink = await openUplink()
    const lists = await open()
    await refresh(lists, uplink)
    repository.lists.set(core, coreOf(8))
    repository.publish()
    await refresh(lists, uplink)
    expect(lists.inForce.versions.core).toBe(8)
    for (let crash = 0; crash < 3; crash++) await (await open()).beginUse()
    const after = await open()
    expect(after.inForce.versions.core).toBe(7)
    expect(codes()).toContain('S7102')
  })

  it('takes lists under an uncertain clock, and marks them as stale', async () => {
    nowMs = begin + 5 * 365 * 24 * hour
    quality = 'unknown'
    const lists = await open()
    await refresh(lists, await openUplink())
    expect(lists.inForce.versions.core).toBe(7)
    expect(lists.annotations.x_sonde_lists_stale).toBe('true')
  })

  it('believes no root but the one that the enrolment names', async () => {
    const lists = await open('f'.repeat(64))
    await refresh(lists, await openUplink())
    expect(lists.inForce.pushed).toEqual([])
    expect(logged).toEqual([['S7101', { reason: 'tampering', at: '5.3' }]])
  })

  it('asks for nothing without a root', async () => {
    const lists = await open(null)
    await refresh(lists, await openUplink())
    expect(asked).toEqual([])
    expect(lists.annotations).toEqual({})
    expect(lists.status).toBeNull()
  })
})
