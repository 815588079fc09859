// HTTP/1.1 over a socket that is open already, by undici's Client, which is given the socket and never allowed to
// open another. The deadline and the observation are in http-round-trip.ts.

import { isUtf8 } from 'node:buffer'
import type { Socket } from 'node:net'
import { Client } from 'undici'
import type { OngoingRequest, Request } from './http-exchange.ts'
import { collect, type HeaderPair, headerName } from './http-response.ts'
import { endOfStream, hearSocket } from './wire.ts'

/** Sends `request` over `socket` at once. */
export function http1Exchange(
  socket: Socket,
  request: Request,
  maxBodyBytes: number,
  now: () => number,
): OngoingRequest {
  const client = clientOver(socket, request.url)
  const response = collect(maxBodyBytes, now)
  const heard = hearSocket(socket)
  const path = request.url.pathname + request.url.search

  const ended = new Promise<Error | null>((resolve) => {
    client.dispatch(
      { path, method: request.method, headers: request.headers, body: request.body ?? null },
      {
        // undici recognises by this property that the handlers have the current form.
        onRequestStart: () => {},
        onResponseStart: ({ rawHeaders }, status) => response.head(status, pairs(rawHeaders)),
        onResponseData: (_controller, chunk) => {
          if (!response.body(chunk)) resolve(null)
        },
        // When a body ends with the connection, undici takes a reset for its end; the socket tells the difference.
        onResponseEnd: () => resolve(heard.error()),
        // For a FIN in mid-response, undici reports a parser error or a wrong length, depending on the headers.
        onResponseError: (_controller, error) =>
          resolve(heard.fin() ? endOfStream() : (heard.error() ?? error)),
      },
    )
  })
  const close = () => {
    // destroy() never rejects, and its end is not waited for: the socket is destroyed within the call.
    void client.destroy()
    socket.destroy()
  }
  return { ended, received: response.received, close }
}

/** Room for the longest security policies seen in headers; an endless header is cut off here. */
const maxHeaderBytes = 64 * 1024

function clientOver(socket: Socket, url: URL): Client {
  let handedOver = false
  return new Client(url.origin, {
    connect: (_options, callback) => {
      // undici hangs for ever when it is called back within this call.
      queueMicrotask(() => {
        // A second connection would be a second measurement, and undici would open it without our knowledge.
        if (handedOver) return callback(endOfStream(), null)
        handedOver = true
        callback(null, socket)
      })
    },
    pipelining: 1,
    maxHeaderSize: maxHeaderBytes,
    // undici's own limits are off: the operation's deadline is the only one.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

/**
 * Reads undici's raw headers, in which name and value alternate. Values are Latin-1 by RFC 9110 and UTF-8 in
 * practice.
 */
function pairs(raw: unknown): HeaderPair[] {
  if (!Array.isArray(raw)) return []
  const texts = raw.map((each) => {
    const bytes = Buffer.from(each)
    return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
  })
  return texts.flatMap((name, i) => (i % 2 === 0 ? [[headerName(name), texts[i + 1] ?? ''] as const] : []))
}
