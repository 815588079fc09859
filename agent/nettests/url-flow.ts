// One URL from its name to its response: resolve, connect, handshake, round trip, hop after hop. The method of
// tests-spec/nettests/web-connectivity.md; whatsapp and link_check use it too.
//
// Leaves to the rules what the observations mean, and to the operations how a step is taken.

import { isIP, type Socket } from 'node:net'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { untranslated } from '../../tests-spec/nettests/address-range.ts'
import { CookieJar } from '../../tests-spec/nettests/cookie-jar.ts'
import {
  classicTag,
  neutralRequestTag,
  sameRequestTag,
  withoutFollowUps,
} from '../../tests-spec/nettests/failed-step.ts'
import { hostOfUrl } from '../../tests-spec/nettests/host-text.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { leavesSite, locationOf, maxRedirects, redirectTarget } from '../../tests-spec/nettests/redirect.ts'
import { depthTag, isForeignPage, noHelper } from '../../tests-spec/nettests/web-connectivity.ts'
import type { TestHelperRequest } from '../../tests-spec/protocol/test-helper.ts'
import { httpRoundTrip } from '../operations/http-round-trip.ts'
import { offeredProtocols } from '../operations/offered-protocols.ts'
import { formatEndpoint } from '../operations/wire.ts'
import { askHelpers, type HelperAnswer } from './ask-helper.ts'
import { doubtLookup, showsForeignCertificate } from './doubt-lookup.ts'
import { followUpHandshake, offerAsHelpersDo, requestWorthRepeating } from './follow-ups.ts'
import { type NettestContext, usable } from './nettest.ts'
import { joinSeen, nothingSeen, type Seen, seenOf } from './seen.ts'
import { askResolver, askSystem, connect, type Flow, shakeHands } from './steps.ts'

/** A clear-text page is compared by its first bytes; a block page fits, a video does not. */
const maxBodyBytes = 16 * 1024
/** One dead server of two says nothing; more would cost bytes and tell no more. */
const maxAddresses = 2

/** Of addresses that refuse, one after the other. */
const maxRefusing = 8

/** The helper takes no more, and two of each kind are all that is tried here. */
const maxHelperEndpoints = 20
const alpn = offeredProtocols()

const headers = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-language': 'en-US,en;q=0.9',
  // An everyday browser: a name of our own would single out the line it came from.
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
}

/** What a flow does beyond its own steps. */
export interface FlowOptions {
  /** Asks a helper outside about the first hop. */
  readonly helper: boolean
  /** Follows up a handshake that was cut or met silence: follow-ups.ts. */
  readonly followUps: boolean
  /** For the first hop; by default `GET` in clear text and `HEAD` behind TLS. */
  readonly method?: Method
  /** Of the body, at every hop; by default 16 KiB, and nothing behind TLS. */
  readonly bodyBytes?: number | undefined
}

type Method = 'GET' | 'HEAD' | 'POST'

/**
 * Behind TLS nobody but the site chooses the body, so it is worth its bytes only where its speed is wanted, or where somebody
 * else than the site may have sent the probe there.
 */
function methodFor(url: URL, bodyBytes: number | undefined, isForeign: boolean): Method {
  return url.protocol === 'https:' && bodyBytes === undefined && !isForeign ? 'HEAD' : 'GET'
}

/**
 * Follows `input` to its final response or first failing hop.
 *
 * A redirect to the same host over HTTPS is not followed: the site has spoken already, under its own certificate. Nor
 * is one in a circle: the same question with the same cookies gets the same answer, and some portals send everybody to
 * a page that sends them to itself.
 *
 * @param tags - Put on every observation, besides `depth=N` and `classic`.
 */
