// Takes out of a measurement what would identify the probe, before anything is written. measurement.md, "Scrubbing".
//
// Two nets, as in OONI: the probe's own addresses wherever they stand, and any address in text that came from the
// network (header values, titles, the tail of an unknown failure), since a server may echo whom it sees.

import { createHash } from 'node:crypto'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { scrubbed, scrubText, scrubUrl } from '../../tests-spec/data-formats/scrub-text.ts'
import { bitsOf, headOf } from '../../tests-spec/nettests/address-range.ts'

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
  // The first hop is what the list says; where it led is what the network made of it.
  const url = exchange.tags.some((tag) => /^depth=[1-9]/.test(tag)) ? scrubUrl(request.url) : request.url
  return {
    ...exchange,
    request: { ...request, url, ...scrubHeaders(request) },
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
/** A provider's portal writes the customer's number into where it sends them. */
const urlHeaders = new Set(['location', 'content-location', 'refresh', 'referer', 'link'])

type Headers = Pick<HttpRequest['response'], 'headers' | 'headers_list'>

function scrubHeaders({ headers, headers_list }: Headers): Headers {
  const clean = (name: string, value: string) => {
    if (cookieHeaders.has(name.toLowerCase())) return scrubbed
    return scrubText(urlHeaders.has(name.toLowerCase()) ? scrubUrl(value) : value)
  }
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, clean(name, value)])),
    headers_list: headers_list.map(([name, value]): [string, string] => [name, clean(name, value)]),
  }
}

/**
 * Replaces the probe's own addresses in every string of `value`, keys included.
 *
 * @param own - Addresses of this machine. A whole-word match: 10.0.0.1 does not touch 10.0.0.15.
 */
export function scrubOwnAddresses<T>(value: T, own: readonly string[]): T {
  if (own.length === 0) return value
  const scrubIn = scrubber(own)
  // Strings only: an address in hex may be all digits, and a number that holds them is a number.
  const walk = (each: unknown): unknown => {
    if (typeof each === 'string') return scrubIn(each)
    if (Array.isArray(each)) return each.map(walk)
    if (typeof each !== 'object' || each === null) return each
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [scrubIn(key), walk(inner)]))
  }
  return walk(value) as T
}

function scrubber(own: readonly string[]): (text: string) => string {
  const addresses = own.map((ip) => ip.replace(/%.*$/, ''))
  const spelled = new RegExp(addresses.flatMap(spellings).join('|'), 'gi')
  const ipv6 = new Set(addresses.flatMap((ip) => bitsOf(ip) ?? []).flatMap(asIpv6))
  const isOwn = (token: string) => {
    const bits = bitsOf(token.replaceAll(/%3a/gi, ':').replaceAll(/%2e/gi, '.'))
    return bits !== null && ipv6.has(bits)
  }
  return (text) => text.replace(ipv6Token, (token) => withoutOwn(token, isOwn)).replace(spelled, scrubbed)
}

/** Whatever may be an IPv6 address, compressed or not, zeros before its groups or not, colons URL-encoded or not. */
const ipv6Token = /(?<![0-9a-f])(?:[0-9a-f]{0,4}(?::|%3a)){2,7}[0-9a-f]{0,4}(?:(?:\.|%2e)\d{1,3}){0,3}/gi

/** A colon behind an address may be punctuation, or begin a port: `2001:db8::9:` and `2001:db8::9:443`. In doubt it does. */
function withoutOwn(token: string, isOwn: (token: string) => boolean): string {
  if (isOwn(token)) return scrubbed
  const end = /(?::|%3a)\d{0,5}$/i.exec(token)
  return end !== null && isOwn(token.slice(0, end.index)) ? scrubbed + end[0] : token
}

/** IPv4 in IPv6: mapped (RFC 4291 §2.5.5.2), compatible (§2.5.5.1), translated (RFC 6052 §2.1). */
const ipv4Carriers = ['::ffff:0:0/96', '::/96', '64:ff9b::/96'].map(headOf)

function asIpv6(bits: string): string[] {
  return bits.length === 128 ? [bits] : ipv4Carriers.map((head) => head + bits)
}

/** Patterns for the spellings that are no IPv6 literal: dots, hyphens as in host names, hex, and reversed for DNS. */
function spellings(ip: string): string[] {
  const word = (text: string) => `(?<![0-9a-f])${text}(?![0-9a-f])`
  const bits = bitsOf(ip)
  if (bits === null) return [word(ip.replaceAll(/[^0-9a-f:]/gi, ''))]
  const hex = (bits.match(/.{4}/g) ?? []).map((nibble) => Number.parseInt(nibble, 2).toString(16))
  const whole = hex.join('')
  if (bits.length === 128) return [word(whole), `${hex.reverse().join('\\.')}\\.ip6\\.arpa`]
  const bytes = ip.split('.')
  const dotted = (dot: string) => `(?<![\\d.])${bytes.join(dot)}(?!\\d|\\.\\d)`
  return [
    dotted('\\.'),
    dotted('%2E'),
    `(?<!\\d)(?<!\\d-)${bytes.join('-')}(?!\\d|-\\d)`,
    `(?<![\\d.])${bytes.toReversed().join('\\.')}\\.in-addr\\.arpa`,
    `0x${whole}(?![0-9a-f])`,
    word(whole),
  ]
}
