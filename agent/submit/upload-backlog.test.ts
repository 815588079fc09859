import { generateKeyPairSync } from 'node:crypto'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import {
  answer,
  type Posted,
  problem,
  type Reply,
  type StubCollector,
  stubCollector,
} from '../../test/support/stub-collector.ts'
import { type BatchId, batchId, deviceId, type PendingBatch } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { endpointId } from '../../tests-spec/protocol/endpoint.ts'
import { type Receipt, sealReceipt } from '../../tests-spec/protocol/receipt.ts'
import { sealRefusal } from '../../tests-spec/protocol/refusal.ts'
import { systemClock } from '../platform/clock.ts'
import { type Backlog, uploadBacklog } from './upload-backlog.ts'
import { Uplink, type UplinkOptions } from './ways/uplink.ts'
import { nothingRemembered } from './ways/way-memory.ts'

const collector = generateKeyPairSync('ed25519')
const collectorKeyId = keyIdOf(collector.publicKey)

let servers: StubCollector[] = []
afterEach(async () => {
  for (const server of servers) await server.close()
  servers = []
})

/** Batches by seq; those that are named as urgent have anomalies. It writes down in order what happens to them. */
class SampleBacklog implements Backlog {
  readonly events: string[] = []
  readonly receipts: Receipt[] = []
  #waiting: PendingBatch[]
  readonly unreadable = new Set<number>()
  refusesQuarantine = false

  constructor(count: number, urgent: readonly number[] = []) {
    this.#waiting = Array.from({ length: count }, (_, seq) => ({
      id: idOf(seq),
      seq,
      bytes: 1_000,
      anomalies: urgent.includes(seq) ? 1 : 0,
    }))
  }

  pending() {
    return [...this.#waiting].sort((a, b) => b.anomalies - a.anomalies || a.seq - b.seq)
  }

  async read(id: BatchId) {
    const seq = seqOf(id)
    if (this.unreadable.has(seq)) throw new Error('EIO')
    return Buffer.from(`batch ${seq} `.padEnd(1_000, '.'))
  }

  async receipted(receipt: Receipt) {
    this.events.push(`receipted ${seqOf(receipt.batch)}`)
    this.receipts.push(receipt)
    this.#waiting = this.#waiting.filter(({ id }) => id !== receipt.batch)
  }

  async quarantine(id: BatchId, reason: string) {
    this.events.push(`quarantine ${seqOf(id)} ${reason}`)
    if (!this.refusesQuarantine) this.#waiting = this.#waiting.filter((each) => each.id !== id)
  }

  /** Acts as a spool that gives up a batch whose file has rotted. */
  giveUp(seq: number) {
    this.unreadable.add(seq)
    this.#waiting = this.#waiting.filter((each) => each.seq !== seq)
  }
}

const idOf = (seq: number) => v.parse(batchId, seq.toString(16).padStart(64, '0'))
const seqOf = (id: BatchId) => Number.parseInt(id, 16)
const seqIn = ({ body }: Posted) => Number(body.toString().split(' ')[1])

const receipted =
  (fields: Partial<Receipt> = {}): Reply =>
  (response, posted) => {
    const content: Receipt = {
      v: 1,
      batch: idOf(seqIn(posted)),
      device: v.parse(deviceId, 'd'.repeat(32)),
      epoch: '0123456789abcdef01',
      seq: seqIn(posted),
      status: 'stored',
      reason: null,
      at: 1,
      collector: collectorKeyId,
      contiguous: 0,
      missing: [],
      nextAfterS: 0,
      ...fields,
    }
    response.writeHead(201).end(sealReceipt(content, collector.privateKey))
  }

/** Refuses with the collector's signature. */
const refused =
  (status: number, code: string): Reply =>
  (response, posted) => {
    const content = { v: 1, batch: idOf(seqIn(posted)), code, at: 1, collector: collectorKeyId } as const
    const signed = JSON.parse(sealRefusal(content, collector.privateKey).toString())
    problem(status, code, {}, { signed })(response, posted)
  }

/** Answers by seq, with a receipt where `replies` names no other answer. */
async function serve(replies: Readonly<Record<number, Reply>> = {}): Promise<StubCollector> {
  const server = await stubCollector((response, posted) =>
    (posted.method === 'GET' ? problem(404, 'not_held') : (replies[seqIn(posted)] ?? receipted()))(
      response,
      posted,
    ),
  )
  servers.push(server)
  return server
}

/** An uplink to these URLs, with a clock and a chance that the test sets. */
async function uplinkTo(urls: readonly string[], over: Partial<UplinkOptions> = {}) {
  return Uplink.open({
    collectorKeyId,
    collectorKey: collector.publicKey,
    endpoints: urls.map((url) => ({ kind: 'collector', url })),
    memory: { read: async () => nothingRemembered, write: async () => {} },
    now: systemClock().monotonicMs,
    chance: () => 0.5,
    spreadMs: 0,
    ...over,
  })
}

