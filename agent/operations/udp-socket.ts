// The UDP sockets of this process: each is connected to one endpoint, bound to the source address if the measurement
// has one, and there are no more of them at once than a small router can handle. dns-exchange.ts and
// datagram-exchange.ts send and receive.

import dgram from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Endpoint, Trace } from './trace.ts'
import { turns } from './turns.ts'
import { sourceOf } from './wire.ts'

/**
 * A router keeps every UDP flow in its table for half a minute or more, answered or not. The number is that of TCP
 * connects in tcp-connect.ts; it is more than four tasks ask for at once.
 */
const maxSockets = 64

/** A turn is taken before an operation's time begins and given back when its socket is closed. */
export const udpTurns = turns(maxSockets)

/**
 * Bytes that are heard of one exchange: room for the longest datagram. After more nothing is heard, and the exchange ends as
 * if nothing more had come: whoever floods a question is not to have the rest of its seconds.
 */
export const maxHeardBytes = 0xffff

/**
 * Opens a socket that connects to `endpoint`, whose `ip` must be a literal. Only a connected socket is told of ICMP
 * errors, and takes datagrams from no other address.
 *
 * @returns The socket emits `connect` when it is connected, and `error` when that fails, not before this call has
 * returned.
 */
export function openUdp(trace: Trace, endpoint: Endpoint): dgram.Socket {
  // The socket is new each time: a random port is half of what makes a forged reply hard to send.
  const socket = dgram.createSocket(isIPv6(endpoint.ip) ? 'udp6' : 'udp4')
  const connect = () => socket.connect(endpoint.port, endpoint.ip)
  const source = sourceOf(trace, endpoint)
  if (source === null) connect()
  else if (source instanceof Error) setImmediate(() => socket.emit('error', source))
  else socket.bind({ address: source, port: 0, exclusive: true }, connect)
  return socket
}

const closed = new WeakSet<dgram.Socket>()

/** Node.js throws where a socket is closed twice. */
export function closeOnce(socket: dgram.Socket): void {
  if (closed.has(socket)) return
  closed.add(socket)
  socket.close()
}

export function isClosed(socket: dgram.Socket): boolean {
  return closed.has(socket)
}
