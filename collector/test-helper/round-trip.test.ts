import http from 'node:http'
import type net from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { closed, connectTo, type Listening, serveTcp, serveWith } from '../../test/support/loopback.ts'
import { askSample, noPage } from '../../test/support/sample-ask.ts'
import type { TestHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import type { Limits } from './limits.ts'
import { roundTrip } from './round-trip.ts'

function serveHttp(conduct: http.RequestListener): Promise<Listening> {
  return serveWith(http.createServer(conduct))
}

describe('roundTrip()', () => {
  /** The page of a server that does `conduct` with each connection. */
  async function pageOf(
    conduct: (socket: net.Socket) => void,
    limits: Partial<Limits> = {},
  ): Promise<TestHelperResponse['http_request']> {
    const { port } = await serveTcp(conduct)
    return (await askSample({ url: `http://127.0.0.1:${port}/`, limits })).http_request
  }

  const onRequest = (say: (socket: net.Socket) => void) => (socket: net.Socket) =>
    void socket.once('data', () => say(socket))

  it.each<[string, string, (socket: net.Socket) => void]>([
    ['a reset', 'unknown_error', (socket) => socket.resetAndDestroy()],
    ['a hang-up', 'unknown_error', (socket) => socket.end()],
    ['bytes that are not HTTP', 'unknown_error', (socket) => socket.end('SSH-2.0-x\r\n')],
    ['half a head', 'unknown_error', (socket) => socket.end('HTTP/1.1 200 OK\r\nX: ')],
    ['half a body', 'unknown_error', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx')],
    ['a change of protocol', 'unknown_error', (socket) => socket.write(upgrade)],
    ['silence', 'generic_timeout_error', () => {}],
  ])('tells %s as %s', async (_, failure, say) => {
    expect(await pageOf(onRequest(say), { httpMs: failure === 'unknown_error' ? 20_000 : 100 })).toEqual(
      noPage(failure),
    )
  })

  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'

  it.each([
    ['a body that ends with the connection', 'HTTP/1.0 200 OK\r\n\r\nhello', 5],
    ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', 0],
    [
      'a response after another that announces it',
      `HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi`,
      2,
    ],
  ])('takes %s', async (_, bytes, length) => {
    expect(await pageOf(onRequest((socket) => socket.end(bytes)))).toMatchObject({
      failure: null,
      body_length: length,
    })
  })

  it('gives up on a body that drips for ever', async () => {
    const dripping = onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      const timer = setInterval(() => socket.write('x'), 5)
      socket.once('close', () => clearInterval(timer))
    })
    expect(await pageOf(dripping, { httpMs: 200 })).toEqual(noPage('generic_timeout_error'))
  })

  it('gives up on a head that drips for ever', async () => {
    const dripping = onRequest((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX: ')
      const timer = setInterval(() => socket.write('x'), 5)
      socket.once('close', () => clearInterval(timer))
    })
    expect(await pageOf(dripping, { httpMs: 200 })).toEqual(noPage('generic_timeout_error'))
  })

  /** Writes `chunk` again and again, as fast as the other side reads, `limit` bytes at most. */
  function pour(socket: net.Socket, chunk: string, limit = Number.POSITIVE_INFINITY): void {
    const more = () => {
      while (!socket.destroyed && socket.bytesWritten < limit) if (!socket.write(chunk)) return
    }
    socket.on('drain', more)
    more()
  }

  it('hangs up on headers without end', async () => {
    const sockets: net.Socket[] = []
    const endless = onRequest((socket) => {
      sockets.push(socket)
      socket.write('HTTP/1.1 200 OK\r\n')
      pour(socket, `X: ${'a'.repeat(1_000)}\r\n`)
    })
    expect(await pageOf(endless)).toEqual(noPage('unknown_error'))
    await Promise.all(sockets.map(closed))
    // These bytes fit into the buffers of two sockets.
    expect(sockets[0]?.bytesWritten).toBeLessThan(32 * 2 ** 20)
  })

  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

  it.each<[string, string, string, boolean]>([
    ['announcements', '', 'HTTP/1.1 103 Early\r\n\r\n', false],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'X: y\r\n', false],
    ['blank lines', '', '\r\n', false],
    ['a chunk extension', `${chunked}1;`, 'x', false],
    ['chunks that are mostly extension', chunked, `1;${'x'.repeat(64)}\r\ny\r\n`, false],
    ['trailers', `${chunked}2\r\nok\r\n0\r\n`, 'T: x\r\n', true],
  ])('takes little of %s without end', async (_, begin, more, isWhole) => {
    const endless = onRequest((socket) => {
      socket.write(begin)
      pour(socket, more.repeat(1_000))
    })
    const socket = await connectTo(await serveTcp(endless))
    const asked = {
      url: new URL('http://site.test/'),
      headers: {},
      maxBodyBytes: 2 ** 20,
      wantsBody: () => true,
    }
    const response = await roundTrip(socket, asked, new AbortController().signal)
    socket.destroy()
    expect(response).toEqual(
      isWhole ? expect.objectContaining({ status: 200, body: Buffer.from('ok') }) : 'http_invalid_response',
    )
    // 64 KiB, and the reads that pass them.
    expect(socket.bytesRead).toBeLessThanOrEqual(4 * 64 * 1024)
  })

  it.each([
    ['a folded header', 'X: a\r\n b\r\n'],
    ['a blank before a colon', 'X : a\r\n'],
    ['a line without colon', 'nothing\r\n'],
    ['one length twice', 'Content-Length: 2\r\n'],
  ])('reads %s, as a probe does', async (_, header) => {
    const text = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${header}\r\nok`
    const page = await pageOf(onRequest((socket) => socket.end(text)))
    expect(page).toMatchObject({ failure: null, status_code: 200, body_length: 2 })
  })

  it('reads 1 MiB of 200 MB', async () => {
    const size = 200_000_000
    const sockets: net.Socket[] = []
    const large = onRequest((socket) => {
      sockets.push(socket)
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n<title>Large</title>`)
      pour(socket, 'x'.repeat(65_536), size)
    })
    expect(await pageOf(large)).toMatchObject({
      failure: null,
      body_length: 1_048_576,
      title: 'Large',
      headers: { 'Content-Length': String(size) },
    })
    await Promise.all(sockets.map(closed))
    expect(sockets[0]?.bytesWritten).toBeLessThan(size / 4)
  })

  it('asks for no encoding, and unpacks none', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const asked: http.IncomingHttpHeaders[] = []
    const { port } = await serveHttp(({ headers }, response) => {
      asked.push(headers)
      response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb)
    })
    const { http_request } = await askSample({ url: `http://127.0.0.1:${port}/` })
    expect(http_request).toMatchObject({ failure: null, body_length: bomb.length, title: '' })
    expect(asked[0]).not.toHaveProperty('accept-encoding')
  })

  it('sends on three headers, by their first value, and no others', async () => {
    const asked: string[][] = []
    const { port } = await serveHttp(({ rawHeaders }, response) => {
      asked.push(rawHeaders)
      response.end()
    })
    const headers = {
      accept: ['text/html', 'no'],
      'Accept-Language': ['fr-ML'],
      'User-Agent': ['Mozilla/5.0'],
      Cookie: ['a=1'],
      Host: ['inner.test'],
      'X-Forwarded-For': ['127.0.0.1'],
      Authorization: ['Basic eDp5'],
    }
    await askSample({ url: `http://127.0.0.1:${port}/path?q=%20`, headers })
    const expected = ['Host', `127.0.0.1:${port}`, 'Accept', 'text/html', 'Accept-Language', 'fr-ML']
    expect(asked).toEqual([[...expected, 'User-Agent', 'Mozilla/5.0']])
  })

  it.each([
    ['in UTF-8', Buffer.from('<title>Bamako – Été</title>'), 'Bamako – Été'],
    ['in Latin-1', Buffer.from('<title>Été</title>', 'latin1'), 'Été'],
    [
      'in UTF-8 before bytes that are not',
      Buffer.concat([Buffer.from('<title>Été</title>'), Buffer.of(0xff)]),
      'Été',
    ],
    ['of none', Buffer.from('<p>none</p>'), ''],
    ['of 513 characters, cut', Buffer.from(`<title>${'x'.repeat(513)}</title>`), 'x'.repeat(512)],
    ['of 5,000 characters, cut', Buffer.from(`<title>${'x'.repeat(5_000)}</title>`), 'x'.repeat(512)],
    ['that ends with a space', Buffer.from('<title>Été</title >'), 'Été'],
    ['of 512 characters of two bytes', Buffer.from(`<title>${'é'.repeat(512)}</title>`), 'é'.repeat(512)],
    ['of a page made to be slow', Buffer.from('<title '.repeat(140_000)), ''],
  ])('finds the title %s', async (_, body, title) => {
    const { port } = await serveHttp((_request, response) => response.end(body))
    expect((await askSample({ url: `http://127.0.0.1:${port}/` })).http_request).toMatchObject({
      failure: null,
      title,
    })
  })
})
