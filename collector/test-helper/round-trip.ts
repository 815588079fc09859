// One GET over a socket that is open already, by Node's own HTTP/1.1 client. It follows no redirect, keeps no cookie
// and asks for no encoding: redirects are in redirect-chain.ts.

import { type IncomingMessage, request as startRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { latin1OrUtf8 } from '../../tests-spec/nettests/page-title.ts'
import { firstOf } from './deadline.ts'
import { failureOf } from './failure.ts'

export interface Response {
  readonly status: number
  /** Headers as received, with names in the form `Content-Type`. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** Seconds from the head to the end of the body; null when the body was not read. */
  readonly bodySeconds: number | null
}

export interface RoundTripOptions {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /**
   * Bytes after which reading stops; those that came until then are the body, and it is no failure that it was cut.
   */
  readonly maxBodyBytes: number
  /** Whether the body is wanted, decided once the head is known. If not, the body is empty. */
  readonly wantsBody: (response: Response) => boolean
}

/** Room for the longest security policies seen; an endless header is cut off here. */
const maxHeaderBytes = 64 * 1024

/**
 * @param socket - Connected and, for https, after its handshake. The caller destroys it; bytes that were not read
 * stay unread.
 * @returns The response, or why there is none. A response with half a body does not count.
 */
export function roundTrip(
  socket: Socket,
  { url, headers, maxBodyBytes, wantsBody }: RoundTripOptions,
  signal: AbortSignal,
): Promise<Response | Failure> {
  return firstOf<Response | Failure>(signal, 'generic_timeout_error', (settle) => {
    const asked = startRequest({
      createConnection: () => socket,
      path: url.pathname + url.search,
      headers: { Host: url.host, ...headers },
      maxHeaderSize: maxHeaderBytes,
    })
    asked.on('error', (error) => settle(failureOf(error)))
    let responded = false
    // A change of protocol that was not asked for closes the request like this, without an error. A later close means
    // nothing: the last part of a body may still have to be read.
    asked.on('close', () => {
      if (!responded) settle('eof_error')
    })
    asked.on('response', (incoming) => {
      responded = true
      // Errors of a response that is not read any more do not matter.
      incoming.on('error', () => {})
      const head = headOf(incoming)
      if (!wantsBody(head)) return settle(head)
      const headAt = performance.now()
      readBody(incoming, maxBodyBytes, (body) => {
        const bodySeconds = (performance.now() - headAt) / 1000
        settle(typeof body === 'string' ? body : { ...head, body, bodySeconds })
      })
    })
    asked.end()
  })
}

function headOf({ statusCode = 0, rawHeaders }: IncomingMessage): Response {
  const headers = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [[headerName(name), latin1OrUtf8(rawHeaders[i + 1] ?? '')] as const] : [],
  )
  return { status: statusCode, headers, body: Buffer.alloc(0), bodySeconds: null }
}

function readBody(
  incoming: IncomingMessage,
  maxBytes: number,
  settle: (body: Buffer | Failure) => void,
): void {
  const chunks: Buffer[] = []
  let length = 0
  incoming.on('data', (chunk: Buffer) => {
    const kept = chunk.subarray(0, maxBytes - length)
    chunks.push(kept)
    length += kept.length
    if (length < maxBytes) return
    incoming.pause()
    settle(Buffer.concat(chunks))
  })
  incoming.on('end', () => settle(Buffer.concat(chunks)))
  incoming.on('error', (error) => settle(failureOf(error)))
  incoming.on('close', () => settle('eof_error'))
}

/** Writes `content-type` as `Content-Type`, the form that OONI's data has whatever the server wrote. */
function headerName(name: string): string {
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}
