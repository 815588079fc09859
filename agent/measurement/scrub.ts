// Takes out of a measurement what would identify the probe, before anything is written. measurement.md, "Scrubbing".
//
// Two nets, as in OONI: the probe's own addresses wherever they stand, and any address in text that came from the
// network (header values, titles, the tail of an unknown failure), since a server may echo whom it sees.

import { createHash } from 'node:crypto'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { scrubbed, scrubText } from '../../tests-spec/data-formats/scrub-text.ts'

export { scrubbed, scrubText }

/** @returns The observations with addresses taken out of every text the network wrote. */
export function scrubNetworkText(seen: Observations): Observations {
  return { ...seen, requests: seen.requests.map(scrubRequest) }
}

function scrubRequest(exchange: HttpRequest): HttpRequest {
  const { request, response } = exchange
  const body = typeof response.body === 'string' ? scrubText(response.body) : response.body
  const title =
    response.x_sonde_title === undefined ? {} : { x_sonde_title: scrubText(response.x_sonde_title) }
  return {
    ...exchange,
    request: { ...request, ...scrubHeaders(request) },
    response: { ...response, ...scrubHeaders(response), body, ...digestOf(response.body, body), ...title },
  }
}

/** A page that echoes its reader's address gives the address away by its digest: four billion are soon tried. */
function digestOf(before: unknown, after: unknown): { x_sonde_body_sha256?: string } {
  if (typeof after !== 'string' || before === after) return {}
  return { x_sonde_body_sha256: createHash('sha256').update(after).digest('hex') }
}

/** Cookies are a site's memory of this probe, whatever form they have. */
const cookieHeaders = new Set(['cookie', 'set-cookie'])

type Headers = Pick<HttpRequest['response'], 'headers' | 'headers_list'>

function scrubHeaders({ headers, headers_list }: Headers): Headers {
  const clean = (name: string, value: string) =>
    cookieHeaders.has(name.toLowerCase()) ? scrubbed : scrubText(value)
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, clean(name, value)])),
    headers_list: headers_list.map(([name, value]): [string, string] => [name, clean(name, value)]),
  }
}

/**
 * Replaces the probe's own addresses in every string of `value`.
 *
 * @param own - Addresses of this machine. A whole-word match: 10.0.0.1 does not touch 10.0.0.15.
 */
export function scrubOwnAddresses<T>(value: T, own: readonly string[]): T {
  if (own.length === 0) return value
  const pattern = new RegExp(own.flatMap(spellings).join('|'), 'gi')
  // JSON's own text: every string, keys included, in one pass.
  return JSON.parse(JSON.stringify(value).replace(pattern, scrubbed)) as T
}

/** Patterns for one address: an IPv4 address is also written mapped into IPv6, in hex, and URL-encoded. */
function spellings(ip: string): string[] {
  if (ip.includes(':')) {
    const alone = (text: string) => `(?<![0-9a-f:])${text}(?![0-9a-f:])`
    return [alone(ip), alone(ip.replaceAll(':', '%3A'))]
  }
  const dotted = (dot: string) => `(?<![\\d.])${ip.replaceAll('.', dot)}(?!\\d|\\.\\d)`
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  const hex = bytes.join('')
  const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`
  const word = (text: string) => `(?<![0-9a-f])${text}(?![0-9a-f])`
  return [
    `::ffff:${dotted('\\.')}`,
    dotted('\\.'),
    dotted('%2E'),
    word(`::ffff:${groups}`),
    word(`0x${hex}`),
    word(hex),
  ]
}
