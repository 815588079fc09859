// The agent's uplink against the collector's intake, over real sockets and bad ways between them: what arrives, how often
// it is sent, and over which way.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../agent/platform/clock.ts'
import { type Backlog, uploadBacklog } from '../../agent/submit/upload-backlog.ts'
import { Uplink, type UplinkOptions } from '../../agent/submit/ways/uplink.ts'
import { nothingRemembered, wayMemoryIn } from '../../agent/submit/ways/way-memory.ts'
import { sourceOf } from '../../collector/source-of.ts'
import { type BatchId, batchMediaType } from '../../tests-spec/protocol/batch.ts'
import { type Endpoint, endpointId } from '../../tests-spec/protocol/endpoint.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import { closedPort, serveTcp } from '../support/loopback.ts'
import { connectProxy, silentRelay, socksProxy } from '../support/proxies.ts'
import { SampleCollector } from '../support/sample-collector.ts'
import { type SampleBatch, SampleProbe } from '../support/sample-probe.ts'

let collector: SampleCollector
let probe: SampleProbe
/** Requests the collector saw, in order: method, path, bytes of body that came. */
let seen: { method: string; path: string; bytes: number }[]

beforeEach(async () => {
  collector = await SampleCollector.start()
  probe = new SampleProbe()
  await collector.enrol(probe)
  seen = []
  collector.onRequest((request) => {
    const each = { method: request.method ?? '', path: request.url ?? '', bytes: 0 }
    seen.push(each)
    // Not by listening, which would take the bytes away from the collector.
    const emit = request.emit.bind(request)
    request.emit = (event: string, ...more: unknown[]) => {
      if (event === 'data') each.bytes += (more[0] as Buffer).length
      return emit(event, ...more)
    }
  })
})
afterEach(() => collector.remove())

/** A spool's part in uploading. */
class Waiting implements Backlog {
  batches: SampleBatch[]
  readonly quarantined: string[] = []

  constructor(...batches: SampleBatch[]) {
    this.batches = batches
  }
  pending() {
    return this.batches.map(({ id, manifest, bytes }) => ({
      id,
      seq: manifest.seq,
      bytes: bytes.length,
      anomalies: manifest.records.classes.anomaly,
    }))
  }
  async read(id: BatchId) {
    const found = this.batches.find((each) => each.id === id)
    if (found === undefined) throw new Error('gone')
    return found.bytes
  }
  async receipted({ batch }: Receipt) {
    this.batches = this.batches.filter(({ id }) => id !== batch)
  }
  async quarantine(id: BatchId, reason: string) {
    this.quarantined.push(reason)
    this.batches = this.batches.filter((each) => each.id !== id)
  }
}

const never = new AbortController().signal
const nothingCame = { retryAfterMs: null, progressed: false }
const port = (url: string) => Number(new URL(url).port)
const direct = (url = collector.url): Endpoint => ({ kind: 'collector', url })
const statePath = () => join(mkdtempSync(join(tmpdir(), 'sonde-uplink-')), 'upload.json')

const uplinkOver = (endpoints: readonly Endpoint[], over: Partial<UplinkOptions> = {}) =>
  Uplink.open({
    collectorKeyId: collector.collector.key.id,
    collectorKey: collector.collector.key.publicKey,
    endpoints,
    memory: { read: async () => nothingRemembered, write: async () => {} },
    now: systemClock().monotonicMs,
    chance: () => 0,
    spreadMs: 0,
    ...over,
  })

/** A batch around noise, which nothing compresses. */
const noise = (bytes: number) => probe.nextOf(Buffer.alloc(bytes, 7))

