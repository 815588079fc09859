// What a helper outside saw of the endpoints of a service that failed here, in brief, and whether it got past the same step at the
// same place. service-reachability.md, "With a helper", is the page; the questions are those of the test-helper protocol.

import * as v from 'valibot'
import type { Observations, TcpConnect } from '../data-formats/observation.ts'
import { type TestHelperResponse, writeEndpoint } from '../protocol/test-helper.ts'
import { isBogon } from './bogon.ts'
import { classicTag, type FailedStep, tagged, withoutFollowUps } from './failed-step.ts'
import { isCutHandshake, wasShownCertificate } from './outside-step.ts'
import { keyOutside } from './outside-view.ts'
import { hostOf, portsOf, type ServiceEndpoint } from './service.ts'

/** By `IP:PORT`, as an address of IPv4 where a translator stands between; by URL; by name. Whether it got there. */
const seenThere = v.record(v.string(), v.boolean())
const serviceControl = v.object({
  /** URLs of the helpers that answered. */
  helpers: v.array(v.string()),
  tcp_connect: seenThere,
  tls_handshake: seenThere,
  /** Where it was shown a certificate that it does not trust, or that is out of date. Absent in older records. */
  certificates: v.optional(seenThere),
  requests: seenThere,
  /** Whether a name has an address that a public host can have. */
  names: seenThere,
})
export type ServiceControl = Readonly<v.InferOutput<typeof serviceControl>>

/** What the measurement of a service has beside the five lists. */
export const serviceObservations = {
  /** Absent where every group was reached, or no helper answered. */
  x_sonde_service_control: v.optional(serviceControl),
}

/** Of a group, so many of the endpoints that failed are asked about. */
export const maxAskedOfGroup = 3

/** The URLs that a helper is asked about: it tries the port of the URL. */
export function urlsFor(endpoint: ServiceEndpoint): string[] {
  if (endpoint.kind === 'url') return [endpoint.url]
  const host = hostOf(endpoint)
  const name = host.includes(':') ? `[${host}]` : host
  if (endpoint.kind === 'dns') return [`https://${name}/`]
  const scheme = (port: number) => (endpoint.kind === 'tls' || port === 443 ? 'https' : 'http')
  return portsOf(endpoint).map((port) => `${scheme(port)}://${name}:${port}/`)
}

/** One answer, in brief. */
export function inBrief(
  endpoint: ServiceEndpoint,
  { tcp_connect, tls_handshake, http_request, dns }: TestHelperResponse,
  lab: boolean,
) {
  const statuses = (some: Readonly<Record<string, { readonly status: boolean }>>) =>
    Object.fromEntries(Object.entries(some).map(([at, { status }]) => [at, status]))
  return {
    tcp_connect: statuses(tcp_connect),
    tls_handshake: statuses(tls_handshake ?? {}),
    certificates: Object.fromEntries(
      Object.entries(tls_handshake ?? {})
        .filter(([, { failure }]) => wasShownCertificate(failure))
        .map(([at]) => [at, true]),
    ),
    // A chain that breaks behind the first host was answered by that.
    requests:
      endpoint.kind === 'url'
        ? { [endpoint.url]: http_request.failure === null || (http_request.x_sonde_hosts ?? []).length > 1 }
        : {},
    names: { [hostOf(endpoint)]: dns.addrs.some((ip) => lab || !isBogon(ip)) },
  }
}

/** @returns Whether a helper got past the step that failed at this endpoint; null when none says. */
export function gotPastOutside(
  control: ServiceControl | undefined,
  endpoint: ServiceEndpoint,
  failed: FailedStep,
  seen: Observations,
): boolean | null {
  if (control === undefined) return null
  // Services have roots of their own, which no helper trusts.
  const certificates = isCutHandshake(failed) ? control.certificates : undefined
  const here = withoutFollowUps(seen.queries.length > 0 ? tagged(seen, classicTag) : seen)
  const said = {
    resolve: () => [control.names[hostOf(endpoint)]],
    connect: () =>
      comparable(here.tcp_connect).map(
        ({ ip, port }) => control.tcp_connect[keyOutside(writeEndpoint({ ip, port }))],
      ),
    tls_handshake: () =>
      here.tls_handshakes.map(({ address }) => {
        const at = keyOutside(address)
        return certificates?.[at] ?? control.tls_handshake[at]
      }),
    // A helper asks by GET: that another method is answered does not follow.
    http_round_trip: () => {
      const got = endpoint.kind === 'url' ? control.requests[endpoint.url] : undefined
      return endpoint.kind === 'url' && endpoint.method !== 'GET' && got === true ? [] : [got]
    },
  }[failed.step]()
  const known = said.filter((each) => each !== undefined)
  return known.length === 0 ? null : known.includes(true)
}

/** That a helper got there over an IPv6 that this link may not have says nothing of the host's IPv4. */
function comparable(connects: readonly TcpConnect[]): readonly TcpConnect[] {
  const overIpv4 = connects.filter(({ ip }) => !ip.includes(':'))
  return overIpv4.length > 0 ? overIpv4 : connects
}
