// Which clients may ask and how often, and the helper behind the collector's own server: routes, limits, and a log
// that does not tell which client asked about which site.

import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { describe, expect, it, onTestFinished } from 'vitest'
import { closed, serveTcp, serveWith } from '../../test/support/loopback.ts'
import { toLoopback } from '../../test/support/sample-ask.ts'
import { serveNames } from '../../test/support/sample-names.ts'
import { readCommandLine } from '../../tests-spec/command-line/read-command-line.ts'
import { testHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import { openCollector } from '../collector.ts'
import { sondeCollector } from '../command-line.ts'
import { helperSettings } from '../commands/serve-command.ts'
import { buildServer } from '../http/server.ts'
import { openLog } from '../log.ts'
import { type HelperAnswer, type HelperParts, type HelperSettings, TestHelper } from './test-helper.ts'

const lab: HelperSettings = { allowPrivate: true, resolver: null }
const untilDone = () => new AbortController().signal
const statusOf = (answer: HelperAnswer) => (answer.kind === 'refused' ? answer.status : 200)

/** The request is refused by its content, so nothing is measured, but it counts. */
const bad = { http_request: 'ftp://www.example.test/' }

describe('TestHelper', () => {
  it('lets an address ask twenty times at once, then once a second', async () => {
    let now = 5_000
    const helper = new TestHelper(lab, { now: () => now })
    const ask = (from = '198.51.100.7') => helper.answer(bad, from, untilDone())
    for (let i = 0; i < 20; i++) expect(statusOf(await ask())).toBe(400)
    expect(await ask()).toEqual({
      kind: 'refused',
      status: 429,
      code: 'too_many_requests',
      detail: 'Too many requests from one address',
      retryAfterSeconds: 1,
    })
    expect(statusOf(await ask('198.51.100.8'))).toBe(400)
    now += 1_000
    expect(statusOf(await ask())).toBe(400)
    expect(statusOf(await ask())).toBe(429)
  })

  it('measures 25 requests at once and turns the 26th away, until one is done', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let arrived = 0
    let full = () => {}
    const filled = new Promise<void>((resolve) => {
      full = resolve
    })
    const { port } = await serveWith(
      http.createServer(async (_, response) => {
        if (++arrived === 25) full()
        await released
        response.end()
      }),
    )
    const helper = new TestHelper(lab)
    const body = { http_request: `http://127.0.0.1:${port}/` }
    const ask = (i: number) => helper.answer(body, `198.51.${i}.1`, untilDone())
    const first = Array.from({ length: 25 }, (_, i) => ask(i))
    await filled
    expect(await ask(25)).toEqual({
      kind: 'refused',
      status: 503,
      code: 'busy',
      detail: 'The helper is measuring for others',
      retryAfterSeconds: 5,
    })
    release()
    expect((await Promise.all(first)).map(statusOf)).toEqual(Array(25).fill(200))
    expect(statusOf(await ask(26))).toBe(200)
  })

  it('measures six of one network at once, whichever of its addresses asks, and goes on for others', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let arrived = 0
    let full = () => {}
    const filled = new Promise<void>((resolve) => {
      full = resolve
    })
    const { port } = await serveWith(
      http.createServer(async (_, response) => {
        if (++arrived === 6) full()
        if (arrived <= 6) await released
        response.end()
      }),
    )
    const helper = new TestHelper(lab)
    const body = { http_request: `http://127.0.0.1:${port}/` }
    const ask = (from: string) => helper.answer(body, from, untilDone())
    const first = Array.from({ length: 6 }, (_, i) => ask(`198.51.100.${i}`))
    await filled
    expect(statusOf(await ask('198.51.100.77'))).toBe(503)
    expect(statusOf(await ask('203.0.113.7'))).toBe(200)
    release()
    expect((await Promise.all(first)).map(statusOf)).toEqual(Array(6).fill(200))
    expect(statusOf(await ask('198.51.100.77'))).toBe(200)
  })

  it('takes no token from whom it turns away for others', async () => {
    const helper = new TestHelper(lab, { limits: { maxInFlight: 0 }, now: () => 0 })
    for (let i = 0; i < 50; i++)
      expect(statusOf(await helper.answer(bad, '198.51.100.7', untilDone()))).toBe(503)
  })

  it('gives its place back when the probe goes away', async () => {
    const gone = new AbortController()
    const { port, peers } = await serveTcp(() => gone.abort())
    const helper = new TestHelper(lab, { limits: { maxInFlight: 1 } })
    await helper.answer({ http_request: `http://127.0.0.1:${port}/` }, '198.51.100.7', gone.signal)
    await Promise.all(peers.map(closed))
    expect(statusOf(await helper.answer(bad, '198.51.100.7', untilDone()))).toBe(400)
  })

  it.each<[string, unknown, string]>([
    ['no object', 'x', 'Invalid type: Expected Object but received "x"'],
    ['no URL', {}, 'http_request: Invalid key: Expected "http_request" but received undefined'],
    [
      'a name where an address should be, by its number',
      { http_request: 'https://www.example.test/', tcp_connect: ['198.51.100.7:443', 'inner.test:443'] },
      'tcp_connect.1: Cannot connect to "inner.test:443": expected IP:PORT',
    ],
    [
      'every fault at once',
      { http_request: 'ftp://x.test/', tcp_connect: ['127.1:80'] },
      'http_request: Cannot measure a URL that is neither http nor https; tcp_connect.0: Cannot connect to "127.1:80": expected IP:PORT',
    ],
  ])('refuses %s', async (_, body, detail) => {
    const answer = await new TestHelper(lab).answer(body, '198.51.100.7', untilDone())
    expect(answer).toEqual({
      kind: 'refused',
      status: 400,
      code: 'bad_request',
      detail,
      retryAfterSeconds: null,
    })
  })

  it('fails with where its bug is and without what was asked', async () => {
    const check = () => {
      throw new Error('secret.test is to blame')
    }
    const helper = new TestHelper(lab, { check })
    const failed = helper.answer({ http_request: 'http://127.0.0.1/' }, '198.51.100.7', untilDone())
    const error = await failed.then(
      () => null,
      (each: Error) => each,
    )
    expect(error?.message).toBe('The test helper has a bug')
    expect(error?.stack).toMatch(/test-helper\.test\.ts/)
    expect(error?.stack).not.toMatch(/secret/)
  })
})

