// One message over a connected UDP socket, sent once or several times, and the datagram that answers it. The callers,
// quic-ping.ts and stun-binding.ts, decide what is asked and what counts as an answer. DNS has an exchange of its
// own, because it goes on listening.

import { isIP } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { NetworkEvent } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import { failureOf } from './failure.ts'
import type { Bytes, Endpoint, StepOptions, Trace } from './trace.ts'
import { closeOnce, isClosed, maxHeardBytes, openUdp, udpTurns } from './udp-socket.ts'
import { formatEndpoint } from './wire.ts'

export interface DatagramQuestion<T> {
  readonly message: Buffer
  /**
   * Milliseconds after the first sending at which the message is sent again, unless an answer came. Empty when it is
   * sent only once.
   */
  readonly repeatAfterMs: readonly number[]
  /**
   * @returns What a datagram answers; null when it is no answer to `message`. Must not throw, whatever the bytes are.
   */
  read(bytes: Buffer): T | null
}

export interface Datagram {
  readonly t: number
  readonly bytes: Buffer
}

export interface DatagramAnswer<T> {
  /** null when an answer came. */
  readonly failure: Failure | null
  readonly answer: T | null
  /** The datagram that held the answer; null without one. */
  readonly datagram: Datagram | null
  /**
   * Other datagrams that came, oldest first, only the first few. A datagram that does not fit does not end the wait.
   */
  readonly unfit: readonly Datagram[]
  /** Every datagram in both directions, up to a cap: OONI's `write_to` and `read_from`. */
  readonly events: readonly NetworkEvent[]
  /** How often the message was sent. */
  readonly sendings: number
  readonly t0: number
  /** When the outcome was decided, in seconds of the measurement's clock. */
  readonly t: number
  readonly bytes: Bytes
}

/** Enough to show that there was a flood. */
const maxUnfit = 4
const maxEvents = 16

/**
 * Sends `question.message` to `endpoint` and waits for its answer, an ICMP error, or the deadline. Before that it
 * waits for a turn, which does not count against the deadline.
 *
 * @throws {TypeError} If `endpoint.ip` is not an IP literal. What the network does is a value, never an exception.
 */
export async function exchangeDatagrams<T>(
  trace: Trace,
  endpoint: Endpoint,
  question: DatagramQuestion<T>,
  options: StepOptions,
): Promise<DatagramAnswer<T>> {
  if (isIP(endpoint.ip) === 0) {
    throw new TypeError(`Cannot send to "${endpoint.ip}": expected an IP address`)
  }
  // Checked before the first packet: a measurement that was stopped sends nothing more.
  const done = await udpTurns.take(trace.signal)
  const journal = openJournal(trace, endpoint, options)
  if (done === null) return { ...journal.close('interrupted'), answer: null, datagram: null, unfit: [] }

  const deadline = startDeadline(trace.signal, options.timeoutMs)
  const repeats: NodeJS.Timeout[] = []
  const found: { answer: T | null; datagram: Datagram | null } = { answer: null, datagram: null }
  const unfit: Datagram[] = []

  const socket = openUdp(trace, endpoint)
  let heard = 0
  const decided = new Promise<Failure | null>((resolve) => {
    socket.on('error', (error) => resolve(failureOf(error, 'read')))
    socket.on('message', (bytes) => {
      const datagram = { t: trace.clock.elapsedSeconds(), bytes }
      journal.received(datagram)
      if (found.datagram !== null) return
      const answer = question.read(bytes)
      if (answer !== null) {
        Object.assign(found, { answer, datagram })
        resolve(null)
      } else if (unfit.length < maxUnfit) {
        unfit.push(datagram)
      }
      heard += bytes.length
      if (heard > maxHeardBytes) closeOnce(socket)
    })
    const send = () => {
      if (isClosed(socket)) return
      socket.send(question.message, (error) => {
        const failure = error === null ? null : failureOf(error, 'read')
        journal.sent(question.message.length, failure)
        if (failure !== null) resolve(failure)
      })
    }
    socket.once('connect', () => {
      send()
      repeats.push(...question.repeatAfterMs.map((afterMs) => setTimeout(send, afterMs)))
    })
  })
  const failure = await Promise.race([decided, deadline.passed])
  deadline.clear()
  for (const repeat of repeats) clearTimeout(repeat)
  closeOnce(socket)
  done()
  return { ...journal.close(failure), ...found, unfit }
}

/** Counts the bytes and records the events of one exchange, from its opening to its closing. */
function openJournal({ clock }: Trace, endpoint: Endpoint, { transactionId, tags }: StepOptions) {
  const t0 = clock.elapsedSeconds()
  const events: NetworkEvent[] = []
  const bytes = { sent: 0, received: 0 }
  let sendings = 0
  const note = (operation: 'write_to' | 'read_from', length: number, t: number, failure: Failure | null) => {
    if (events.length >= maxEvents) return
    const address = formatEndpoint(endpoint)
    const what = { operation, address, proto: 'udp', num_bytes: length, failure }
    events.push({ ...what, t0: t, t, transaction_id: transactionId, tags: [...tags] })
  }
  return {
    sent(length: number, failure: Failure | null) {
      note('write_to', failure === null ? length : 0, clock.elapsedSeconds(), failure)
      if (failure !== null) return
      sendings += 1
      bytes.sent += length
    },
    received({ t, bytes: { length } }: Datagram) {
      bytes.received += length
      note('read_from', length, t, null)
    },
    close: (failure: Failure | null) => ({
      failure,
      t0,
      t: clock.elapsedSeconds(),
      events: [...events],
      sendings,
      bytes: { ...bytes },
    }),
  }
}
