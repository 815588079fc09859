// The UDP sockets of this process: each connected to one endpoint, bound where the measurement's link asks for it, and
// no more of them at once than a small router bears. Leaves what is sent and heard to dns-exchange.ts and
// datagram-exchange.ts.

import dgram from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Endpoint, Trace } from './trace.ts'
import { turns } from './turns.ts'

/**
 * A router keeps every flow of UDP in its table for half a minute or more, answered or not. As many as connects of TCP,
 * tcp-connect.ts; more than four tasks ask for at once.
 */
const maxSockets = 64

/** Taken before an operation's time begins and given back when its socket is closed. */
export const udpTurns = turns(maxSockets)

/**
 * A socket on its way to be connected to `endpoint`, whose `ip` must be a literal. Only a connected one hears of ICMP,
 * and takes datagrams from nobody else.
 *
 * @returns It says `connect` when it is, and `error` when it cannot be, not before this call has returned.
 */
export function openUdp(trace: Trace, endpoint: Endpoint): dgram.Socket {
  // A new one each time: a random port is half of what makes a forged reply hard to place.
  const socket = dgram.createSocket(isIPv6(endpoint.ip) ? 'udp6' : 'udp4')
  const connect = () => socket.connect(endpoint.port, endpoint.ip)
  if (trace.localAddress === null) connect()
  else socket.bind({ address: trace.localAddress, port: 0, exclusive: true }, connect)
  return socket
}
