// What a probe asks of a web-connectivity test helper and what the helper answers: OONI's JSON, field for field, so
// that either side may be OONI's. test-helper.md is the page. collector/test-helper finds the answer.

import * as v from 'valibot'

/** A request has some hundred bytes; a larger one was not made by a probe. */
export const maxRequestBytes = 64 * 1024
/** Ten addresses on two ports each, which is more than OONI's engine finds for nearly every site. */
export const maxTcpConnect = 20
/** Ports of mail servers: a helper that a client can make talk to a mail server sends spam. */
export const forbiddenPorts: readonly number[] = [25, 465, 587]
/** The only headers that a helper forwards: sites choose a page by them. */
export const forwardedHeaders = ['Accept', 'Accept-Language', 'User-Agent'] as const

/** Bits of `ip_info.flags`. */
export const ipFlags = { probe: 1, helper: 2, bogon: 4, validForDomain: 8 } as const

/**
 * The words that a helper may write where something failed: those of the first helper, which every later one kept.
 */
export type DnsHelperFailure = 'dns_name_error' | 'dns_server_failure' | 'unknown_error'
export type TcpHelperFailure = 'connection_refused_error' | 'connect_error' | 'generic_timeout_error'
export type HttpHelperFailure =
  | 'connection_refused_error'
  | 'dns_lookup_error'
  | 'generic_timeout_error'
  | 'unknown_error'

export interface HelperEndpoint {
  readonly ip: string
  readonly port: number
}

/** @returns The endpoint of `IP:PORT`, IPv6 in brackets; null for anything else, names and zones included. */
export function readEndpoint(text: string): HelperEndpoint | null {
  const match = /^(?:([\d.]+)|\[([\da-f:.]+)\]):([1-9]\d{0,4})$/i.exec(text)
  if (match === null) return null
  const [, ipv4, ipv6, digits] = match
  const port = Number(digits)
  if (port > 65_535) return null
  if (ipv4 !== undefined && v.is(ipv4Literal, ipv4)) return { ip: ipv4, port }
  if (ipv6 !== undefined && v.is(ipv6Literal, ipv6)) return { ip: ipv6, port }
  return null
}

export function writeEndpoint({ ip, port }: HelperEndpoint): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

const ipv4Literal = v.pipe(v.string(), v.ipv4())
const ipv6Literal = v.pipe(v.string(), v.ipv6())

/** Characters: more than any browser accepts from a test list, and few enough to quote in an error. */
const maxUrlChars = 4_096
const maxHeaderChars = 1_024

/** @returns What is wrong with the URL, as the end of a sentence; null when it may be measured. */
export function urlFault(text: string): string | null {
  if (!URL.canParse(text)) return 'not a URL'
  const { protocol, port, username, password } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return 'neither http nor https'
  // Trying passwords on a site is not a measurement.
  if (username !== '' || password !== '') return 'with a user name or password'
  return forbiddenPorts.includes(Number(port)) ? `on port ${port}, which is for mail` : null
}

function endpointFault(text: string): string | null {
  const endpoint = readEndpoint(text)
  if (endpoint === null) return 'expected IP:PORT'
  return forbiddenPorts.includes(endpoint.port) ? `port ${endpoint.port} is for mail` : null
}

const measurableUrl = v.pipe(
  v.string(),
  v.maxLength(maxUrlChars),
  v.check(
    (text) => urlFault(text) === null,
    ({ input }) => `Cannot measure a URL that is ${urlFault(input)}`,
  ),
)

const endpoint = v.pipe(
  v.string(),
  v.maxLength(64),
  v.check(
    (text) => endpointFault(text) === null,
    ({ input }) => `Cannot connect to "${input}": ${endpointFault(input)}`,
  ),
)

/** The value has no control characters, which would end the header and begin another. */
const headerValue = v.pipe(
  v.string(),
  v.maxLength(maxHeaderChars),
  v.regex(/^[\t\x20-\x7e\xa0-\xff]*$/, 'Cannot send a header with control characters'),
)

/** Engines written in Go send null for an empty list, and older ones do not know QUIC. Unknown fields are ignored. */
export const testHelperRequest = v.object({
  http_request: measurableUrl,
  http_request_headers: v.nullish(v.record(v.string(), v.array(headerValue)), {}),
  /** The addresses that the probe resolved. Their ports are not used: the URL decides what is tried. */
  tcp_connect: v.nullish(v.pipe(v.array(endpoint), v.maxLength(maxTcpConnect)), []),
  x_quic_enabled: v.nullish(v.boolean(), false),
})
export type TestHelperRequest = v.InferOutput<typeof testHelperRequest>

/**
 * A string and not a closed list: a helper that is not ours may have words of its own, and still gives an outside
 * view.
 */
const failure = v.nullable(v.string())
const status = v.boolean()
const tlsHandshake = v.object({ server_name: v.string(), status, failure })

const httpRequest = v.object({
  /** Number of bytes that were read; -1 when the request failed. */
  body_length: v.pipe(v.number(), v.integer(), v.minValue(-1)),
  /** Empty when there is none, or when the helper does not look for one. */
  discovered_h3_endpoint: v.string(),
  failure,
  title: v.string(),
  /** The first value of each header name. */
  headers: v.record(v.string(), v.string()),
  /** -1 when the request failed. */
  status_code: v.pipe(v.number(), v.integer(), v.minValue(-1)),
  /**
   * Our own field: seconds from the head of the response to the last byte of body that was read. OONI's helpers have
   * none.
   */
  x_sonde_body_seconds: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0))),
  /** Our own field: the hosts of the chain, in the order they were asked. OONI's helpers do not say. */
  x_sonde_hosts: v.optional(v.array(v.string())),
})

const ipInfo = v.object({
  /** Number of the network; 0 when it is not known. */
  asn: v.pipe(v.number(), v.integer(), v.minValue(0)),
  flags: v.pipe(v.number(), v.integer(), v.minValue(0)),
})

export const testHelperResponse = v.object({
  /** Results by `IP:PORT`; an endpoint that was not tried is absent. */
  tcp_connect: v.record(v.string(), v.object({ status, failure })),
  tls_handshake: v.optional(v.record(v.string(), tlsHandshake)),
  quic_handshake: v.optional(v.record(v.string(), tlsHandshake)),
  http_request: httpRequest,
  /** null when it was not tried. */
  http3_request: v.optional(v.nullable(httpRequest)),
  dns: v.object({ failure, addrs: v.array(v.string()) }),
  ip_info: v.optional(v.record(v.string(), ipInfo)),
})
export type TestHelperResponse = v.InferOutput<typeof testHelperResponse>
