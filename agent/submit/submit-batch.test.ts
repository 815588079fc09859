// One batch against a server that answers, refuses, lies, hangs or breaks off. The rule under test: only a receipt
// that verifies and names the batch is `accepted`, and only an answer about the batch itself is `rejected`.

import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import * as v from 'valibot'
import { afterEach, describe, expect, it } from 'vitest'
import { selfSigned } from '../../test/support/certificates.ts'
import {
  answer,
  problem,
  type Reply,
  type StubCollector,
  stubCollector,
} from '../../test/support/stub-collector.ts'
import { type BatchId, batchId, batchMediaType, deviceId } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { type Receipt, sealReceipt } from '../../tests-spec/protocol/receipt.ts'
import { sealRefusal } from '../../tests-spec/protocol/refusal.ts'
import { systemClock } from '../platform/clock.ts'
import { putOff } from './answer.ts'
import { offerBatch } from './submit-batch.ts'
import { DialFailed } from './transports/dial.ts'
import { NoAnswer } from './transports/no-answer.ts'
import { type Form, unknownForm } from './ways/form.ts'
import { type OneWayOptions, openWay } from './ways/one-way.ts'

const collector = generateKeyPairSync('ed25519')
const impostor = generateKeyPairSync('ed25519')
const collectorKeyId = keyIdOf(collector.publicKey)
const id = v.parse(batchId, 'b'.repeat(64))
const bytes = Buffer.alloc(8_000, 'PSB1 and so on, ')

const never = new AbortController().signal
const options: OneWayOptions = { silenceMs: 20_000, signal: never, now: systemClock().monotonicMs }

function receiptFor(batch: BatchId, fields: Partial<Receipt> = {}): Receipt {
  return {
    v: 1,
    batch,
    device: v.parse(deviceId, 'd'.repeat(32)),
    epoch: '0123456789abcdef01',
    seq: 0,
    status: 'stored',
    reason: null,
    at: 1_790_000_000_000,
    collector: collectorKeyId,
    contiguous: 0,
    missing: [],
    nextAfterS: 0,
    ...fields,
  }
}
const receipt = sealReceipt(receiptFor(id), collector.privateKey)

let open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open) await each.close()
  open = []
})

async function serve(reply: Reply, tls?: { key: string; cert: string }): Promise<StubCollector> {
  const server = await stubCollector(reply, tls)
  open.push(server)
  return server
}

