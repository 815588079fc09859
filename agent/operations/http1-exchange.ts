// HTTP/1.1 over a socket that is open already. The request is written as its observation says it; the response is read by
// tests-spec/nettests/http1-reader.ts, as browsers and test helpers read it (ADR 0017). The deadline and the observation
// are in http-round-trip.ts.

import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Http1Reader, type Reading } from '../../tests-spec/nettests/http1-reader.ts'
import { writeRequest } from '../../tests-spec/nettests/http1-request.ts'
import { type OngoingRequest, type Request, requestHeaders } from './http-exchange.ts'
import { collect } from './http-response.ts'
import { endOfStream, hearSocket, noHttp } from './wire.ts'

/** Sends `request` over `socket` at once. */
export function http1Exchange(
  socket: Socket,
  request: Request,
  maxBodyBytes: number,
  now: () => number,
): OngoingRequest {
  const response = collect(maxBodyBytes, now)
  const { method, url } = request
  const reader = new Http1Reader({ method, isSecure: socket instanceof TLSSocket }, response)
  const heard = hearSocket(socket)

  const ended = new Promise<Error | null>((resolve) => {
    const settle = (reading: Reading) => {
      if (reading !== 'more') resolve(errorOf(reading))
    }
    socket.on('data', (bytes: Buffer) => settle(reader.take(bytes)))
    socket.once('error', resolve)
    socket.once('end', () => settle(reader.end()))
    // After an error, or a FIN, this says nothing new.
    socket.once('close', () => resolve(heard.error() ?? endOfStream()))
  })
  socket.write(writeRequest({ method, url, headers: requestHeaders(request), body: request.body }))
  const received = () => {
    const { foreign, faults } = reader
    // What is no HTTP has no body either, but may be a page all the same: kept like one, for its digest and title.
    const page = foreign === null ? {} : { body: foreign.subarray(0, maxBodyBytes) }
    return { ...response.received(), ...page, faults }
  }
  return { ended, received, close: () => socket.destroy() }
}

function errorOf(reading: Exclude<Reading, 'more'>): Error | null {
  if (reading === 'whole') return null
  if (reading === 'cut') return endOfStream()
  return noHttp()
}
