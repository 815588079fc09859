// The agent's uplink against the collector's intake, past boxes that are rude: each refusal, silence and close is a fact
// about one way in one form. What real servers do is tried in test/delivery.

import { mkdtempSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../agent/platform/clock.ts'
import { type Backlog, uploadBacklog } from '../../agent/submit/upload-backlog.ts'
import { unknownLife } from '../../agent/submit/ways/flow-life.ts'
import { unknownForm } from '../../agent/submit/ways/form.ts'
import { noStalls } from '../../agent/submit/ways/stall.ts'
import { Uplink, type UplinkOptions } from '../../agent/submit/ways/uplink.ts'
import { nothingRemembered, wayMemoryIn } from '../../agent/submit/ways/way-memory.ts'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { endpointId } from '../../tests-spec/protocol/endpoint.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import { bodyBytes, type Manner, manners, openBox, portalPage } from '../delivery/box.ts'
import { SampleCollector } from '../support/sample-collector.ts'
import { type SampleBatch, SampleProbe } from '../support/sample-probe.ts'

let collector: SampleCollector
let probe: SampleProbe
beforeEach(async () => {
  collector = await SampleCollector.start()
  probe = new SampleProbe()
  await collector.enrol(probe)
})
afterEach(() => collector.remove())

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
const noise = (bytes: number) => probe.nextOf(Buffer.alloc(bytes, 7))
const uplinkOver = (urls: readonly string[], over: Partial<UplinkOptions> = {}) =>
  Uplink.open({
    collectorKeyId: collector.collector.key.id,
    collectorKey: collector.collector.key.publicKey,
    endpoints: urls.map((url) => ({ kind: 'collector', url })),
    memory: { read: async () => nothingRemembered, write: async () => {} },
    now: systemClock().monotonicMs,
    chance: () => 0,
    spreadMs: 0,
    ...over,
  })

/** A box in front of the collector, or of another. */
async function boxed(manner: Manner, url = collector.url): Promise<string> {
  const { hostname, port } = new URL(url)
  const server = await openBox({ host: '127.0.0.1', port: 0 }, { host: hostname, port: Number(port) }, manner)
  onTestFinished(() => {
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Takes connections, and does with each what it is told. */
async function raw(conduct: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    conduct(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

describe('a batch arrives in one attempt', () => {
  it.each<[string, Manner]>([
    ['does not know PATCH', manners['no PATCH']],
    ['refuses what follows a first part', manners['one request']],
    ['refuses bodies over 10 kB', manners['small bodies']],
    [
      'refuses parts with 411',
      (head) => (/complete: \?0/i.test(head) ? refused('411 Length Required') : null),
    ],
    [
      'refuses large bodies by 408',
      (head) => (bodyBytes(head) > 3_000 ? refused('408 Request Timeout') : null),
    ],
    [
      'gives up on large bodies by 504',
      (head) => (bodyBytes(head) > 3_000 ? refused('504 Gateway Timeout') : null),
    ],
  ])('where a box %s', async (_, manner) => {
    const backlog = new Waiting(noise(30_000), noise(50_000))
    const uplink = await uplinkOver([await boxed(manner)])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({
      accepted: 2,
      deferred: 0,
      reason: null,
    })
  })

  it.each<[string, Rewriting]>([
    ['takes out the fields of uploads on the way there', { without: /^upload-/i }],
    ['takes out the fields of uploads on the way back', { withoutBack: /^(upload-|location)/i }],
    ['takes out both', { without: /^upload-/i, withoutBack: /^(upload-|location)/i }],
    ['writes another type', { type: 'application/octet-stream', onlyFor: /^\/v1\/uploads/ }],
    ['answers in HTTP/1.0, by closing', { closeDelimited: true }],
    ['sends an answer of its own before', { before: 'HTTP/1.1 103 Early Hints\r\n\r\n' }],
  ])('where a server in between %s', async (_, rewriting) => {
    const backlog = new Waiting(noise(30_000), noise(50_000))
    const uplink = await uplinkOver([await rewritingFront(rewriting)])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({
      accepted: 2,
      deferred: 0,
      reason: null,
    })
  })

  it('where a second request goes to another collector, which holds nothing', async () => {
    const other = await SampleCollector.start()
    onTestFinished(() => other.remove())
    // The first connection leads to ours, and those that go on with a part to the other.
    const ours = new URL(collector.url)
    const elsewhere = await boxed((head) =>
      head.startsWith('POST /v1/uploads')
        ? 'HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: 20\r\n\r\n{"code":"no_upload"}'
        : null,
    )
    expect(ours.port).not.toBe(new URL(elsewhere).port)
    const backlog = new Waiting(noise(30_000))
    const uplink = await uplinkOver([elsewhere])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, reason: null })
  })

  it('where IPv6 connects and is silent, and IPv4 leads to the collector', async () => {
    const { port } = new URL(collector.url)
    const isHeld = await new Promise<boolean>((resolve) => {
      const mute = createServer((socket) => socket.on('error', () => {}))
      mute.once('error', () => resolve(false))
      mute.listen(Number(port), '::1', () => resolve(true))
      onTestFinished(() => {
        mute.close()
      })
    })
    // A machine without IPv6 has no such ways.
    if (!isHeld) return
    const url = `http://localhost:${port}`
    const memory = wayMemoryIn(join(mkdtempSync(join(tmpdir(), 'sonde-ways-')), 'upload.json'))
    // Which of the two comes first is the machine's choice: so it is the silent one.
    const six = {
      stalls: noStalls,
      life: unknownLife,
      form: { ...unknownForm, family: 6 as const },
      failed: null,
    }
    await memory.write({ lastGood: null, ways: new Map([[endpointId({ kind: 'collector', url }), six]]) })
    const uplink = await uplinkOver([url], { memory })
    expect(await uploadBacklog(new Waiting(noise(1_000)), uplink, never)).toMatchObject({ accepted: 1 })
    // And the next process knows.
    expect((await memory.read()).ways.get(endpointId({ kind: 'collector', url }))?.form.family).toBeNull()
    const next = await uplinkOver([url], { memory })
    const begun = performance.now()
    expect(await uploadBacklog(new Waiting(noise(1_000)), next, never)).toMatchObject({ accepted: 1 })
    expect(performance.now() - begun).toBeLessThan(4_000)
  })
})

describe('a path that loses large packets', () => {
  it('gets small ones, in one attempt, and the next process begins with them', async () => {
    const { connect } = await import('node:net')
    const { hostname, port } = new URL(collector.url)
    const at = await raw((client) => {
      const upstream = connect(Number(port), hostname)
      upstream.on('error', () => client.destroy()).pipe(client)
      client.on('close', () => upstream.destroy())
      let isLost = false
      client.on('data', (chunk) => {
        // What comes behind a packet that is lost waits for it.
        isLost ||= chunk.length > 1_300
        if (!isLost) upstream.write(chunk)
      })
    })
    const memory = wayMemoryIn(join(mkdtempSync(join(tmpdir(), 'sonde-ways-')), 'upload.json'))
    const uplink = await uplinkOver([`http://127.0.0.1:${at}`], { memory })
    expect(await uploadBacklog(new Waiting(noise(20_000)), uplink, never)).toMatchObject({
      accepted: 1,
      reason: null,
    })
    expect(uplink.counts).toMatchObject([{ connected: 2, failed: 0, lastFailure: 'path_mtu' }])
    const next = await uplinkOver([`http://127.0.0.1:${at}`], { memory })
    const { sent, ...summary } = await uploadBacklog(new Waiting(noise(20_000)), next, never)
    expect(summary).toMatchObject({ accepted: 1, reason: null })
    expect(next.counts).toMatchObject([{ connected: 1, failed: 0, lastFailure: null }])
    expect(sent).toBeLessThan(23_500)
  })
})

describe('an attempt behind a server that ends each connection', () => {
  it('goes on after one answer that was no collector’s, and does not ask for ever', async () => {
    let rude = 1
    const url = await boxed((head) => {
      if (rude > 0 && head.startsWith('POST')) {
        rude -= 1
        return refused('503 Service Unavailable')
      }
      return null
    })
    // The box ends every connection; so does what stands behind it.
    const closing = await closingFront(url)
    const backlog = new Waiting(noise(20_000), noise(20_000))
    const uplink = await uplinkOver([closing])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, deferred: 1 })
    const again = await uplinkOver([closing], { maybeOffered: backlog.batches.map(({ id }) => id) })
    expect(await uploadBacklog(backlog, again, never)).toMatchObject({ accepted: 1, reason: null })
    expect(again.counts).toMatchObject([{ failed: 0 }])
  })
})

describe('what is not signed costs nothing', () => {
  const says = (status: string, body: object): Manner => {
    const text = JSON.stringify(body)
    const fields = `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(text)}`
    return (head) =>
      head.startsWith('POST') ? `HTTP/1.1 ${status}\r\n${fields}\r\nConnection: close\r\n\r\n${text}` : null
  }

  it.each(['seq_conflict', 'chain_broken', 'bad_manifest', 'truncated', 'payload_mismatch', 'too_large'])(
    'a problem %s from somebody on the way: the batch goes over the next one',
    async (code) => {
      const liar = await boxed(says('409 Conflict', { code }))
      const backlog = new Waiting(noise(3_000))
      const alone = await uplinkOver([liar])
      expect(await uploadBacklog(backlog, alone, never)).toMatchObject({
        rejected: 0,
        deferred: 1,
        reason: code,
      })
      const uplink = await uplinkOver([liar, collector.url])
      expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, rejected: 0 })
      expect(backlog.quarantined).toEqual([])
    },
  )

  it('a bit that turns on the way: the batch is sent again, and not set aside', async () => {
    const damaging = await damagingFront(1)
    const backlog = new Waiting(noise(3_000))
    const uplink = await uplinkOver([damaging])
    expect(await uploadBacklog(backlog, uplink, never)).toMatchObject({ accepted: 1, rejected: 0 })
    expect(backlog.quarantined).toEqual([])
  })

  it('a portal that swallows bodies with 200: little is lost to it each time, and the batch waits', async () => {
    const url = await boxed((head) => (head.startsWith('POST') ? portalPage : null))
    const backlog = new Waiting(noise(60_000))
    const uplink = await uplinkOver([url])
    const { sent, ...summary } = await uploadBacklog(backlog, uplink, never)
    expect(summary).toMatchObject({ accepted: 0, deferred: 1, reason: 'not_a_receipt' })
    expect(sent).toBeLessThan(6_000)
  })

  it('a byte a second: the exchange ends, and that way goes last', async () => {
    const port = await raw((socket) => {
      const drip = setInterval(() => socket.write('H'), 500)
      socket.once('close', () => clearInterval(drip))
    })
    let now = 0
    const clock = systemClock()
    // Time passes tenfold, so that nobody waits half a minute for this.
    const uplink = await uplinkOver([`http://127.0.0.1:${port}`, collector.url], {
      now: () => {
        now = clock.monotonicMs() * 10
        return now
      },
    })
    expect(await uploadBacklog(new Waiting(noise(1_000)), uplink, never)).toMatchObject({ accepted: 1 })
    expect(uplink.counts).toMatchObject([{ failed: 1, accepted: 1 }])
    expect(now).toBeGreaterThan(0)
  })
})

