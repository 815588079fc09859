// The `http_round_trip` operation: one request over a socket that is connected already and, for https, has done its
// handshake. Follows OONI's df-001. It speaks HTTP/1.1 or HTTP/2, whichever ALPN chose. It follows no redirect, keeps
// no cookie and decompresses nothing: those are other requests, or the nettest's business. The two protocols are in
// http1-exchange.ts and http2-exchange.ts.

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { HttpRequest, NetworkEvent } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import { alertOf, failureOf } from './failure.ts'
import { type OngoingRequest, type Request, requestHeaders } from './http-exchange.ts'
import { describeResponse, firstOfEach, noResponse, type Received } from './http-response.ts'
import { http1Exchange } from './http1-exchange.ts'
import { http2Exchange } from './http2-exchange.ts'
import type { Bytes, StepOptions, Trace } from './trace.ts'
import { causeOfDeath, countBytes, describeBytes, remoteAddress } from './wire.ts'

export type { Request }

export interface HttpRoundTripOptions extends StepOptions {
  /** Bytes of body to read before closing. It is no failure when a longer body is cut off there. */
  readonly maxBodyBytes: number
}

/**
 * Sends one request and reads the response, within one deadline for both.
 *
 * @param socket - Connected and handshaken. It belongs to this operation from the call on, and is closed at its end.
 * @returns The observation; when it failed half-way, with status, headers and the part of the body that came.
 *   `events` has the bytes received so far, every quarter of a second of a response that takes longer: OONI's
 *   `bytes_received_cumulative`. `bytes` are those of the TCP connection during the round trip.
 */
export async function httpRoundTrip(
  trace: Trace,
  socket: Socket | TLSSocket,
  request: Request,
  options: HttpRoundTripOptions,
): Promise<{
  readonly observation: HttpRequest
  readonly events: readonly NetworkEvent[]
  readonly bytes: Bytes
}> {
  const t0 = trace.clock.elapsedSeconds()
  const address = remoteAddress(socket)
  const bytesSoFar = countBytes(socket)
  const samples = sampleEvery(sampleMs, maxSamples, () => ({
    t: trace.clock.elapsedSeconds(),
    length: bytesSoFar().received,
  }))
  const { failure, alert, received } = await requestOver(trace, socket, request, options)
  const t = trace.clock.elapsedSeconds()
  const sampled = samples()
  const bytes = bytesSoFar()
  socket.destroy()
  const observation: HttpRequest = {
    network: 'tcp',
    address,
    alpn: alpnOf(socket),
    failure,
    ...(alert !== null && { x_sonde_tls_alert: alert }),
    ...describeBytes(bytes),
    request: describeRequest(request),
    response: describeResponse(received, request.url.protocol === 'http:'),
    t0,
    t,
    transaction_id: options.transactionId,
    tags: [...options.tags],
  }
  const events = sampled.map(
    ({ t: at, length }): NetworkEvent => ({
      ...{ operation: 'bytes_received_cumulative', address, proto: 'tcp', num_bytes: length, failure: null },
      ...{ t0: at, t: at, transaction_id: options.transactionId, tags: [...options.tags] },
    }),
  )
  return { observation, events, bytes }
}

/** The mean interval of OONI's samples; there are at most as many as fit into the longest response. */
const sampleMs = 250
const maxSamples = 64

/** @returns A function that ends the sampling and returns the samples, oldest first. */
function sampleEvery<T>(everyMs: number, most: number, sample: () => T): () => readonly T[] {
  const samples: T[] = []
  const timer = setInterval(() => {
    if (samples.length < most) samples.push(sample())
  }, everyMs)
  return () => {
    clearInterval(timer)
    return samples
  }
}

/** The request as OONI writes it, with `Host`; over HTTP/1.1 these headers are sent in this form and order, and no others. */
function describeRequest(request: Request): HttpRequest['request'] {
  const { url, method } = request
  const list = requestHeaders(request)
  return {
    method,
    url: url.href,
    headers: firstOfEach(list),
    headers_list: list.map(([name, value]) => [name, value]),
    body: '',
    body_is_truncated: false,
    x_transport: 'tcp',
  }
}

/** How a round trip ended, and what had come of the response by then. */
interface RoundTripEnd {
  readonly failure: Failure | null
  /** Of TLS, which in its version 1.3 refuses a client without a certificate only after the handshake; null: none came. */
  readonly alert: number | null
  readonly received: Received
}

async function requestOver(
  trace: Trace,
  socket: Socket,
  request: Request,
  options: HttpRoundTripOptions,
): Promise<RoundTripEnd> {
  // Checked before the first byte: a measurement that was stopped sends nothing more.
  if (trace.signal.aborted) return { failure: 'interrupted', alert: null, received: noResponse }
  const death = causeOfDeath(socket)
  if (death !== null) {
    return { failure: failureOf(death, 'http_round_trip'), alert: alertOf(death), received: noResponse }
  }

  const deadline = startDeadline(trace.signal, options.timeoutMs)
  const begin = alpnOf(socket) === 'h2' ? http2Exchange : http1Exchange
  const ongoing: OngoingRequest = begin(socket, request, options.maxBodyBytes, trace.clock.elapsedSeconds)
  const end = await Promise.race([ongoing.ended, deadline.passed])
  deadline.clear()
  const received = ongoing.received()
  ongoing.close()
  if (typeof end === 'string') return { failure: end, alert: null, received }
  return { failure: end === null ? null : failureOf(end, 'http_round_trip'), alert: alertOf(end), received }
}

function alpnOf(socket: Socket): string {
  return socket instanceof TLSSocket ? socket.alpnProtocol || '' : ''
}
