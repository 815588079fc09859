// Fetches the page behind a URL: one redirect after the other, each resolved, checked and connected to anew, because
// a redirect is the easiest way to make a helper connect where it must not. test-helper.md, "Method", step 4.

import { isIP, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { CookieJar } from '../../tests-spec/nettests/cookie-jar.ts'
import { hostOfUrl, portOfUrl } from '../../tests-spec/nettests/host-text.ts'
import { locationOf, maxRedirects, redirectTarget } from '../../tests-spec/nettests/redirect.ts'
import { urlFault } from '../../tests-spec/protocol/test-helper.ts'
import { connect } from './connection.ts'
import { within } from './deadline.ts'
import type { CheckAddress, CheckedAddress } from './destination.ts'
import { handshake } from './handshake.ts'
import type { Limits } from './limits.ts'
import type { Lookup, Resolution } from './lookup.ts'
import { type Response, roundTrip } from './round-trip.ts'

/** What the helper measures with; the same for every request. */
export interface Instruments {
  readonly lookup: Lookup
  readonly check: CheckAddress
  readonly trust: SecureContext
  readonly limits: Limits
}

/** The last response of a chain with the hosts that were asked, in their order, or where the chain broke. */
export type ChainEnd =
  | { readonly kind: 'page'; readonly response: Response; readonly hosts: readonly string[] }
  | (BrokenHop & { readonly hosts: readonly string[] })

interface BrokenHop {
  readonly kind: 'failed'
  readonly operation: 'resolve' | 'other'
  readonly failure: Failure
}

/**
 * Number of addresses of one host that are tried: OONI tries all, and a host with thirty would take all the time
 * there is.
 */
const maxAddresses = 3

const failed = (failure: Failure, operation: 'resolve' | 'other' = 'other'): BrokenHop => ({
  kind: 'failed',
  operation,
  failure,
})

/**
 * Follows `url` to its last response.
 *
 * @param first - What the host of `url` resolved to before; null for an IP literal.
 */
export async function followRedirects(
  url: URL,
  headers: Readonly<Record<string, string>>,
  first: Resolution | null,
  instruments: Instruments,
  signal: AbortSignal,
): Promise<ChainEnd> {
  const jar = new CookieJar()
  let here = url
  let known = first
  const hosts = new Set<string>()
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const cookie = jar.headerFor(here)
    const request = { url: here, headers: { ...headers, ...(cookie !== null && { Cookie: cookie }) } }
    hosts.add(hostOfUrl(here))
    const response = await takeHop(request, known, instruments, signal)
    if ('kind' in response) return { ...response, hosts: [...hosts] }
    const location = locationOf(response.status, response.headers)
    if (location === null) return { kind: 'page', response, hosts: [...hosts] }
    const next = nextUrl(location, here)
    if (next === null) return { ...failed('http_request_failed'), hosts: [...hosts] }
    jar.keep(here, response.headers, Date.now())
    here = next
    known = null
  }
  return { ...failed('unknown_failure: too many redirects'), hosts: [...hosts] }
}

/**
 * @returns null for a URL that no helper may ask: the scheme of an app, a port for mail, or a text that is no URL.
 */
function nextUrl(location: string, here: URL): URL | null {
  const next = redirectTarget(location, here)
  return next === null || urlFault(next.href) !== null ? null : next
}

interface Hop {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

async function takeHop(
  { url, headers }: Hop,
  known: Resolution | null,
  instruments: Instruments,
  signal: AbortSignal,
): Promise<Response | BrokenHop> {
  const host = hostOfUrl(url)
  const literal = isIP(host) !== 0
  const { failure, addresses } = literal
    ? { failure: null, addresses: [host] }
    : (known ?? (await instruments.lookup(host, signal)))
  if (failure !== null) return failed(failure, 'resolve')
  const open = addresses.flatMap((address) => instruments.check(address) ?? [])
  // For a name, the lookup is what failed. For a literal, there was no lookup.
  if (open.length === 0) return failed('dns_bogon_error', literal ? 'other' : 'resolve')
  const socket = await connectFirst(open.slice(0, maxAddresses), portOfUrl(url), instruments, signal)
  if (typeof socket === 'string') return failed(socket)
  try {
    return await askOver(socket, { url, headers }, instruments, signal)
  } finally {
    socket.destroy()
  }
}

/**
 * Tries addresses one after the other, so that a site is not asked twice.
 * @returns The first failure when all fail.
 */
async function connectFirst(
  addresses: readonly CheckedAddress[],
  port: number,
  { limits }: Instruments,
  signal: AbortSignal,
): Promise<Socket | Failure> {
  let first: Failure | null = null
  for (const address of addresses) {
    const end = await within(signal, limits.httpConnectMs, (own) => connect(address, port, own))
    if (typeof end !== 'string') return end
    first ??= end
  }
  return first ?? 'dns_no_answer'
}

async function askOver(
  socket: Socket,
  { url, headers }: Hop,
  { trust, limits }: Instruments,
  signal: AbortSignal,
): Promise<Response | BrokenHop> {
  const secured =
    url.protocol === 'https:'
      ? await handshake(socket, { host: hostOfUrl(url), alpn: ['http/1.1'], trust }, signal)
      : socket
  if (typeof secured === 'string') return failed(secured)
  const response = await roundTrip(
    secured,
    {
      url,
      headers,
      maxBodyBytes: limits.maxBodyBytes,
      wantsBody: ({ status, headers }) => locationOf(status, headers) === null,
    },
    signal,
  )
  return typeof response === 'string' ? failed(response) : response
}
