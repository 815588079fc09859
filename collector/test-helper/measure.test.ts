// The answer for sites of different conduct: real servers on loopback, which the check of a laboratory allows.

import http from 'node:http'
import https from 'node:https'
import type net from 'node:net'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Issued, makeAuthority } from '../../test/support/certificates.ts'
import { closed, closedPort, type Listening, serveTcp, serveWith } from '../../test/support/loopback.ts'
import { askSample, noPage } from '../../test/support/sample-ask.ts'
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

describe('measure()', () => {
  it('answers for a site over TLS as the page of the specification has it', async () => {
    const { port } = await serveWith(
      https.createServer(good, (_, response) => {
        response.setHeader('Content-Type', 'text/html').setHeader('X-Twice', ['one', 'two'])
        response.setHeader('Connection', 'close').removeHeader('Date')
        response.end('<html><TITLE lang="fr">Été à Bamako</TITLE></html>')
      }),
    )
    const endpoint = `127.0.0.1:${port}`
    expect(
      await askSample({ url: `https://site.test:${port}/`, tcpConnect: ['127.0.0.1:443'], extraCa }),
    ).toEqual({
      tcp_connect: { [endpoint]: { status: true, failure: null } },
      tls_handshake: { [endpoint]: { server_name: 'site.test', status: true, failure: null } },
      quic_handshake: {},
      http_request: {
        body_length: 53,
        discovered_h3_endpoint: '',
        failure: null,
        title: 'Été à Bamako',
        headers: {
          'Content-Type': 'text/html',
          'X-Twice': 'one',
          Connection: 'close',
          'Content-Length': '53',
        },
        status_code: 200,
        x_sonde_body_seconds: expect.any(Number),
        x_sonde_hosts: ['site.test'],
      },
      http3_request: null,
      dns: { failure: null, addrs: ['127.0.0.1'] },
      ip_info: { '127.0.0.1': { asn: 0, flags: 1 + 2 + 8 } },
    })
  })

  it('answers for a site in clear text, without a handshake', async () => {
    const { port } = await serveHttp((_, response) => response.writeHead(404).end('gone'))
    const answer = await askSample({ url: `http://site.test:${port}/` })
    expect(answer.tcp_connect).toEqual({ [`127.0.0.1:${port}`]: { status: true, failure: null } })
    expect(answer.tls_handshake).toEqual({})
    expect(answer.http_request).toMatchObject({ status_code: 404, body_length: 4, failure: null, title: '' })
    expect(answer.ip_info).toEqual({ '127.0.0.1': { asn: 0, flags: 2 } })
  })

  it('asks nobody about an IP literal, and tries only what the probe named', async () => {
    const { port } = await serveHttp((_, response) => response.end('x'))
    const names: SampleConduct = (name) => {
      throw new Error(`Asked for ${name}`)
    }
    const url = `http://127.0.0.1:${port}/`
    const alone = await askSample({ url, names })
    expect(alone.dns).toEqual({ failure: null, addrs: [] })
    expect(alone.tcp_connect).toEqual({})
    expect(alone.http_request).toMatchObject({ status_code: 200, body_length: 1 })
    const named = await askSample({ url, names, tcpConnect: [`127.0.0.1:${port}`] })
    expect(named.tcp_connect).toEqual({ [`127.0.0.1:${port}`]: { status: true, failure: null } })
  })

  it('finds IPv6 as the probe spelled it', async () => {
    const server = http.createServer((_, response) => response.end('x'))
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve))
    onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())))
    const { port } = server.address() as net.AddressInfo
    const answer = await askSample({
      url: `http://site.test:${port}/`,
      tcpConnect: ['[0:0:0:0:0:0:0:1]:80'],
      names: (_, type) => (type === 'AAAA' ? ['::1'] : []),
    })
    expect(answer.tcp_connect).toEqual({ [`[0:0:0:0:0:0:0:1]:${port}`]: { status: true, failure: null } })
    expect(answer.ip_info).toEqual({ '0:0:0:0:0:0:0:1': { asn: 0, flags: 3 } })
    expect(answer.dns.addrs).toEqual(['::1'])
    expect(answer.http_request.status_code).toBe(200)
  })

  it.each([
    ['NXDOMAIN', 3, 'dns_name_error'],
    ['no address', [], null],
    ['REFUSED', 5, 'dns_server_failure'],
    ['FORMERR', 1, 'dns_server_failure'],
    ['bytes that are no message', 'junk', 'dns_server_failure'],
    ['SERVFAIL', 2, 'unknown_error'],
    ['silence', 'silence', 'unknown_error'],
  ] as const)(
    'says of a name with %s what the table says, and that no page was found',
    async (_, conduct, failure) => {
      const answer = await askSample({
        url: 'https://site.test/',
        names: () => conduct,
        limits: { lookupMs: conduct === 'silence' ? 50 : 20_000 },
      })
      expect(answer.dns).toEqual({ failure, addrs: [] })
      expect(answer.http_request).toEqual(noPage('dns_lookup_error'))
      expect(answer.tcp_connect).toEqual({})
    },
  )

  it('says connection_refused_error of a closed port, of endpoint and page', async () => {
    const { port } = await closedPort()
    const answer = await askSample({ url: `https://site.test:${port}/` })
    const status = { status: false, failure: 'connection_refused_error' }
    expect(answer.tcp_connect).toEqual({ [`127.0.0.1:${port}`]: status })
    expect(answer.tls_handshake).toEqual({})
    expect(answer.http_request).toEqual(noPage('connection_refused_error'))
    expect(answer.ip_info).toEqual({ '127.0.0.1': { asn: 0, flags: 2 } })
  })

  it('says connect_error where no connection can lead, and unknown_error of its page', async () => {
    // The kernel itself refuses TCP to multicast: nothing is sent.
    const names: SampleConduct = (_, type) => (type === 'A' ? ['224.0.0.1'] : [])
    const answer = await askSample({ url: 'https://site.test/', names })
    expect(answer.tcp_connect).toEqual({ '224.0.0.1:443': { status: false, failure: 'connect_error' } })
    expect(answer.http_request).toEqual(noPage('unknown_error'))
  })

  it('goes to the next address for the page when the first refuses', async () => {
    const { port } = await serveHttp((_, response) => response.end('x'))
    const names: SampleConduct = (_, type) => (type === 'A' ? ['127.0.0.9', '127.0.0.1'] : [])
    const answer = await askSample({ url: `http://site.test:${port}/`, names })
    expect(answer.tcp_connect).toMatchObject({
      [`127.0.0.9:${port}`]: { status: false },
      [`127.0.0.1:${port}`]: { status: true },
    })
    expect(answer.http_request.status_code).toBe(200)
  })

  it('stops when the probe has gone away', async () => {
    const gone = new AbortController()
    const peers: net.Socket[] = []
    const { port } = await serveTcp((socket) => {
      peers.push(socket)
      // There are two connections: the endpoint's and the page's.
      if (peers.length === 2) gone.abort()
    })
    const answer = await askSample({ url: `http://site.test:${port}/`, signal: gone.signal })
    expect(answer.http_request).toEqual(noPage('generic_timeout_error'))
    await Promise.all(peers.map(closed))
  })

  it('stops after the time for the whole of it', async () => {
    const { port } = await serveTcp(() => {})
    const answer = await askSample({ url: `https://site.test:${port}/`, limits: { wholeMs: 100 } })
    expect(answer.tls_handshake).toEqual({
      [`127.0.0.1:${port}`]: { server_name: 'site.test', status: false, failure: 'generic_timeout_error' },
    })
    expect(answer.http_request).toEqual(noPage('generic_timeout_error'))
  })
})
