// One way to a collector, as data: where to connect, under which name, through which proxy, and which key to expect
// there. endpoint.md is the page. The probe decides which ways are tried, and in which order.

import * as v from 'valibot'
import { sha256Hex } from './batch.ts'

const dnsName = v.pipe(
  v.string(),
  v.maxLength(253),
  v.regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, 'expected a host name'),
)
const host = v.union([dnsName, v.pipe(v.string(), v.ip())], 'expected a host name or an IP address')
/** RFC 1929 §2: the length is sent in one byte. */
const credential = v.pipe(v.string(), v.minLength(1), v.maxBytes(255))

const proxyFields = {
  /** `connect` is HTTP CONNECT (RFC 9110 §9.3.6); `socks5` is RFC 1928, where the proxy resolves the name. */
  kind: v.picklist(['connect', 'socks5']),
  host,
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  user: v.optional(credential),
  password: v.optional(credential),
}

const commonFields = {
  /** `collector` speaks batch.md's exchange; `relay` only keeps files: PUT of a batch, GET of its receipt. */
  kind: v.picklist(['collector', 'relay']),
  url: v.pipe(
    v.string(),
    v.maxLength(512),
    v.check(isPlainUrl, 'expected https://NAME[:PORT][/PATH], without user, query or fragment'),
  ),
  /** IP address to connect to; then no name is resolved. */
  ip: v.optional(v.pipe(v.string(), v.ip('expected an IP address'))),
  /** The name in the ClientHello: absent for the URL's own, null for none. */
  sni: v.optional(v.nullable(dnsName)),
  /**
   * Base64 of the SHA-256 over the SPKI of the certificate's key. The key must be one of these; then nothing else in
   * the certificate is checked.
   */
  pins: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/, 'expected base64 of 32 bytes'))),
      v.minLength(1),
      v.maxLength(8),
    ),
  ),
}

const signedEndpoint = v.looseObject({ ...commonFields, proxy: v.optional(v.looseObject(proxyFields)) })
const writtenEndpoint = v.strictObject({ ...commonFields, proxy: v.optional(v.strictObject(proxyFields)) })
export type Endpoint = v.InferOutput<typeof signedEndpoint>
export type ProxyHop = NonNullable<Endpoint['proxy']>

const secure = 'pins and sni say what TLS does: they need an https URL'
const onion = 'a .onion name is resolved by a SOCKS5 proxy: give one, and no ip'
const contradiction = 'with a socks5 proxy the far end resolves the name: give no ip'

/** An endpoint in a signed document: unknown fields are kept. */
export const endpoint = v.pipe(
  signedEndpoint,
  v.check((each) => tlsWhereNeeded(each), secure),
  v.check((each) => onionThroughSocks(each), onion),
  v.check((each) => oneResolver(each), contradiction),
)

/** An endpoint that the operator writes in a configuration: an unknown field is a mistake. */
export const endpointSetting = v.pipe(
  writtenEndpoint,
  v.check((each) => tlsWhereNeeded(each), secure),
  v.check((each) => onionThroughSocks(each), onion),
  v.check((each) => oneResolver(each), contradiction),
)

/** More ways than any operator has; a probe needs a second to try each. */
export const maxEndpoints = 32

/** @returns The endpoints that can be used. One of a later kind is left out: it must not cost the others. */
export function readEndpoints(unread: readonly unknown[]): Endpoint[] {
  return unread.flatMap((each) => {
    const parsed = v.safeParse(endpoint, each)
    return parsed.success ? [parsed.output] : []
  })
}

/** @returns 16 hex digits, the same for two endpoints that lead the same way; the way cannot be read from them. */
export function endpointId({ kind, url, ip, sni, pins, proxy }: Endpoint): string {
  const way = [kind, url, ip, sni === undefined ? 'own' : sni, pins?.toSorted(), proxy]
  return sha256Hex(Buffer.from(JSON.stringify(way))).slice(0, 16)
}

/** How an endpoint is reached, in a word that names no host. Stable: logs and status count by it. */
export type Transport = 'direct' | 'fixed_ip' | 'connect' | 'socks5' | 'relay'

export function transportOf({ kind, ip, proxy }: Endpoint): Transport {
  if (kind === 'relay') return 'relay'
  return proxy?.kind ?? (ip === undefined ? 'direct' : 'fixed_ip')
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return /^https?:$/.test(protocol) && username + password + search + hash === '' && !/[\s\\]/.test(text)
}

function tlsWhereNeeded({ url, pins, sni }: Pick<Endpoint, 'url' | 'pins' | 'sni'>): boolean {
  return /^https:/i.test(url) || (pins === undefined && sni === undefined)
}

function onionThroughSocks({ url, proxy, ip }: Pick<Endpoint, 'url' | 'proxy' | 'ip'>): boolean {
  return !hostOf(url).endsWith('.onion') || (proxy?.kind === 'socks5' && ip === undefined)
}

function oneResolver({ ip, proxy }: Pick<Endpoint, 'ip' | 'proxy'>): boolean {
  return ip === undefined || proxy?.kind !== 'socks5'
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}