describe('an upload', () => {
  it('begins with little on a new way, then goes whole, in parts of 32 KiB above 64, each byte once', async () => {
    const backlog = new Waiting(noise(60_000), noise(60_000), noise(200_000))
    const [first, second, large] = backlog.batches as [SampleBatch, SampleBatch, SampleBatch]
    const before = collector.connections
    const summary = await uploadBacklog(backlog, await uplinkOver([direct()]), never)
    expect(summary).toMatchObject({ accepted: 3, deferred: 0, rejected: 0 })
    expect(new Set(seen.map(({ method }) => method))).toEqual(new Set(['POST']))
    expect(seen.slice(0, 5).map(({ bytes }) => bytes)).toEqual([
      4_096,
      4_096,
      16_384,
      first.bytes.length - 24_576,
      second.bytes.length,
    ])
    expect(Math.max(...seen.slice(5).map(({ bytes }) => bytes))).toBe(32_768)
    const total = first.bytes.length + second.bytes.length + large.bytes.length
    expect(seen.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(total)
    expect(collector.connections - before).toBe(1)
  })

  it('asks first when it may have been on its way before a restart, and then sends no body again', async () => {
    const batch = noise(60_000)
    await collector.postBatch(batch)
    seen.length = 0
    const uplink = await uplinkOver([direct()], { maybeOffered: [batch.id] })
    const summary = await uploadBacklog(new Waiting(batch), uplink, never)
    expect(summary).toMatchObject({ accepted: 1 })
    expect(seen).toEqual([{ method: 'GET', path: `/v1/batches/${batch.id}/receipt`, bytes: 0 }])
    expect(summary.sent).toBeLessThan(500)
  })

  it('whose receipt was lost is asked for, and gets the very receipt', async () => {
    // Everything up, nothing down: the batch arrives and nobody hears of it.
    const relay = await silentRelay(port(collector.url), (n) => (n === 0 ? 1_000_000 : null))
    const batch = noise(30_000)
    const backlog = new Waiting(batch)
    const uplink = await uplinkOver([direct(`http://127.0.0.1:${relay.port}`)])
    relay.mute(0)
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, deferred: 0 })
    expect(seen.slice(0, 2).map(({ method }) => method)).toEqual(['POST', 'GET'])
    // The part that had arrived is not sent again.
    expect(seen.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(batch.bytes.length)
  })

  it('over a flow that goes silent goes on from where it stopped, over a new one', async () => {
    const relay = await silentRelay(port(collector.url), (n) => (n < 2 ? 25_000 : null))
    const batch = noise(60_000)
    const backlog = new Waiting(batch)
    const uplink = await uplinkOver([direct(`http://127.0.0.1:${relay.port}`)])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, progressed: true })
    expect(seen.filter(({ method }) => method === 'GET')).toHaveLength(2)
    expect(uplink.counts).toMatchObject([{ connected: 3, failed: 0 }])
    // Of the body, nothing that had arrived was sent again.
    expect(seen.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(batch.bytes.length)
  })

  it('that was put together from parts and refused is offered again, from its beginning', async () => {
    const batch = noise(60_000)
    const twin = Buffer.from(batch.bytes)
    twin[20_000] = (twin[20_000] ?? 0) ^ 1
    // Somebody on the way has turned a bit of what is held.
    await halfPost(collector.url, twin.subarray(0, 40_000), batch.bytes.length)
    await expect
      .poll(() => collector.collector.uploads.offsetOf(batch.id, sourceOf('127.0.0.1')))
      .toBe(40_000)
    seen.length = 0
    const uplink = await uplinkOver([direct()], { maybeOffered: [batch.id] })
    const backlog = new Waiting(batch)
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, rejected: 0 })
    expect(backlog.quarantined).toEqual([])
    // What is left of it, and then all of it.
    expect(seen.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(2 * batch.bytes.length - 40_000)
  })

  it('that the agent interrupts to measure has not failed, and goes on at once', async () => {
    const relay = await silentRelay(port(collector.url), (n) => (n === 0 ? 25_000 : null))
    const stop = new AbortController()
    const backlog = new Waiting(noise(60_000))
    const uplink = await uplinkOver([direct(`http://127.0.0.1:${relay.port}`)], { chance: () => 1 })
    const going = uploadBacklog(backlog, uplink, stop.signal)
    await expect.poll(() => relay.passed()).toBe(25_000)
    stop.abort()
    expect(await going).toMatchObject({ reason: 'interrupted', retryAfterMs: null })
    expect(uplink.heldMs).toBe(0)
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1 })
  })

  it('to a collector that has revoked the probe waits, and is taken when it is readmitted', async () => {
    const backlog = new Waiting(noise(1_000))
    await collector.collector.probes.revoke(probe.device, 1)
    const uplink = await uplinkOver([direct()])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({
      reason: 'revoked',
      deferred: 1,
      rejected: 0,
    })
    await collector.collector.probes.readmit(probe.device)
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1 })
  })
})

