// One GET over a socket that is open already, written and read as a probe does: tests-spec/nettests/http-response.md. It
// follows no redirect, keeps no cookie and asks for no encoding: redirects are in redirect-chain.ts.

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { type HeaderPair, headerName } from '../../tests-spec/nettests/http-header.ts'
import { Http1Reader, type Reading } from '../../tests-spec/nettests/http1-reader.ts'
import { writeRequest } from '../../tests-spec/nettests/http1-request.ts'
import { firstOf } from './deadline.ts'
import { endOfStream, failureOf } from './failure.ts'

export interface Response {
  readonly status: number
  /** Headers as received, with names in the form `Content-Type`. */
  readonly headers: readonly HeaderPair[]
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
    if (socket.destroyed) return settle(failureOf(socket.errored ?? endOfStream()))
    const sink = new Collected(maxBodyBytes, wantsBody)
    const reader = new Http1Reader({ method: 'GET', isSecure: socket instanceof TLSSocket }, sink)
    const ended = (reading: Reading) => {
      if (reading === 'more') return
      socket.pause()
      settle(reading === 'whole' ? sink.response() : failureOfReading(reading))
    }
    socket.on('data', (bytes: Buffer) => ended(reader.take(bytes)))
    socket.once('error', (error) => settle(failureOf(error)))
    socket.once('end', () => ended(reader.end()))
    socket.once('close', () => settle(failureOf(endOfStream())))
    const given = Object.entries(headers).map(([name, value]): HeaderPair => [headerName(name), value])
    socket.write(writeRequest({ method: 'GET', url, headers: [['Host', url.host], ...given] }))
  })
}

function failureOfReading(reading: 'invalid' | 'cut'): Failure {
  return reading === 'cut' ? 'eof_error' : 'http_invalid_response'
}

/** The response as far as it came. */
class Collected {
  readonly #maxBodyBytes: number
  readonly #wantsBody: RoundTripOptions['wantsBody']
  readonly #chunks: Buffer[] = []
  #head: Response = { status: 0, headers: [], body: Buffer.alloc(0), bodySeconds: null }
  #isWanted = true
  #length = 0
  #headAt = 0

  constructor(maxBodyBytes: number, wantsBody: RoundTripOptions['wantsBody']) {
    this.#maxBodyBytes = maxBodyBytes
    this.#wantsBody = wantsBody
  }

  head(status: number, headers: readonly HeaderPair[]): boolean {
    this.#head = { status, headers, body: Buffer.alloc(0), bodySeconds: null }
    this.#headAt = performance.now()
    this.#isWanted = this.#wantsBody(this.#head)
    return this.#isWanted
  }

  body(bytes: Buffer): boolean {
    const kept = bytes.subarray(0, this.#maxBodyBytes - this.#length)
    this.#chunks.push(kept)
    this.#length += kept.length
    return this.#length < this.#maxBodyBytes
  }

  response(): Response {
    if (!this.#isWanted) return this.#head
    const bodySeconds = (performance.now() - this.#headAt) / 1000
    return { ...this.#head, body: Buffer.concat(this.#chunks), bodySeconds }
  }
}
