// A TCP connection to a name or an address: the first step of every way, to the collector or to a proxy.

import { connect, isIP, type Socket } from 'node:net'
import { NoAnswer, noAnswer } from './no-answer.ts'

export interface Place {
  /** A name, which the system resolves, or an IP address. */
  readonly host: string
  readonly port: number
}

/** What every step of a dial needs beside its destination. */
export interface Attempt {
  /** Ends the attempt; the caller, which fires it, closes the sockets. */
  readonly signal: AbortSignal
  /** Called with the TCP socket as soon as there is one, so that its bytes are counted and it is closed. */
  readonly onSocket: (socket: Socket) => void
}

/**
 * Time for one address before the next is tried, if a name has several. Node's 250 ms would give up on every address
 * over a 2G link with a round trip of 600 ms, except on the last, which may be the dead one.
 */
const attemptTimeoutMs = 4_000

/**
 * @param family - The only addresses of a name that are tried; null for all.
 * @throws {NoAnswer}
 */
export function connectTcp(
  { host, port }: Place,
  { signal, onSocket }: Attempt,
  family: 4 | 6 | null = null,
): Promise<Socket> {
  const only = family === null || isIP(host) !== 0 ? {} : { family }
  const socket = connect({ host, port, autoSelectFamilyAttemptTimeout: attemptTimeoutMs, ...only })
  // Each exchange is one small request after the other: waiting for more bytes to send would cost a round trip.
  socket.setNoDelay(true)
  // The listener stays for the whole life of the socket: an error between two requests must not end the process.
  socket.on('error', () => {})
  onSocket(socket)
  return settled<Socket>(signal, (resolve, reject) => {
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}

/**
 * Waits for a promise that the signal can end.
 * @throws {NoAnswer}
 */
export function settled<T>(
  signal: AbortSignal,
  run: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const interrupt = () =>
      reject(signal.reason instanceof NoAnswer ? signal.reason : new NoAnswer('interrupted'))
    if (signal.aborted) {
      interrupt()
      return
    }
    signal.addEventListener('abort', interrupt, { once: true })
    const clear = () => signal.removeEventListener('abort', interrupt)
    run(
      (value) => {
        clear()
        resolve(value)
      },
      (error) => {
        clear()
        reject(noAnswer(error))
      },
    )
  })
}
