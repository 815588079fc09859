// One endpoint, one connection that HTTP can be spoken over: connect, ask the proxy if there is one, TLS if there is to
// be. tests-spec/protocol/endpoint.md. Which endpoints are dialled, and when, is ladder.ts.

import type { Socket } from 'node:net'
import { hostOfUrl } from '../../../tests-spec/nettests/host-text.ts'
import type { Endpoint, ProxyHop } from '../../../tests-spec/protocol/endpoint.ts'
import { askConnect } from './http-connect.ts'
import { NoAnswer } from './no-answer.ts'
import { askSocks5 } from './socks5.ts'
import { type Attempt, connectTcp, type Place } from './tcp.ts'
import { type SessionSlot, secure } from './tls.ts'

export interface Dialling {
  readonly signal: AbortSignal
  /** Milliseconds that only grow. */
  readonly now: () => number
  readonly session: SessionSlot
  /** PEM, in place of Node.js' own roots. */
  readonly roots?: readonly string[] | undefined
  /** Milliseconds for all of it. */
  readonly timeoutMs: number
}

/** An open connection. The caller of `dial` closes it. */
export interface Line {
  /** What HTTP is spoken over. */
  readonly socket: Socket
  /** The TCP connection below it, which counts. */
  readonly raw: Socket
  /** The longest of the round trips that opening it took, in milliseconds: over a proxy, the far one. */
  readonly rttMs: number
  /** When its first packet left, or a little before; by the clock of the dialling. */
  readonly bornMs: number
}

/** What an attempt that failed had sent and received by then. */
export interface Spent {
  readonly sent: number
  readonly received: number
}

/** An attempt that failed, with what it cost. */
export class DialFailed extends NoAnswer {
  readonly spent: Spent

  constructor(cause: NoAnswer, spent: Spent) {
    super(cause.code, { cause })
    this.spent = spent
  }
}

/** A tunnel steps aside when this resolves. */
const tunnels: Readonly<
  Record<ProxyHop['kind'], (socket: Socket, to: Place, proxy: ProxyHop, signal: AbortSignal) => Promise<void>>
> = { connect: askConnect, socks5: askSocks5 }

/** @throws {DialFailed} With everything closed. */
export async function dial(endpoint: Endpoint, { timeoutMs, ...dialling }: Dialling): Promise<Line> {
  const give = new AbortController()
  const timer = setTimeout(() => give.abort(new NoAnswer('timeout')), timeoutMs)
  const signal = AbortSignal.any([dialling.signal, give.signal])
  let raw: Socket | null = null
  const attempt: Attempt = {
    signal,
    onSocket: (socket) => {
      raw = socket
    },
  }
  try {
    return await open(endpoint, { ...dialling, signal }, attempt)
  } catch (error) {
    const spent = spentBy(raw)
    cut(raw)
    throw new DialFailed(error instanceof NoAnswer ? error : new NoAnswer('unknown', { cause: error }), spent)
  } finally {
    clearTimeout(timer)
  }
}

async function open(
  { url: text, ip, sni, pins, proxy }: Endpoint,
  { now, session, roots, signal }: Omit<Dialling, 'timeoutMs'>,
  attempt: Attempt,
): Promise<Line> {
  const url = new URL(text)
  const name = hostOfUrl(url)
  const collector = { host: ip ?? name, port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) }
  const bornMs = now()
  let rttMs = 0
  const timed = async <T>(step: Promise<T>): Promise<T> => {
    const begun = now()
    const done = await step
    rttMs = Math.max(rttMs, now() - begun)
    return done
  }
  const raw = await timed(connectTcp(proxy ?? collector, attempt))
  if (proxy !== undefined) await timed(tunnels[proxy.kind](raw, collector, proxy, signal))
  if (url.protocol === 'http:') return { socket: raw, raw, rttMs, bornMs }
  const socket = await timed(secure(raw, { name, sni, pins, roots }, session, signal))
  return { socket, raw, rttMs, bornMs }
}

export function spentBy(raw: Socket | null): Spent {
  return { sent: raw?.bytesWritten ?? 0, received: raw?.bytesRead ?? 0 }
}

/** By a reset: what the kernel still holds is then not sent, which a dead way does not deliver and a slow one should not. */
export function cut(raw: Socket | null): void {
  // Before it is connected, a reset would wait for it to be.
  if (raw?.connecting) raw.destroy()
  else raw?.resetAndDestroy()
}
