// Carrying files of other probes: what a carrier keeps, gives up and brings, against a real collector and against
// impostors that answer in its place.

import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import {
  closeDevices,
  folder,
  type StickDevice,
  secretWord,
  stickDevice,
} from '../../test/support/stick-device.ts'
import {
  answer,
  problem,
  type Reply,
  type StubCollector,
  stubCollector,
} from '../../test/support/stub-collector.ts'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { joinLines, signSealedReceipt } from '../../tests-spec/protocol/sealed.ts'
import { Carried } from '../stick/carried.ts'
import { carry } from '../stick/carry.ts'
import { Stick } from '../stick/stick.ts'
import { forwardSealed } from './forward-sealed.ts'
import { Uplink } from './ways/uplink.ts'
import { nothingRemembered } from './ways/way-memory.ts'

let collector: SampleCollector
let probe: StickDevice
let carrier: StickDevice
let stick: string
const servers: StubCollector[] = []
beforeAll(async () => {
  collector = await SampleCollector.start()
})
afterAll(() => collector.remove())
beforeEach(async () => {
  probe = await stickDevice(collector)
  carrier = await stickDevice(collector)
  stick = folder('stick')
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
  await closeDevices()
})

const carryFor = async (device: StickDevice) =>
  carry(Stick.open(stick), device.carried, await device.ledger())
const forward = async (url = collector.url, carried = carrier.carried, ...more: readonly string[]) => {
  const uplink = await Uplink.open({
    ...carrier.collector,
    endpoints: [url, ...more].map((each) => ({ kind: 'collector', url: each })),
    memory: { read: async () => nothingRemembered, write: async () => {} },
    now: () => performance.now(),
    chance: Math.random,
    spreadMs: 0,
  })
  return forwardSealed(carried, uplink, new AbortController().signal)
}

