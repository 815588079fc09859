// Strangers without any key, against the built collector: an enrolled probe gets through while they do what they can.

import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningCollector, startCollector } from '../support/processes.ts'
import { SampleProbe, sampleMeasurement } from '../support/sample-probe.ts'
import { deep, enrolled, health, mostMiB, post } from './attackers.ts'

const crowd = deep ? 4_000 : 600
const mostOfStrangers = 320

let collector: RunningCollector
let probe: SampleProbe
const sockets: Socket[] = []
beforeAll(async () => {
  collector = await startCollector()
  probe = await enrolled(collector)
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await collector.stop()
})

/** Opens connections that each send this, and hold what they have. */
async function hold(count: number, bytes: Buffer): Promise<void> {
  const { hostname, port } = new URL(collector.url)
  await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<void>((resolve) => {
          const socket = connect(Number(port), hostname, () => socket.write(bytes, () => resolve()))
          sockets.push(socket)
          socket.on('error', () => resolve())
          socket.on('close', () => resolve())
        }),
    ),
  )
}

const requestOf = (path: string, type: string, length: number, body: Buffer) =>
  Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`,
    ),
    body,
  ])

describe('while strangers', () => {
  it.each([
    ['say nothing', Buffer.alloc(0)],
    ['begin requests that never end', Buffer.from('GET / HTTP/1.1\r\nX: ')],
    [
      'begin batches of nobody',
      requestOf(
        '/v1/batches',
        'application/vnd.sonde.batch',
        8_000_000,
        Buffer.concat([Buffer.from('PSB1\0\0\xff\xff', 'latin1'), Buffer.alloc(60_000, 0x20)]),
      ),
    ],
    [
      'begin sealed files',
      requestOf('/v1/sealed', 'application/vnd.sonde.sealed', 2_000_000, Buffer.alloc(1_900_000, 0x20)),
    ],
  ])('%s, a probe is received and a reader is answered', async (_, bytes) => {
    await hold(bytes.length > 100_000 ? Math.min(60, crowd) : crowd, bytes)
    expect(await post(collector, probe.next([sampleMeasurement()]))).toBe(201)
    expect((await fetch(`${collector.url}/`)).status).toBe(200)
    expect(await health(collector)).toMatchObject({ status: 'ok' })
    expect(mostMiB(collector)).toBeLessThan(mostOfStrangers)
  })

  it('have heard an enrolment, they enrol nothing with it', async () => {
    const heard = new SampleProbe().enrolmentRequest(await collector.token())
    const own = new SampleProbe().enrolmentRequest(await collector.token())
    const headers = { 'content-type': 'application/json' }
    const ask = async (request: object) =>
      (await fetch(`${collector.url}/v1/enrol`, { method: 'POST', headers, body: JSON.stringify(request) }))
        .status
    expect(await ask({ ...own, token: heard.token })).toBe(403)
    expect(await ask({ ...heard, spki: own.spki, proof: own.proof })).toBe(403)
    expect(await ask(heard)).toBe(201)
  })
})
