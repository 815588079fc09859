// A service described as data: what a messenger, a VPN or a news app needs to reach. A new one is a new description in
// a test list and no new code on a device. service-reachability.md is the page; what is concluded is in
// service-reachability.ts.

import { X509Certificate } from 'node:crypto'
import * as v from 'valibot'
import { hostOfUrl } from './host-text.ts'

/** In lower case and ASCII, as it goes into DNS and into tags. */
const name = v.pipe(
  v.string(),
  v.regex(/^(?=.*[a-z])[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/, 'expected a name in lower case'),
  v.maxLength(253),
)
const host = v.union([name, v.pipe(v.string(), v.ip())], 'expected a name in lower case or an IP literal')
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))

export const serviceEndpoint = v.variant('kind', [
  /** Reached when a response came, of any status; behind TLS, under a certificate that is good for the host. */
  v.strictObject({
    kind: v.literal('url'),
    url: v.pipe(
      v.string(),
      v.url(),
      v.regex(/^https?:\/\/[^/@]+\//, 'expected http:// or https://, a host and a path'),
    ),
    method: v.picklist(['GET', 'POST', 'HEAD']),
  }),
  /** Reached when one of the ports accepts a connection. */
  v.strictObject({
    kind: v.literal('tcp'),
    host,
    ports: v.pipe(v.array(port), v.minLength(1), v.maxLength(8)),
  }),
  /** Reached when the handshake ends well, under a certificate good for `server_name`; without one, for `host`. */
  v.strictObject({ kind: v.literal('tls'), host, port, server_name: v.optional(name) }),
  /** Reached when the system's resolver gives an address that a public host can have. */
  v.strictObject({ kind: v.literal('dns'), host: name }),
])

/** What the service needs for one of its functions, so that it is judged by itself. */
export const serviceGroup = v.strictObject({
  /** Part of rule names, which have neither digits nor hyphens. */
  name: v.pipe(v.string(), v.regex(/^[a-z]+(_[a-z]+)*$/), v.maxLength(30)),
  needs: v.picklist(['any', 'all']),
  endpoints: v.pipe(
    v.array(serviceEndpoint),
    v.minLength(1),
    v.check(
      (endpoints) => isEachOnce(endpoints.flatMap(placesOf)),
      'two endpoints share a host and a port: their observations could not be told apart',
    ),
  ),
  /** Measured and recorded, never judged. */
  informational: v.optional(v.boolean()),
})

/** One certificate of an authority: a leaf, or several in one text, would trust other than what was meant. */
const root = v.pipe(
  v.string(),
  v.check((pem) => isOneAuthority(pem), 'expected the PEM of one certificate, of an authority'),
)

/** A device measures all of a service at every turn: more than this is several services. */
const maxEndpoints = 40

/** The `input` of the entry that measures it. */
export const serviceName = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,39}$/))

export const service = v.strictObject({
  name: serviceName,
  groups: v.pipe(
    v.array(serviceGroup),
    v.minLength(1),
    v.check((groups) => isEachOnce(groups.map((group) => group.name)), 'two groups have the same name'),
    v.check(
      (groups) => groups.some((group) => group.informational !== true),
      'every group is informational: nothing is left to judge',
    ),
    v.check(
      (groups) => groups.flatMap((group) => group.endpoints).length <= maxEndpoints,
      `expected at most ${maxEndpoints} endpoints`,
    ),
  ),
  /** Trusted besides the usual roots, for this service alone. PEM. */
  extra_roots: v.optional(v.pipe(v.array(root), v.maxLength(8))),
})
export type Service = v.InferOutput<typeof service>
export type ServiceGroup = v.InferOutput<typeof serviceGroup>
export type ServiceEndpoint = v.InferOutput<typeof serviceEndpoint>

/** The name or IP literal of an endpoint, IPv6 without brackets. */
export function hostOf(endpoint: ServiceEndpoint): string {
  if (endpoint.kind !== 'url') return endpoint.host
  return hostOfUrl(new URL(endpoint.url))
}

/** The TCP ports an endpoint is tried on; none for a name that is only resolved. */
export function portsOf(endpoint: ServiceEndpoint): readonly number[] {
  switch (endpoint.kind) {
    case 'url': {
      const { port: given, protocol } = new URL(endpoint.url)
      return [given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given)]
    }
    case 'tcp':
      return endpoint.ports
    case 'tls':
      return [endpoint.port]
    case 'dns':
      return []
    default:
      return endpoint satisfies never
  }
}

function placesOf(endpoint: ServiceEndpoint): string[] {
  // A URL that `v.url()` has refused already is named there; here it must only not throw.
  if (endpoint.kind === 'url' && !URL.canParse(endpoint.url)) return []
  const places = endpoint.kind === 'dns' ? ['dns'] : portsOf(endpoint)
  return places.map((place) => `${hostOf(endpoint)} ${place}`)
}

function isEachOnce(names: readonly string[]): boolean {
  return new Set(names).size === names.length
}

function isOneAuthority(pem: string): boolean {
  if (pem.split('-----BEGIN').length !== 2) return false
  try {
    return new X509Certificate(pem).ca
  } catch {
    // Bytes that are no certificate: refused like a certificate that is no authority.
    return false
  }
}
