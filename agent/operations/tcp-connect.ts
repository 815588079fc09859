// The `connect` operation: one TCP connection to one address. Follows OONI's df-005. The caller decides which
// addresses to try and in what order, so that each observation has a single cause.

import net from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { TcpConnect } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import { failureOf } from './failure.ts'
import type { Endpoint, StepOptions, Trace } from './trace.ts'
import { turns } from './turns.ts'
import { endOfStream, remoteAddress, sourceOf } from './wire.ts'

/**
 * Opens one TCP connection to `endpoint`. There is one attempt: no retry, no second address, no proxy. At most 64
 * connects are under way in a process; the others wait, and their time begins after the wait.
 *
 * @param endpoint - Literal IP address and port. A hostname is a bug in the caller.
 * @returns The observation, and the open socket when there is one; not being able to connect is a value, never an
 * exception. The caller closes the socket. It has a listener for `error`, so it may be left alone: an error of the
 * socket is recorded by the operation that uses it next.
 * @throws {TypeError} If `endpoint.ip` is not an IP literal.
 */
export async function tcpConnect(
  trace: Trace,
  endpoint: Endpoint,
  options: StepOptions,
): Promise<{ readonly observation: TcpConnect; readonly socket: net.Socket | null }> {
  if (net.isIP(endpoint.ip) === 0) {
    throw new TypeError(`Cannot connect to "${endpoint.ip}": expected an IP address`)
  }
  // Checked before the first packet: a measurement that was stopped sends nothing more.
  const done = await connecting.take(trace.signal)
  const t0 = trace.clock.elapsedSeconds()
  const observe = (failure: Failure | null): TcpConnect => ({
    ip: endpoint.ip,
    port: endpoint.port,
    status: { success: failure === null, failure },
    t0,
    t: trace.clock.elapsedSeconds(),
    transaction_id: options.transactionId,
    tags: [...options.tags],
  })
  if (done === null) return { observation: observe('interrupted'), socket: null }

  const deadline = startDeadline(trace.signal, options.timeoutMs)
  const socket = open(trace, endpoint)
  const failure = await Promise.race([connected(socket), deadline.passed])
  deadline.clear()
  done()
  const observation = observe(failure)
  if (failure !== null) {
    socket.destroy()
    return { observation, socket: null }
  }
  // Node.js keeps the remote address once it was asked for it, also when the peer is gone before the next operation
  // asks.
  remoteAddress(socket)
  return { observation, socket }
}

/**
 * The table of connections in a home router, or a phone, is small, and every SYN that gets no answer stays in it for
 * minutes. 64 is more than four tasks ask for at once; the time of a connect that waits has not begun.
 */
const maxConnecting = 64
const connecting = turns(maxConnecting)

function open(trace: Trace, endpoint: Endpoint): net.Socket {
  const source = sourceOf(trace, endpoint)
  const socket =
    source instanceof Error
      ? new net.Socket().destroy(source)
      : net.connect({
          host: endpoint.ip,
          port: endpoint.port,
          ...(source !== null && { localAddress: source }),
          autoSelectFamily: false,
          // Nagle's algorithm would hold back the second small write of an HTTP/2 opening for a round trip, and the time
          // would be charged to the network.
          noDelay: true,
        })
  // The listener stays for the whole life of the socket: a reset between two operations must not end the process.
  // `socket.errored` keeps the error for the next operation.
  socket.on('error', () => {})
  return socket
}

function connected(socket: net.Socket): Promise<Failure | null> {
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(null))
    socket.once('error', (error) => resolve(failureOf(error, 'connect')))
    socket.once('close', () => resolve(failureOf(endOfStream(), 'connect')))
  })
}
