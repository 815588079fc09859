// Takes out of a measurement what would identify the probe, before anything is written. measurement.md, "Scrubbing".
//
// Two nets, as in OONI: the probe's own addresses wherever they stand, and any address in text that came from the
// network (header values, titles, the tail of an unknown failure), since a server may echo whom it sees.

import { digestsOf } from '../../tests-spec/data-formats/body-digest.ts'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import {
  scrubbed,
  scrubHardware,
  scrubHost,
  scrubNumbers,
  scrubText,
  scrubUrl,
} from '../../tests-spec/data-formats/scrub-text.ts'
import { unpacked } from '../../tests-spec/nettests/page-text.ts'
import { replacerOf } from './address-spellings.ts'
import { binaryScrubber } from './binary-scrub.ts'

export { scrubbed, scrubText }

/**
 * @param own - Addresses of this machine, which a page may spell in a way in which other people's addresses are left alone.
 * @returns The observations with addresses, and what an operator writes in about its customer, taken out of every text the
 * network wrote.
 */
export function scrubNetworkText(seen: Observations, own: readonly string[] = []): Observations {
  const scrubOwn = <T>(value: T) => scrubOwnAddresses(value, own)
  return {
    ...seen,
    queries: seen.queries.map((each) =>
      isLedTo(each) ? { ...each, hostname: scrubHost(each.hostname) } : each,
    ),
    tls_handshakes: seen.tls_handshakes.map((each) =>
      isLedTo(each) ? { ...each, server_name: scrubHost(each.server_name) } : each,
    ),
    requests: seen.requests.map((each) => scrubRequest(each, scrubOwn)),
  }
}

/** The first hop is what the list says; where it led is what the network made of it. */
const isLedTo = ({ tags }: { readonly tags: readonly string[] }) =>
  tags.some((tag) => /^depth=[1-9]/.test(tag))

function scrubRequest(exchange: HttpRequest, scrubOwn: (text: string) => string): HttpRequest {
  const { request, response } = exchange
  const { x_sonde_title: title } = response
  const ledTo = isLedTo(exchange)
  const asked = ledTo
    ? { url: scrubHardware(scrubUrl(request.url)), ...scrubHeaders(request, scrubHost) }
    : scrubHeaders(request)
  const isClearText = request.url.startsWith('http:')
  const readable = (text: string) => scrubText(scrubHardware(isClearText ? scrubNumbers(text) : text))
  return {
    ...exchange,
    request: { ...request, ...asked },
    response: {
      ...scrubBody(response, isClearText, scrubOwn),
      ...scrubHeaders(response, isClearText ? scrubCustomer : undefined),
      ...(title !== undefined && { x_sonde_title: readable(title) }),
    },
  }
}

/**
 * A page that echoes its reader's address gives the address away by its digest: four billion are soon tried. Of a packed body no
 * digest without the address can be made, and none is kept.
 */
function scrubBody(
  response: HttpRequest['response'],
  isClearText: boolean,
  scrubOwn: (text: string) => string,
): HttpRequest['response'] {
  const { body, x_sonde_body_sha256: _whole, x_sonde_body_head_sha256: _head, ...rest } = response
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.data, 'base64')
  const scrub = (text: string) => scrubOwn(scrubText(text))
  const isTold = (plain: Buffer) => scrub(plain.toString('latin1')) !== plain.toString('latin1')
  const plain = unpacked({ body: bytes, headersList: response.headers_list })
  if (plain !== bytes && isTold(plain)) return { ...rest, body: '' }
  if (!isTold(bytes)) return response
  const after =
    typeof body === 'string' ? scrub(body) : Buffer.from(scrub(bytes.toString('latin1')), 'latin1')
  const kept =
    typeof after === 'string' ? after : { data: after.toString('base64'), format: 'base64' as const }
  return { ...rest, body: kept, ...digestsOf(Buffer.from(after), isClearText) }
}

/** Cookies are a site's memory of this probe, whatever form they have. */
const cookieHeaders = new Set(['cookie', 'set-cookie'])
/** A provider's portal writes the customer's number into where it sends them. */
const urlHeaders = new Set(['location', 'content-location', 'refresh', 'referer', 'link'])

type Headers = Pick<HttpRequest['response'], 'headers' | 'headers_list'>
type Clean = (value: string, name: string) => string

/** @param further - Done to each value besides. */
function scrubHeaders({ headers, headers_list }: Headers, further: Clean = (value) => value): Headers {
  const clean = (name: string, value: string) => {
    const lower = name.toLowerCase()
    if (cookieHeaders.has(lower) || ofSubscriber.test(lower)) return scrubbed
    return scrubText(scrubHardware(further(urlHeaders.has(lower) ? scrubUrl(value) : value, lower)))
  }
  return {
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, clean(name, value)])),
    headers_list: headers_list.map(([name, value]): [string, string] => [name, clean(name, value)]),
  }
}

/** What mobile operators, hotspots and caches write into requests and responses about who sent them, and from where. */
const ofSubscriber =
  /msisdn|imsi|imei|iccid|subno|subscri|calling|caller|clid|uidh|-acr$|user-?id|customer|^x-up-|^x-nokia-|^x-wap-|^x-h3g|^x-orange|phone|mobile-?n|ssid|(?:client|user|device|sta)-?mac|latitude|longitude|geo-?(?:lat|lon|loc|city|coord|point)/

/** Headers whose value is a number by what they are. */
const ofNumbers = new Set(['content-length', 'age', 'max-forwards', 'retry-after', 'x-content-length'])

/** In clear text an operator may have written its customer's number into a header of any name. */
const scrubCustomer: Clean = (value, name) =>
  !ofNumbers.has(name) && /^\+?\d{8,15}$/.test(value.trim()) ? scrubbed : value

/** Fields that hold bytes in base64, beside what says so itself (`format`). */
const binaryFields: ReadonlySet<string> = new Set(['raw_response', 'raw', 'x_sonde_rdata'])

/**
 * Replaces the probe's own addresses in every string of `value`, keys included, and in bytes: certificates, and messages of
 * DNS. There the letters and digits of a text become `x`, and an address in binary form zeros, so that what they are part of can
 * still be read.
 *
 * @param own - Addresses of this machine.
 */
export function scrubOwnAddresses<T>(value: T, own: readonly string[]): T {
  if (own.length === 0) return value
  const replace = replacerOf(own)
  const scrubIn = (text: string) => replace(text, () => scrubbed)
  const scrubBinary = binaryScrubber(own, (text) =>
    replace(text, (found) => found.replaceAll(/[0-9a-z]/gi, 'x')),
  )
  // Strings only: an address in hex may be all digits, and a number that holds them is a number.
  const walk = (each: unknown): unknown => {
    if (typeof each === 'string') return scrubIn(each)
    if (Array.isArray(each)) return each.map(walk)
    if (typeof each !== 'object' || each === null) return each
    const isBinary = 'format' in each && each.format === 'base64'
    return Object.fromEntries(
      Object.entries(each).map(([key, inner]) => {
        const holdsBytes =
          typeof inner === 'string' && (binaryFields.has(key) || (isBinary && key === 'data'))
        return [scrubIn(key), holdsBytes ? scrubBinary(inner) : walk(inner)]
      }),
    )
  }
  return walk(value) as T
}
