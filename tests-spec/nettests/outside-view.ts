// What a helper outside saw of the same URL, beside what the probe saw: pages and addresses. web-connectivity.md, "With a
// helper", is the page. What OONI concludes from both is in ooni-conclusion.ts, our own verdict in web-connectivity.ts.

import type { HttpRequest, Observations } from '../data-formats/observation.ts'
import { readEndpoint, type TestHelperResponse, writeEndpoint } from '../protocol/test-helper.ts'
import { untranslated } from './address-range.ts'
import { addressesIn, classicTag, withoutFollowUps } from './failed-step.ts'
import { serverNameOf } from './host-text.ts'
import { type Comparison, comparePages, notCompared, type Page } from './page-comparison.ts'

export type OutsideView = TestHelperResponse

/** Under which key a helper speaks of the endpoint `IP:PORT`: a translator's address is to it that of IPv4. */
export function keyOutside(address: string): string {
  const endpoint = readEndpoint(address)
  return endpoint === null ? address : writeEndpoint({ ...endpoint, ip: untranslated(endpoint.ip) })
}

/** @returns `notCompared` when there is nothing to compare with. */
export function compareWithOutside(answer: HttpRequest, outside: OutsideView): Comparison {
  const pages = pagesOf(answer, outside)
  if (pages === null) return notCompared
  const compared = comparePages(pages.probe, pages.helper)
  // Of a page that was not asked for there is no telling; without a body its length is 0, which is compared with nothing.
  return answer.request.method === 'HEAD' ? { ...compared, title_match: null } : compared
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
 * differently): one in common, or one network in common. Where the helper does not know the networks, a certificate valid
 * for the name will do.
 */
export function dnsConsistency(
  firstHop: Observations,
  outside: OutsideView | null,
): 'consistent' | 'inconsistent' | null {
  const system = withoutFollowUps(firstHop).queries.find(({ engine }) => engine === 'getaddrinfo')
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
  if (isNetworkKnown(ours, outside) && isNetworkKnown(theirs, outside)) return 'inconsistent'
  const verified = withoutFollowUps(firstHop).tls_handshakes.some(
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
  const asn = asnOf(ip, { ip_info })
  return asn !== 0 && theirs.some((address) => asnOf(address, { ip_info }) === asn)
}

/** 0 when the helper does not say. */
function asnOf(ip: string, { ip_info }: Pick<OutsideView, 'ip_info'>): number {
  return ip_info?.[ip]?.asn ?? 0
}

const isNetworkKnown = (ips: readonly string[], outside: OutsideView) =>
  ips.some((ip) => asnOf(ip, outside) !== 0)
