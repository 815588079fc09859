// The `resolve` operation with a resolver behind TLS: DNS over TLS (RFC 7858) and DNS over HTTPS (RFC 8484). Follows
// OONI's df-002, engines `dot` and `doh`. The steps underneath are the ordinary operations, and their observations
// are returned beside the query: when a resolver cannot be reached, one of them fails.

import { isIP, type Socket } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type {
  DnsQuery,
  HttpRequest,
  TcpConnect,
  TlsHandshake,
} from '../../tests-spec/data-formats/observation.ts'
import { hostOfUrl } from '../../tests-spec/nettests/host-text.ts'
import { type Deadline, startDeadline } from './deadline.ts'
import { type Heard, hearStream, unheard } from './dns-exchange.ts'
import { makeQuestion, maxRawBytes, type QueryType, type Question, readReply } from './dns-message.ts'
import { httpRoundTrip } from './http-round-trip.ts'
import { offeredProtocols } from './offered-protocols.ts'
import type { Resolution } from './resolve-dns.ts'
import { tcpConnect } from './tcp-connect.ts'
import { tlsHandshake } from './tls-handshake.ts'
import type { Bytes, Endpoint, StepOptions, Trace } from './trace.ts'
import { describeBytes, formatEndpoint } from './wire.ts'

/** The caller chooses the address, so that each observation has a single cause. */
export type EncryptedResolver =
  | {
      readonly transport: 'dot'
      readonly ip: string
      readonly port: number
      /** Name that the certificate must be for, and that is sent as SNI unless it is an IP literal. */
      readonly name: string
    }
  | {
      readonly transport: 'doh'
      readonly ip: string
      /** An `https:` URL. Its host is the server name; the connection goes to its port. */
      readonly url: URL
    }

/** Like `Resolution`; the lists hold the steps that were taken, at most one of each. */
export interface EncryptedResolution extends Resolution {
  readonly tcpConnects: readonly TcpConnect[]
  readonly tlsHandshakes: readonly TlsHandshake[]
  readonly requests: readonly HttpRequest[]
}

export interface ResolveEncryptedOptions extends StepOptions {
  /**
   * Milliseconds since 1970, against which the dates of certificates are checked: the probe may know the time better
   * than the system's clock.
   */
  readonly now?: () => number
  /** Protocols that are offered to a resolver over HTTPS. Absent: those that are safe with this Node.js. */
  readonly protocols?: readonly string[]
}

/**
 * Asks one resolver one question over one new connection, all steps within one deadline.
 *
 * @param hostname - An IP literal resolves to itself and leaves no query.
 * @returns One query, whose failure is that of the step that failed. Every socket is closed.
 * @throws {TypeError} If `resolver.ip` is not an IP literal, or its URL is not `https:`.
 */
export async function resolveEncrypted(
  trace: Trace,
  resolver: EncryptedResolver,
  hostname: string,
  queryType: QueryType,
  options: ResolveEncryptedOptions,
): Promise<EncryptedResolution> {
  if (isIP(resolver.ip) === 0) throw new TypeError(`Cannot ask "${resolver.ip}": expected an IP address`)
  if (resolver.transport === 'doh' && resolver.url.protocol !== 'https:') {
    throw new TypeError(`Cannot ask "${resolver.url.href}": expected https:`)
  }
  const nothing = { tcpConnects: [], tlsHandshakes: [], requests: [] }
  if (isIP(hostname) !== 0) {
    const bytes = { sent: 0, received: 0 }
    return { queries: [], addresses: [hostname], failure: null, bytes, ...nothing }
  }
  const t0 = trace.clock.elapsedSeconds()
  const { heard, own, ...steps } = await ask(trace, resolver, hostname, queryType, options)
  const reading = heard.reply?.reading.fits ? heard.reply.reading : null
  const query: DnsQuery = {
    engine: resolver.transport,
    hostname,
    query_type: queryType,
    failure: heard.failure,
    answers: reading?.answers ? [...reading.answers] : null,
    resolver_address: resolver.transport === 'doh' ? resolver.url.href : formatEndpoint(resolver),
    resolver_hostname: null,
    resolver_port: null,
    ...(heard.reply !== null &&
      heard.reply.bytes.length <= maxRawBytes && { raw_response: heard.reply.bytes.toString('base64') }),
    ...(reading !== null && { rcode: reading.rcode }),
    // Over HTTPS the bytes are in the observation of the request.
    ...(resolver.transport === 'dot' && describeBytes(own)),
    t0,
    t: heard.t,
    transaction_id: options.transactionId,
    tags: [...options.tags],
  }
  return {
    queries: [query],
    addresses: heard.failure === null ? [...new Set(reading?.addresses)] : [],
    failure: heard.failure,
    bytes: heard.bytes,
    ...steps,
  }
}

/** What was received, with the bytes of all steps, and the observations of the steps. */
interface Asked extends Omit<EncryptedResolution, keyof Resolution> {
  readonly heard: Heard
  /** Bytes of question and reply, without those of the steps that have an observation of their own. */
  readonly own: Bytes
}

