import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Issued, makeAuthority } from '../../test/support/certificates.ts'
import { type Listening, serveWith } from '../../test/support/loopback.ts'
import { askSample, noPage, toLoopback } from '../../test/support/sample-ask.ts'
import type { SampleConduct } from '../../test/support/sample-names.ts'

let good: Issued
let extraCa: string[]

beforeAll(() => {
  const authority = makeAuthority()
  extraCa = [authority.caPem]
  good = authority.issue({ names: ['site.test', 'other.test'] })
})

function serveHttp(conduct: http.RequestListener): Promise<Listening> {
  return serveWith(http.createServer(conduct))
}

/** Speaks TLS and clear text on one port, by the first byte of a connection. */
function serveBoth(secure: http.RequestListener, clear: http.RequestListener): Promise<Listening> {
  const servers = { secure: https.createServer(good, secure), clear: http.createServer(clear) }
  const both = net.createServer((socket) => {
    socket.once('readable', () => {
      const first: Buffer | null = socket.read()
      if (first === null) return
      socket.unshift(first)
      servers[first[0] === 0x16 ? 'secure' : 'clear'].emit('connection', socket)
    })
  })
  return serveWith(both)
}

describe('followRedirects()', () => {
  /** A site that redirects from `/n` to `/n-1` and has a page at `/0`. */
  const countdown: http.RequestListener = (request, response) => {
    const left = Number(request.url?.slice(1))
    if (left === 0) response.end('there')
    else response.writeHead(302, { Location: `/${left - 1}` }).end('not here')
  }

  it('follows ten redirects', async () => {
    const { port } = await serveHttp(countdown)
    const { http_request } = await askSample({ url: `http://site.test:${port}/10` })
    expect(http_request).toMatchObject({ failure: null, status_code: 200, body_length: 5 })
  })

  it('gives up at the eleventh', async () => {
    const { port, peers } = await serveHttp(countdown)
    const { http_request } = await askSample({ url: `http://127.0.0.1:${port}/11` })
    expect(http_request).toEqual(noPage('unknown_error'))
    expect(peers).toHaveLength(11)
  })

  it.each([301, 302, 303, 307, 308])(
    'follows %i to another host, and from clear text to TLS',
    async (status) => {
      const { port } = await serveBoth(
        (_, response) => response.end('secure'),
        ({ headers }, response) => {
          const { port: here } = new URL(`http://${headers.host}`)
          response.writeHead(status, { Location: `https://other.test:${here}/` }).end()
        },
      )
      const answer = await askSample({ url: `http://site.test:${port}/`, extraCa })
      expect(answer.http_request).toMatchObject({ status_code: 200, body_length: 6 })
      // The endpoints are those of the first host.
      expect(Object.keys(answer.tcp_connect)).toEqual([`127.0.0.1:${port}`])
    },
  )

  it.each<[string, number, http.OutgoingHttpHeaders]>([
    ['a redirect that does not say where', 302, {}],
    ['a redirect to nowhere', 302, { Location: '' }],
    ['300, which leaves the choice', 300, { Location: '/x' }],
    ['304', 304, {}],
  ])('takes %s for the last response', async (_, status, headers) => {
    const { port } = await serveHttp((_request, response) => response.writeHead(status, headers).end())
    expect((await askSample({ url: `http://127.0.0.1:${port}/` })).http_request.status_code).toBe(status)
  })

  it.each([
    ['an app', 'intent://site.test#Intent;scheme=https;end'],
    ['a file', 'file:///etc/passwd'],
    ['ftp', 'ftp://127.0.0.1/'],
    ['gopher', 'gopher://127.0.0.1/_x'],
    ['what is no URL', 'http://[::1'],
    ['a port for mail', 'http://127.0.0.1:25/'],
    ['another port for mail', '//127.0.0.1:587/'],
  ])('goes to no %s', async (_, location) => {
    const { port, peers } = await serveHttp((_request, response) =>
      response.writeHead(302, { Location: location }).end(),
    )
    expect((await askSample({ url: `http://127.0.0.1:${port}/` })).http_request).toEqual(
      noPage('unknown_error'),
    )
    expect(peers).toHaveLength(1)
  })

  it('leaves out a password that a redirect gives it', async () => {
    const seen: (string | undefined)[] = []
    const { port } = await serveHttp(({ url, headers }, response) => {
      seen.push(headers.authorization)
      if (url === '/there') response.end()
      else response.writeHead(302, { Location: `http://guest:word@127.0.0.1:${port}/there` }).end()
    })
    expect((await askSample({ url: `http://127.0.0.1:${port}/` })).http_request.status_code).toBe(200)
    expect(seen).toEqual([undefined, undefined])
  })

  it('gives back the cookies of the chain, which some sites wait for', async () => {
    const { port } = await serveHttp(({ headers }, response) => {
      if (headers.cookie === 'seen=1') response.end('welcome')
      else response.writeHead(302, { Location: '/', 'Set-Cookie': 'seen=1; Path=/' }).end()
    })
    expect((await askSample({ url: `http://site.test:${port}/` })).http_request).toMatchObject({
      body_length: 7,
    })
  })

  it('says dns_lookup_error when a redirect leads to a name that is not there', async () => {
    const { port } = await serveHttp((_, response) => {
      response.writeHead(302, { Location: 'http://nowhere.test/' }).end()
    })
    const names: SampleConduct = (name, type) => (name === 'nowhere.test' ? 3 : toLoopback(name, type, 0))
    const answer = await askSample({ url: `http://site.test:${port}/`, names })
    expect(answer.http_request).toEqual({
      ...noPage('dns_lookup_error'),
      x_sonde_hosts: ['site.test', 'nowhere.test'],
    })
    expect(answer.dns.failure).toBeNull()
  })

  it('says dns_lookup_error when the lookup of a redirect takes too long', async () => {
    const { port } = await serveHttp((_, response) => {
      response.writeHead(302, { Location: 'http://slow.test/' }).end()
    })
    const names: SampleConduct = (name, type) =>
      name === 'slow.test' ? 'silence' : toLoopback(name, type, 0)
    const answer = await askSample({ url: `http://site.test:${port}/`, names, limits: { httpMs: 300 } })
    expect(answer.http_request).toEqual({
      ...noPage('dns_lookup_error'),
      x_sonde_hosts: ['site.test', 'slow.test'],
    })
  })
})
