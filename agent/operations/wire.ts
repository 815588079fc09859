// Facts about the TCP connection underneath a socket: where it leads, and how many bytes it carried. A TLS socket
// counts plain text; the bytes that the link carried, which a budget is spent on, are counted by the socket below.

import type { Socket } from 'node:net'
import { constants } from 'node:os'
import type { TLSSocket } from 'node:tls'
import { isSourceGone, sourceFor } from '../platform/source-addresses.ts'
import type { Bytes, Endpoint, Trace } from './trace.ts'

/** The TCP socket that each of our TLS sockets runs over. The map is weak, so that it keeps no socket alive. */
const carriers = new WeakMap<TLSSocket, Socket>()

/** Remembers that `upper` runs over `lower`. */
export function carry(upper: TLSSocket, lower: Socket): void {
  carriers.set(upper, lower)
}

/**
 * Starts to count the payload bytes of the TCP connection under `socket`.
 *
 * @returns A function that says how many bytes went in each direction since this call. It may be called after the
 * socket closed.
 */
export function countBytes(socket: Socket | TLSSocket): () => Bytes {
  const lower = carriers.get(socket as TLSSocket) ?? socket
  const sentBefore = lower.bytesWritten
  const receivedBefore = lower.bytesRead
  return () => ({ sent: lower.bytesWritten - sentBefore, received: lower.bytesRead - receivedBefore })
}

/** The counts in the form that observations have. */
export function describeBytes({ sent, received }: Bytes) {
  return { x_sonde_bytes_received: received, x_sonde_bytes_sent: sent }
}

/** `ip:port`, with the IP in brackets if it has colons itself. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.ip.includes(':') ? `[${endpoint.ip}]:${endpoint.port}` : `${endpoint.ip}:${endpoint.port}`
}

/** Where `socket` leads; empty when it was closed before the address was first read. */
export function remoteAddress(socket: Socket): string {
  const { remoteAddress: ip, remotePort: port } = socket
  return ip === undefined || port === undefined ? '' : formatEndpoint({ ip, port })
}

/**
 * How a socket died while no operation used it, for the next operation that is given it.
 *
 * @returns null when it is alive; otherwise the error to give to `failureOf()`.
 */
export function causeOfDeath(socket: Socket): Error | null {
  if (socket.errored) return socket.errored
  // No other code closes these sockets, so without an error the cause was the peer's FIN.
  if (socket.destroyed || socket.readableEnded) return endOfStream()
  return null
}

export { isSourceGone }

/**
 * What a socket to `endpoint` is bound to: null leaves it to the system.
 * @returns The error of a system that does not have the address, when none is there for this family.
 */
export function sourceOf({ sources }: Trace, { ip }: Endpoint): string | null | Error {
  if (sources === null) return null
  const errno = -constants.errno.EADDRNOTAVAIL
  const none = () => Object.assign(new Error('no source address'), { code: 'EADDRNOTAVAIL', errno })
  return sourceFor(sources, ip) ?? none()
}

/** The error that Node.js gives for a FIN where more was needed: ECONNRESET without a number. */
export function endOfStream(): Error {
  return Object.assign(new Error('the other side closed'), { code: 'ECONNRESET' })
}

/** The code of an error for bytes that are no HTTP response, or more than any has. */
export const invalidResponse = 'SONDE_INVALID_RESPONSE'

export function noHttp(): Error {
  return Object.assign(new Error('no HTTP response'), { code: invalidResponse })
}

/**
 * Listens to the events of the socket itself, before a client on top of it gives them names of its own.
 *
 * @returns What has happened since this call: the socket's first error, and whether the peer's FIN came.
 */
export function hearSocket(socket: Socket): { error(): Error | null; fin(): boolean } {
  let first: Error | null = null
  let fin = false
  socket.once('error', (error) => {
    first = error
  })
  socket.once('end', () => {
    fin = true
  })
  return { error: () => first, fin: () => fin }
}
