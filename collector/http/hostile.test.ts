// What a hostile network sends to a collector, over real sockets: headers and bodies that trickle, promises of gigabytes,
// thousands of connections, a probe that is one no more. Whatever it is, honest uploads go through and nothing is kept.

import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cases } from '../../test/support/fuzzing.ts'
import { type Answer, SampleCollector } from '../../test/support/sample-collector.ts'
import { SampleProbe, sampleMeasurement } from '../../test/support/sample-probe.ts'
import { batchMediaType, uploadNameOf } from '../../tests-spec/protocol/batch.ts'
import { partialUploadType } from '../../tests-spec/protocol/resumable-upload.ts'

let collector: SampleCollector
let probe: SampleProbe
const sockets: Socket[] = []

/** Milliseconds; in the field they are a minute and more. */
const impatient = { requestTimeout: 700, connectionTimeout: 2_000, headersTimeout: 300, checkEvery: 50 }

async function start(timeouts?: typeof impatient): Promise<void> {
  collector = await SampleCollector.start(null, timeouts)
  probe = new SampleProbe()
  await collector.enrol(probe)
}
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await collector.remove()
})

const head = (length: number, path = 'POST /v1/batches', type = batchMediaType) =>
  `${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`

async function open(): Promise<Socket> {
  const socket = connect(Number(new URL(collector.url).port), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** Sends a byte every 20 ms until the other side has had enough. */
async function trickle(socket: Socket, bytes: Uint8Array | string): Promise<string> {
  const answer = text(socket).catch(() => '')
  const all = Buffer.from(bytes)
  let sent = 0
  const timer = setInterval(() => socket.write(all.subarray(sent, ++sent)), 20)
  socket.once('close', () => clearInterval(timer))
  return answer
}

describe('a slow sender', () => {
  beforeEach(() => start(impatient))

  it('of headers is hung up on', async () => {
    const said = await trickle(await open(), head(100))
    expect(said).toMatch(/^(HTTP\/1\.1 408|$)/)
  })

  it('of a body is hung up on, and nothing is kept of it', async () => {
    const before = await collector.tree()
    const socket = await open()
    socket.write(head(60_000))
    const said = await trickle(socket, probe.next().bytes)
    expect(said).toMatch(/^(HTTP\/1\.1 408|$)/)
    expect(await collector.tree()).toEqual(before)
    expect(collector.collector.uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })

  it('who got as far as the envelope may go on from there', async () => {
    const batch = probe.nextOf(Buffer.alloc(30_000, 7))
    const socket = await open()
    socket.write(head(batch.bytes.length))
    socket.write(batch.bytes.subarray(0, 20_000))
    await trickle(socket, '')
    await expect.poll(() => collector.collector.uploads.held).toEqual({ active: 0, idle: 1, bytes: 20_000 })
    const rest = await collector.send(
      'PATCH',
      `/v1/uploads/${uploadNameOf(batch.bytes)}`,
      batch.bytes.subarray(20_000),
      {
        'content-type': partialUploadType,
        'upload-offset': '20000',
        'upload-complete': '?1',
      },
    )
    expect(rest.status).toBe(201)
    expect(collector.receiptIn(rest).batch).toBe(batch.id)
  })
})

describe('a crowd', () => {
  beforeEach(() => start())

  it('of senders who trickle stops no honest upload, and costs no memory', async () => {
    const crowd = cases(400, 2_000)
    const promise = `${head(8_000_000)}PSB1`
    for (let i = 0; i < crowd; i += 100) {
      const some = await Promise.all(Array.from({ length: 100 }, open))
      for (const socket of some) socket.write(promise)
    }
    await expect.poll(() => collector.collector.uploads.held.active, { timeout: 20_000 }).toBe(crowd)
    expect(collector.collector.uploads.held.bytes).toBe(4 * crowd)
    for (let i = 0; i < 5; i++) expect((await collector.postBatch(probe.next())).status).toBe(201)
  })
})

describe('resuming', () => {
  beforeEach(() => start())
  const code = ({ body }: Answer) => JSON.parse(body.toString()).code
  const part = (offset: number, complete: boolean) => ({
    'content-type': partialUploadType,
    'upload-offset': String(offset),
    'upload-complete': complete ? '?1' : '?0',
  })

  it('follows the draft: create, ask, append, and the receipt at the end', async () => {
    const batch = probe.nextOf(Buffer.alloc(100_000, 7))
    const { bytes, id } = batch
    const created = await collector.send('POST', '/v1/batches', bytes.subarray(0, 32_768), {
      'content-type': batchMediaType,
      'upload-complete': '?0',
    })
    expect(created.status).toBe(201)
    expect(created.headers.get('location')).toBe(`/v1/uploads/${uploadNameOf(bytes)}`)
    expect(created.headers.get('upload-offset')).toBe('32768')
    expect(created.headers.get('upload-limit')).toBe('max-size=8454152, max-age=900')
    const asked = await fetch(`${collector.url}/v1/uploads/${uploadNameOf(bytes)}`, { method: 'HEAD' })
    expect([asked.status, asked.headers.get('upload-offset'), asked.headers.get('upload-complete')]).toEqual([
      204,
      '32768',
      '?0',
    ])
    const path = `/v1/uploads/${uploadNameOf(bytes)}`
    const more = await collector.send('PATCH', path, bytes.subarray(32_768, 65_536), part(32_768, false))
    expect([more.status, more.headers.get('upload-offset')]).toEqual([204, '65536'])
    const wrong = await collector.send('PATCH', path, bytes.subarray(40_000), part(40_000, true))
    expect([wrong.status, code(wrong), wrong.headers.get('upload-offset')]).toEqual([
      409,
      'offset_mismatch',
      '65536',
    ])
    const last = await collector.send('PATCH', path, bytes.subarray(65_536), part(65_536, true))
    expect(last.status).toBe(201)
    expect(collector.receiptIn(last).batch).toBe(id)
    const receipt = await collector.get(`/v1/batches/${id}/receipt`)
    expect([receipt.status, receipt.body]).toEqual([200, last.body])
    expect((await fetch(`${collector.url}${path}`, { method: 'HEAD' })).status).toBe(404)
  })

  it('needs more than the batchId, which the next batch names', async () => {
    const { bytes, id } = probe.nextOf(Buffer.alloc(100_000, 7))
    await collector.send('POST', '/v1/batches', bytes.subarray(0, 32_768), {
      'content-type': batchMediaType,
      'upload-complete': '?0',
    })
    for (const method of ['POST', 'PATCH'] as const) {
      const spoilt = await collector.send(method, `/v1/uploads/${id}`, Buffer.from('x'), part(32_768, true))
      expect([spoilt.status, code(spoilt)]).toEqual([404, 'no_upload'])
    }
    const asked = await fetch(`${collector.url}/v1/uploads/${id}`, { method: 'HEAD' })
    expect(asked.status).toBe(404)
    const path = `/v1/uploads/${uploadNameOf(bytes)}`
    const rest = await collector.send('POST', path, bytes.subarray(32_768), part(32_768, true))
    expect(collector.receiptIn(rest).batch).toBe(id)
  })

  it('answers 404 to the question for a receipt, with what is held of the batch', async () => {
    const { bytes, id } = probe.nextOf(Buffer.alloc(50_000, 7))
    const none = await collector.get(`/v1/batches/${id}/receipt`)
    expect([none.status, code(none), none.headers.get('upload-offset')]).toEqual([404, 'not_held', null])
    await collector.send('POST', '/v1/batches', bytes.subarray(0, 20_000), {
      'content-type': batchMediaType,
      'upload-complete': '?0',
    })
    const some = await collector.get(`/v1/batches/${id}/receipt`)
    expect([some.status, code(some), some.headers.get('upload-offset')]).toEqual([404, 'not_held', '20000'])
    expect((await collector.get('/v1/batches/..%2fcollector-key/receipt')).status).toBe(404)
  })

  it('signs again for a batch whose receipt a crash took', async () => {
    const batch = probe.next()
    await collector.postBatch(batch)
    await collector.loseReceipt(batch.id)
    await collector.restart()
    const again = await collector.get(`/v1/batches/${batch.id}/receipt`)
    expect(again.status).toBe(200)
    expect(collector.receiptIn(again)).toMatchObject({ batch: batch.id, status: 'stored' })
  })

  it.each<[string, number, string, () => Promise<Answer>]>([
    [
      'a part of what nobody began',
      404,
      'no_upload',
      () => collector.send('PATCH', `/v1/uploads/${'a'.repeat(64)}`, Buffer.from('x'), part(0, true)),
    ],
    [
      'a part without an offset',
      400,
      'bad_request',
      () =>
        collector.send('PATCH', `/v1/uploads/${'a'.repeat(64)}`, Buffer.from('x'), {
          'content-type': partialUploadType,
        }),
    ],
    [
      'a part of no batch',
      400,
      'bad_request',
      () => collector.send('PATCH', '/v1/uploads/x', Buffer.from('x'), part(0, true)),
    ],
    [
      'a part under the type of a batch',
      415,
      'wrong_type',
      () =>
        collector.send('PATCH', `/v1/uploads/${'a'.repeat(64)}`, Buffer.from('x'), {
          ...part(0, true),
          'content-type': batchMediaType,
        }),
    ],
    [
      'a batch under the type of a part',
      415,
      'wrong_type',
      () => collector.send('POST', '/v1/batches', probe.next().bytes, { 'content-type': partialUploadType }),
    ],
    [
      'a first part without the whole envelope',
      400,
      'truncated',
      () =>
        collector.send('POST', '/v1/batches', probe.next().bytes.subarray(0, 500), {
          'content-type': batchMediaType,
          'upload-complete': '?0',
        }),
    ],
    [
      'a first part by nobody we know',
      401,
      'unknown_key',
      () =>
        collector.send(
          'POST',
          '/v1/batches',
          new SampleProbe()
            .nextOf(Buffer.alloc(9_000), (m) => ({ ...m, prev: 'ab'.repeat(32) }))
            .bytes.subarray(0, 5_000),
          { 'content-type': batchMediaType, 'upload-complete': '?0' },
        ),
    ],
  ])('refuses %s: %i %s', async (_, status, expected, ask) => {
    const before = await collector.tree()
    const answer = await ask()
    expect([answer.status, code(answer)]).toEqual([status, expected])
    expect(await collector.tree()).toEqual(before)
    expect(collector.collector.uploads.held).toEqual({ active: 0, idle: 0, bytes: 0 })
  })
})

describe('a revoked probe', () => {
  beforeEach(() => start())
  const code = ({ body, status }: Answer) => [status, JSON.parse(body.toString()).code]

  it('is refused at once, also by a collector that was running, and in the middle of an upload', async () => {
    const [kept, large, small] = [probe.next(), probe.nextOf(Buffer.alloc(50_000, 7)), probe.next()]
    expect((await collector.postBatch(kept)).status).toBe(201)
    await collector.send('POST', '/v1/batches', large.bytes.subarray(0, 20_000), {
      'content-type': batchMediaType,
      'upload-complete': '?0',
    })
    await collector.collector.probes.revoke(probe.device, 1)
    const before = await collector.tree()
    expect(code(await collector.postBatch(small))).toEqual([403, 'revoked'])
    const rest = await collector.send(
      'PATCH',
      `/v1/uploads/${uploadNameOf(large.bytes)}`,
      large.bytes.subarray(20_000),
      {
        'content-type': partialUploadType,
        'upload-offset': '20000',
        'upload-complete': '?1',
      },
    )
    expect(code(rest)).toEqual([403, 'revoked'])
    expect(await collector.tree()).toEqual(before)
    await collector.restart()
    expect(code(await collector.postBatch(small))).toEqual([403, 'revoked'])
  })

  it('cannot enrol with another token', async () => {
    await collector.collector.probes.revoke(probe.device, 1)
    expect(code(await collector.enrol(probe))).toEqual([403, 'revoked'])
  })

  it('keeps its place: readmitted, it goes on with its chain', async () => {
    await collector.postBatch(probe.next([sampleMeasurement()]))
    const waiting = probe.next()
    await collector.collector.probes.revoke(probe.device, 1)
    await collector.collector.probes.readmit(probe.device)
    const answer = await collector.postBatch(waiting)
    expect(collector.receiptIn(answer)).toMatchObject({ seq: 1, contiguous: 1 })
  })
})
