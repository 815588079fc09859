// One GET over a socket that is open already, by Node's own HTTP/1.1 client. No redirect, no cookie, no encoding: those
// are redirect-chain.ts's business.

import { isUtf8 } from 'node:buffer'
import { type IncomingMessage, request as startRequest } from 'node:http'
import type { Socket } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { firstOf } from './deadline.ts'
import { failureOf } from './failure.ts'

export interface Response {
  readonly status: number
  /** As received, with names in the form `Content-Type`. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** From the head to the end of the body; null when it was not read. */
  readonly bodySeconds: number | null
}

export interface RoundTripOptions {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Reading stops there; what came until then is the body, and being cut is no failure. */
  readonly maxBodyBytes: number
  /** Whether the body is of interest, once the head is known. Without it the body is empty. */
  readonly wantsBody: (response: Response) => boolean
}

/** Room for the longest security policies seen; a header that never ends does end here. */
const maxHeaderBytes = 64 * 1024

/**
 * @param socket - Connected, and handshaken for https. The caller destroys it; what is left unread stays unread.
 * @returns The response, or why there is none. Half a body is none.
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
    // A change of protocol nobody asked for ends so, and without an error. Later it says nothing: the last of a
    // body may still have to be read.
    asked.on('close', () => {
      if (!responded) settle('eof_error')
    })
    asked.on('response', (incoming) => {
      responded = true
      // What befalls a response nobody reads any more is no news.
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

/** `content-type` as `Content-Type`, the form OONI's data has whatever the server wrote. */
function headerName(name: string): string {
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}

/** Text of which each character stands for a byte: as UTF-8 where it is that, which is what servers mean. */
export function latin1OrUtf8(latin1: string): string {
  const bytes = Buffer.from(latin1, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : latin1
}
