// How many hops away a question is answered: the same question over UDP with rising time to live, and the lowest that was
// answered. A resolver answers from where it stands; a box that forges answers does so nearer. Needs no ICMP and no rights.
// Leaves to web-connectivity.md what that shows.

import { makeQuestion, readReply } from './dns-message.ts'
import type { Bytes, Endpoint, Trace } from './trace.ts'
import { closeOnce, openUdp, udpTurns } from './udp-socket.ts'

/** Farther than any resolver that people use, and near enough that one burst carries all. */
export const maxHops = 20

export interface Hops {
  /** 1 for the nearest router; null when nothing was answered. */
  readonly lowest: number | null
  readonly bytes: Bytes
}

/**
 * Asks for the address of `hostname` at `endpoint` with each time to live from 1 to `maxHops`, all at once, and hears for `waitMs`.
 *
 * @param endpoint - IPv4: a resolver, or any host.
 */
export async function hopsToAnswer(
  trace: Trace,
  endpoint: Endpoint,
  hostname: string,
  waitMs: number,
): Promise<Hops> {
  const answers = await Promise.all(
    Array.from({ length: maxHops }, async (_, index) =>
      askWithin(trace, endpoint, hostname, index + 1, waitMs),
    ),
  )
  const answered = answers.filter(({ isAnswered }) => isAnswered).map(({ ttl }) => ttl)
  return {
    lowest: answered.length === 0 ? null : Math.min(...answered),
    bytes: {
      sent: answers.reduce((sum, { bytes }) => sum + bytes.sent, 0),
      received: answers.reduce((sum, { bytes }) => sum + bytes.received, 0),
    },
  }
}

interface Asked {
  readonly ttl: number
  readonly isAnswered: boolean
  readonly bytes: Bytes
}

async function askWithin(
  trace: Trace,
  endpoint: Endpoint,
  hostname: string,
  ttl: number,
  waitMs: number,
): Promise<Asked> {
  const bytes = { sent: 0, received: 0 }
  const question = makeQuestion(hostname, 'A')
  if (question === null || trace.signal.aborted) return { ttl, isAnswered: false, bytes }
  const done = await udpTurns.take(trace.signal)
  const socket = openUdp(trace, endpoint)
  const isAnswered = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), waitMs)
    const end = (answered: boolean) => {
      clearTimeout(timer)
      resolve(answered)
    }
    trace.signal.addEventListener('abort', () => end(false), { once: true })
    // What routers say of a time to live that ran out, or a host of a closed port, is no answer.
    socket.on('error', () => end(false))
    socket.on('message', (message) => {
      bytes.received += message.length
      if (readReply(message, question).fits) end(true)
    })
    socket.once('connect', () => {
      socket.setTTL(ttl)
      bytes.sent += question.message.length
      socket.send(question.message)
    })
  })
  closeOnce(socket)
  done?.()
  return { ttl, isAnswered, bytes }
}
