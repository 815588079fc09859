// HTTP/2 (RFC 9113) over a TLS socket whose ALPN chose it, by Node's own client. undici's client is not used: it
// calls a response lost when the server closes or sends GOAWAY in the same moment, and calls a cancelled one
// complete; the table in http-round-trip.test.ts has the cases. The deadline and the observation are in
// http-round-trip.ts.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import type { OngoingRequest, Request } from './http-exchange.ts'
import { collect, type HeaderPair, headerName } from './http-response.ts'
import { countBytes, endOfStream, hearSocket, noHttp } from './wire.ts'

/** Sends `request` over `socket` at once, as the only stream of its session. */
export function http2Exchange(
  socket: Socket,
  request: Request,
  maxBodyBytes: number,
  now: () => number,
): OngoingRequest {
  const heard = hearSocket(socket)
  const response = collect(maxBodyBytes, now)
  // The module is loaded when a server has chosen HTTP/2: a probe that never needs it starts sooner, with less in
  // memory (ADR 0007).
  const session = process.getBuiltinModule('node:http2').connect(request.url.origin, {
    createConnection: () => socket,
    settings: { enablePush: false },
  })
  // When the session fails the stream fails too, and the error is read there.
  session.on('error', () => {})
  const stream = session.request(headersOf(request), { endStream: request.body === undefined })
  if (request.body !== undefined) stream.end(request.body)

  const bytesSoFar = countBytes(socket)
  let bodyBytes = 0
  let watch: NodeJS.Timeout | undefined
  const ended = new Promise<Error | null>((resolve) => {
    watch = setInterval(() => {
      if (bytesSoFar().received > maxFramingBytes + framingPerByte * bodyBytes) resolve(noHttp())
    }, watchMs)
    let failed: Error | null = null
    stream.on('response', (headers) => response.head(headers[':status'] ?? 0, pairs(headers)))
    stream.on('data', (chunk: Buffer) => {
      bodyBytes += chunk.length
      if (!response.body(chunk)) resolve(null)
    })
    stream.on('error', (error) => {
      failed = error
    })
    // `close` is the last event of the stream, when all that came has been read. A stream that the server cancelled,
    // and one that lost its connection, close without an error.
    stream.on('close', () => {
      if (failed === null && stream.rstCode === 0 && response.received().status !== 0) return resolve(null)
      resolve(heard.error() ?? failed ?? (heard.fin() ? endOfStream() : givenUp()))
    })
  })
  const close = () => {
    clearInterval(watch)
    session.destroy()
    socket.destroy()
  }
  return { ended, received: response.received, close }
}

/**
 * Bytes of everything that is no body: as much as over HTTP/1.1 (http1-reader.ts) and what a session opens with, and for each
 * byte of the body the frame that it may come in alone. What servers send without being asked, pings and informational
 * responses among it, has no other end.
 */
const maxFramingBytes = 96 * 1024
const framingPerByte = 10
/** Node.js reads HTTP/2 below JavaScript, so its bytes are looked at from time to time: 250 kB come on 100 Mbit/s. */
const watchMs = 20

/**
 * `Host` becomes `:authority`; headers that concern a connection of HTTP/1.1 are not allowed in HTTP/2 (RFC 9113
 * §8.2.2).
 */
function headersOf({ url, method, headers, body }: Request): OutgoingHttpHeaders {
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  const host = given.find(([name]) => name === 'host')?.[1] ?? url.host
  return {
    ':method': method,
    ':scheme': url.protocol.slice(0, -1),
    ':authority': host,
    ':path': url.pathname + url.search,
    ...Object.fromEntries(given.filter(([name]) => name !== 'host' && name !== 'connection')),
    ...(body !== undefined && { 'content-length': body.length }),
  }
}

/** An error in the form that Node.js uses for a stream that was reset with any code other than these. */
function givenUp(): Error {
  return Object.assign(new Error('the server gave up the stream'), { code: 'ERR_HTTP2_STREAM_ERROR' })
}

/** Node.js has already joined the values of names that came more than once, except for cookies. */
function pairs(headers: IncomingHttpHeaders): HeaderPair[] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, values]) => [values ?? []].flat().map((value) => [headerName(name), value] as const))
}
