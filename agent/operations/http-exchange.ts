// What http-round-trip.ts needs of either version of the protocol: one request, and what has come of it so far.
// http1-exchange.ts and http2-exchange.ts implement it.

import type { Received } from './http-response.ts'

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
