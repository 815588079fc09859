// What a helper outside saw of the same URL, and OONI's conclusion from both views (its version 0.5): `blocking` and
// `accessible`. web-connectivity.md, "With a helper", is the page. Our own verdict is in web-connectivity.ts.

import * as v from 'valibot'
import type { HttpRequest, Observations, TcpConnect } from '../data-formats/observation.ts'
import { readEndpoint, type TestHelperResponse, writeEndpoint } from '../protocol/test-helper.ts'
import { untranslated } from './address-range.ts'
import { isBogon } from './bogon.ts'
import { addressesIn, classicTag, tagged } from './failed-step.ts'
import { serverNameOf } from './host-text.ts'
import { type Comparison, comparePages, notCompared, type Page, samePage } from './page-comparison.ts'

export type OutsideView = TestHelperResponse

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
}

const unknown: OoniConclusion = { blocking: null, accessible: null }
const reached: OoniConclusion = { blocking: false, accessible: true }
/** Neither of us could reach it: the site's own trouble. */
const down: OoniConclusion = { blocking: false, accessible: false }
const blocked = (by: Blocking): OoniConclusion => ({ blocking: by, accessible: false })

/** The deepest hop of a redirect chain. */
interface LastHop {
  /** 0 where nothing redirected. */
  readonly depth: number
  readonly seen: Observations
}

export function concludeAsOoni(
  { depth, seen }: LastHop,
  outside: OutsideView | null,
  consistency: 'consistent' | 'inconsistent' | null,
): OoniConclusion {
  const here = fromDeepestStep(seen, outside)
  // The helper tells nothing of later hops but how its own chain ended, and where it ended badly nobody is blocked.
  const endedOutside = depth > 0 && outside !== null && outside.http_request.failure !== null
  const conclusion = endedOutside && here.accessible === false ? down : here
  const nothingElse = conclusion.accessible !== true
  return consistency === 'inconsistent' && nothingElse ? blocked('dns') : conclusion
}

/** HTTP before TLS before TCP before DNS, and of each a success before a failure: the first that is there decides. */
function fromDeepestStep(hop: Observations, outside: OutsideView | null): OoniConclusion {
  const classic = hop.queries.length > 0 ? tagged(hop, classicTag) : hop
  const answer = classic.requests.find((request) => request.failure === null)
  if (answer !== undefined) return fromAnswer(answer, outside)
  if (classic.requests.length > 0) {
    if (outside === null) return unknown
    return outside.http_request.failure === null ? blocked('http-failure') : down
  }
  const handshake = classic.tls_handshakes.find((each) => each.failure !== null)
  if (handshake !== undefined)
    return fromEndpoint(
      outside,
      outside?.tls_handshake?.[keyOutside(handshake.address)]?.status,
      'http-failure',
    )
  const connect = classic.tcp_connect.find((each) => !each.status.success && !hasNoIpv6(each))
  if (connect !== undefined) {
    return fromEndpoint(outside, outside?.tcp_connect[keyOutside(writeEndpoint(connect))]?.status, 'tcp_ip')
  }
  return fromLookup(classic, outside)
}

/** Under which key a helper speaks of the endpoint `IP:PORT`: a translator's address is to it that of IPv4. */
export function keyOutside(address: string): string {
  const endpoint = readEndpoint(address)
  return endpoint === null ? address : writeEndpoint({ ...endpoint, ip: untranslated(endpoint.ip) })
}

/** A link without IPv6, which is nobody's doing. */
function hasNoIpv6({ ip, status: { failure } }: TcpConnect): boolean {
  return ip.includes(':') && (failure === 'network_unreachable' || failure === 'host_unreachable')
}

function fromAnswer(answer: HttpRequest, outside: OutsideView | null): OoniConclusion {
  if (answer.request.url.startsWith('https:')) return reached
  if (outside === null || outside.http_request.failure !== null) return unknown
  const comparison = compareWithOutside(answer, outside)
  if (comparison === notCompared) return unknown
  return samePage(comparison) ? reached : blocked('http-diff')
}

