// OONI's conclusion from the probe's view and the helper's (its version 0.5): `blocking`, `accessible` and
// `http_experiment_failure`, its quirks included, since its readers compare our keys with those of other probes.
// web-connectivity.md, "test_keys", is the page. Our own verdict is in web-connectivity.ts.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import type {
  DnsQuery,
  HttpRequest,
  Observations,
  TcpConnect,
  TlsHandshake,
} from '../data-formats/observation.ts'
import { writeEndpoint } from '../protocol/test-helper.ts'
import { isBogon } from './bogon.ts'
import { addressesIn, classicTag, tagged, withoutFollowUps } from './failed-step.ts'
import { compareWithOutside, keyOutside, type OutsideView } from './outside-view.ts'
import { isFinal, samePage } from './page-comparison.ts'
import { locationOf, maxRedirects, redirectTarget } from './redirect.ts'

/** OONI's word for the step it blames; false: not blocked; null: cannot be told. */
export const blocking = v.union([
  v.picklist(['dns', 'tcp_ip', 'http-failure', 'http-diff']),
  v.literal(false),
  v.null(),
])
export type Blocking = v.InferOutput<typeof blocking>

export interface OoniConclusion {
  readonly blocking: Blocking
  readonly accessible: boolean | null
  /** Of what decided; null also where that did not fail. */
  readonly http_experiment_failure: Failure | null
}

type Concluding = (failure: Failure | null) => OoniConclusion
const because =
  (by: Blocking, accessible: boolean | null): Concluding =>
  (failure) => ({ blocking: by, accessible, http_experiment_failure: failure })
const unknown = because(null, null)
const reached = because(false, true)
/** Neither could reach it: the site's own trouble. */
const down = because(false, false)
const blockedBy = (by: Blocking): Concluding => because(by, false)

/** OONI's words for a chain that does not end. */
const tooManyRedirects: Failure = 'unknown_failure: stopped after too many redirects'

interface Views {
  /** The hops of the redirect chain, from the first on. */
  readonly hops: readonly Observations[]
  readonly outside: OutsideView | null
}

/** The deepest hop first, and in each HTTP before TLS before TCP before DNS: the first that says something decides. */
export function concludeAsOoni(
  { hops, outside }: Views,
  consistency: 'consistent' | 'inconsistent' | null,
): OoniConclusion {
  const views = { hops: hops.map(classicOf), outside }
  const depths = [...hops.keys()].reverse()
  const found = depths.reduce<OoniConclusion | null>((so, depth) => so ?? fromHop(views, depth), null)
  const conclusion = found ?? unknown(null)
  if (consistency !== 'inconsistent' || conclusion.accessible === true) return conclusion
  return blockedBy('dns')(conclusion.http_experiment_failure)
}

/** What was seen by the system's resolver and at its addresses, or those of the URL itself. */
function classicOf(hop: Observations): Observations {
  const seen = withoutFollowUps(hop)
  return seen.queries.length > 0 ? tagged(seen, classicTag) : seen
}

function fromHop(views: Views, depth: number): OoniConclusion | null {
  const { requests = [], tls_handshakes = [], tcp_connect = [] } = views.hops[depth] ?? {}
  const { outside } = views
  return (
    first(
      requests,
      ({ failure }) => failure,
      (each) => fromRequest(each, views, depth),
    ) ??
    first(
      tls_handshakes,
      ({ failure }) => failure,
      (each) => fromHandshake(each, outside),
    ) ??
    first(
      tcp_connect,
      ({ status }) => status.failure,
      (each) => fromConnect(each, outside),
    ) ??
    fromLookup(views, depth)
  )
}

/** Successes before failures, these by their words, and the newest of each first. */
function first<T extends { readonly transaction_id: number }>(
  all: readonly T[],
  failureOf: (each: T) => Failure | null,
  conclude: (each: T) => OoniConclusion | null,
): OoniConclusion | null {
  const words = (each: T) => failureOf(each) ?? ''
  const sorted = [...all].sort((a, b) =>
    words(a) === words(b) ? b.transaction_id - a.transaction_id : words(a) < words(b) ? -1 : 1,
  )
  return sorted.reduce<OoniConclusion | null>((found, each) => found ?? conclude(each), null)
}

