// A collector for tests: it answers one post after the other with what it was told to, over a real socket. The test
// makes all decisions of the collector.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Posted {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Number of the TCP connection that it came over, from 0. */
  readonly connection: number
}

/** Answers one post, or leaves it without an answer. */
export type Reply = (response: ServerResponse, posted: Posted) => void

export interface StubCollector {
  readonly url: string
  /** Posts in the order in which they came. */
  readonly posted: Posted[]
  close(): Promise<void>
}

/**
 * Listens on loopback.
 * @param reply - Called once per post.
 * @param tls - Key and certificate; plain HTTP without.
 */
export async function stubCollector(
  reply: Reply,
  tls?: { readonly key: string; readonly cert: string },
): Promise<StubCollector> {
  const posted: Posted[] = []
  const connections = new Map<unknown, number>()
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    if (!connections.has(request.socket)) connections.set(request.socket, connections.size)
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const connection = connections.get(request.socket) ?? -1
      const each = { method, path, headers, body: Buffer.concat(chunks), connection }
      posted.push(each)
      reply(response, each)
    })
  }
  const server: Server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    posted,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Answers with a problem document (RFC 9457). */
export function problem(
  status: number,
  code: string,
  headers: Record<string, string> = {},
  more: object = {},
): Reply {
  return (response) => {
    const body = JSON.stringify({
      type: 'about:blank',
      title: 'No',
      status,
      detail: `no: ${code}`,
      code,
      ...more,
    })
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(body)
  }
}

export function answer(
  status: number,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
): Reply {
  return (response) => {
    response.writeHead(status, headers).end(body)
  }
}
