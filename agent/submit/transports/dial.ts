// Opens one connection to one endpoint, over which HTTP can be spoken: connects, asks the proxy if there is one, and
// starts TLS if the endpoint uses it. tests-spec/protocol/endpoint.md. ladder.ts decides which endpoints are dialled,
// and when.

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
  /** Clock in milliseconds that never goes back. */
  readonly now: () => number
  readonly session: SessionSlot
  /** Root certificates as PEM, in place of Node.js' own. */
  readonly roots?: readonly string[] | undefined
  /** Milliseconds that all steps together may take. */
  readonly timeoutMs: number
  /** The only addresses that are tried, when a name has both kinds; absent or null for all. */
  readonly family?: 4 | 6 | null
  /** Whether TLS begins with a message that fits one packet. */
  readonly shortHello?: boolean
}

/** An open connection. The caller of `dial` closes it. */
export interface Line {
  /** Socket over which HTTP is spoken. */
  readonly socket: Socket
  /** The TCP connection underneath, whose bytes are counted. */
  readonly raw: Socket
  /**
   * The longest of the round trips that opening the line took, in milliseconds: over a proxy, that is the trip to its
   * far side.
   */
  readonly rttMs: number
  /** Moment at which the line's first packet left, or a little before; by the clock of the dialling. */
  readonly bornMs: number
}

/** What a failed attempt had sent and received by then. */
export interface Spent {
  readonly sent: number
  readonly received: number
}

/** An attempt that failed, with the bytes that it cost. */
export class DialFailed extends NoAnswer {
  readonly spent: Spent
  /** Whether a connection came about, over which not a byte was heard. */
  readonly isMute: boolean
  /** Kind of its address; null when that is not known. */
  readonly family: 4 | 6 | null

  constructor(cause: NoAnswer, spent: Spent, isMute = false, family: 4 | 6 | null = null) {
    super(cause.code, { cause })
    this.spent = spent
    this.isMute = isMute
    this.family = family
  }
}

/** Once a tunnel resolves, its proxy passes bytes on and says nothing of its own. */
const tunnels: Readonly<
  Record<ProxyHop['kind'], (socket: Socket, to: Place, proxy: ProxyHop, signal: AbortSignal) => Promise<void>>
> = { connect: askConnect, socks5: askSocks5 }

/** @throws {DialFailed} Everything is closed by then. */
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
    const family = familyOf(raw)
    const why = error instanceof NoAnswer ? error : new NoAnswer('unknown', { cause: error })
    cut(raw)
    throw new DialFailed(why, spent, why.code === 'timeout' && spent.sent > 0 && spent.received === 0, family)
  } finally {
    clearTimeout(timer)
  }
}

async function open(
  { url: text, ip, sni, pins, proxy }: Endpoint,
  { now, session, roots, signal, family = null, shortHello = false }: Omit<Dialling, 'timeoutMs'>,
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
  const raw = await timed(connectTcp(proxy ?? collector, attempt, family))
  if (proxy !== undefined) await timed(tunnels[proxy.kind](raw, collector, proxy, signal))
  if (url.protocol === 'http:') return { socket: raw, raw, rttMs, bornMs }
  const socket = await timed(secure(raw, { name, sni, pins, roots, shortHello }, session, signal))
  return { socket, raw, rttMs, bornMs }
}

/** @returns null while it is not connected, and when the system does not say. */
export function familyOf(raw: Socket | null): 4 | 6 | null {
  const family = raw?.remoteFamily
  return family === 'IPv6' ? 6 : family === 'IPv4' ? 4 : null
}

export function spentBy(raw: Socket | null): Spent {
  return { sent: raw?.bytesWritten ?? 0, received: raw?.bytesRead ?? 0 }
}

/**
 * Closes with a reset: what the kernel still holds is then not sent. A dead way does not deliver it, and a slow one
 * should not have to.
 */
export function cut(raw: Socket | null): void {
  // Before the socket is connected, a reset would wait for the connection.
  if (raw?.connecting) raw.destroy()
  else raw?.resetAndDestroy()
}