interface Running {
  readonly url: string
  readonly logged: readonly string[]
  post(body: unknown, headers?: Record<string, string>): Promise<Response>
}

/** A collector on a port of its own. With `helper` null, it is no helper. */
async function startCollector(
  helper: HelperSettings | null,
  parts?: HelperParts,
  behindProxy = false,
): Promise<Running> {
  const state = await mkdtemp(join(tmpdir(), 'sonde-helper-'))
  const logged: string[] = []
  const log = openLog((line) => logged.push(line), Date.now, 'debug')
  const opened = await openCollector({ state, log, now: () => 0, openIndex: null, helper })
  const collector = parts === undefined ? opened : { ...opened, helper: new TestHelper(helper ?? lab, parts) }
  const server = buildServer(collector, { behindProxy })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    server.server.closeAllConnections()
    await server.close()
    await collector.stop()
    await rm(state, { recursive: true })
  })
  const url = `${address}/v1/web-connectivity`
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { url, logged, post }
}

async function labNames(): Promise<HelperSettings> {
  const names = await serveNames(toLoopback)
  onTestFinished(() => names.close())
  return { allowPrivate: true, resolver: names }
}

describe('/v1/web-connectivity', () => {
  it('is not there unless it is switched on', async () => {
    const { url, post } = await startCollector(null)
    expect((await fetch(url)).status).toBe(404)
    expect((await post(bad)).status).toBe(404)
  })

  it('greets who gets it', async () => {
    const answer = await fetch((await startCollector(lab)).url)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await answer.json()).toEqual({ message: expect.any(String) })
  })

  it('answers a probe as the schema has it', async () => {
    const { port } = await serveWith(http.createServer((_, response) => response.end('<title>Here</title>')))
    const { post } = await startCollector(await labNames())
    const answer = await post({
      http_request: `http://site.test:${port}/`,
      http_request_headers: { 'User-Agent': ['Mozilla/5.0'] },
      tcp_connect: [`127.0.0.1:${port}`],
      x_quic_enabled: false,
    })
    expect(answer.status).toBe(200)
    const body = await answer.json()
    expect(v.parse(testHelperResponse, body)).toEqual(body)
    expect(body).toMatchObject({
      tcp_connect: { [`127.0.0.1:${port}`]: { status: true, failure: null } },
      http_request: { status_code: 200, title: 'Here' },
      dns: { failure: null, addrs: ['127.0.0.1'] },
      ip_info: { '127.0.0.1': { asn: 0, flags: 3 } },
    })
  })

  it.each<[string, number, string, string, Record<string, string>]>([
    ['more than 64 KiB', 413, 'too_large', `{"http_request":"${'x'.repeat(65_536)}"}`, {}],
    ['what is not JSON', 400, 'bad_request', '{"http_request":', {}],
    ['another type', 415, 'wrong_type', '{}', { 'content-type': 'text/plain' }],
    ['an empty object', 400, 'bad_request', '{}', {}],
    ['an array', 400, 'bad_request', '[]', {}],
  ])('refuses %s with %i', async (_, status, code, body, headers) => {
    const answer = await (await startCollector(lab)).post(body, headers)
    expect(answer.status).toBe(status)
    expect(await answer.json()).toMatchObject({ status, code })
  })

  it('says when to come again, with 429 and with 503', async () => {
    const { post } = await startCollector(lab, { now: () => 0 })
    for (let i = 0; i < 20; i++) expect((await post(bad)).status).toBe(400)
    const often = await post(bad)
    expect([often.status, often.headers.get('retry-after')]).toEqual([429, '1'])
    const full = await startCollector(lab, { limits: { maxInFlight: 0 } })
    const busy = await full.post(bad)
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '5'])
  })

  it('counts by the connection, whatever is written of addresses, when it is told of no server in front', async () => {
    const { post } = await startCollector(lab, { now: () => 0 })
    const from = (ip: string) => post(bad, { 'x-forwarded-for': ip, forwarded: `for=${ip}`, 'x-real-ip': ip })
    const statuses: number[] = []
    for (let i = 0; i < 90; i++) statuses.push((await from(`203.0.113.${i}`)).status)
    expect(statuses.filter((each) => each !== 429)).toHaveLength(20)
  })

  it('counts by the address that a server in front of it names last, when it is told of one', async () => {
    const { post } = await startCollector(lab, { now: () => 0 }, true)
    const from = (ip: string) => post(bad, { 'x-forwarded-for': ip })
    for (let i = 0; i < 20; i++) expect((await from(`203.0.113.${i}, 198.51.100.7`)).status).toBe(400)
    expect((await from('203.0.113.99, 198.51.100.7')).status).toBe(429)
    expect((await from('198.51.100.8')).status).toBe(400)
  })

  it('stops measuring when the probe hangs up', async () => {
    const gone = new AbortController()
    const { port, peers } = await serveTcp(() => gone.abort())
    const { url } = await startCollector(lab)
    const asked = fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ http_request: `http://127.0.0.1:${port}/` }),
      signal: gone.signal,
    })
    await expect(asked).rejects.toThrow()
    await Promise.all(peers.map(closed))
  })

  it('logs neither what was asked nor by whom, whatever becomes of it', async () => {
    const check = () => {
      throw new Error('secret.test')
    }
    for (const parts of [{ now: () => 0 }, { limits: { maxInFlight: 0 } }, { check }]) {
      const { post, logged } = await startCollector({ ...(await labNames()), allowPrivate: false }, parts)
      const asked = { http_request: 'http://secret.test:81/', tcp_connect: ['198.51.100.77:443'] }
      const statuses: number[] = []
      for (const body of [
        asked,
        { ...asked, tcp_connect: ['secret.test:443'] },
        { ...asked, http_request: 'ftp://secret.test/' },
        '{"http_request":"secret.test',
        `{"http_request":"secret.test${'x'.repeat(65_536)}"}`,
        ...Array(20).fill(bad),
      ])
        statuses.push((await post(body, { 'x-forwarded-for': '203.0.113.55' })).status)
      expect(statuses).toHaveLength(25)
      if ('check' in parts) expect(statuses[0]).toBe(500)
      // The one line with an address is our own, from before the first request.
      const lines = logged.filter((line) => !line.includes('Server listening'))
      expect(lines.join('')).not.toMatch(/secret|198\.51|203\.0|example\.test|127\.0\.0\.1/)
    }
  })

  it('warns in the log when private addresses are let through, and only then', async () => {
    const warned = async (helper: HelperSettings | null) =>
      (await startCollector(helper)).logged.some((line) => JSON.parse(line).code === 'helper_allows_private')
    expect(await warned(lab)).toBe(true)
    expect(await warned({ ...lab, allowPrivate: false })).toBe(false)
    expect(await warned(null)).toBe(false)
  })
})

