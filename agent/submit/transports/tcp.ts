// A TCP connection to a name or an address: the first step of every way, to the collector or to a proxy.

import { connect, type Socket } from 'node:net'
import { NoAnswer, noAnswer } from './no-answer.ts'

export interface Place {
  /** A name, which the system resolves, or an IP address. */
  readonly host: string
  readonly port: number
}

/** What every step of a dial needs beside where it goes. */
export interface Attempt {
  /** Ends the attempt; the caller, who fires it, closes the sockets. */
  readonly signal: AbortSignal
  /** Told of the TCP socket as soon as there is one, to count its bytes and to close it. */
  readonly onSocket: (socket: Socket) => void
}

/**
 * How long one address of several is tried before the next. Node's 250 ms would give up on every address of a 2G link
 * with a round trip of 600 ms, except the last, which may be the dead one.
 */
const attemptTimeoutMs = 4_000

/** @throws {NoAnswer} */
export function connectTcp({ host, port }: Place, { signal, onSocket }: Attempt): Promise<Socket> {
  const socket = connect({ host, port, autoSelectFamilyAttemptTimeout: attemptTimeoutMs })
  // Each exchange is one small request after the other: waiting for more to send would cost a round trip.
  socket.setNoDelay(true)
  // For the whole life of the socket: an error between two requests must not end the process.
  socket.on('error', () => {})
  onSocket(socket)
  return settled<Socket>(signal, (resolve, reject) => {
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}

/** A promise that the signal ends. @throws {NoAnswer} */
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