describe('a ladder', () => {
  it('goes on to the next way, in one attempt, and begins with the good one the next time and after a restart', async () => {
    const dead = await closedPort()
    const proxy = await connectProxy(() => port(collector.url))
    const memory = wayMemoryIn(statePath())
    const endpoints: Endpoint[] = [
      direct(`http://127.0.0.1:${dead.port}`),
      {
        kind: 'collector',
        url: 'http://collector.invalid',
        proxy: { kind: 'connect', host: '127.0.0.1', port: proxy.port },
      },
    ]
    const uplink = await uplinkOver(endpoints, { memory })
    expect(await uploadBacklog(new Waiting(noise(1_000)), uplink, never)).toMatchObject({
      accepted: 1,
      deferred: 0,
    })
    expect(await uploadBacklog(new Waiting(noise(1_000)), uplink, never)).toMatchObject({ accepted: 1 })
    const restarted = await uplinkOver(endpoints, { memory })
    expect(await uploadBacklog(new Waiting(noise(1_000)), restarted, never)).toMatchObject({ accepted: 1 })
    expect((await memory.read()).lastGood).toBe(endpointId(endpoints[1] as Endpoint))
    expect(uplink.counts).toMatchObject([
      { transport: 'direct', failed: 1, accepted: 0, lastFailure: 'ECONNREFUSED' },
      { transport: 'connect', failed: 0, accepted: 2, connected: 2 },
    ])
    expect(restarted.counts).toMatchObject([{ transport: 'connect', connected: 1, accepted: 1 }])
  })

  it.each(['', '{"v":1', '{"v":1,"last_good":"a"}', '{"v":2,"last_good":7}', '\0\0\0\0'])(
    'begins as listed when its memory is torn: %j',
    async (text) => {
      const path = statePath()
      writeFileSync(path, text)
      expect(await wayMemoryIn(path).read()).toEqual(nothingRemembered)
    },
  )

  it('reaches a name that only the far end of a SOCKS5 proxy knows', async () => {
    const proxy = await socksProxy(() => port(collector.url))
    const onion: Endpoint = {
      kind: 'collector',
      url: 'http://abcdefgh.onion',
      proxy: { kind: 'socks5', host: '127.0.0.1', port: proxy.port },
    }
    const summary = await uploadBacklog(new Waiting(noise(50_000)), await uplinkOver([onion]), never)
    expect(summary).toMatchObject({ accepted: 1 })
    expect(proxy.asked).toEqual(['abcdefgh.onion:80'])
  })

  it('hands no batch, and little of one, to somebody who answers for the collector and is none', async () => {
    const portal = await httpServer((_, response) => response.writeHead(200).end('<html>Log in</html>'))
    const other = await SampleCollector.start()
    onTestFinished(() => other.remove())
    const backlog = new Waiting(noise(50_000))
    const uplink = await uplinkOver([direct(portal.url), direct(other.url), direct()])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, deferred: 0 })
    // The question, and as much of the batch as tells whether bodies are answered otherwise than questions.
    expect(portal.bodies).toHaveLength(2)
    expect(portal.bodies.every((bytes) => bytes < 2_000)).toBe(true)
    expect(uplink.counts).toMatchObject([{ accepted: 1, failed: 2, lastFailure: 'unknown_key' }])
  })

  it('is not fooled by a receipt for another batch, nor by one of an hour ago', async () => {
    const [first, second] = [noise(1_000), noise(1_000)]
    const { body } = await collector.postBatch(first)
    const echo = await httpServer((_, response) => response.writeHead(200).end(body))
    const backlog = new Waiting(second)
    const summary = await uploadBacklog(backlog, await uplinkOver([direct(echo.url)]), never)
    expect(summary).toMatchObject({ accepted: 0, deferred: 1, reason: 'receipt_for_another_batch' })
    expect(backlog.batches).toEqual([second])
  })

  it('tries the next way beside one that does not answer, after 4 s, and closes the loser', async () => {
    const mute = await serveTcp(() => {})
    // TLS to it never ends.
    const slow = direct(`https://127.0.0.1:${mute.port}`)
    const begun = performance.now()
    const summary = await uploadBacklog(new Waiting(noise(1_000)), await uplinkOver([slow, direct()]), never)
    expect(summary).toMatchObject({ accepted: 1 })
    expect(performance.now() - begun).toBeGreaterThan(4_000)
    await expect.poll(() => mute.peers.every((peer) => peer.destroyed)).toBe(true)
  })

  it('holds off for longer and longer while nothing gets through, and not at all after a receipt', async () => {
    const dead = await closedPort()
    const uplink = await uplinkOver([direct(`http://127.0.0.1:${dead.port}`)], { chance: () => 1 })
    const backlog = new Waiting(noise(1_000))
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({
      reason: 'ECONNREFUSED',
      retryAfterMs: 2_000,
    })
    const held = await uploadBacklog(backlog, uplink, never)
    expect(held).toMatchObject({ reason: 'held_off', sent: 0, progressed: false })
    expect(held.retryAfterMs).toBeGreaterThan(1_000)
    expect(uplink.holdOff(nothingCame)).toBe(4_000)
    expect(uplink.holdOff(nothingCame)).toBe(8_000)
    await uplink.receipted(
      endpointId(direct(`http://127.0.0.1:${dead.port}`)),
      (backlog.batches[0] as SampleBatch).id,
      0,
    )
    expect(uplink.heldMs).toBe(0)
    expect(uplink.holdOff(nothingCame)).toBe(2_000)
  })

  it('lets anomalies go at once after a start, and routine wait its chance of a minute', async () => {
    let now = 0
    const uplink = await uplinkOver([direct()], { spreadMs: 60_000, chance: () => 0.5, now: () => now })
    const urgent = probe.nextOf(Buffer.alloc(1_000, 7), (m) => ({
      ...m,
      records: { ...m.records, classes: { anomaly: 1, routine: 0, diagnostic: 0 } },
    }))
    const routine = noise(1_000)
    const backlog = new Waiting(routine)
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({
      reason: 'paced',
      retryAfterMs: 30_000,
    })
    backlog.batches.unshift(urgent)
    // The receipt of the first says that nobody need wait.
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 2, reason: null })
    now += 1
  })
})