/** A server that works on sockets, below HTTP. */
async function serveRaw(conduct: (socket: Socket) => void): Promise<{ url: string }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    conduct(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  })
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` }
}

const form: Form = { ...unknownForm, partBytes: 64 * 1024 }
const key = { collectorKeyId, collectorKey: collector.publicKey }

/** Dials, offers a batch, and returns the outcome and what the line carried. */
async function submit(url: string, over: Partial<OneWayOptions> = {}) {
  try {
    const way = await openWay(url, { ...options, ...over })
    const outcome = await offerBatch(way, { id, bytes, ask: false, form: () => form }, key)
    way.close()
    return { ...outcome, ...way.connection.spent }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    const spent = error instanceof DialFailed ? error.spent : { sent: 0, received: 0 }
    return { ...putOff(error.code), ...spent }
  }
}

describe('offerBatch()', () => {
  it('posts the batch as it is, and says nothing else about whoever sends it', async () => {
    const server = await serve(answer(201, receipt))
    await submit(server.url)
    expect(server.posted).toHaveLength(1)
    const [posted] = server.posted
    expect(posted).toMatchObject({ method: 'POST', path: '/v1/batches', body: bytes })
    expect(posted?.headers).toEqual({
      host: server.url.slice('http://'.length),
      connection: 'keep-alive',
      'content-type': batchMediaType,
      'content-length': String(bytes.length),
      'upload-complete': '?1',
    })
  })

  it.each(['/base', '/base/'])('posts below the path of the collector, %s', async (path) => {
    const server = await serve(answer(201, receipt))
    await submit(server.url + path)
    expect(server.posted[0]?.path).toBe('/base/v1/batches')
  })

  it.each([
    ['stored', 201],
    ['stored before', 200],
  ])('accepts a receipt for a batch that is %s', async (_, status) => {
    const server = await serve(answer(status, receipt))
    expect(await submit(server.url)).toMatchObject({ kind: 'accepted', receipt: receiptFor(id) })
  })

  const toContinue = 'HTTP/1.1 100 Continue\r\n\r\n'
  it.each([
    ['alone', [toContinue]],
    ['with fields', ['HTTP/1.1 100 Continue\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n']],
    ['twice, after another', [`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${toContinue}`, toContinue]],
  ])('hears out a server that says 100 unasked, %s', async (_, interim) => {
    for (const joined of [false, true]) {
      const whole = `HTTP/1.1 201 Created\r\nContent-Length: ${receipt.length}\r\n\r\n${receipt}`
      const server = await serveRaw((socket) => {
        let got = 0
        socket.on('data', (chunk) => {
          got += chunk.length
          if (got === chunk.length && !joined) for (const each of interim) socket.write(each)
          if (got > bytes.length) socket.end(joined ? interim.join('') + whole : whole)
        })
      })
      expect(await submit(server.url)).toMatchObject({ kind: 'accepted' })
    }
  })

  it('leaves a body as it is that has the words of an interim answer', async () => {
    const body = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
    const heads: Socket[] = []
    const server = await serveRaw((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n`)
        heads.push(socket)
      })
    })
    const way = await openWay(server.url, options)
    const answering = way.exchange({ method: 'GET', path: 'v1/anything' })
    // The body comes by itself, after the head was read.
    await expect.poll(() => way.connection.spent.received).toBeGreaterThan(0)
    heads[0]?.end(body)
    const answered = await answering
    way.close()
    expect(answered.body.toString()).toBe(body)
  })

  it('counts what the link carried', async () => {
    const server = await serve(answer(201, receipt))
    const { sent, received } = await submit(server.url)
    expect(sent).toBeGreaterThan(bytes.length)
    expect(sent).toBeLessThan(bytes.length + 400)
    expect(received).toBeGreaterThan(receipt.length)
    expect(received).toBeLessThan(receipt.length + 400)
  })
})

describe('offerBatch() does not accept', () => {
  const other = v.parse(batchId, 'c'.repeat(64))
  const rows: readonly [what: string, reason: string, reply: Reply][] = [
    ['the page of a captive portal', 'not_a_receipt', answer(200, '<html>Log in</html>')],
    ['an empty answer', 'not_a_receipt', answer(201, '')],
    [
      'a receipt signed by another collector',
      'not_a_receipt',
      answer(
        201,
        sealReceipt(receiptFor(id, { collector: keyIdOf(impostor.publicKey) }), impostor.privateKey),
      ),
    ],
    [
      'a receipt signed by an impostor under the name of ours',
      'not_a_receipt',
      answer(201, sealReceipt(receiptFor(id), impostor.privateKey)),
    ],
    [
      'a receipt for another batch, in order in itself',
      'receipt_for_another_batch',
      answer(201, sealReceipt(receiptFor(other), collector.privateKey)),
    ],
    ['a receipt with a status that promises nothing', 'status_202', answer(202, receipt)],
    ['no content', 'status_204', answer(204, '')],
    ['a redirect, which is not followed', 'status_302', answer(302, '', { location: 'http://192.0.2.1/' })],
    ['an answer without end', 'answer_too_large', answer(201, Buffer.alloc(70_000))],
  ]

  it.each(rows)('%s (%s)', async (_, reason, reply) => {
    const server = await serve(reply)
    expect(await submit(server.url)).toMatchObject({ kind: 'deferred', reason, retryAfterMs: null })
    expect(server.posted).toHaveLength(1)
  })
})