async function ask(
  trace: Trace,
  resolver: EncryptedResolver,
  hostname: string,
  queryType: QueryType,
  options: ResolveEncryptedOptions,
): Promise<Asked> {
  const none: Omit<Asked, 'heard'> = { own: noBytes, tcpConnects: [], tlsHandshakes: [], requests: [] }
  const form = resolver.transport === 'doh' ? { edns: 'padded' as const, id: 0 } : { edns: 'padded' as const }
  const question = makeQuestion(hostname, queryType, form)
  if (question === null) return { heard: unheard(trace, 'invalid_argument'), ...none }
  // Checked before the first packet: a measurement that was stopped sends nothing more.
  if (trace.signal.aborted) return { heard: unheard(trace, 'interrupted'), ...none }

  const deadline = startDeadline(trace.signal, options.timeoutMs)
  const asked = await takeSteps(trace, resolver, question, options, deadline)
  deadline.clear()
  return asked
}

async function takeSteps(
  trace: Trace,
  resolver: EncryptedResolver,
  question: Question,
  options: ResolveEncryptedOptions,
  deadline: Deadline,
): Promise<Asked> {
  const none: Omit<Asked, 'heard'> = { own: noBytes, tcpConnects: [], tlsHandshakes: [], requests: [] }
  const step = () => ({ ...options, timeoutMs: deadline.remainingMs() })
  const { endpoint, name, alpn } = placeOf(resolver, options.protocols)

  const connect = await tcpConnect(trace, endpoint, step())
  const connected = { ...none, tcpConnects: [connect.observation] }
  if (connect.socket === null) return failed(trace, connect.observation.status.failure, noBytes, connected)

  const serverName = isIP(name) === 0 ? name : null
  const security = { ...step(), serverName, verifyName: name, alpn }
  const shaken = await tlsHandshake(trace, connect.socket, security)
  const secured = { ...connected, tlsHandshakes: [shaken.observation] }
  if (shaken.socket === null) return failed(trace, shaken.observation.failure, shaken.bytes, secured)

  if (resolver.transport === 'dot') {
    const heard = await hearStream(trace, shaken.socket, question, deadline)
    return { ...secured, heard: { ...heard, bytes: add(shaken.bytes, heard.bytes) }, own: heard.bytes }
  }
  const trip = await post(trace, shaken.socket, resolver.url, question, step())
  const heard = { ...trip.heard, bytes: add(shaken.bytes, trip.heard.bytes) }
  return { heard, ...secured, requests: [trip.observation] }
}

/** Where the resolver is, the name its certificate must have, and the protocol to use. */
interface Place {
  readonly endpoint: Endpoint
  readonly name: string
  readonly alpn: readonly string[]
}

function placeOf(resolver: EncryptedResolver, protocols: readonly string[] = offeredProtocols()): Place {
  if (resolver.transport === 'dot') return { endpoint: resolver, name: resolver.name, alpn: ['dot'] }
  const { url, ip } = resolver
  const port = url.port === '' ? 443 : Number(url.port)
  return { endpoint: { ip, port }, name: hostOfUrl(url), alpn: protocols }
}

const noBytes: Bytes = { sent: 0, received: 0 }

function add(a: Bytes, b: Bytes): Bytes {
  return { sent: a.sent + b.sent, received: a.received + b.received }
}

function failed(trace: Trace, failure: Failure | null, bytes: Bytes, steps: Omit<Asked, 'heard'>): Asked {
  return { heard: { ...unheard(trace, failure ?? 'generic_timeout_error'), bytes }, ...steps }
}

const mediaType = 'application/dns-message'
/** Bytes of the longest message that DNS can have. */
const maxMessageBytes = 0xffff

/**
 * Sends one POST (RFC 8484 §4.1). The reply must have status 200 and the media type; anything else is some web page.
 */
async function post(
  trace: Trace,
  socket: Socket,
  url: URL,
  question: Question,
  step: StepOptions,
): Promise<{ readonly observation: HttpRequest; readonly heard: Heard }> {
  const body = question.message
  const headers = { accept: mediaType, 'content-type': mediaType, 'content-length': String(body.length) }
  const options = { ...step, maxBodyBytes: maxMessageBytes }
  const { observation, bytes } = await httpRoundTrip(
    trace,
    socket,
    { url, method: 'POST', headers, body },
    options,
  )
  const { t } = observation
  const heard = (failure: Failure | null, reply: Heard['reply'] = null): Heard => ({
    failure,
    reply,
    others: [],
    t,
    bytes,
  })
  const { response } = observation
  if (observation.failure !== null) return { observation, heard: heard(observation.failure) }
  if (response.code !== 200) return { observation, heard: heard('http_request_failed') }
  const type = response.headers['Content-Type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== mediaType) return { observation, heard: heard('dns_server_misbehaving') }
  const message = bodyOf(response)
  const reading = readReply(message, question)
  return { observation, heard: heard(reading.failure, { t, bytes: message, reading }) }
}

function bodyOf({ body }: HttpRequest['response']): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.data, 'base64')
}
