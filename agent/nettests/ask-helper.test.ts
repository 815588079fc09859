// Asking helpers in turn: the first good answer counts, and a bad helper never stands in the way of measuring.

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { TestHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import { askHelpers } from './ask-helper.ts'

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/web-connectivity`
}

const answer: TestHelperResponse = {
  tcp_connect: {},
  quic_handshake: {},
  http_request: {
    body_length: 1,
    discovered_h3_endpoint: '',
    failure: null,
    title: '',
    headers: {},
    status_code: 200,
  },
  http3_request: null,
  dns: { failure: null, addrs: ['198.51.100.7'] },
}
const request = {
  http_request: 'https://site.example/',
  http_request_headers: {},
  tcp_connect: [],
  x_quic_enabled: false,
}

const context = (helpers: readonly string[]) => makeContext({ helpers, neutralName: 'example.org' })

const good: RequestListener = (_request, response) => response.end(JSON.stringify(answer))

describe('askHelpers()', () => {
  it('sends the question as JSON and gives the answer, with what it cost', async () => {
    let asked = ''
    const helper = await serve((incoming, response) => {
      incoming.on('data', (chunk) => {
        asked += chunk
      })
      incoming.on('end', () => response.end(JSON.stringify(answer)))
    })
    const { outside, bytes, helper: who } = await askHelpers(context([helper]), request)
    expect(outside).toEqual(answer)
    expect(JSON.parse(asked)).toEqual(request)
    expect(who).toBe(helper)
    expect(bytes.sent).toBeGreaterThan(asked.length)
    expect(bytes.received).toBeGreaterThan(JSON.stringify(answer).length)
  })

  const bad: readonly [string, RequestListener, string][] = [
    ['is too busy', (_request, response) => response.writeHead(503).end(), 'http_request_failed'],
    ['answers garbage', (_request, response) => response.end('<html>'), 'json_parse_error'],
    ['answers another document', (_request, response) => response.end('{"dns":null}'), 'json_parse_error'],
    ['hangs up', (_request, response) => response.destroy(), 'eof_error'],
    [
      'answers without end',
      (_request, response) => void response.write('x'.repeat(300 * 1024)),
      'json_parse_error',
    ],
  ]
  it.each(bad)(
    'says why when the only helper %s, and goes on to the next when there is one',
    async (_name, listener, why) => {
      const sick = await serve(listener)
      expect((await askHelpers(context([sick]), request)).outside).toBe(why)
      expect((await askHelpers(context([sick, await serve(good)]), request)).outside).toEqual(answer)
    },
  )

  it.each<[string, RequestListener]>([
    ['hangs up', (_request, response) => response.destroy()],
    ['is busy', (_request, response) => response.writeHead(503).end()],
  ])('says nothing of one that %s at once, which costs nothing', async (_name, listener) => {
    const url = await serve(listener)
    const noted: unknown[] = []
    await askHelpers(
      { ...context([url]), noteHelper: (...each: unknown[]) => void noted.push(each) },
      request,
    )
    expect(noted).toEqual([])
  })

  it.each<[string, RequestListener, string]>([
    ['answers', good, 'answered'],
    ['knows no such place', (_request, response) => response.writeHead(404).end(), 'none'],
    ['takes no POST', (_request, response) => response.writeHead(405).end(), 'none'],
  ])('says what became of a helper that %s', async (_name, listener, outcome) => {
    const url = await serve(listener)
    const noted: unknown[] = []
    const helped = { ...context([url]), noteHelper: (...each: unknown[]) => void noted.push(each) }
    await askHelpers(helped, request)
    expect(noted).toEqual([[url, outcome]])
  })

  it("has OONI's word for an empty list", async () => {
    const { outside, helper } = await askHelpers(context([]), request)
    expect(outside).toBe('unknown_failure: no available helpers')
    expect(helper).toBeNull()
  })
})