describe('offerBatch() tells never from not now', () => {
  const said = (code: string, over: object = {}, by = collector.privateKey) => {
    const content = { v: 1, batch: id, code, at: 1, collector: collectorKeyId, ...over } as const
    return { signed: JSON.parse(sealRefusal(content, by).toString()) }
  }
  it.each([
    [400, 'bad_manifest'],
    [400, 'device_mismatch'],
    [409, 'seq_conflict'],
    [409, 'chain_broken'],
  ])('%i %s is never, when the collector has signed it', async (status, code) => {
    const server = await serve(problem(status, code, {}, said(code)))
    expect(await submit(server.url)).toMatchObject({ kind: 'rejected', code })
  })

  it.each<[string, string, object]>([
    ['is not signed', 'seq_conflict', {}],
    ['is signed by somebody else', 'seq_conflict', said('seq_conflict', {}, impostor.privateKey)],
    ['is signed of another batch', 'seq_conflict', said('seq_conflict', { batch: 'c'.repeat(64) })],
    ['is signed with another code', 'seq_conflict', said('chain_broken')],
    ['is a receipt', 'seq_conflict', { signed: JSON.parse(receipt.toString()) }],
    ['speaks of bytes that the way may have cut', 'truncated', said('truncated')],
    ['speaks of bytes that the way may have changed', 'payload_mismatch', said('payload_mismatch')],
  ])('a refusal that %s is not now', async (_, code, more) => {
    const server = await serve(problem(409, code, {}, more))
    expect(await submit(server.url)).toMatchObject({ kind: 'deferred', reason: code, retryAfterMs: null })
  })

  it('a code that is no code is a proxy speaking', async () => {
    // Nor is one that we do not know, such as that of a newer collector: it may as well be the name of a host.
    for (const code of ['x'.repeat(20_000), 'Log in\u001b[2J', '', 'code_of_next_year']) {
      const server = await serve(problem(409, code))
      expect(await submit(server.url)).toMatchObject({ reason: 'status_409' })
    }
  })

  it.each([
    [401, 'unknown_key', 'enrolling again may help'],
    [403, 'bad_signature', 'the probe checked it itself before'],
    [403, 'revoked', 'an operator may think again'],
    [403, 'seq_conflict', 'whatever the code says, the status speaks of who asks'],
    [408, 'truncated', 'the link was slow'],
    [415, 'wrong_type', 'a proxy changed it'],
    [425, 'not_a_batch', 'too early'],
    [429, 'too_large', 'too often'],
    [400, 'bad_request', 'a code that is not of batches'],
    [404, 'not_found', 'the address is wrong'],
    [500, 'internal', 'the collector failed'],
    [503, 'bad_manifest', 'whatever the code says, the collector failed'],
    [507, 'disk_full', 'the collector is full'],
  ])('%i %s is not now: %s', async (status, code) => {
    const server = await serve(problem(status, code))
    expect(await submit(server.url)).toMatchObject({ kind: 'deferred', reason: code, retryAfterMs: null })
  })

  it.each([
    [409, 'Conflict'],
    [413, '<html>Request Entity Too Large</html>'],
    [400, '{"error":"seq_conflict"}'],
    [451, 'Unavailable For Legal Reasons'],
    [502, 'Bad gateway'],
  ])('%i without a problem document is a proxy speaking, and not now', async (status, body) => {
    const server = await serve(answer(status, body))
    expect(await submit(server.url)).toMatchObject({ kind: 'deferred', reason: `status_${status}` })
  })
})

describe('offerBatch() hears Retry-After', () => {
  const date = 'Sun, 22 Nov 2026 10:00:00 GMT'
  it.each([
    ['seconds', { 'retry-after': '120' }, 120_000],
    ['0 seconds', { 'retry-after': '0' }, 0],
    ['an hour at most', { 'retry-after': '86400' }, 3_600_000],
    [
      'a date, by the clock of who names it',
      { date, 'retry-after': 'Sun, 22 Nov 2026 10:01:30 GMT' },
      90_000,
    ],
    ['a date that has passed as now', { date, 'retry-after': 'Sun, 22 Nov 2026 09:00:00 GMT' }, 0],
    ['a date of next year as an hour', { date, 'retry-after': 'Mon, 22 Nov 2027 10:00:00 GMT' }, 3_600_000],
    ['nothing in nonsense', { 'retry-after': 'soon' }, null],
    ['nothing in less than nothing', { 'retry-after': '-5', date: '' }, null],
  ])('%s', async (_, headers, retryAfterMs) => {
    const server = await serve(problem(503, 'busy', headers))
    expect(await submit(server.url)).toMatchObject({ kind: 'deferred', reason: 'busy', retryAfterMs })
  })
})

