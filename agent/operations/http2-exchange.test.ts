// HTTP/2 round trips, over Node's own server and over frames written by hand.

import http2 from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { type Listening, serveTls, serveWith } from '../../test/support/loopback.ts'
import { certificate, secureRoundTrip } from '../../test/support/round-trips.ts'

function frameOf(type: number, flags: number, stream: number, payload: readonly number[] | Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, stream]),
    Buffer.from(payload),
  ])
}

/** Frames of RFC 9113; those that belong to a stream are on stream 1. */
const frame = {
  of: frameOf,
  ok: frameOf(1, 4, 1, [0x88]),
  body: frameOf(0, 0, 1, Buffer.from('abcde')),
  end: frameOf(0, 1, 1, []),
  reset: (code: number) => frame.of(3, 0, 1, [0, 0, 0, code]),
  goAway: (code: number) => frame.of(7, 0, 0, [0, 0, 0, 1, 0, 0, 0, code]),
}

/** An HTTP/2 server that calls `act` with each stream. */
async function serveH2(act: (stream: http2.ServerHttp2Stream) => void): Promise<Listening> {
  const server = http2.createSecureServer(certificate)
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    act(stream)
  })
  server.on('sessionError', () => {})
  return serveWith(server)
}

describe('httpRoundTrip() over HTTP/2', () => {
  it('gives the response like that of HTTP/1.1', async () => {
    let seen: http2.IncomingHttpHeaders = {}
    const server = http2.createSecureServer(certificate)
    server.on('stream', (stream, headers) => {
      seen = headers
      stream.respond({ ':status': 200, 'content-type': 'text/html', 'set-cookie': ['a=1', 'b=2'] })
      stream.end('<title>two</title>')
    })
    const { observation, bytes } = await secureRoundTrip(await serveWith(server))
    expect(seen).toMatchObject({ ':authority': 'good.test', ':path': '/path?query', 'user-agent': 'Test/1' })
    expect(observation).toMatchObject({
      alpn: 'h2',
      failure: null,
      response: { code: 200, body: '<title>two</title>', x_sonde_title: 'two' },
    })
    expect(observation.response.headers_list.slice(0, 3)).toEqual([
      ['Content-Type', 'text/html'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ])
    expect(bytes.sent).toBeGreaterThan(100)
    expect(bytes.received).toBeGreaterThan(50)
  })

  it('hangs up when the body passes the cap', async () => {
    const server = await serveH2((stream) => {
      stream.respond({ ':status': 200 })
      stream.end('x'.repeat(300_000))
    })
    const { observation, bytes } = await secureRoundTrip(server, { options: { maxBodyBytes: 1000 } })
    expect(observation).toMatchObject({
      failure: null,
      response: { body: 'x'.repeat(1000), body_is_truncated: true },
    })
    expect(bytes.received).toBeLessThan(100_000)
  })

  it.each<[string, Buffer[], string | null, number]>([
    ['a stream refused', [frame.reset(7)], 'http_request_failed', 0],
    ['a stream cancelled', [frame.reset(8)], 'http_request_failed', 0],
    ['a stream reset without error, before the response', [frame.reset(0)], 'http_request_failed', 0],
    ['a stream broken off in the body', [frame.ok, frame.body, frame.reset(2)], 'http_request_failed', 200],
    ['a stream cancelled in the body', [frame.ok, frame.body, frame.reset(8)], 'http_request_failed', 200],
    ['a session sent away', [frame.goAway(11)], 'http_request_failed', 0],
    ['a whole response before the session is sent away', [frame.ok, frame.end, frame.goAway(0)], null, 200],
    ['a whole response after the session is sent away', [frame.goAway(0), frame.ok, frame.end], null, 200],
  ])('records %s', async (_what, frames, failure, code) => {
    const { observation } = await secureRoundTrip(
      await serveFrames((socket) => socket.write(Buffer.concat(frames))),
    )
    expect(observation.failure).toBe(failure)
    expect(observation.response.code).toBe(code)
    if (frames.includes(frame.body)) expect(observation.response.body).toBe('abcde')
  })

  // Node.js 20 reports nothing when it cannot read a frame, and only the FIN is noticed.
  const unreadable = process.version.startsWith('v20.') ? 'eof_error' : 'http_invalid_response'

  it.each<[string, Buffer[], string | null, number]>([
    ['nothing', [], 'eof_error', 0],
    ['the headers', [frame.ok], 'eof_error', 200],
    ['half the body', [frame.ok, frame.body], 'eof_error', 200],
    ['a whole response', [frame.ok, frame.body, frame.end], null, 200],
    ['a whole response and a GOAWAY', [frame.ok, frame.body, frame.end, frame.goAway(0)], null, 200],
    ['headers that HPACK cannot read', [frame.of(1, 4, 1, [0xff, 0xff, 0xff])], unreadable, 0],
    ['a frame too large', [Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])], unreadable, 0],
    ['data before headers', [frame.of(0, 0, 1, [1])], unreadable, 0],
    ['HTTP/1.1', [Buffer.from('HTTP/1.1 403 Forbidden\r\n\r\n<html>blocked</html>')], unreadable, 0],
  ])('records a FIN after %s', async (_what, frames, failure, code) => {
    const { observation } = await secureRoundTrip(
      await serveFrames((socket) => socket.end(Buffer.concat(frames))),
    )
    expect(observation.failure).toBe(failure)
    expect(observation.response.code).toBe(code)
    if (frames.includes(frame.body)) expect(observation.response.body).toBe('abcde')
  })

  it.each<[string, Buffer[], number]>([
    ['a reset', [], 0],
    ['a reset after the headers', [frame.ok], 200],
    ['a reset in the body', [frame.ok, frame.body], 200],
  ])('records %s', async (_what, frames, code) => {
    const server = await serveFrames((socket) => {
      socket.write(Buffer.concat(frames))
      // The client acknowledges our SETTINGS, so it has read what came with them; the reset must not come in the same
      // turn.
      socket.once('data', () => server.peers[0]?.resetAndDestroy())
    })
    const { observation } = await secureRoundTrip(server)
    expect(observation.failure).toBe('connection_reset')
    expect(observation.response.code).toBe(code)
  })

  it.each([
    ['pings', frame.of(6, 0, 0, Buffer.alloc(8))],
    ['frames of no known type', frame.of(0xfa, 0, 0, Buffer.alloc(200))],
    ['empty frames of a body', frame.of(0, 0, 1, [])],
    ['informational responses', frame.of(1, 4, 1, [0x08, 3, ...Buffer.from('103')])],
  ])('takes little of %s without end', async (_what, each) => {
    const chunk = Buffer.concat(Array.from({ length: 200 }, () => each))
    const server = await serveFrames((socket) => {
      const pouring = () => {
        // TLS takes whatever it is given, so the connection below says when it wants more.
        const below = server.peers[0]
        if (socket.destroyed || below === undefined) return
        if (below.writableLength < 100_000) socket.write(chunk)
        setImmediate(pouring)
      }
      pouring()
    })
    const { observation, bytes } = await secureRoundTrip(server)
    expect(observation.failure).toMatch(/^http_/)
    // What loopback brings in the fiftieth of a second after which the bytes are looked at.
    expect(bytes.received).toBeLessThan(16 * 2 ** 20)
    expect(observation.t - observation.t0).toBeLessThan(2)
  })

  it('records silence', async () => {
    const server = await serveH2(() => {})
    const { observation } = await secureRoundTrip(server, { options: { timeoutMs: 100 } })
    expect(observation.failure).toBe('generic_timeout_error')
  })

  it('records interrupted', async () => {
    const stop = new AbortController()
    const server = await serveH2(() => stop.abort())
    const { observation } = await secureRoundTrip(server, { trace: { signal: stop.signal } })
    expect(observation.failure).toBe('interrupted')
  })
})

/** HTTP/2 by hand: reads the client's preface, sends SETTINGS, then what the test wants. */
async function serveFrames(act: (socket: TLSSocket) => void): Promise<Listening> {
  return serveTls({ ...certificate, ALPNProtocols: ['h2'] }, (socket) => {
    socket.once('data', () => {
      socket.write(frame.of(4, 0, 0, []))
      act(socket)
    })
  })
}