function fromRequest(request: HttpRequest, views: Views, depth: number): OoniConclusion | null {
  const { outside } = views
  const failure = request.failure ?? failureOfRedirect(request, views, depth)
  if (failure !== null) {
    if (outside === null) return unknown(failure)
    return outside.http_request.failure === null ? blockedBy('http-failure')(failure) : down(failure)
  }
  const url = urlOf(request)
  if (!isFinal(request.response.code)) return url !== null && staysWithin(request, url) ? reached(null) : null
  if (request.request.url.startsWith('https:')) return reached(null)
  if (outside === null) return unknown(null)
  // Where the helper got no page nothing is compared, and to OONI that is no match.
  return samePage(compareWithOutside(request, outside)) ? reached(null) : blockedBy('http-diff')(null)
}

/** Of a kept record a scrubbed URL is none. */
function urlOf({ request }: HttpRequest): URL | null {
  return URL.canParse(request.url) ? new URL(request.url) : null
}

/** A redirect to the same host behind TLS, which we do not follow: OONI mostly finds a page there. */
function staysWithin({ response }: HttpRequest, url: URL): boolean {
  const location = locationOf(response.code, response.headers_list)
  const to = location === null ? null : redirectTarget(location, url)
  return url.protocol === 'https:' && to?.protocol === 'https:' && to.host === url.host
}

/** OONI asks until it has asked too often; we stop where the chain has been. */
function failureOfRedirect(request: HttpRequest, { hops }: Views, depth: number): Failure | null {
  const url = urlOf(request)
  if (url === null || depth < hops.length - 1 || staysWithin(request, url)) return null
  const location = locationOf(request.response.code, request.response.headers_list)
  if (location === null) return null
  if (/^(?:https?:)?\/\/(?:[/?#]|$)/i.test(location.trim())) return 'http_invalid_redirect_location_host'
  const to = redirectTarget(location, url)
  if (to === null) return null
  const isCircle = hops.some((hop) => hop.requests.some((each) => each.request.url === to.href))
  return isCircle || depth >= maxRedirects ? tooManyRedirects : null
}

function fromHandshake(
  { failure, address, server_name }: TlsHandshake,
  outside: OutsideView | null,
): OoniConclusion | null {
  if (failure === null) return null
  const theirs = outside?.tls_handshake?.[keyOutside(address)]
  // Under another name it was another handshake.
  const isSame = theirs?.server_name === server_name || theirs?.server_name === '' || server_name === ''
  return fromEndpoint(outside, isSame ? theirs?.status : undefined, 'http-failure')(failure)
}

function fromConnect(connect: TcpConnect, outside: OutsideView | null): OoniConclusion | null {
  const { failure } = connect.status
  if (failure === null || hasNoIpv6(connect)) return null
  return fromEndpoint(
    outside,
    outside?.tcp_connect[keyOutside(writeEndpoint(connect))]?.status,
    'tcp_ip',
  )(failure)
}

/** @param status - What the helper says of the same endpoint; undefined when it did not try it. */
function fromEndpoint(outside: OutsideView | null, status: boolean | undefined, kind: Blocking): Concluding {
  if (outside === null) return unknown
  if (status === undefined) return blockedBy('http-failure')
  return status ? blockedBy(kind) : down
}

/** A link without IPv6, which is nobody's doing. */
function hasNoIpv6({ ip, status: { failure } }: TcpConnect): boolean {
  return ip.includes(':') && (failure === 'network_unreachable' || failure === 'host_unreachable')
}

const systemOf = (hop: Observations | undefined): DnsQuery | undefined =>
  hop?.queries.find(({ engine }) => engine === 'getaddrinfo')

function fromLookup({ hops, outside }: Views, depth: number): OoniConclusion | null {
  const system = systemOf(hops[depth])
  if (system === undefined) return null
  const isKnown = depth === 0 || system.hostname === systemOf(hops[0])?.hostname
  if (system.failure === null) {
    return outside !== null && isKnown ? fromAddresses(addressesIn(system), outside) : null
  }
  // The one quirk that calls a failure accessible.
  if (outside === null) return reached(system.failure)
  if (!isKnown) return blockedBy('dns')(system.failure)
  if (outside.dns.failure !== null) return down(system.failure)
  const bothEmpty = system.failure === 'dns_no_answer' && outside.dns.addrs.length === 0
  return bothEmpty ? down(null) : blockedBy('dns')(system.failure)
}

/** Addresses that none was connected to. OONI says of loopback what we say of every bogon, since we contact none. */
function fromAddresses(addresses: readonly string[], { dns }: OutsideView): OoniConclusion | null {
  if (addresses.length === 0 || !addresses.every(isBogon)) return null
  return dns.addrs.every(isBogon) ? down(null) : blockedBy('dns')(null)
}