/** @param status - What the helper says of the same endpoint; undefined when it did not try it. */
function fromEndpoint(
  outside: OutsideView | null,
  status: boolean | null | undefined,
  kind: Blocking,
): OoniConclusion {
  if (outside === null) return unknown
  if (status === undefined || status === null) return blocked('http-failure')
  return status ? blocked(kind) : down
}

function fromLookup({ queries }: Observations, outside: OutsideView | null): OoniConclusion {
  // OONI answers "accessible" without an outside view here; nobody can know that.
  if (outside === null) return unknown
  const system = queries.find((query) => query.engine === 'getaddrinfo')
  if (system === undefined) return unknown
  if (system.failure === null) return fromAddresses(addressesIn(system), outside)
  const bothEmpty = system.failure === 'dns_no_answer' && outside.dns.addrs.length === 0
  return outside.dns.failure !== null || bothEmpty ? down : blocked('dns')
}

/** Addresses that none was connected to. OONI says of loopback what we say of every bogon, since we contact none. */
function fromAddresses(addresses: readonly string[], { dns }: OutsideView): OoniConclusion {
  // A family that this link does not have.
  if (!addresses.every(isBogon)) return unknown
  return dns.addrs.every(isBogon) ? down : blocked('dns')
}

/** @returns `notCompared` when there is nothing to compare with. */
export function compareWithOutside(answer: HttpRequest, outside: OutsideView): Comparison {
  const pages = pagesOf(answer, outside)
  return pages === null ? notCompared : comparePages(pages.probe, pages.helper)
}

/** @returns null when the helper got no page. */
export function pagesOf(
  { response }: HttpRequest,
  { http_request: theirs }: OutsideView,
): { readonly probe: Page; readonly helper: Page } | null {
  if (theirs.failure !== null) return null
  return {
    probe: {
      status: response.code,
      bodyLength: response.body_is_truncated ? null : (response.x_sonde_body_length ?? 0),
      title: response.x_sonde_title ?? '',
      headerNames: Object.keys(response.headers),
    },
    helper: {
      status: theirs.status_code,
      bodyLength: theirs.body_length,
      title: theirs.title,
      headerNames: Object.keys(theirs.headers),
    },
  }
}

/**
 * Whether the system resolver's answer fits what the helper resolved. Addresses may differ (a CDN answers everyone
 * differently): one in common, one network in common, or a certificate valid for the name will do.
 */
export function dnsConsistency(
  firstHop: Observations,
  outside: OutsideView | null,
): 'consistent' | 'inconsistent' | null {
  const system = firstHop.queries.find((query) => query.engine === 'getaddrinfo')
  if (outside === null || system === undefined) return null
  const ours = addressesIn(system).map(untranslated)
  const theirs = outside.dns.addrs
  if (system.failure !== null) {
    const expected =
      outside.dns.failure !== null || (system.failure === 'dns_no_answer' && theirs.length === 0)
    return expected ? 'consistent' : 'inconsistent'
  }
  if (outside.dns.failure !== null || theirs.length === 0) return 'inconsistent'
  if (ours.some((ip) => theirs.includes(ip) || sharesNetwork(ip, theirs, outside))) return 'consistent'
  const verified = firstHop.tls_handshakes.some(
    (each) =>
      each.failure === null &&
      each.tags.includes(classicTag) &&
      each.server_name === serverNameOf(system.hostname),
  )
  return verified ? 'consistent' : 'inconsistent'
}

/** Whether `ip` is in the network of one of `theirs`, as far as the helper says. */
export function sharesNetwork(
  ip: string,
  theirs: readonly string[],
  { ip_info }: Pick<OutsideView, 'ip_info'>,
): boolean {
  const asn = (address: string) => ip_info?.[address]?.asn ?? 0
  return asn(ip) !== 0 && theirs.some((address) => asn(address) === asn(ip))
}
