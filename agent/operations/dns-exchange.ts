// One DNS question on the wire: sent over UDP or TCP, and every message that came back to it. dns-message.ts decides
// what a message means, and resolve-dns.ts writes it down.

import type { Socket } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { type Deadline, startDeadline } from './deadline.ts'
import { type Question, type Reading, readReply } from './dns-message.ts'
import { failureOf } from './failure.ts'
import { tcpConnect } from './tcp-connect.ts'
import type { Bytes, StepOptions, Trace } from './trace.ts'
import { closeOnce, maxHeardBytes, openUdp } from './udp-socket.ts'
import { countBytes, endOfStream } from './wire.ts'

export interface Resolver {
  readonly transport: 'udp' | 'tcp'
  /** IP literal. */
  readonly ip: string
  readonly port: number
}

export interface ResolveDnsOptions extends StepOptions {
  /**
   * Milliseconds to go on listening after the first UDP reply, within the deadline; with 0 the listening ends there.
   */
  readonly lateReplyMs: number
  /** Whether to ask with an OPT record (RFC 6891). Absent: the plainest question that is possible. */
  readonly edns?: boolean
  /** Whether to ask a resolver for what it could not validate. Absent: not. */
  readonly checkingDisabled?: boolean
}

/** The operation that an exchange is part of. */
export interface Asking {
  readonly trace: Trace
  readonly resolver: Resolver
  readonly options: ResolveDnsOptions
  /** Deadline of the whole operation: a second exchange has the time that the first one left. */
  readonly deadline: Deadline
}

/** One message, and what it means for the question. */
export interface Received {
  readonly t: number
  readonly bytes: Buffer
  readonly reading: Reading
}

/** What one socket received. */
export interface Heard {
  readonly failure: Failure | null
  /** The message that decided the outcome; null when none came. */
  readonly reply: Received | null
  readonly others: readonly Received[]
  /** When the outcome was decided; the time of listening for late replies is not in it. */
  readonly t: number
  readonly bytes: Bytes
}

/** The result when nothing was sent. */
export function unheard(trace: Trace, failure: Failure): Heard {
  const t = trace.clock.elapsedSeconds()
  return { failure, reply: null, others: [], t, bytes: { sent: 0, received: 0 } }
}

/**
 * Asks over UDP, and after the reply goes on listening for `lateReplyMs`.
 *
 * A datagram that does not fit the question does not end the wait; it decides only when no better one comes.
 */
export async function hearUdp(asking: Asking, question: Question): Promise<Heard> {
  const { trace, resolver, options, deadline } = asking
  let sent = 0
  let received = 0
  let fitting: Received | null = null
  const others: Received[] = []

  const socket = openUdp(trace, resolver)
  const decided = new Promise<Failure | null>((resolve) => {
    const onError = (error: Error) => resolve(failureOf(error, 'resolve'))
    socket.on('error', onError)
    socket.on('message', (bytes) => {
      received += bytes.length
      const each = { t: trace.clock.elapsedSeconds(), bytes, reading: readReply(bytes, question) }
      if (fitting === null && each.reading.fits) {
        fitting = each
        resolve(each.reading.failure)
      } else if (hasRoom(others, bytes)) {
        others.push(each)
      }
      if (received > maxHeardBytes) closeOnce(socket)
    })
    socket.once('connect', () => {
      socket.send(question.message, (error) => {
        if (error !== null) return onError(error)
        sent += question.message.length
      })
    })
  })
  const failure = await Promise.race([decided, deadline.passed])
  const t = trace.clock.elapsedSeconds()
  const reply = fitting as Received | null
  if (reply !== null) await listenOn(asking, reply, options.lateReplyMs)
  closeOnce(socket)
  const bytes = { sent, received }
  // A message came that does not fit: the failure is that message, not the silence after it.
  const unfit = others[0]
  if (reply === null && failure === 'generic_timeout_error' && unfit !== undefined) {
    return { failure: unfit.reading.failure, reply: unfit, others: others.slice(1), t, bytes }
  }
  return { failure, reply, others, t, bytes }
}

/** Enough to show that there was a flood; with a higher number, its sender could fill the spool. */
const maxOthers = 8
/** The size of eight replies, each as large as UDP allows without EDNS(0). */
const maxOtherBytes = maxOthers * 512

function hasRoom(others: readonly Received[], next: Buffer): boolean {
  const kept = others.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return others.length < maxOthers && kept + next.length <= maxOtherBytes
}

async function listenOn({ trace, deadline }: Asking, reply: Received, lateReplyMs: number): Promise<void> {
  if (lateReplyMs <= 0) return
  // After a truncated answer, the other half of the time is needed for TCP.
  const share = reply.reading.fits && reply.reading.truncated ? 0.5 : 1
  const pause = startDeadline(trace.signal, Math.min(lateReplyMs, deadline.remainingMs() * share))
  await pause.passed
  pause.clear()
}

/** Asks over TCP. One reply is enough: over a connection, no other sender can answer before the resolver. */
export async function hearTcp(asking: Asking, question: Question): Promise<Heard> {
  const { trace, resolver, options, deadline } = asking
  const connected = await tcpConnect(trace, resolver, { ...options, timeoutMs: deadline.remainingMs() })
  if (connected.socket === null) {
    return unheard(trace, connected.observation.status.failure ?? 'generic_timeout_error')
  }
  return hearStream(trace, connected.socket, question, deadline)
}

/** Asks over a connection that is open, with or without TLS, and closes it. */
export async function hearStream(
  trace: Trace,
  socket: Socket,
  question: Question,
  deadline: Deadline,
): Promise<Heard> {
  const bytesSoFar = countBytes(socket)
  const frame = Buffer.alloc(2 + question.message.length)
  frame.writeUInt16BE(question.message.length)
  question.message.copy(frame, 2)
  socket.write(frame)
  const outcome = await Promise.race([readFrame(socket), deadline.passed])
  const t = trace.clock.elapsedSeconds()
  const bytes = bytesSoFar()
  socket.destroy()
  if (typeof outcome === 'string') return { failure: outcome, reply: null, others: [], t, bytes }
  const reading = readReply(outcome, question)
  return { failure: reading.failure, reply: { t, bytes: outcome, reading }, others: [], t, bytes }
}

/** Reads one message that has its length in front (RFC 1035 §4.2.2). This length limits what is kept to 64 KiB. */
function readFrame(socket: Socket): Promise<Buffer | Failure> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      const length = bytes.length < 2 ? 0 : 2 + bytes.readUInt16BE(0)
      if (length > 0 && bytes.length >= length) resolve(bytes.subarray(2, length))
    })
    socket.once('error', (error) => resolve(failureOf(error, 'resolve')))
    socket.once('close', () => resolve(failureOf(endOfStream(), 'resolve')))
  })
}