export async function followUrl(
  context: NettestContext,
  input: string,
  tags: readonly string[],
  options: FlowOptions = { helper: false, followUps: false },
): Promise<Seen> {
  const hops: Seen[] = []
  const cookies = new CookieJar()
  const asked = new Set<string>()
  let url: URL | null = new URL(input)
  let isForeign = false
  for (let depth = 0; url !== null && depth <= maxRedirects; depth++) {
    const question = `${url.href} ${cookies.headerFor(url)}`
    if (asked.has(question)) break
    asked.add(question)
    const { followUps, bodyBytes } = options
    const method =
      options.method !== undefined && depth === 0 ? options.method : methodFor(url, bodyBytes, isForeign)
    const here = { depth, helper: options.helper, followUps, bodyBytes, method }
    const hop: Seen = await measureHop(context, url, [...tags, depthTag(depth)], { ...here, cookies })
    hops.push(hop)
    const next = nextHop(url, hop, isForeign)
    isForeign ||= next !== null && leavesSite(url, next)
    url = next
  }
  return joinSeen(hops)
}

/** How the request of one hop is made. */
interface Asking {
  readonly method: Method
  readonly cookies: CookieJar
  readonly bodyBytes: number
  /** Protocols to offer. */
  readonly alpn: readonly string[]
}

interface Address {
  readonly ip: string
  readonly tags: readonly string[]
}

async function measureHop(
  context: NettestContext,
  url: URL,
  tags: readonly string[],
  {
    helper,
    followUps,
    cookies,
    bodyBytes,
    method,
    depth,
  }: FlowOptions & {
    readonly depth: number
    readonly method: Method
    readonly cookies: CookieJar
  },
): Promise<Seen> {
  const { seen, addresses } = await resolveHost(context, hostOfUrl(url), tags)
  const asking = { method, cookies, bodyBytes: bodyBytes ?? maxBodyBytes, alpn }
  const fetch = async (some: readonly Address[]) => fetchFromFirst(context, url, some, asking)
  const asked = helper && depth === 0 ? askHelpers(context, helperRequest(url, ipsOf(addresses))) : null
  const parts = [seen]
  const classic = addresses.filter((address) => address.tags.includes(classicTag))
  const others = addresses.filter((address) => !address.tags.includes(classicTag)).slice(0, maxAddresses)
  // Addresses of the system resolver first; those of others only when these lead nowhere.
  parts.push(await fetch(classic.slice(0, maxAddresses)))
  // A browser tries the next one where a host refuses; what is silent has cost its deadline, and says enough.
  for (const next of classic.slice(maxAddresses, maxRefusing)) {
    if (!haveAllRefused(parts)) break
    parts.push(await fetch([next]))
  }
  if (!answered(parts) && url.protocol === 'https:' && followUps) {
    parts.push(await askAsHelpersDo(context, url, parts, asking))
  }
  if (!answered(parts) && followUps) {
    parts.push(await offerAsHelpersDo(context, parts, alpn))
    parts.push(await followUpHandshake(context, parts, alpn))
    if (url.protocol === 'http:') parts.push(await requestAgain(context, url, parts, asking))
  }
  const isReached = answered(parts)
  const isHop = helper && depth > 0 && !isReached
  if (!isReached) parts.push(await fetch(others))
  const answer = isHop ? await askHelpers(context, helperRequest(url, ipsOf(addresses))) : await asked
  const outside = answer?.outside ?? noHelper
  if (followUps && (!isReached || url.protocol === 'http:')) {
    // Without a look from outside nothing is concluded from a page in clear text.
    const isForeign = isReached
      ? typeof outside !== 'string' && isForeignPage(joinSeen(parts).observations, outside)
      : showsForeignCertificate(parts)
    parts.push(await doubtLookup(context, hostOfUrl(url), seen, tags, isForeign))
  }
  if (answer === null) return joinSeen(parts)
  if (!answered(parts) && typeof outside !== 'string') {
    const known = new Set(ipsOf(addresses))
    const fresh = usable(context, outside.dns.addrs).filter((ip) => !known.has(ip))
    parts.push(await fetch(fresh.slice(0, maxAddresses).map((ip) => ({ ip, tags }))))
  }
  const endedAt = { url, addresses: ipsOf(addresses) }
  const ended = !answered(parts) && depth === 0 ? [{ ...nothingSeen, endedAt }] : []
  return joinSeen([...parts, ...ended, viewOf(answer, isHop ? depth : 0)])
}

