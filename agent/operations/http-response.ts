// A response as it comes in and as it is written down: OONI's df-001, `response`. Pure. http1-exchange.ts and
// http2-exchange.ts receive it.

import { isUtf8 } from 'node:buffer'
import { digestsOf } from '../../tests-spec/data-formats/body-digest.ts'
import type { HttpRequest } from '../../tests-spec/data-formats/observation.ts'
import { type HeaderPair, headerName } from '../../tests-spec/nettests/http-header.ts'
import type { Http1Fault } from '../../tests-spec/nettests/http1-head.ts'
import { titleOf } from '../../tests-spec/nettests/page-title.ts'

export { type HeaderPair, headerName }

/** The part of a response that has come. */
export interface Received {
  /** Status code; 0 when no status line came. */
  readonly status: number
  /** Headers with order and repeats as received, and names in the form of `headerName()`. */
  readonly headersList: readonly HeaderPair[]
  /** Body up to the cap. */
  readonly body: Buffer
  /** Whether the body was longer than the cap. */
  readonly truncated: boolean
  /** Seconds from the head to the last byte that was kept; null without a body. */
  readonly bodySeconds: number | null
  /** What the reader forgave. Absent where it is not ours: over HTTP/2. */
  readonly faults?: readonly Http1Fault[]
}

/** What there is of a response before its first byte. */
export const noResponse: Received = {
  status: 0,
  headersList: [],
  body: Buffer.alloc(0),
  truncated: false,
  bodySeconds: null,
}

export interface Collector {
  /** @returns Whether the body is wanted: always. */
  head(status: number, headersList: readonly HeaderPair[]): boolean
  /** @returns Whether there is room for more; false from the first byte that passes the cap. */
  body(chunk: Buffer): boolean
  received(): Received
}

/**
 * Keeps a response until it ends or its body passes `maxBodyBytes`.
 * @param now - Seconds on a monotonic clock.
 */
export function collect(maxBodyBytes: number, now: () => number): Collector {
  let status = 0
  let headersList: readonly HeaderPair[] = []
  let length = 0
  let truncated = false
  let headAt = 0
  let lastAt: number | null = null
  const chunks: Buffer[] = []
  return {
    head(code, headers) {
      // Informational responses such as 103 announce the response and are not the response itself.
      if (code < 200) return true
      status = code
      headAt = now()
      headersList = headers
      return true
    },
    body(chunk) {
      const kept = chunk.subarray(0, maxBodyBytes - length)
      if (kept.length > 0) chunks.push(kept)
      length += kept.length
      if (kept.length > 0) lastAt = now()
      truncated ||= kept.length < chunk.length
      return !truncated
    },
    received: () => ({
      status,
      headersList,
      body: Buffer.concat(chunks),
      truncated,
      bodySeconds: lastAt === null ? null : lastAt - headAt,
    }),
  }
}

/** @param isClearText - Anybody on the path may have written it: the digest of its beginning is kept too. */
export function describeResponse(
  { status, headersList, body, truncated, bodySeconds, faults = [] }: Received,
  isClearText: boolean,
): HttpRequest['response'] {
  const text = isUtf8(body) ? body.toString('utf8') : null
  const title = titleOf({ body, headersList })
  return {
    code: status,
    headers: firstOfEach(headersList),
    headers_list: headersList.map(([name, value]) => [name, value]),
    body: text ?? { data: body.toString('base64'), format: 'base64' },
    body_is_truncated: truncated,
    ...(body.length > 0 && {
      ...digestsOf(body, isClearText),
      x_sonde_body_length: body.length,
      ...(bodySeconds !== null && { x_sonde_body_seconds: bodySeconds }),
    }),
    ...(title !== null && { x_sonde_title: title }),
    ...(faults.length > 0 && { x_sonde_http_faults: [...faults] }),
  }
}

/** The first value of each name, as in df-001's `headers`. */
export function firstOfEach(list: readonly HeaderPair[]): Record<string, string> {
  // The list is reversed, so that the first value of a name is written last. `fromEntries` makes own properties only,
  // whatever names a server gives its headers.
  return Object.fromEntries([...list].reverse())
}
