// Lists over real HTTP: sent as a coordinator does, fetched by the device's own client.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ListUpdate } from '../../agent/update/list-update.ts'
import { mirrorSource } from '../../agent/update/source.ts'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { SamplePublisher } from '../../test/support/sample-publisher.ts'
import { SimulatedDisk } from '../../test/support/simulated-disk.ts'
import { listsMediaType, maxListsBytes } from '../../tests-spec/lists/lists-upload.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { openOnlineKeys } from '../publish/online-keys.ts'

const core = 'core/list.json'
const bamako = 'groups/ségou #1/list.json'
let collector: SampleCollector
let lists: SamplePublisher

beforeEach(async () => {
  collector = await SampleCollector.start()
  lists = new SamplePublisher(collector.now, await openOnlineKeys(collector.state))
  lists.addGroup('ségou #1')
  lists.lists.set(core, Buffer.from('core 1'))
  lists.group('ségou #1').lists.set(bamako, Buffer.from('bamako 1'))
  lists.publish()
  await collector.restart(() => {}, { listsRoot: lists.root })
})
afterEach(() => collector.remove())

const send = (bytes: Uint8Array = lists.oneFile) => collector.post('/v1/lists', listsMediaType, bytes)
const get = (path: string, init: RequestInit = {}) => fetch(`${collector.url}/v1/lists/${path}`, init)

async function device() {
  const update = await ListUpdate.open({
    dir: '/update',
    disk: new SimulatedDisk(),
    root: lists.root,
    floor: new Map(),
    limits: deviceLimits,
    everyRole: true,
    boot: { id: 'boot', monoMs: 0 },
  })
  const source = mirrorSource(async (path) => {
    const answer = await get(path)
    if (answer.status === 404) return 'not_found'
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : 'unreachable'
  })
  return {
    refresh: () =>
      update.refresh(source, [core, bamako], { nowMs: collector.now, isTrusted: true, latestMs: null }),
    measured: async (path: string) => Buffer.from((await update.inForce(path))?.bytes ?? []).toString(),
  }
}

describe('lists', () => {
  it("that were sent are found by the device's client, whatever the names are", async () => {
    const sent = await send()
    expect([sent.status, JSON.parse(sent.body.toString())]).toEqual([
      200,
      { versions: { root: 1, timestamp: 1, snapshot: 1, targets: 1, 'ségou #1': 1 } },
    ])
    const { refresh, measured } = await device()
    expect(await refresh()).toMatchObject({ refusal: null, roles: new Map() })
    expect([await measured(core), await measured(bamako)]).toEqual(['core 1', 'bamako 1'])
    lists.group('ségou #1').lists.set(bamako, Buffer.from('bamako 2'))
    lists.publish()
    expect((await send()).status).toBe(200)
    await refresh()
    expect(await measured(bamako)).toBe('bamako 2')
  })

  it('are served again after a restart, and the timestamp is signed anew when it is old', async () => {
    await send()
    collector.now += 40 * 86_400_000
    await collector.restart(() => {}, { listsRoot: lists.root })
    expect(collector.logged).toContainEqual(expect.objectContaining({ code: 'lists_renewed' }))
    const { refresh, measured } = await device()
    expect(await refresh()).toMatchObject({ refusal: null })
    expect(await measured(core)).toBe('core 1')
  })

  it('have a validator, and never change but for the timestamp', async () => {
    await send()
    const [root, timestamp] = [await get('metadata/1.root.json'), await get('metadata/timestamp.json')]
    expect(Buffer.from(await root.arrayBuffer())).toEqual(lists.root)
    expect(root.headers.get('cache-control')).toContain('immutable')
    expect(timestamp.headers.get('cache-control')).toBe('no-cache, no-transform')
    const etag = timestamp.headers.get('etag') ?? ''
    const again = await get('metadata/timestamp.json', { headers: { 'if-none-match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    const head = await get('metadata/1.root.json', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(lists.root.length)])
    const none = await get('metadata/2.root.json')
    expect([none.status, none.headers.get('cache-control')]).toEqual([404, 'no-store'])
  })

  it.each([
    'metadata/%2e%2e%2fcollector-key',
    'targets/..%2f..%2fcollector-key',
    'targets/%00',
    'metadata/x%25',
  ])('lead to no file of the collector: %s', async (path) => {
    await send()
    expect((await get(path)).status).toBe(404)
  })

  it('are refused by name, with nothing changed', async () => {
    const whole = lists.oneFile
    const cut = await send(whole.subarray(0, -1))
    expect([cut.status, JSON.parse(cut.body.toString()).code]).toEqual([422, 'malformed'])
    await send()
    lists.group('ségou #1').lists.set(core, Buffer.from('core, says a thief'))
    lists.publish()
    const before = await (await get('metadata/timestamp.json')).text()
    const foreign = await send()
    expect([foreign.status, JSON.parse(foreign.body.toString()).code]).toEqual([422, 'foreign_path'])
    expect(await (await get('metadata/timestamp.json')).text()).toBe(before)
    expect(collector.logged).toContainEqual(
      expect.objectContaining({ code: 'refused', refusal: 'foreign_path' }),
    )
  })

  it('are too many beyond 16 MiB, too often beyond twenty at once, and of another type none', async () => {
    expect((await send(Buffer.alloc(maxListsBytes + 1))).status).toBe(413)
    expect((await collector.post('/v1/lists', 'application/json', lists.oneFile)).status).toBe(415)
    const answers: number[] = []
    for (let n = 0; n < 25; n++) answers.push((await send(Buffer.from('none'))).status)
    expect([...new Set(answers)]).toEqual([422, 503])
  })

  it('hold two bodies at once, of two networks, and the place of one that has gone is free again', async () => {
    const proxied = await SampleCollector.start(null, undefined, undefined, true)
    await proxied.restart(() => {}, { listsRoot: lists.root })
    const begin = async (from: string) => {
      const headers = { 'content-type': listsMediaType, 'x-forwarded-for': from, expect: '100-continue' }
      const sending = request(`${proxied.url}/v1/lists`, { method: 'POST', headers })
      sending.on('error', () => {})
      sending.flushHeaders()
      // The collector has looked at the headers when it says so.
      await once(sending, 'continue')
      return sending
    }
    const status = async (from: string) => {
      const headers = { 'content-type': listsMediaType, 'x-forwarded-for': from }
      return (await fetch(`${proxied.url}/v1/lists`, { method: 'POST', headers, body: 'none' })).status
    }
    const first = await begin('192.0.2.1')
    expect([await status('192.0.2.9'), await status('198.51.100.1')]).toEqual([503, 422])
    await begin('198.51.100.1')
    expect(await status('203.0.113.1')).toBe(503)
    first.destroy()
    await expect.poll(() => status('203.0.113.1')).toBe(422)
    await proxied.remove()
  })

  it('that rotted on the disk are said, and none begin anew in their place', async () => {
    await send()
    await collector.restart(() => writeFileSync(`${collector.state}/lists/repository.slr`, 'SLR1'), {
      listsRoot: lists.root,
    })
    expect(collector.logged).toContainEqual(expect.objectContaining({ code: 'lists_unusable' }))
    expect((await send()).status).toBe(404)
  })

  it('are not published by a collector without a root of trust', async () => {
    await collector.restart()
    const sent = await send()
    expect([sent.status, JSON.parse(sent.body.toString()).code]).toEqual([404, 'no_lists'])
    expect((await get('metadata/1.root.json')).status).toBe(404)
  })

  it('are read and not written at the mirror', async () => {
    const answer = await get('metadata/1.root.json', { method: 'POST' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})
