// What http-round-trip.ts needs of either version of the protocol: one request, and what has come of it so far.
// http1-exchange.ts and http2-exchange.ts implement it.

import { type HeaderPair, headerName, type Received } from './http-response.ts'

export interface Request {
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Headers, sent in this order, after `Host`. No `Accept-Encoding` is added: bodies are compared as they came. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Body of the request; its length is sent in the headers. Absent when there is none. Never part of the observation.
   */
  readonly body?: Uint8Array
}

/** One request under way. */
export interface OngoingRequest {
  /**
   * Resolves with null when the response ended as it should, or reached the cap; otherwise with the error that ended
   * it. Never rejects.
   */
  readonly ended: Promise<Error | null>
  /** @returns The part of the response that has come so far. */
  received(): Received
  /** Stops whatever still goes on, and destroys the socket. */
  close(): void
}

/** The headers as they are recorded and, over HTTP/1.1, sent: `Host` first unless it is given, each name as browsers spell it. */
export function requestHeaders({ url, headers }: Request): readonly HeaderPair[] {
  const given = Object.entries(headers).map(([name, value]): HeaderPair => [headerName(name), value])
  return given.some(([name]) => name === 'Host') ? given : [['Host', url.host], ...given]
}
