// Interim answers: how many, what they say, and to whom nothing is said because a server in between would take one for
// the final answer. Whose word about an address is believed stands here too: it hangs on the same server.

import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SampleCollector } from '../../test/support/sample-collector.ts'
import { type SampleBatch, SampleProbe } from '../../test/support/sample-probe.ts'
import { batchMediaType, uploadNameOf } from '../../tests-spec/protocol/batch.ts'
import { partialUploadType } from '../../tests-spec/protocol/resumable-upload.ts'

let collector: SampleCollector
let probe: SampleProbe
const begin = async (behindProxy = false) => {
  collector = await SampleCollector.start(null, undefined, undefined, behindProxy)
  probe = new SampleProbe()
  await collector.enrol(probe)
}
beforeEach(() => begin())
afterEach(() => collector.remove())

const asked = ['Upload-Complete: ?1', 'Connection: keep-alive']

interface Raw {
  readonly interim: readonly { readonly offset: number; readonly location: string | null }[]
  readonly status: number
}

/** Sends a body in small pieces, as a slow line brings it, and reads every answer until the final one. */
function send(start: string, fields: readonly string[], body: Buffer, version = '1.1'): Promise<Raw> {
  const { hostname, port } = new URL(collector.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const heads = [...text.matchAll(/HTTP\/1\.1 (\d{3})[^\r]*\r\n((?:[^\r]+\r\n)*)\r\n/g)]
      const last = heads.at(-1)
      if (last === undefined || Number(last[1]) < 200) return
      socket.destroy()
      const interim = heads.slice(0, -1).map(([, , lines = '']) => ({
        offset: Number(/upload-offset: (\d+)/i.exec(lines)?.[1]),
        location: /location: (\S+)/i.exec(lines)?.[1] ?? null,
      }))
      resolve({ interim, status: Number(last[1]) })
    })
    const head = [`${start} HTTP/${version}`, 'Host: x', `Content-Length: ${body.length}`, ...fields]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    const piece = (from: number) => {
      if (from >= body.length) return
      socket.write(body.subarray(from, from + 1_000), () => setImmediate(piece, from + 1_000))
    }
    piece(0)
  })
}

const post = ({ bytes }: SampleBatch, fields: readonly string[], version?: string) =>
  send('POST /v1/batches', [`Content-Type: ${batchMediaType}`, ...fields], bytes, version)
const noise = (bytes: number) => probe.nextOf(Buffer.alloc(bytes, 7))

describe('interim answers', () => {
  it.each([6_000, 62_000, 1_000_000])(
    'are five at most over %i bytes, each with all that is held',
    async (size) => {
      const batch = noise(size)
      const { interim, status } = await post(batch, asked)
      expect(status).toBe(201)
      expect(interim.length).toBeGreaterThan(0)
      expect(interim.length).toBeLessThanOrEqual(5)
      expect(interim[0]?.location).toBe(`/v1/uploads/${uploadNameOf(batch.bytes)}`)
      const offsets = interim.map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
      // A sender that stays a fifth and a little ahead never waits for one that does not come.
      expect(batch.bytes.length - (offsets.at(-1) ?? 0)).toBeLessThanOrEqual(batch.bytes.length / 5 + 4_096)
    },
  )

  it('of a part that goes on say what is held of the batch', async () => {
    const batch = noise(40_000)
    const first = batch.bytes.subarray(0, 20_000)
    await send('POST /v1/batches', [`Content-Type: ${batchMediaType}`, 'Upload-Complete: ?0'], first)
    const fields = [`Content-Type: ${partialUploadType}`, 'Upload-Offset: 20000', ...asked]
    const { interim, status } = await send(
      `POST /v1/uploads/${uploadNameOf(batch.bytes)}`,
      fields,
      batch.bytes.subarray(20_000),
    )
    expect(status).toBe(201)
    expect(interim.length).toBeGreaterThan(0)
    for (const { offset } of interim) expect(offset).toBeGreaterThan(20_000)
  })

  it.each<[string, readonly string[], string?]>([
    ['does not ask', ['Connection: keep-alive']],
    ['speaks HTTP/1.0, as stock nginx does', ['Upload-Complete: ?1', 'Connection: close'], '1.0'],
    ['speaks HTTP/1.0 and keeps the connection', asked, '1.0'],
    ['has no Connection field, as nginx with kept connections and HAProxy', ['Upload-Complete: ?1']],
    ['closes', ['Upload-Complete: ?1', 'Connection: close']],
    ['comes by a proxy that says so', [...asked, 'Via: 1.1 squid']],
    ['was forwarded', [...asked, 'Forwarded: for=192.0.2.1']],
    ['was forwarded in the usual words', [...asked, 'X-Forwarded-For: 192.0.2.1']],
    ['was forwarded and names no address', [...asked, 'X-Forwarded-Proto: https']],
  ])('are not sent where a request %s', async (_, fields, version) => {
    expect(await post(noise(30_000), fields, version)).toEqual({ interim: [], status: 201 })
  })

  it('are not sent by a collector that is told of a server in front of it', async () => {
    await collector.remove()
    await begin(true)
    expect(await post(noise(30_000), asked)).toEqual({ interim: [], status: 201 })
  })
})

it('a sender that expects to be told to go on is told', async () => {
  const fields = [`Content-Type: ${batchMediaType}`, 'Expect: 100-continue']
  const { interim, status } = await send('POST /v1/batches', fields, noise(3_000).bytes)
  expect({ told: interim.length, status }).toEqual({ told: 1, status: 201 })
})