const ipsOf = (addresses: readonly Address[]) => addresses.map(({ ip }) => ip)

function viewOf({ outside, helper, bytes }: HelperAnswer, depth: number): Seen {
  if (depth === 0) return { ...nothingSeen, bytes, outside, ...(helper !== null && { testHelper: helper }) }
  if (typeof outside === 'string' || helper === null) return { ...nothingSeen, bytes }
  return { ...nothingSeen, bytes, controlOfHop: { depth, helper, control: outside } }
}

/** Every connect so far was refused, which costs no more than a round trip. */
function haveAllRefused(parts: readonly Seen[]): boolean {
  const connects = parts.flatMap(({ observations }) => observations.tcp_connect)
  return connects.length > 0 && connects.every(({ status }) => status.failure === 'connection_refused')
}

function answered(parts: readonly Seen[]): boolean {
  return parts.some(({ observations }) => answeredRequest(observations) !== undefined)
}

/** The newest that was answered. One that was made again to understand a failure is none. */
function answeredRequest(observations: Observations): HttpRequest | undefined {
  return withoutFollowUps(observations).requests.find((request) => request.failure === null)
}

/**
 * Some sites answer HEAD badly, or HTTP/2, and answer everybody else as they should. A request that failed over verified TLS
 * is made once more as helpers make it, at the same address; what comes then is the site's answer like any other.
 */
async function askAsHelpersDo(
  context: NettestContext,
  url: URL,
  parts: readonly Seen[],
  asking: Asking,
): Promise<Seen> {
  const { requests, tcp_connect } = joinSeen(parts).observations
  const failed = requests.find(({ failure }) => failure !== null)
  const at = tcp_connect.find((each) => each.transaction_id === failed?.transaction_id)
  if (failed === undefined || at === undefined) return nothingSeen
  const flow = { transactionId: context.transactionIds.next('secure'), tags: failed.tags }
  const { seen, socket } = await connect(context, { ip: at.ip, port: at.port }, flow)
  if (socket === null) return seen
  const asHelper: Asking = { ...asking, method: 'GET', alpn: ['http/1.1'] }
  return joinSeen([seen, await converse(context, url, socket, flow, asHelper)])
}

/** Enough to see that it is HTTP. */
const neutralBodyBytes = 512

/**
 * The same request at the same address, at once: a failure counts when it is seen twice. Before it one for a neutral host: where that
 * is answered, only the host made the difference.
 */
async function requestAgain(
  context: NettestContext,
  url: URL,
  parts: readonly Seen[],
  asking: Asking,
): Promise<Seen> {
  const failed = requestWorthRepeating(parts)
  if (failed === null) return nothingSeen
  const ask = async (at: URL, tag: string, how: Asking) => {
    const flow = {
      transactionId: context.transactionIds.next('cleartext'),
      tags: [...failed.tags, tag],
    }
    const { seen, socket } = await connect(context, failed.at, flow)
    return socket === null ? seen : joinSeen([seen, await request(context, at, socket, flow, how)])
  }
  const neutral = { ...asking, cookies: new CookieJar(), bodyBytes: neutralBodyBytes }
  return joinSeen([
    await ask(new URL(`http://${context.neutralName}/`), neutralRequestTag, neutral),
    await ask(url, sameRequestTag, asking),
  ])
}

/** OONI's form: every address of ours, as it is where there is IPv4, on the port of the URL, and on both usual ones when it names none. */
export function helperRequest(url: URL, addresses: readonly string[]): TestHelperRequest {
  const ports = url.port === '' ? [443, 80] : [Number(url.port)]
  const endpoints = addresses.flatMap((ip) =>
    ports.map((port) => formatEndpoint({ ip: untranslated(ip), port })),
  )
  return {
    http_request: url.href,
    http_request_headers: {
      Accept: [headers.accept],
      'Accept-Language': [headers['accept-language']],
      'User-Agent': [headers['user-agent']],
    },
    tcp_connect: endpoints.slice(0, maxHelperEndpoints),
    x_quic_enabled: false,
  }
}

