// The only place where the helper opens a TCP connection, and only to an address that was checked.

import net from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { firstOf } from './deadline.ts'
import type { CheckedAddress } from './destination.ts'
import { endOfStream, failureOf } from './failure.ts'

/**
 * Makes one attempt, with no name, no second address and no proxy.
 *
 * @returns A connected socket, which the caller destroys, or why there is none. It has a listener for `error`.
 */
export async function connect(
  address: CheckedAddress,
  port: number,
  signal: AbortSignal,
): Promise<net.Socket | Failure> {
  if (signal.aborted) return 'generic_timeout_error'
  const socket = net.connect({
    host: address,
    port,
    autoSelectFamily: false,
    noDelay: true,
    lookup: noLookup,
  })
  // The listener stays for the whole life of the socket: a reset while no step uses it must not end the process.
  socket.on('error', () => {})
  const failure = await firstOf<Failure | null>(signal, 'generic_timeout_error', (settle) => {
    socket.once('connect', () => settle(null))
    socket.once('error', (error) => settle(failureOf(error)))
    socket.once('close', () => settle(failureOf(endOfStream())))
  })
  if (failure === null) return socket
  socket.destroy()
  return failure
}

/** An IP literal needs no lookup. A name that came here in spite of its type would be looked up without the check. */
const noLookup: net.LookupFunction = (_name, _options, callback) =>
  callback(new TypeError('Cannot connect to a name'), '', 0)