describe('a relay', () => {
  /** An HTTP store: PUT, GET and HEAD of files, and nothing else. */
  async function store() {
    const files = new Map<string, Buffer>()
    const server = await httpServer((request, response, body) => {
      const path = request.url ?? ''
      if (request.method === 'PUT') files.set(path, body)
      const found = files.get(path)
      response.writeHead(request.method === 'PUT' ? 201 : found === undefined ? 404 : 200)
      response.end(request.method === 'GET' ? found : undefined)
    })
    return { ...server, files }
  }

  it('keeps a batch until its receipt comes back, and is sent it once, also over a restart', async () => {
    const relay = await store()
    const dead = await closedPort()
    const batch = noise(50_000)
    const backlog = new Waiting(batch)
    const endpoints: Endpoint[] = [
      { kind: 'relay', url: `${relay.url}/drop` },
      direct(`http://127.0.0.1:${dead.port}`),
    ]
    const uplink = await uplinkOver(endpoints)
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({
      accepted: 0,
      deferred: 1,
      reason: 'at_relay',
    })
    expect(relay.files.get(`/drop/${batch.id}.psb`)).toEqual(batch.bytes)
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ deferred: 1, reason: 'at_relay' })
    const restarted = await uplinkOver(endpoints)
    expect(await uploadBacklog(backlog, restarted, never)).toMatchObject({ deferred: 1, reason: 'at_relay' })
    expect(relay.bodies.filter((bytes) => bytes > 0)).toEqual([batch.bytes.length])

    // Somebody carries the file to a collector, and the receipt back.
    const { body } = await collector.postBatch(batch)
    relay.files.set(`/drop/${batch.id}.receipt.json`, body)
    expect(await uploadBacklog(backlog, restarted, never)).toMatchObject({ accepted: 1, deferred: 0 })
    expect(backlog.batches).toEqual([])
  })

  it('that loses a file is given it again', async () => {
    const relay = await store()
    const batch = noise(5_000)
    const backlog = new Waiting(batch)
    const uplink = await uplinkOver([{ kind: 'relay', url: relay.url }])
    await uploadBacklog(backlog, uplink, never)
    relay.files.clear()
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ deferred: 1, reason: 'at_relay' })
    expect([...relay.files.values()]).toEqual([batch.bytes])
  })

  it('is used after every collector, and left aside when a collector answers', async () => {
    const relay = await store()
    const uplink = await uplinkOver([{ kind: 'relay', url: relay.url }, direct()])
    expect(await uploadBacklog(new Waiting(noise(1_000)), uplink, never)).toMatchObject({ accepted: 1 })
    expect(relay.bodies).toEqual([])
  })

  it('that refuses, or makes up a receipt, costs nothing', async () => {
    for (const answer of [
      [507, ''],
      [200, '{}'],
    ] as const) {
      const bad = await httpServer((request, response) =>
        response.writeHead(answer[0] === 507 && request.method === 'GET' ? 404 : answer[0]).end(answer[1]),
      )
      const backlog = new Waiting(noise(1_000))
      const uplink = await uplinkOver([{ kind: 'relay', url: bad.url }])
      expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 0, deferred: 1 })
      expect(backlog.batches).toHaveLength(1)
    }
  })
})

/** @returns Bytes of each request's body, in order. */
async function httpServer(
  answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
): Promise<{ url: string; bodies: number[] }> {
  const bodies: number[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      bodies.push(body.length)
      answer(request, response, body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, bodies }
}

/** Posts a beginning and hangs up. */
async function halfPost(url: string, bytes: Uint8Array, announced: number): Promise<void> {
  const socket = connect(port(url), '127.0.0.1')
  socket.on('error', () => {})
  const head = `POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Type: ${batchMediaType}\r\nContent-Length: ${announced}\r\n\r\n`
  await new Promise<void>((resolve) => socket.end(Buffer.concat([Buffer.from(head), bytes]), () => resolve()))
}