/** Asks the system and the named resolver at once; an IP literal asks nobody, and is contacted like any other address. */
async function resolveHost(
  context: NettestContext,
  host: string,
  tags: readonly string[],
): Promise<{ seen: Seen; addresses: readonly Address[] }> {
  if (isIP(host) !== 0) {
    const contacted = usable(context, [host])
    return { seen: nothingSeen, addresses: contacted.map((ip) => ({ ip, tags: [...tags, classicTag] })) }
  }
  const { resolver, ipv6 } = context
  const timeoutMs = patience.lookupMs
  const system = askSystem(context, host, { tags: [...tags, classicTag], timeoutMs })
  const types = ipv6 ? (['A', 'AAAA'] as const) : (['A'] as const)
  const named =
    resolver === null
      ? []
      : types.map((type) => askResolver(context, resolver, host, type, { tags, timeoutMs }))
  const [{ seen, addresses: classic }, ...others] = await Promise.all([system, ...named])
  const fromOthers = others.flatMap((each) => each.addresses)
  const fresh = [...new Set(fromOthers)].filter((ip) => !classic.includes(ip))
  return {
    seen: joinSeen([seen, ...others.map((each) => each.seen)]),
    addresses: [
      ...classic.map((ip) => ({ ip, tags: [...tags, classicTag] })),
      ...fresh.map((ip) => ({ ip, tags })),
    ],
  }
}

/**
 * Connects to every address at once, since a connect costs no payload and a dead address costs its whole deadline;
 * then goes on with one at a time until one answers.
 */
async function fetchFromFirst(
  context: NettestContext,
  url: URL,
  addresses: readonly Address[],
  asking: Asking,
): Promise<Seen> {
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  const connects = await Promise.all(
    addresses.map(async ({ ip, tags }) => {
      const flow = { transactionId: context.transactionIds.next(secure ? 'secure' : 'cleartext'), tags }
      return { ...(await connect(context, { ip, port }, flow)), flow }
    }),
  )
  const parts = connects.map(({ seen }) => seen)
  for (const { socket, flow } of connects) {
    if (socket === null) continue
    if (answered(parts)) {
      socket.destroy()
      continue
    }
    parts.push(await converse(context, url, socket, flow, asking))
  }
  return joinSeen(parts)
}

/** Handshake, if the scheme wants one, and round trip over one connected socket, which is closed at the end. */
async function converse(
  context: NettestContext,
  url: URL,
  socket: Socket,
  flow: Flow,
  asking: Asking,
): Promise<Seen> {
  if (url.protocol !== 'https:') return request(context, url, socket, flow, asking)
  const host = hostOfUrl(url)
  const names = { serverName: isIP(host) === 0 ? host : null, verifyName: host, alpn: asking.alpn }
  const secured = await shakeHands(context, socket, names, flow)
  if (secured.socket === null) return secured.seen
  return joinSeen([secured.seen, await request(context, url, secured.socket, flow, asking)])
}

async function request(
  context: NettestContext,
  url: URL,
  channel: Socket,
  flow: Flow,
  { method, cookies, bodyBytes }: Asking,
): Promise<Seen> {
  const cookie = cookies.headerFor(url)
  const { observation, events, bytes } = await httpRoundTrip(
    context.trace,
    channel,
    { url, method, headers: cookie === null ? headers : { ...headers, cookie } },
    { ...flow, timeoutMs: patience.responseMs, maxBodyBytes: bodyBytes },
  )
  cookies.keep(url, observation.response.headers_list, context.wallClock())
  return seenOf({ requests: [observation], network_events: events }, bytes)
}

/** @param isForeign - Whether it may not be the site that has spoken. */
function nextHop(from: URL, { observations }: Seen, isForeign: boolean): URL | null {
  const response = answeredRequest(observations)?.response
  const location = response === undefined ? null : locationOf(response.code, response.headers_list)
  const to = location === null ? null : redirectTarget(location, from)
  const hasSpoken = !isForeign && from.protocol === 'https:' && to?.host === from.host
  return hasSpoken ? null : to
}