const refused = (status: string) => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`

/** Hands on one request a connection, as HAProxy's httpclose does. */
async function closingFront(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const { request, createServer: httpServer } = await import('node:http')
  const server = httpServer((asked, response) => {
    const options = { host: hostname, port, method: asked.method, path: asked.url, headers: asked.headers }
    const onward = request({ ...options, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: 'close' })
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    asked.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Rewriting {
  /** Names of fields that are taken out of requests, and of answers. */
  readonly without?: RegExp
  readonly withoutBack?: RegExp
  /** Content type that is written in place of the sender's, for the paths that are meant. */
  readonly type?: string
  readonly onlyFor?: RegExp
  /** Whether answers come in HTTP/1.0, without a length. */
  readonly closeDelimited?: boolean
  /** What is sent before the answer. */
  readonly before?: string
}

/** A server in between that keeps bodies until they are whole, and writes requests and answers anew. */
async function rewritingFront(rewriting: Rewriting): Promise<string> {
  const { createServer: httpServer } = await import('node:http')
  const kept = (fields: readonly [string, string][], without: RegExp | undefined) =>
    fields
      .filter(([name]) => !/^(connection|keep-alive|transfer-encoding|host|date)$/i.test(name))
      .filter(([name]) => without?.test(name) !== true)
  const server = httpServer(async (asked, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of asked) chunks.push(chunk)
    const given = Object.entries(asked.headers).map(
      ([name, value]) => [name, String(value)] as [string, string],
    )
    const headers = new Headers(kept(given, rewriting.without))
    headers.delete('content-length')
    if (rewriting.type !== undefined && rewriting.onlyFor?.test(asked.url ?? ''))
      headers.set('content-type', rewriting.type)
    const body = asked.method === 'GET' ? null : Buffer.concat(chunks)
    const answer = await fetch(`${collector.url}${asked.url}`, {
      method: asked.method ?? 'GET',
      headers,
      body,
    })
    const content = Buffer.from(await answer.arrayBuffer())
    const fields = kept([...answer.headers], rewriting.withoutBack)
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    const version = rewriting.closeDelimited === true ? '1.0' : '1.1'
    const isBodyless = answer.status === 204
    const length =
      version === '1.0' || isBodyless || /^content-length:/im.test(lines)
        ? ''
        : `content-length: ${content.length}\r\n`
    const head = version === '1.0' ? lines.replace(/^content-length.*\r\n/im, '') : lines + length
    const { socket } = response
    socket?.write(rewriting.before ?? '')
    socket?.write(`HTTP/${version} ${answer.status} Said\r\n${head}\r\n`)
    socket?.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Turns one bit in the payload of the first `times` bodies. */
async function damagingFront(times: number): Promise<string> {
  const { connect } = await import('node:net')
  const { hostname, port } = new URL(collector.url)
  let left = times
  const at = await raw((client) => {
    const upstream = connect(Number(port), hostname)
    upstream.on('error', () => client.destroy()).pipe(client)
    client.on('close', () => upstream.destroy())
    client.on('data', (chunk) => {
      if (left > 0 && chunk.length > 2_500) {
        left -= 1
        chunk[2_400] = (chunk[2_400] ?? 0) ^ 1
      }
      upstream.write(chunk)
    })
  })
  return `http://127.0.0.1:${at}`
}