describe('offerBatch() without an answer', () => {
  it('is deferred when nobody listens', async () => {
    const server = await stubCollector(answer(201, receipt))
    await server.close()
    expect(await submit(server.url)).toEqual({
      kind: 'deferred',
      reason: 'ECONNREFUSED',
      retryAfterMs: null,
      body: null,
      sent: 0,
      received: 0,
    })
  })

  it('is deferred when the name does not resolve', async () => {
    const outcome = await submit('http://collector.invalid')
    expect(outcome).toMatchObject({ kind: 'deferred', retryAfterMs: null })
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(outcome.kind === 'deferred' && outcome.reason)
  })

  it.each([
    ['is hung up on at once', (socket: Socket) => socket.destroy()],
    ['is reset', (socket: Socket) => socket.resetAndDestroy()],
    ['is hung up on after the request', (socket: Socket) => socket.once('data', () => socket.end())],
    [
      'breaks off in the middle of the receipt',
      (socket: Socket) =>
        socket.once('data', () =>
          socket.end(`HTTP/1.1 201 Created\r\nContent-Length: ${receipt.length}\r\n\r\n{"pay`),
        ),
    ],
    ['is not HTTP', (socket: Socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')],
  ])('is deferred when the connection %s', async (_, conduct) => {
    const { url } = await serveRaw(conduct)
    expect(await submit(url)).toMatchObject({ kind: 'deferred', retryAfterMs: null })
  })

  it.each([
    [
      'is reset in the handshake',
      'ECONNRESET',
      (socket: Socket) => socket.once('data', () => socket.resetAndDestroy()),
    ],
    ['ends in the handshake', 'ECONNRESET', (socket: Socket) => socket.once('data', () => socket.end())],
    [
      'is not TLS',
      expect.stringMatching(/^ERR_SSL_/),
      (socket: Socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
  ])('is deferred when an https connection %s', async (_, reason, conduct) => {
    const { url } = await serveRaw(conduct)
    expect(await submit(url.replace('http:', 'https:'))).toMatchObject({ kind: 'deferred', reason })
  })

  it('is deferred when the answer does not come in time, and counts what was sent for nothing', async () => {
    const server = await serve(() => {})
    const outcome = await submit(server.url, { silenceMs: 300 })
    expect(outcome).toMatchObject({ kind: 'deferred', reason: 'stalled', received: 0 })
    expect(outcome.sent).toBeGreaterThan(bytes.length)
  })

  it('ends a flow before its age, with no more under way than a window', async () => {
    const { url } = await serveRaw((socket) => socket.resume())
    const way = await openWay(url, { ...options, silenceMs: 2_000, usableMs: 200 })
    const large = { method: 'POST', path: 'v1/batches', body: Buffer.alloc(60_000) } as const
    await expect(way.exchange(large)).rejects.toMatchObject({ code: 'flow_spent' })
    const { sent } = way.connection.spent
    expect(sent).toBeGreaterThan(16_000)
    expect(sent).toBeLessThan(22_000)
    await expect(way.exchange(large)).rejects.toMatchObject({ code: 'flow_spent' })
    expect(way.connection.spent.sent).toBe(sent)
  })

  it('is deferred when half a receipt comes in time', async () => {
    const { url } = await serveRaw((socket) =>
      socket.once('data', () =>
        socket.write(`HTTP/1.1 201 Created\r\nContent-Length: ${receipt.length}\r\n\r\n{`),
      ),
    )
    expect(await submit(url, { silenceMs: 300 })).toMatchObject({ kind: 'deferred', reason: 'stalled' })
  })

  it('is deferred when the agent stops meanwhile, and before', async () => {
    const stop = new AbortController()
    const server = await serve(() => stop.abort())
    expect(await submit(server.url, { signal: stop.signal })).toMatchObject({ reason: 'interrupted' })
    expect(await submit(server.url, { signal: stop.signal })).toMatchObject({
      reason: 'interrupted',
      sent: 0,
    })
    expect(server.posted).toHaveLength(1)
  })

  it('is deferred when the certificate leads nowhere', async () => {
    const server = await serve(answer(201, receipt), selfSigned({ names: ['127.0.0.1'] }))
    const outcome = await submit(server.url)
    expect(outcome).toMatchObject({ kind: 'deferred', reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    expect(server.posted).toEqual([])
    // The bytes of the handshake are counted too.
    expect(outcome.sent).toBeGreaterThan(100)
  })
})
