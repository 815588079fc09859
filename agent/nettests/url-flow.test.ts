// Redirects against servers on loopback: how far they are followed.

import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { failedStepOf, sameRequestTag, tagged } from '../../tests-spec/nettests/failed-step.ts'
import { makeTrust } from '../operations/trust.ts'
import { nothingSeen } from './seen.ts'
import { followUrl } from './url-flow.ts'

const head = 'HTTP/1.1 200 OK\r\n'

/** Serves `answer` at every path, and follows what it says from `/0` on. @returns The paths asked for, in order. */
async function follow(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<readonly string[]> {
  const asked: string[] = []
  const server = await serveWith(
    http.createServer((request, response) => {
      asked.push(request.url ?? '')
      answer(request, response)
    }),
  )
  const { observations } = await followUrl(makeContext(), `http://127.0.0.1:${server.port}/0`, [])
  expect(observations.requests.map(({ request }) => new URL(request.url).pathname)).toEqual(
    asked.toReversed(),
  )
  return asked
}

describe('followUrl()', () => {
  it.each([
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://192.168.1.1/',
    'http://21.0.0.7/',
    'http://[2d00:22::7]/',
  ])('knocks at no machine of the home it is in, as %s would have it', async (url) => {
    const ownNetworks = ['21.0.0.0/24', '2d00:22::1/64']
    const atHome = makeContext({ lab: false, ipv6: true, ownNetworks })
    expect((await followUrl(atHome, url, [])).observations).toEqual(nothingSeen.observations)
  })

  it('asks once where a page sends to itself', async () => {
    expect(await follow((_request, response) => response.writeHead(302, { location: '/0' }).end())).toEqual([
      '/0',
    ])
  })

  it('asks each page of a circle once', async () => {
    const turn = ({ url }: IncomingMessage) => (url === '/0' ? '/1' : '/0')
    const asked = await follow((request, response) =>
      response.writeHead(302, { location: turn(request) }).end(),
    )
    expect(asked).toEqual(['/0', '/1'])
  })

  it('asks again who first sets a cookie, as many sites do that send everyone to themselves', async () => {
    const asked = await follow((request, response) => {
      if (request.headers.cookie === undefined)
        response.writeHead(302, { location: '/0', 'set-cookie': 'seen=1' }).end()
      else response.end('the page')
    })
    expect(asked).toEqual(['/0', '/0'])
  })

  it('follows ten redirects as helpers do, and no joke beyond', async () => {
    const next = ({ url = '' }: IncomingMessage) => `/${Number(url.slice(1)) + 1}`
    const asked = await follow((request, response) =>
      response.writeHead(302, { location: next(request) }).end(),
    )
    expect(asked).toEqual(Array.from({ length: 11 }, (_, i) => `/${i}`))
  })

  const followUps = { helper: false, followUps: true }
  const again = (observations: Observations) =>
    tagged(observations, sameRequestTag).requests.map(({ failure }) => failure)

  it('makes a request in clear text once more that was cut, and leaves a page that came then as what it is', async () => {
    let asked = 0
    const server = await serveWith(
      http.createServer((request, response) => {
        if (++asked === 1) request.socket.resetAndDestroy()
        else response.end('the page')
      }),
    )
    const { observations } = await followUrl(makeContext(), `http://127.0.0.1:${server.port}/`, [], followUps)
    expect(again(observations)).toEqual([null])
    expect(failedStepOf(observations, true)).toMatchObject({ failure: 'connection_reset', again: 'passed' })
    expect(asked).toBe(3)
  })

  it('asks for a neutral host at the same address between two requests that are cut', async () => {
    const server = await serveWith(
      http.createServer((request, response) => {
        if (request.headers.host === 'neutral.test') response.writeHead(404).end()
        else request.socket.resetAndDestroy()
      }),
    )
    const context = makeContext({ neutralName: 'neutral.test' })
    const { observations } = await followUrl(context, `http://127.0.0.1:${server.port}/`, [], followUps)
    const made = observations.requests.map(({ failure, address, tags }) => [failure, address, tags.at(-1)])
    const at = `127.0.0.1:${server.port}`
    expect(made.reverse()).toEqual([
      ['connection_reset', at, 'classic'],
      [null, at, 'followup=neutral_request'],
      ['connection_reset', at, 'followup=same_request'],
    ])
    expect(failedStepOf(observations, true)).toMatchObject({ again: 'failed_too', neutralName: 'answered' })
  })

  const authority = makeAuthority()
  const certificate = authority.issue({ names: ['localhost'] })
  const trusting = () => makeContext({}, { trust: makeTrust({ extraCa: [authority.caPem] }) })

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['cuts HEAD', (request) => request.socket.destroy()],
    ['resets HEAD', ({ socket }) => (socket as Partial<{ _parent: Socket }>)._parent?.resetAndDestroy()],
    ['answers HEAD with what is no HTTP', ({ socket }) => socket.end('no HTTP\r\n\r\n')],
  ])('reaches a site that %s, since it answers what helpers ask', async (_, conduct) => {
    const server = await serveWith(
      https.createServer(certificate, (request, response) => {
        if (request.method === 'HEAD') conduct(request, response)
        else response.end('the page')
      }),
    )
    const { observations } = await followUrl(trusting(), `https://localhost:${server.port}/`, [], followUps)
    expect(observations.requests.map(({ request, failure }) => [request.method, failure])).toEqual([
      ['GET', null],
      ['HEAD', expect.any(String)],
    ])
    expect(failedStepOf(observations, true)).toBeNull()
  })

  it('asks a site that gives HEAD two lengths no more: its head is all that is wanted', async () => {
    const conduct = ({ socket }: IncomingMessage) =>
      void socket.end(`${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`)
    const server = await serveWith(https.createServer(certificate, conduct))
    const { observations } = await followUrl(trusting(), `https://localhost:${server.port}/`, [], followUps)
    expect(observations.requests).toMatchObject([{ failure: null, request: { method: 'HEAD' } }])
  })

  it('makes one request more of a site that answers nothing, and calls what it says inside TLS its own word', async () => {
    const server = await serveWith(
      https.createServer(certificate, ({ socket }) => void socket.end('no HTTP\r\n\r\n')),
    )
    const { observations } = await followUrl(trusting(), `https://localhost:${server.port}/`, [], followUps)
    expect(observations.requests.map(({ request }) => request.method)).toEqual(['GET', 'HEAD'])
    expect(failedStepOf(observations, true)).toMatchObject({ step: 'http_round_trip', saidInside: true })
  })

  it('finds it cut twice where it is cut for good, and follows nothing up that was answered', async () => {
    const cut = await serveWith(http.createServer((request) => request.socket.resetAndDestroy()))
    const { observations } = await followUrl(makeContext(), `http://127.0.0.1:${cut.port}/`, [], followUps)
    expect(again(observations)).toEqual(['connection_reset'])
    expect(failedStepOf(observations, true)).toMatchObject({ again: 'failed_too' })
    const fine = await serveWith(http.createServer((_request, response) => response.end('the page')))
    const { observations: seen } = await followUrl(
      makeContext(),
      `http://127.0.0.1:${fine.port}/`,
      [],
      followUps,
    )
    expect(again(seen)).toEqual([])
  })
})