/** A line that is reset after so many bytes up, the first few times. */
async function cutting(afterBytes: number, times: number): Promise<{ url: string; lines: () => number }> {
  let lines = 0
  const { hostname, port } = new URL(collector.url)
  const relay = createServer((client) => {
    const mayCut = lines++ < times
    let left = afterBytes
    const server = connect(Number(port), hostname)
    server.on('error', () => {}).on('close', () => client.destroy())
    client.on('error', () => {}).on('close', () => server.end())
    client.on('data', (chunk: Buffer) => {
      server.write(chunk.subarray(0, left))
      left -= mayCut ? chunk.length : 0
      if (left <= 0) client.resetAndDestroy()
    })
    server.pipe(client)
  })
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
  servers.push({ close: async () => void relay.close() } as StubCollector)
  return { url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`, lines: () => lines }
}

describe('a carrier', () => {
  it('goes on where a line broke off, as long as each brings something across', async () => {
    await probe.batches(2, 90_000)
    await probe.export(stick)
    await carryFor(carrier)
    const { url, lines } = await cutting(30_000, 6)
    expect(await forward(url)).toMatchObject({ brought: 2, refused: 0, reason: null })
    expect(lines()).toBeGreaterThan(2)
    expect(lines()).toBeLessThan(12)
  })

  it('gives up a line that brings nothing across', async () => {
    await probe.batches(1, 90_000)
    await probe.export(stick)
    await carryFor(carrier)
    const { url, lines } = await cutting(100, 1_000)
    expect(await forward(url)).toMatchObject({ brought: 0, refused: 0, reason: expect.any(String) })
    expect(lines()).toBeLessThan(4)
    expect(carrier.carried.waiting()).not.toEqual([])
  })

  it('brings what it took, and brings the receipts back, having read nothing', async () => {
    await probe.batches(2, 90_000)
    await probe.export(stick)
    expect((await carryFor(carrier)).taken).toHaveLength(2)
    for (const name of readdirSync(join(carrier.state, 'carried'))) {
      const bytes = readFileSync(join(carrier.state, 'carried', name))
      for (const word of [secretWord, probe.device, 'PSB1']) expect(bytes.includes(word)).toBe(false)
    }
    expect(await forward()).toMatchObject({ brought: 2, refused: 0, reason: null })
    // No file goes twice, whether or not the stick still has it.
    expect(await carryFor(carrier)).toMatchObject({ taken: [], known: 2, waiting: 0 })
    expect(await forward()).toMatchObject({ brought: 0, sent: 0 })

    const report = await probe.import(stick)
    expect(report.forgotten).toHaveLength(2)
    expect(report).toMatchObject({ pending: 0, refused: [] })
    expect(await carryFor(carrier)).toMatchObject({ receipts: 0, written: [] })
  })

  it('keeps the file, and what is behind it, as long as it has not the collector’s word', async () => {
    await probe.batches(2, 90_000)
    await probe.export(stick)
    await carryFor(carrier)
    const before = carrier.carried.waiting()
    const [first = ''] = before
    const { key } = collector.collector
    const wordOn = (sealed: string, receipts = 0, privateKey = key.privateKey) =>
      signSealedReceipt(
        { v: 1, sealed, collector: key.id, at: 1, receipts, stored: receipts, refused: [] },
        privateKey,
      )
    const rows: readonly [reason: string, reply: Reply][] = [
      ['not_a_receipt', answer(200, Buffer.from('<html>Please log in</html>'))],
      ['not_a_receipt', answer(200, Buffer.alloc(0))],
      ['not_a_receipt', answer(200, wordOn(first, 0, generateKeyPairSync('ed25519').privateKey))],
      ['receipt_for_another_file', answer(200, wordOn('b'.repeat(64)))],
      ['receipt_for_another_file', answer(200, wordOn(first, 1))],
      ['not_a_receipt', answer(200, joinLines([wordOn(first, 1), Buffer.from('{}')]))],
      ['status_302', answer(302, Buffer.alloc(0))],
      ['status_404', answer(404, Buffer.from('nothing here'))],
      ['busy', problem(503, 'busy')],
      ['damaged', problem(503, 'damaged')],
    ]
    for (const [reason, reply] of rows) {
      const server = await stubCollector(reply)
      servers.push(server)
      expect(await forward(server.url)).toMatchObject({ brought: 0, refused: 0, reason })
      expect(carrier.carried.waiting()).toEqual(before)
    }
    expect(await forward('http://127.0.0.1:1')).toMatchObject({ brought: 0, reason: 'ECONNREFUSED' })
    expect(await forward()).toMatchObject({ brought: 2 })
  })

  it('brings over the next way what one refuses, stalls or loses: nobody has signed that', async () => {
    await probe.batches(2, 90_000)
    await probe.export(stick)
    await carryFor(carrier)
    const liar = await stubCollector(problem(400, 'damaged'))
    const portal = await stubCollector(answer(200, 'Log in'))
    servers.push(liar, portal)
    const report = await forward(liar.url, carrier.carried, portal.url, collector.url)
    expect(report).toMatchObject({ brought: 2, refused: 0, reason: null })
    expect(carrier.carried.waiting()).toEqual([])
  })

  it('leaves a file for another collector where it is, goes on with the next, and asks again another day', async () => {
    const elsewhere = await SampleCollector.start()
    try {
      const stranger = await stickDevice(elsewhere)
      await stranger.batches(1)
      await stranger.export(stick)
      await carryFor(carrier)
      await probe.batches(1)
      await probe.export(stick)
      await carryFor(carrier)
      expect(await forward()).toMatchObject({ brought: 1, refused: 1, reason: null })
      expect(await forward()).toMatchObject({ brought: 0, refused: 0, sent: 0 })
      const dir = join(carrier.state, 'carried')
      const later = new Carried({ dir, quotaBytes: 1_000_000, roomBytes: () => 1e9 })
      expect(later.waiting()).toHaveLength(1)
      expect(await forward(collector.url, later)).toMatchObject({ refused: 1 })
    } finally {
      await closeDevices()
      await elsewhere.remove()
    }
  })
})

describe('Carried', () => {
  const store = (quotaBytes: number, room = 1e9) =>
    new Carried({ dir: folder('carried'), quotaBytes, roomBytes: () => room })
  const file = (n: number) => Buffer.alloc(1_000, n)

  it('gives up the oldest for the newest, whatever the clock says, and never exceeds its quota', async () => {
    const carried = store(3_500)
    for (let n = 1; n <= 5; n++) expect(await carried.put(file(n))).toBe('kept')
    expect(carried.waiting()).toEqual([3, 4, 5].map((n) => sha256Hex(file(n))))
  })

  it('knows what it has, and what it has brought', async () => {
    const carried = store(10_000)
    await carried.put(file(1))
    expect(await carried.put(file(1))).toBe('known')
    await carried.brought(sha256Hex(file(1)), [Buffer.from('{}')])
    expect(await carried.put(file(1))).toBe('known')
    expect(carried.waiting()).toEqual([])
    expect(await carried.answers()).toEqual([Buffer.from('{}')])
  })

  it.each([
    ['larger than the quota', store(999)],
    ['anything when it is to carry nothing', store(0)],
    ['anything when the room is for the probe’s own results', store(10_000, 500)],
  ])('has no room for %s', async (_, carried) => {
    expect(await carried.put(file(1))).toBe('no_room')
    expect(carried.waiting()).toEqual([])
  })

  it('does not bring what has rotted, and lets it be carried anew', async () => {
    const dir = folder('carried')
    const carried = new Carried({ dir, quotaBytes: 10_000, roomBytes: () => 1e9 })
    await carried.put(file(1))
    const [name = ''] = readdirSync(dir)
    writeFileSync(join(dir, name), file(2))
    expect(await carried.read(sha256Hex(file(1)))).toBeNull()
    expect(await carried.put(file(1))).toBe('kept')
  })

  it('does not mind files it did not write, or that go while it looks', async () => {
    const dir = folder('carried')
    const carried = new Carried({ dir, quotaBytes: 10_000, roomBytes: () => 1e9 })
    await carried.put(file(1))
    writeFileSync(join(dir, '00000009-x.age'), 'x')
    expect(carried.waiting()).toEqual([sha256Hex(file(1))])
    for (const name of readdirSync(dir)) rmSync(join(dir, name))
    expect(await carried.read(sha256Hex(file(1)))).toBeNull()
    await carried.brought(sha256Hex(file(1)), [Buffer.from('{}')])
    expect(await carried.answers()).toEqual([])
  })
})