describe('helperSettings()', () => {
  const helperOf = (...args: string[]) => {
    const reading = readCommandLine(sondeCollector, ['serve', '--state', '/srv', ...args], {})
    return reading.kind === 'command' ? helperSettings(reading.given) : reading.kind
  }

  it('has a helper unless there shall be none', () => {
    expect(helperOf('--no-helper')).toBeNull()
    expect(helperOf('--no-helper', '--helper-allow-private')).toBe('faults')
    expect(helperOf()).toEqual({ allowPrivate: false, resolver: null })
    expect(helperOf('--helper-allow-private')).toEqual(lab)
  })

  it.each([
    ['9.9.9.9', { ip: '9.9.9.9', port: 53 }],
    ['127.0.0.1:5353', { ip: '127.0.0.1', port: 5353 }],
    ['2001:db8::53', { ip: '2001:db8::53', port: 53 }],
    ['[2001:db8::53]:5353', { ip: '2001:db8::53', port: 5353 }],
  ])('takes the resolver %s', (text, resolver) => {
    expect(helperOf('--helper-resolver', text)).toEqual({ allowPrivate: false, resolver })
  })

  it.each([
    ['a resolver by name', ['--helper-resolver', 'dns.example.test']],
    ['a port that is none', ['--helper-resolver', '9.9.9.9:70000']],
    ['a resolver without a helper', ['--no-helper', '--helper-resolver', '9.9.9.9']],
    ['private addresses without a helper', ['--no-helper', '--helper-allow-private']],
  ])('refuses %s', (_, args) => {
    expect(helperOf(...args)).toBe('faults')
  })
})
