// The request that probe and helper send over HTTP/1.1: http-response.md, "What is asked". Pure.

import type { HeaderPair } from './http-header.ts'

export interface Http1Request {
  readonly method: string
  readonly url: URL
  /** `Host` among them; sent in this order and spelling. */
  readonly headers: readonly HeaderPair[]
  /** Its length is sent after the headers. Absent when there is none. */
  readonly body?: Uint8Array | undefined
}

/**
 * @returns The bytes of the request. No `Connection` is added: HTTP/1.1 keeps connections, and what asks is to have no
 * habits of its own.
 * @throws {TypeError} If a header would end its line.
 */
export function writeRequest({ method, url, headers, body }: Http1Request): Buffer {
  const all = needsLength(method, headers, body)
    ? [...headers, ['Content-Length', String(body?.length ?? 0)] as const]
    : headers
  for (const [name, value] of all) {
    if (/[\r\n\0]/.test(name + value))
      throw new TypeError(`Cannot send the header ${JSON.stringify(name)}: it has a line end`)
  }
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...all.map((pair) => pair.join(': '))]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body ?? new Uint8Array()])
}

/** RFC 9110 §8.6: with a body, and where a method that has one is sent without. */
function needsLength(method: string, headers: readonly HeaderPair[], body: Uint8Array | undefined): boolean {
  const isGiven = headers.some(([name]) => name.toLowerCase() === 'content-length')
  return !isGiven && (body !== undefined || method === 'POST')
}
