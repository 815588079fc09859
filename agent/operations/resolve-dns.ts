// The `resolve` operation with a resolver that we name: one question over UDP or TCP, and what came back to it, also
// replies that came late or did not fit. Follows OONI's df-002, engines `udp` and `tcp`. On a network that forges
// answers, the first reply is the forged one and the true one follows, so it goes on listening after the first. The
// sockets are in dns-exchange.ts, the messages in dns-message.ts.

import { isIP } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { DnsQuery } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import {
  type Asking,
  type Heard,
  hearTcp,
  hearUdp,
  type ResolveDnsOptions,
  type Resolver,
  unheard,
} from './dns-exchange.ts'
import { addressesIn, makeQuestion, maxRawBytes, type QueryType } from './dns-message.ts'
import type { Bytes, Trace } from './trace.ts'
import { udpTurns } from './udp-socket.ts'
import { describeBytes, formatEndpoint } from './wire.ts'

export type { Resolver }

export interface Resolution {
  /** Queries, oldest first; two when a truncated answer was asked for again over TCP; none for an IP literal. */
  readonly queries: readonly DnsQuery[]
  /** Addresses of the type asked for, in the order they came, without repeats. Empty when the operation failed. */
  readonly addresses: readonly string[]
  readonly failure: Failure | null
  readonly bytes: Bytes
}

export type { ResolveDnsOptions }

/**
 * Asks one resolver one question. There is no retry and no second resolver; a truncated UDP answer is asked for again
 * over TCP, as RFC 1035 §4.2.1 has it, within the same deadline.
 *
 * Over UDP at most 64 exchanges of datagrams are under way in a process, those of other operations included; the
 * others wait, and their time begins after the wait.
 *
 * A reply that does not fit the question does not end the wait, as with every stub resolver; if no better reply
 * comes, it is the failure. All replies but the one that decided are kept in `x_sonde_late_replies`.
 *
 * @param hostname - An IP literal resolves to itself and leaves no query.
 * @throws {TypeError} If `resolver.ip` is not an IP literal.
 */
export async function resolveDns(
  trace: Trace,
  resolver: Resolver,
  hostname: string,
  queryType: QueryType,
  options: ResolveDnsOptions,
): Promise<Resolution> {
  if (isIP(resolver.ip) === 0) throw new TypeError(`Cannot ask "${resolver.ip}": expected an IP address`)
  if (isIP(hostname) !== 0) {
    return { queries: [], addresses: [hostname], failure: null, bytes: { sent: 0, received: 0 } }
  }
  // Over TCP the connect waits for a turn of its own. When the measurement was stopped meanwhile, the check that
  // follows notices it.
  const done = resolver.transport === 'udp' ? await udpTurns.take(trace.signal) : null
  const deadline = startDeadline(trace.signal, options.timeoutMs)
  const asked = await ask({ trace, resolver, options, deadline }, hostname, queryType)
  deadline.clear()
  done?.()

  const last = asked.at(-1)?.query
  const failure = last?.failure ?? null
  return {
    queries: asked.map(({ query }) => query),
    addresses: failure === null ? [...new Set(asked.at(-1)?.addresses)] : [],
    failure,
    bytes: {
      sent: asked.reduce((sum, { bytes }) => sum + bytes.sent, 0),
      received: asked.reduce((sum, { bytes }) => sum + bytes.received, 0),
    },
  }
}

/** One question that was sent, and what became of it. */
interface AskedOnce {
  readonly query: DnsQuery
  readonly addresses: readonly string[]
  readonly bytes: Bytes
  readonly truncated: boolean
}

async function ask(asking: Asking, hostname: string, queryType: QueryType): Promise<AskedOnce[]> {
  const { transport } = asking.resolver
  const first = await askOnce(asking, transport, hostname, queryType)
  if (!first.truncated || transport === 'tcp') return [first]
  return [first, await askOnce(asking, 'tcp', hostname, queryType)]
}

async function askOnce(
  asking: Asking,
  transport: 'udp' | 'tcp',
  hostname: string,
  queryType: QueryType,
): Promise<AskedOnce> {
  const { trace, resolver, options } = asking
  const t0 = trace.clock.elapsedSeconds()
  const heard = await hear(asking, transport, hostname, queryType)
  const { reply, others } = heard
  const reading = reply?.reading.fits ? reply.reading : null
  const truncated = transport === 'udp' && (reading?.truncated ?? false)
  const query: DnsQuery = {
    engine: transport,
    hostname,
    query_type: queryType,
    // A truncated answer over UDP is no failure: the next query brings the whole one.
    failure: truncated ? null : heard.failure,
    answers: reading?.answers ? [...reading.answers] : null,
    resolver_address: formatEndpoint(resolver),
    resolver_hostname: null,
    resolver_port: null,
    ...(reply !== null &&
      reply.bytes.length <= maxRawBytes && { raw_response: reply.bytes.toString('base64') }),
    ...(reading !== null && { rcode: reading.rcode }),
    ...(others.length > 0 && {
      x_sonde_late_replies: others.map(({ t, bytes }) => ({
        t,
        raw: bytes.toString('base64'),
        addresses: addressesIn(bytes),
      })),
    }),
    ...describeBytes(heard.bytes),
    t0,
    t: heard.t,
    transaction_id: options.transactionId,
    tags: [...options.tags],
  }
  return { query, addresses: reading?.addresses ?? [], bytes: heard.bytes, truncated }
}

async function hear(
  asking: Asking,
  transport: 'udp' | 'tcp',
  hostname: string,
  queryType: QueryType,
): Promise<Heard> {
  const { edns = false, checkingDisabled = false } = asking.options
  const form = { checkingDisabled, ...(edns && { edns: 'plain' as const }) }
  const question = makeQuestion(hostname, queryType, form)
  if (question === null) return unheard(asking.trace, 'invalid_argument')
  // Checked before the first packet: a measurement that was stopped sends nothing more.
  if (asking.trace.signal.aborted) return unheard(asking.trace, 'interrupted')
  return transport === 'udp' ? hearUdp(asking, question) : hearTcp(asking, question)
}
