// An HTTP/1.1 response that raw-exchange.ts received whole, for requests that no client would send. Read like any other, by
// tests-spec/nettests/http1-reader.ts. Pure.

import { Http1Reader } from '../../tests-spec/nettests/http1-reader.ts'
import { collect, type Received } from './http-response.ts'

/** Like `Received`; `whole` says whether the message is complete. */
export interface Http1Message extends Received {
  readonly whole: boolean
}

/**
 * Reads the part of a response that has come. Never throws.
 *
 * @returns null when the bytes are no HTTP response; while its head is incomplete, a message of status 0 that is not
 * whole.
 */
export function readHttp1(bytes: Buffer): Http1Message | null {
  const response = collect(bytes.length, () => 0)
  const reading = new Http1Reader({ method: 'GET', isSecure: false }, response).take(bytes)
  if (reading === 'invalid') return null
  return { ...response.received(), bodySeconds: null, whole: reading === 'whole' }
}
