// What http-round-trip.ts asks of either protocol: one request, and what came of it until now. http1-exchange.ts and
// http2-exchange.ts are the two answers.

import type { Received } from './http-response.ts'

export interface Request {
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Sent in this order, after `Host`. No `Accept-Encoding` is added: bodies are compared as they came. */
  readonly headers: Readonly<Record<string, string>>
  /** With its length sent in the headers. Absent: none. Never part of the observation. */
  readonly body?: Uint8Array
}

/** One request under way. */
export interface OngoingRequest {
  /** null when the response ended as it should, or reached the cap; otherwise the error that ended it. Never rejects. */
  readonly ended: Promise<Error | null>
  /** What has come until now. */
  received(): Received
  /** Stops whatever is still going on, and destroys the socket. */
  close(): void
}
