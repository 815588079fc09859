// HTTP/1.1 round trips: what a server, or a network that interferes, can do to one. HTTP/2 is in
// http2-exchange.test.ts.

import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { closed, connectTo, serveTcp, serveTls, serveWith } from '../../test/support/loopback.ts'
import { serveWantingCertificate } from '../../test/support/openssl-server.ts'
import {
  afterRequest,
  answering,
  certificate,
  roundTrip,
  roundTripOver,
  secureRoundTrip,
} from '../../test/support/round-trips.ts'
import { digestsOf } from '../../tests-spec/data-formats/body-digest.ts'

describe('httpRoundTrip() over HTTP/1.1', () => {
  it('gives the response as df-001 has it', async () => {
    const page = '<!doctype html><TITLE lang="fr">Accès refusé</TITLE>'
    const server = await answering(
      `HTTP/1.1 403 Forbidden\r\ncontent-TYPE: text/html\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nETag: "x"\r\nContent-Length: ${Buffer.byteLength(page)}\r\n\r\n${page}`,
    )
    const observation = await roundTrip(server)
    expect(observation).toMatchObject({
      network: 'tcp',
      address: `127.0.0.1:${server.port}`,
      alpn: '',
      failure: null,
      transaction_id: 7,
      tags: ['tested'],
    })
    expect(observation.response).toEqual({
      code: 403,
      headers: { 'Content-Type': 'text/html', 'Set-Cookie': 'a=1', Etag: '"x"', 'Content-Length': '54' },
      headers_list: [
        ['Content-Type', 'text/html'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Etag', '"x"'],
        ['Content-Length', '54'],
      ],
      body: page,
      body_is_truncated: false,
      x_sonde_body_sha256: createHash('sha256').update(page).digest('hex'),
      // Of its first 512 bytes: all of it.
      x_sonde_body_head_sha256: createHash('sha256').update(page).digest('hex'),
      x_sonde_body_length: 54,
      x_sonde_body_seconds: expect.any(Number),
      x_sonde_title: 'Accès refusé',
    })
  })

  it('sends the headers of the caller in their order, Host first, and nothing that asks for compression', async () => {
    let seen = ''
    const server = await serveTcp((socket) => {
      socket.once('data', (bytes) => {
        seen = bytes.toString()
        socket.end('HTTP/1.1 204 No Content\r\n\r\n')
      })
    })
    const headers = { 'User-Agent': 'Test/1', Accept: '*/*', 'Accept-Language': 'en' }
    // In browsers' spelling: a rule of a censor may look for `Host`, and not for `host`.
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
    )
    const observation = await roundTrip(server, { request: { headers: lower } })
    expect(seen).toBe(
      'GET /path?query HTTP/1.1\r\nHost: good.test\r\nUser-Agent: Test/1\r\nAccept: */*\r\nAccept-Language: en\r\n\r\n',
    )
    expect(observation.request).toEqual({
      method: 'GET',
      url: 'http://good.test/path?query',
      headers: { Host: 'good.test', ...headers },
      headers_list: [['Host', 'good.test'], ...Object.entries(headers)],
      body: '',
      body_is_truncated: false,
      x_transport: 'tcp',
    })
    expect(observation.response).toEqual({
      code: 204,
      headers: {},
      headers_list: [],
      body: '',
      body_is_truncated: false,
    })
  })

  it('lets the caller name another host', async () => {
    let seen = ''
    const server = await serveWith(
      http.createServer((request, response) => {
        seen = request.headers.host ?? ''
        response.end()
      }),
    )
    const observation = await roundTrip(server, { request: { headers: { Host: 'other.test' } } })
    expect(seen).toBe('other.test')
    expect(observation.request.headers_list).toEqual([['Host', 'other.test']])
  })

  it.each(['HEAD', 'POST'] as const)('sends a %s', async (method) => {
    let seen: string | undefined
    const server = await serveWith(
      http.createServer((request, response) => {
        seen = request.method
        response.end('body')
      }),
    )
    const observation = await roundTrip(server, { request: { method } })
    expect(seen).toBe(method)
    expect(observation).toMatchObject({ failure: null, response: { code: 200 } })
    expect(observation.response.body).toBe(method === 'HEAD' ? '' : 'body')
  })

  it.each([
    ['HTTP/1.1', () => http.createServer(), roundTrip],
    [
      'HTTP/2',
      () => http2.createSecureServer(certificate),
      async (...args: Parameters<typeof roundTrip>) => (await secureRoundTrip(...args)).observation,
    ],
  ])(
    'sends a body with its length over %s, and keeps it out of the observation',
    async (_protocol, make, trip) => {
      const server = make()
      server.on('request', async (request, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk)
        response.end(`${request.headers['content-length']} ${Buffer.concat(chunks)}`)
      })
      const observation = await trip(await serveWith(server), {
        request: { method: 'POST', body: Buffer.from('secret') },
      })
      expect(observation).toMatchObject({
        failure: null,
        request: { body: '' },
        response: { body: '6 secret' },
      })
      expect(JSON.stringify(observation.request)).not.toContain('secret')
    },
  )

  it('reads a body in chunks', async () => {
    const server = await answering(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    )
    expect((await roundTrip(server)).response.body).toBe('abcde')
  })

  it('reads a body that ends with the connection', async () => {
    const server = await answering('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcde')
    expect(await roundTrip(server)).toMatchObject({ failure: null, response: { body: 'abcde' } })
  })

  it('waits for the response behind an early hint', async () => {
    const server = await answering(
      'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    )
    const { response } = await roundTrip(server)
    expect(response).toMatchObject({ code: 200, headers_list: [['Content-Length', '2']], body: 'ok' })
  })

  it('keeps a body that is no UTF-8 as base64, and a title in it', async () => {
    const page = Buffer.from('<title>Acc\xe8s</title>', 'latin1')
    const head = `HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: ${page.length}\r\n\r\n`
    const { response } = await roundTrip(await answering(Buffer.concat([Buffer.from(head, 'latin1'), page])))
    expect(response.body).toEqual({ data: page.toString('base64'), format: 'base64' })
    expect(response.x_sonde_title).toBe('Accès')
    expect(response.headers['X-Name']).toBe('café')
  })

  it('does not decompress', async () => {
    const server = await answering(
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x0b\x01\x02',
    )
    expect((await roundTrip(server)).response.body).toBe('\x1f\x0b\x01\x02')
  })

  it('hangs up when the body passes the cap', async () => {
    const hungUp = new EventEmitter()
    const server = await serveTcp((socket) => {
      socket.once('data', () =>
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n${'x'.repeat(5000)}`),
      )
      socket.once('close', () => hungUp.emit('done'))
    })
    const done = once(hungUp, 'done')
    const { failure, response } = await roundTrip(server, { options: { maxBodyBytes: 1000 } })
    await done
    expect(failure).toBeNull()
    expect(response).toMatchObject({
      body: 'x'.repeat(1000),
      body_is_truncated: true,
      x_sonde_body_length: 1000,
    })
  })

  it('does not call a body of exactly the cap truncated', async () => {
    const server = await answering('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde')
    const { response } = await roundTrip(server, { options: { maxBodyBytes: 5 } })
    expect(response).toMatchObject({ body: 'abcde', body_is_truncated: false })
  })

  it('keeps status and headers when the cap is zero', async () => {
    const server = await answering('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde')
    const { failure, response } = await roundTrip(server, { options: { maxBodyBytes: 0 } })
    expect(failure).toBeNull()
    expect(response).toMatchObject({ code: 200, body: '', body_is_truncated: true })
    expect(response.x_sonde_body_sha256).toBeUndefined()
  })

  it('counts the bytes of the connection', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    const { bytes } = await roundTripOver(await connectTo(await answering(answer)))
    expect(bytes.received).toBe(answer.length)
    expect(bytes.sent).toBe(
      'GET /path?query HTTP/1.1\r\nHost: good.test\r\nUser-Agent: Test/1\r\n\r\n'.length,
    )
  })
})

const okHead = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'

describe('httpRoundTrip() reads what browsers read:', () => {
  it.each([
    ['a folded header', 'X: a\r\n b\r\n', ['folded_header']],
    ['a blank before a colon', 'X : a\r\n', ['blank_before_colon']],
    ['a line without colon', 'blocked\r\n', ['header_without_colon']],
    ['one length twice', 'Content-Length: 5\r\n', ['repeated_length']],
    ['a length and chunks', 'Transfer-Encoding: chunked\r\n', ['length_and_chunks']],
  ])('%s, and says so', async (_what, header, faults) => {
    const isChunked = header.startsWith('Transfer')
    const body = isChunked ? '5\r\nabcde\r\n0\r\n\r\n' : 'abcde'
    const server = await answering(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n${header}\r\n${body}`)
    expect(await roundTrip(server)).toMatchObject({
      failure: null,
      response: { code: 200, body: 'abcde', x_sonde_http_faults: faults },
    })
  })
})

describe('httpRoundTrip() records what the network did:', () => {
  it.each<[string, string | Buffer, string, number]>([
    ['a FIN instead of a response', '', 'eof_error', 0],
    ['a FIN in the status line', 'HTTP/1.1 2', 'eof_error', 0],
    ['a FIN in the headers', 'HTTP/1.1 200 OK\r\nServer: x', 'eof_error', 0],
    ['a FIN in a body of known length', `${okHead}abcde`, 'eof_error', 200],
    [
      'the same, announced to close',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nabcde',
      'eof_error',
      200,
    ],
    ['a FIN in a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabcde', 'eof_error', 200],
    [
      'a FIN in a chunk, announced to close',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabcde',
      'eof_error',
      200,
    ],
    [
      'a chunk whose length is no number',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabcde\r\n',
      'http_invalid_response',
      200,
    ],
    ['a bad status line', 'html><body>blocked</body>', 'http_invalid_response', 0],
    ['a page without head', '<html>blocked</html>', 'http_invalid_response', 0],
    ['an SSH banner', 'SSH-2.0-test\r\n', 'http_invalid_response', 0],
    ['zeros', Buffer.alloc(64), 'http_invalid_response', 0],
    ['a TLS alert', Buffer.from([21, 3, 1, 0, 2, 2, 10]), 'http_invalid_response', 0],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde',
      'http_invalid_response',
      200,
    ],
    [
      'an upgrade nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'http_invalid_response',
      0,
    ],
    ['a 100 and nothing behind it', 'HTTP/1.1 100 Continue\r\n\r\n', 'eof_error', 0],
    ['a request', 'GET / HTTP/1.1\r\n\r\n', 'http_invalid_response', 0],
    ['a status below 100', 'HTTP/1.1 020 OK\r\nContent-Length: 0\r\n\r\n', 'http_invalid_response', 0],
  ])('%s', async (_what, answer, failure, code) => {
    const observation = await roundTrip(await answering(answer))
    expect(observation.failure).toBe(failure)
    expect(observation.response.code).toBe(code)
    if (code === 200 && failure === 'eof_error') expect(observation.response.body).toBe('abcde')
  })

  /** Without end, as fast as the other side reads. */
  const pour = (begin: string, more: string) =>
    afterRequest((socket) => {
      const chunk = more.repeat(Math.ceil(10_000 / more.length))
      const pouring = () => {
        if (!socket.destroyed) socket.write(chunk, pouring)
      }
      socket.write(begin, pouring)
    })
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

  it.each([
    ['a header', 'HTTP/1.1 200 OK\r\nX-Endless: ', 'x', 0],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'X-Endless: y\r\n', 0],
    ['informational responses', '', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n', 0],
    ['blank lines', '', '\r\n', 0],
    ['a chunk extension', `${chunked}1;`, 'x', 200],
    ['chunks that are mostly extension', chunked, `1;${'x'.repeat(64)}\r\ny\r\n`, 200],
  ])('%s without end, of which little is taken', async (_what, begin, more, code) => {
    const { observation, bytes } = await roundTripOver(await connectTo(await serveTcp(pour(begin, more))))
    expect(observation.failure).toBe('http_invalid_response')
    expect(observation.response.code).toBe(code)
    // 64 KiB, and the one read that passes them.
    expect(bytes.received).toBeLessThanOrEqual(2 * 64 * 1024)
  })

  it.each([
    ['trailers', `${chunked}2\r\nok\r\n0\r\n`, 'T: x\r\n'],
    ['bytes behind the body', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'x'],
  ])('no failure of %s without end', async (_what, begin, more) => {
    const { observation, bytes } = await roundTripOver(await connectTo(await serveTcp(pour(begin, more))))
    expect(observation).toMatchObject({ failure: null, response: { code: 200, body: 'ok' } })
    expect(bytes.received).toBeLessThanOrEqual(64 * 1024)
  })

  it.each([
    ['a header', 'HTTP/1.1 200 OK\r\nX-Endless: ', 'x'],
    ['informational responses', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['a chunk extension', `${chunked}1;`, 'x'],
    ['a body in chunks', chunked, '1\r\nx\r\n'],
  ])('%s that drips past the deadline', async (_what, begin, more) => {
    const server = await serveTcp(
      afterRequest((socket) => {
        socket.write(begin)
        const drip = setInterval(() => socket.write(more), 10)
        socket.once('close', () => clearInterval(drip))
      }),
    )
    const observation = await roundTrip(server, { options: { timeoutMs: 200 } })
    expect(observation.failure).toBe('generic_timeout_error')
    expect(observation.t - observation.t0).toBeLessThan(2)
  })

  it('what a page without a head says, as evidence', async () => {
    const page = '<html><head><title>Access denied</title></head>'
    const { failure, response } = await roundTrip(await answering(page))
    expect(failure).toBe('http_invalid_response')
    expect(response).toMatchObject({ code: 0, headers_list: [], x_sonde_title: 'Access denied' })
    expect(response).toMatchObject({
      x_sonde_body_length: page.length,
      ...digestsOf(Buffer.from(page), true),
    })
    const cut = await roundTrip(await answering(page), { options: { maxBodyBytes: 6 } })
    expect(cut.response).toMatchObject({ x_sonde_body_length: 6, body: '<html>' })
  })

  it('silence', async () => {
    const server = await serveTcp(() => {})
    const observation = await roundTrip(server, { options: { timeoutMs: 100 } })
    expect(observation).toMatchObject({ failure: 'generic_timeout_error', response: { code: 0 } })
  })

  it('a body that drips past the deadline, with the part that came', async () => {
    const server = await serveTcp(
      afterRequest((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
        const drip = setInterval(() => socket.write('x'), 10)
        socket.once('close', () => clearInterval(drip))
      }),
    )
    const observation = await roundTrip(server, { options: { timeoutMs: 200 } })
    expect(observation).toMatchObject({ failure: 'generic_timeout_error', response: { code: 200 } })
    expect(observation.response.body).toMatch(/^x+$/)
    expect(observation.t - observation.t0).toBeLessThan(2)
  })

  it('interrupted, when the measurement is stopped in mid-flight', async () => {
    const stop = new AbortController()
    const server = await serveTcp(afterRequest(() => stop.abort()))
    const observation = await roundTrip(server, { trace: { signal: stop.signal } })
    expect(observation.failure).toBe('interrupted')
  })

  it('interrupted and nothing sent, when it was stopped before', async () => {
    const socket = await connectTo(await serveTcp(() => {}))
    const { observation, bytes } = await roundTripOver(socket, { trace: { signal: AbortSignal.abort() } })
    expect(observation.failure).toBe('interrupted')
    expect(bytes.sent).toBe(0)
  })

  it('a reset instead of a response', async () => {
    const server = await serveTcp(afterRequest((socket) => socket.resetAndDestroy()))
    expect((await roundTrip(server)).failure).toBe('connection_reset')
  })

  it('a connection that was closed before', async () => {
    const socket = await connectTo(await serveTcp((peer) => peer.end()))
    await closed(socket)
    expect((await roundTripOver(socket)).observation.failure).toBe('eof_error')
  })

  it.each([
    ['of known length', okHead],
    [
      'of known length, announced to close',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n',
    ],
    ['that ends with the connection', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n'],
  ])('a reset in a body %s', async (_what, head) => {
    const answer = `${head}abcde`
    const peers = new EventEmitter()
    const server = await serveTcp(
      afterRequest((socket) => {
        socket.write(answer)
        peers.emit('peer', socket)
      }),
    )
    const ready = once(peers, 'peer')
    const raw = await connectTo(server)
    const result = roundTripOver(raw)
    const [peer] = await ready
    // The reset does not come at once: libuv reports a reset that comes in one turn with data as a FIN.
    while (raw.bytesRead < answer.length) await setImmediate()
    peer.resetAndDestroy()
    const { observation } = await result
    expect(observation).toMatchObject({
      failure: 'connection_reset',
      response: { code: 200, body: 'abcde' },
    })
  })
})

describe('httpRoundTrip() over TLS', () => {
  it('speaks HTTP/1.1 when ALPN chose it, and counts the bytes below TLS', async () => {
    const server = await serveTls({ ...certificate, ALPNProtocols: ['http/1.1'] }, (socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    })
    const { observation, bytes } = await secureRoundTrip(server)
    expect(observation).toMatchObject({
      address: `127.0.0.1:${server.port}`,
      alpn: 'http/1.1',
      failure: null,
      request: { url: 'https://good.test/path?query' },
      response: { code: 200, body: 'ok' },
    })
    // The count is larger than the text: it includes the TLS records, and the session tickets that came with them.
    expect(bytes.sent).toBeGreaterThan(100)
    expect(bytes.received).toBeGreaterThan(60)
  })

  it.each(['http/1.1', 'h2'])(
    'records over %s the alert of a server that wants a certificate of ours, which TLS 1.3 sends after the handshake',
    async (alpn) => {
      const server = await serveWantingCertificate(certificate, '-tls1_3', alpn)
      const { observation } = await secureRoundTrip({ ...server, peers: [] })
      expect(observation).toMatchObject({ alpn, failure: 'ssl_failed_handshake', x_sonde_tls_alert: 116 })
    },
  )

  it.each<[string, (below: Socket) => void, string]>([
    ['a FIN', (below) => below.end(), 'eof_error'],
    ['a reset', (below) => below.resetAndDestroy(), 'connection_reset'],
  ])('records %s after the handshake', async (_what, act, failure) => {
    const server = await serveTls({ ...certificate, ALPNProtocols: ['http/1.1'] }, (socket) => {
      socket.once('data', () => server.peers.forEach(act))
    })
    expect((await secureRoundTrip(server)).observation.failure).toBe(failure)
  })
})
