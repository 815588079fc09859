// The `read` and `write` operations over a connected socket, with bytes that the caller gives: for messages that no
// client would send, such as an invalid request line or a method in mixed case. Nothing is parsed; what came back is
// returned as it is.

import type { Socket } from 'node:net'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { NetworkEvent } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import { failureOf } from './failure.ts'
import type { Bytes, StepOptions, Trace } from './trace.ts'
import { causeOfDeath, countBytes, endOfStream, remoteAddress } from './wire.ts'

export interface RawExchangeOptions extends StepOptions {
  /** Bytes to read before closing. */
  readonly maxBytes: number
  /**
   * Whether the bytes received are all that is wanted. Absent: reads until the peer closes, the limit or the
   * deadline.
   */
  isWhole?(received: Buffer): boolean
}

export interface RawExchange {
  /**
   * What ended the reading: null when `isWhole` said so or the limit was reached, `eof_error` when the peer closed,
   * `generic_timeout_error` at the deadline. For a caller without `isWhole`, the last two are the usual endings.
   */
  readonly failure: Failure | null
  readonly received: Buffer
  /** OONI's df-008: the one `write`, and all reading as one `read`. */
  readonly events: readonly NetworkEvent[]
  readonly bytes: Bytes
}

/**
 * Writes `message` to `socket` and reads.
 *
 * @param socket - Connected, with nothing read from it yet. It belongs to this operation from the call on, and is
 * closed at its end.
 * @returns Everything that came up to `maxBytes`, also when reading failed half-way. Never rejects because of the
 * network.
 */
export async function rawExchange(
  trace: Trace,
  socket: Socket,
  message: Uint8Array,
  options: RawExchangeOptions,
): Promise<RawExchange> {
  const t0 = trace.clock.elapsedSeconds()
  const address = remoteAddress(socket)
  const bytesSoFar = countBytes(socket)
  const { failure, received } = await exchange(trace, socket, message, options)
  const t = trace.clock.elapsedSeconds()
  const bytes = bytesSoFar()
  socket.destroy()
  const note = (operation: 'write' | 'read', length: number, result: Failure | null): NetworkEvent => ({
    ...{ operation, address, proto: 'tcp', num_bytes: length, failure: result, t0, t },
    transaction_id: options.transactionId,
    tags: [...options.tags],
  })
  const events = [note('write', bytes.sent, null), note('read', bytes.received, failure)]
  return { failure, received, events, bytes }
}

async function exchange(
  trace: Trace,
  socket: Socket,
  message: Uint8Array,
  options: RawExchangeOptions,
): Promise<Pick<RawExchange, 'failure' | 'received'>> {
  const nothing = Buffer.alloc(0)
  // Checked before the first byte: a measurement that was stopped sends nothing more.
  if (trace.signal.aborted) return { failure: 'interrupted', received: nothing }
  const death = causeOfDeath(socket)
  if (death !== null) return { failure: failureOf(death, 'read'), received: nothing }

  const deadline = startDeadline(trace.signal, options.timeoutMs)
  let received = nothing
  const ended = new Promise<Failure | null>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]).subarray(0, options.maxBytes)
      if (received.length === options.maxBytes || options.isWhole?.(received) === true) resolve(null)
    })
    socket.once('error', (error) => resolve(failureOf(error, 'read')))
    socket.once('end', () => resolve(failureOf(endOfStream(), 'read')))
    socket.once('close', () => resolve(failureOf(endOfStream(), 'read')))
  })
  socket.write(message)
  const failure = await Promise.race([ended, deadline.passed])
  deadline.clear()
  return { failure, received }
}
