// HTTP CONNECT: RFC 9110 §9.3.6. The proxy connects to the collector and passes bytes on; TLS goes through it whole.

import { isIPv6, type Socket } from 'node:net'
import type { ProxyHop } from '../../../tests-spec/protocol/endpoint.ts'
import { NoAnswer } from './no-answer.ts'
import { readReply } from './proxy-reply.ts'
import type { Place } from './tcp.ts'

/** @throws {NoAnswer} `proxy_status_…` when the proxy refuses, `proxy_not_http` when the answer is not HTTP. */
export async function askConnect(
  socket: Socket,
  { host, port }: Place,
  { user, password }: ProxyHop,
  signal: AbortSignal,
): Promise<void> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`
  const credentials =
    user === undefined ? [] : [`Proxy-Authorization: Basic ${base64(`${user}:${password ?? ''}`)}`]
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...credentials]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  const reply = await readReply(socket, endOfHeaders, signal)
  const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(reply.toString('latin1'))?.[1]
  if (status === undefined) throw new NoAnswer('proxy_not_http')
  if (!status.startsWith('2')) throw new NoAnswer(`proxy_status_${status}`)
}

function endOfHeaders(bytes: Buffer): number | null {
  const at = bytes.indexOf('\r\n\r\n')
  return at === -1 ? null : at + 4
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}
