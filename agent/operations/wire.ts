// What can be said of the TCP connection underneath a socket: where it leads, and how many bytes crossed it. A TLS
// socket counts plain text; what the link carried, and what a budget is spent on, is counted by the socket below.

import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Bytes, Endpoint } from './trace.ts'

/** Which TCP socket a TLS socket of ours runs over. Weak, so that it keeps nobody alive. */
const carriers = new WeakMap<TLSSocket, Socket>()

/** Remembers that `upper` runs over `lower`. */
export function carry(upper: TLSSocket, lower: Socket): void {
  carriers.set(upper, lower)
}

/**
 * Starts to count the payload bytes of the TCP connection under `socket`.
 *
 * @returns A function that says how many went each way since this call. It may be called after the socket closed.
 */
export function countBytes(socket: Socket | TLSSocket): () => Bytes {
  const lower = carriers.get(socket as TLSSocket) ?? socket
  const sentBefore = lower.bytesWritten
  const receivedBefore = lower.bytesRead
  return () => ({ sent: lower.bytesWritten - sentBefore, received: lower.bytesRead - receivedBefore })
}

/** As observations carry them. */
export function describeBytes({ sent, received }: Bytes) {
  return { x_sonde_bytes_received: received, x_sonde_bytes_sent: sent }
}

/** `ip:port`, with the IP in brackets where it has colons of its own. */
export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.ip.includes(':') ? `[${endpoint.ip}]:${endpoint.port}` : `${endpoint.ip}:${endpoint.port}`
}

/** Where `socket` leads; empty when it was closed before anyone asked. */
export function remoteAddress(socket: Socket): string {
  const { remoteAddress: ip, remotePort: port } = socket
  return ip === undefined || port === undefined ? '' : formatEndpoint({ ip, port })
}

/**
 * How a socket died while nobody was using it, for the next operation that is handed it.
 *
 * @returns null when it is alive; otherwise what to give to `failureOf()`.
 */
export function causeOfDeath(socket: Socket): Error | null {
  if (socket.errored) return socket.errored
  // Nobody else closes these sockets, so without an error it was the peer's FIN.
  if (socket.destroyed || socket.readableEnded) return endOfStream()
  return null
}

/** The form Node.js gives to a FIN where more was needed: ECONNRESET without a number. */
export function endOfStream(): Error {
  return Object.assign(new Error('the other side closed'), { code: 'ECONNRESET' })
}

/**
 * Listens to what the socket itself says, before a client on top has given it names of its own.
 *
 * @returns What has been heard since this call: its first error, and whether the peer's FIN came.
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