const never = new AbortController().signal
const upload = async (backlog: Backlog, url: string, signal = never) =>
  uploadBacklog(backlog, await uplinkTo([url]), signal)

describe('uploadBacklog()', () => {
  it('sends everything in the order it is given, over one connection', async () => {
    const server = await serve()
    const backlog = new SampleBacklog(5, [3])
    const summary = await upload(backlog, server.url)
    expect(server.posted.map(seqIn)).toEqual([3, 0, 1, 2, 4])
    expect(server.posted.map(({ connection }) => connection)).toEqual([0, 0, 0, 0, 0])
    expect(backlog.events).toEqual([3, 0, 1, 2, 4].map((seq) => `receipted ${seq}`))
    expect(summary).toMatchObject({ accepted: 5, deferred: 0, rejected: 0, retryAfterMs: null, reason: null })
    expect(summary.sent).toBeGreaterThan(5_000)
    expect(summary.sent).toBeLessThan(6_500)
    expect(summary.received).toBeGreaterThan(5 * 500)
  })

  it('does nothing, and connects to nobody, when nothing waits', async () => {
    const summary = await upload(new SampleBacklog(0), 'http://127.0.0.1:1')
    expect(summary).toEqual({
      accepted: 0,
      deferred: 0,
      unread: 0,
      rejected: 0,
      sent: 0,
      received: 0,
      retryAfterMs: null,
      reason: null,
      progressed: false,
    })
  })

  it('stops when the only way asks for a pause, and says how many wait and for how long', async () => {
    const server = await serve({ 1: problem(503, 'busy', { 'retry-after': '30' }) })
    const backlog = new SampleBacklog(4)
    const { retryAfterMs, ...summary } = await upload(backlog, server.url)
    expect(summary).toMatchObject({ accepted: 1, deferred: 3, rejected: 0, reason: 'busy' })
    // What is left of the pause that was asked for, and half as long again by chance.
    expect(retryAfterMs).toBeGreaterThan(40_000)
    expect(retryAfterMs).toBeLessThanOrEqual(45_000)
    expect(backlog.events).toEqual(['receipted 0'])
    expect(server.posted).toHaveLength(2)
  })

  it('goes past a batch that no way takes, in order, and says why that one waits', async () => {
    const server = await serve({ 2: (response) => response.destroy() })
    const backlog = new SampleBacklog(4)
    const summary = await upload(backlog, server.url)
    expect(summary).toMatchObject({ accepted: 3, deferred: 1, retryAfterMs: 1_000, progressed: true })
    expect(backlog.events).toEqual([0, 1, 3].map((seq) => `receipted ${seq}`))
    expect(summary.reason).not.toBeNull()
  })

  it('goes past two, and no more: who takes three of them not takes none', async () => {
    const refuse = answer(403, 'No')
    const server = await serve({ 0: refuse, 1: refuse, 2: refuse })
    expect(await upload(new SampleBacklog(5), server.url)).toMatchObject({
      accepted: 0,
      deferred: 5,
      reason: 'status_403',
    })
    expect(new Set(server.posted.filter(({ method }) => method === 'POST').map(seqIn))).toEqual(
      new Set([0, 1, 2]),
    )
  })

  it('stops when the way is closed', async () => {
    const server = await serve()
    const backlog = new SampleBacklog(4)
    const receipts = backlog.receipted.bind(backlog)
    backlog.receipted = async (receipt) => {
      await receipts(receipt)
      if (receipt.seq === 1) await server.close()
    }
    expect(await upload(backlog, server.url)).toMatchObject({
      accepted: 2,
      deferred: 2,
      reason: 'ECONNREFUSED',
    })
  })

  it('dials again, and has not failed, when each answer ends its connection', async () => {
    const reply = receipted()
    const server = await stubCollector((response, posted) => {
      response.setHeader('connection', 'close')
      reply(response, posted)
    })
    servers.push(server)
    const uplink = await uplinkTo([server.url])
    expect(await uploadBacklog(new SampleBacklog(4), uplink, never)).toMatchObject({
      accepted: 4,
      reason: null,
    })
    expect(server.posted.map(({ connection }) => connection)).toEqual([0, 1, 2, 3])
    expect(uplink.counts).toMatchObject([{ connected: 4, failed: 0, accepted: 4 }])
  })

  it('asks again over a new connection when the old one ends as a request begins', async () => {
    // As a server does whose time for idle connections is over: the request is on its way already.
    const server = await stubCollector((response, posted) => {
      if (posted.connection === 0 && server.posted.length > 1) response.destroy()
      else receipted()(response, posted)
    })
    servers.push(server)
    const uplink = await uplinkTo([server.url])
    expect(await uploadBacklog(new SampleBacklog(3), uplink, never)).toMatchObject({
      accepted: 3,
      reason: null,
    })
    expect(server.posted.map(({ connection }) => connection)).toEqual([0, 0, 1, 1])
    expect(uplink.counts).toMatchObject([{ connected: 2, failed: 0 }])
  })

  it('obeys a pause on the way on which it is asked for, and goes on over the next', async () => {
    const busy = await serve({ 0: problem(503, 'busy', { 'retry-after': '3600' }) })
    const good = await serve()
    const urls = [busy.url, good.url]
    const memory = {
      read: async () => ({ lastGood: endpointId({ kind: 'collector', url: busy.url }), ways: new Map() }),
      write: async () => {},
    }
    const uplink = await uplinkTo(urls, { memory })
    expect(await uploadBacklog(new SampleBacklog(2), uplink, never)).toMatchObject({
      accepted: 2,
      reason: null,
    })
    expect(busy.posted).toHaveLength(1)
    // And leaves that way alone for as long as it asked.
    expect(await uploadBacklog(new SampleBacklog(2), uplink, never)).toMatchObject({
      accepted: 2,
      reason: null,
    })
    expect(busy.posted).toHaveLength(1)
  })

  it('puts aside what will never be accepted, with the code and no other word, and goes on', async () => {
    const server = await serve({ 1: refused(409, 'seq_conflict'), 2: refused(400, 'bad_manifest') })
    const backlog = new SampleBacklog(4)
    expect(await upload(backlog, server.url)).toMatchObject({
      accepted: 2,
      deferred: 0,
      rejected: 2,
      reason: null,
    })
    expect(backlog.events).toEqual([
      'receipted 0',
      'quarantine 1 seq_conflict',
      'quarantine 2 bad_manifest',
      'receipted 3',
    ])
  })

  it('goes on past a batch that the spool had to give up', async () => {
    const server = await serve()
    const backlog = new SampleBacklog(3)
    const given = backlog.pending()
    backlog.giveUp(1)
    const stale: Backlog = Object.assign(Object.create(backlog), {
      pending: () => (backlog.events.length === 0 ? given : backlog.pending()),
      read: (id: BatchId) => backlog.read(id),
      receipted: (receipt: Receipt) => backlog.receipted(receipt),
    })
    expect(await upload(stale, server.url)).toMatchObject({ accepted: 2, deferred: 0, reason: null })
  })

  it('counts a batch that cannot be read, and still waits, as put off: nobody should try again at once', async () => {
    const server = await serve()
    const backlog = new SampleBacklog(3)
    backlog.unreadable.add(1)
    expect(await upload(backlog, server.url)).toMatchObject({ accepted: 2, deferred: 1, reason: 'disk' })
  })

  it('counts a batch that could not be put aside as put off', async () => {
    const server = await serve({ 0: refused(400, 'bad_manifest') })
    const backlog = new SampleBacklog(1)
    backlog.refusesQuarantine = true
    expect(await upload(backlog, server.url)).toMatchObject({ rejected: 1, deferred: 1, reason: 'disk' })
  })

  it('keeps routine back when a receipt asks for a pause, and sends anomalies all the same', async () => {
    const server = await serve({ 2: receipted({ nextAfterS: 11 }), 3: receipted({ nextAfterS: 12 }) })
    const backlog = new SampleBacklog(5, [2, 3])
    const { retryAfterMs, ...summary } = await upload(backlog, server.url)
    expect(summary).toMatchObject({ accepted: 2, deferred: 3, reason: 'paced' })
    expect(retryAfterMs).toBeGreaterThan(10_000)
    expect(retryAfterMs).toBeLessThanOrEqual(12_000)
    expect(server.posted.map(seqIn)).toEqual([2, 3])
  })

  it('goes on when a later receipt asks for no pause any more', async () => {
    const server = await serve({ 0: receipted({ nextAfterS: 60 }) })
    const backlog = new SampleBacklog(4, [0, 1])
    expect(await upload(backlog, server.url)).toMatchObject({ accepted: 4, deferred: 0, reason: null })
  })

  it('is not kept quiet for longer than an hour', async () => {
    const server = await serve({ 0: receipted({ nextAfterS: 1_000_000 }) })
    const { retryAfterMs } = await upload(new SampleBacklog(2), server.url)
    expect(retryAfterMs).toBeGreaterThan(3_590_000)
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000)
  })

  it('stops when the agent stops', async () => {
    const stop = new AbortController()
    const server = await serve({
      1: (response, posted) => {
        receipted()(response, posted)
        stop.abort()
      },
    })
    const summary = await upload(new SampleBacklog(4), server.url, stop.signal)
    expect(summary.reason).toBe('interrupted')
    expect(summary.deferred).toBeGreaterThanOrEqual(2)
  })

  it('never forgets a batch on anything but a receipt', async () => {
    const replies = [answer(200, 'ok'), answer(201, '{}'), answer(204, ''), problem(401, 'unknown_key')]
    for (const reply of replies) {
      const backlog = new SampleBacklog(1)
      const server = await serve({ 0: reply })
      expect(await upload(backlog, server.url)).toMatchObject({ accepted: 0, deferred: 1 })
      expect(backlog.events).toEqual([])
    }
  })
})
