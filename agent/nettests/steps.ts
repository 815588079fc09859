// The steps that nettests are made of: a lookup, a connect, a handshake, each with the patience of
// tests-spec/nettests/patience.md and each leaving what was `seen` beside what the next step needs. Leaves to the
// operations how a step is taken, and to the nettests which steps there are.

import { isIP, type Socket } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { classicTag } from '../../tests-spec/nettests/failed-step.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import type { QueryType } from '../operations/dns-message.ts'
import { type Resolver, resolveDns } from '../operations/resolve-dns.ts'
import { resolveSystem } from '../operations/resolve-system.ts'
import { tcpConnect } from '../operations/tcp-connect.ts'
import { type TlsHandshakeOptions, tlsHandshake } from '../operations/tls-handshake.ts'
import type { Endpoint } from '../operations/trace.ts'
import { type NettestContext, usable } from './nettest.ts'
import { joinSeen, nothingSeen, type Seen, seenOf } from './seen.ts'

/** Those that may be contacted, IPv4 first. */
export interface Lookup {
  readonly seen: Seen
  readonly addresses: readonly string[]
}

interface Asking {
  readonly tags: readonly string[]
  readonly timeoutMs: number
  /** Of a named resolver, for what it could not validate. */
  readonly checkingDisabled?: boolean
}

/** Asks the system's resolver, which is what people on this link use. The tags are put on as they are. */
export async function askSystem(context: NettestContext, host: string, asking: Asking): Promise<Lookup> {
  const options = { transactionId: context.transactionIds.next('getaddrinfo'), ...asking }
  const { queries, addresses, bytes } = await resolveSystem(context.trace, host, options)
  return { seen: seenOf({ queries }, bytes), addresses: usable(context, addresses) }
}

/** Asks one named resolver for one type of record, and waits a little for a second answer that contradicts. */
export async function askResolver(
  context: NettestContext,
  resolver: Resolver,
  host: string,
  type: QueryType,
  asking: Asking,
): Promise<Lookup> {
  const { lateReplyMs } = patience
  const options = { transactionId: context.transactionIds.next('dns'), ...asking, lateReplyMs }
  const { queries, addresses, bytes } = await resolveDns(context.trace, resolver, host, type, options)
  return { seen: seenOf({ queries }, bytes), addresses: usable(context, addresses) }
}

/**
 * Asks the system; another resolver only when that leads nowhere, to tell a lying resolver from a name that is gone.
 *
 * @param host - An IP literal stands for itself, and asks nobody.
 * @returns `addresses` of the system alone.
 */
export async function lookUpHost(
  context: NettestContext,
  host: string,
  tags: readonly string[],
): Promise<Lookup> {
  if (isIP(host) !== 0) return { seen: nothingSeen, addresses: usable(context, [host]) }
  const timeoutMs = patience.lookupMs
  const system = await askSystem(context, host, { tags: [...tags, classicTag], timeoutMs })
  if (system.addresses.length > 0 || context.resolver === null) return system
  const named = await askResolver(context, context.resolver, host, 'A', { tags, timeoutMs })
  return { seen: joinSeen([system.seen, named.seen]), addresses: [] }
}

/** What ties the steps over one socket together. */
export interface Flow {
  readonly transactionId: number
  readonly tags: readonly string[]
}

export interface Connected {
  readonly seen: Seen
  /** Closed by the caller, or by the step that it is given to; null when there is none. */
  readonly socket: Socket | null
  readonly failure: Failure | null
}

/** One attempt at one address. */
export async function connect(context: NettestContext, endpoint: Endpoint, flow: Flow): Promise<Connected> {
  const timeoutMs = patience.connectMs
  const { observation, socket } = await tcpConnect(context.trace, endpoint, { ...flow, timeoutMs })
  return { seen: seenOf({ tcp_connect: [observation] }), socket, failure: observation.status.failure }
}

/** Whether an endpoint was reached, where nothing more is asked of it. */
export interface Attempt {
  readonly seen: Seen
  readonly reached: boolean
}

/** Connects, and closes at once. */
export async function tryConnect(context: NettestContext, endpoint: Endpoint, flow: Flow): Promise<Attempt> {
  const { seen, socket } = await connect(context, endpoint, flow)
  socket?.destroy()
  return { seen, reached: socket !== null }
}

/** Which names a handshake sends and wants. */
export type Names = Pick<TlsHandshakeOptions, 'serverName' | 'verifyName' | 'alpn'>

/** @param socket - Belongs to this step from the call on. */
export async function shakeHands(
  context: NettestContext,
  socket: Socket,
  names: Names,
  flow: Flow,
): Promise<Connected> {
  const options = { ...flow, ...names, timeoutMs: patience.handshakeMs, now: context.wallClock }
  const { observation, socket: secured, bytes } = await tlsHandshake(context.trace, socket, options)
  return {
    seen: seenOf({ tls_handshakes: [observation] }, bytes),
    socket: secured,
    failure: observation.failure,
  }
}

/** Connects, takes one handshake, and closes. */
export async function tryHandshake(
  context: NettestContext,
  endpoint: Endpoint,
  names: Names,
  tags: readonly string[],
): Promise<Attempt> {
  const flow = { transactionId: context.transactionIds.next('secure'), tags }
  const connected = await connect(context, endpoint, flow)
  if (connected.socket === null) return { seen: connected.seen, reached: false }
  const { seen, socket, failure } = await shakeHands(context, connected.socket, names, flow)
  socket?.destroy()
  return { seen: joinSeen([connected.seen, seen]), reached: failure === null }
}
