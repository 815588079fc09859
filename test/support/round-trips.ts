// One HTTP round trip over a scripted server on loopback, checked for what must hold in every outcome.

import type { Socket } from 'node:net'
import { parse } from 'valibot'
import { expect } from 'vitest'
import {
  type HttpRoundTripOptions,
  httpRoundTrip,
  type Request,
} from '../../agent/operations/http-round-trip.ts'
import { tlsHandshake } from '../../agent/operations/tls-handshake.ts'
import type { Trace } from '../../agent/operations/trace.ts'
import { makeTrust } from '../../agent/operations/trust.ts'
import { httpRequest as httpRequestSchema } from '../../tests-spec/data-formats/observation.ts'
import { makeAuthority } from './certificates.ts'
import { closed, connectTo, type Listening, makeTrace, serveTcp, step } from './loopback.ts'

const authority = makeAuthority()
export const certificate = authority.issue({ names: ['good.test'] })
const trust = makeTrust({ extraCa: [authority.caPem] })
export const options: HttpRoundTripOptions = { ...step, maxBodyBytes: 1 << 19 }
export const get: Request = {
  url: new URL('http://good.test/path?query'),
  method: 'GET',
  headers: { 'user-agent': 'Test/1' },
}

export interface Changes {
  readonly request?: Partial<Request>
  readonly options?: Partial<HttpRoundTripOptions>
  readonly trace?: Partial<Trace>
}

/** One round trip over `socket`. Checks what holds for every outcome, the end of the socket included. */
export async function roundTripOver(socket: Socket, changes: Changes = {}) {
  const { observation, bytes } = await httpRoundTrip(
    makeTrace({ trust, ...changes.trace }),
    socket,
    { ...get, ...changes.request },
    { ...options, ...changes.options },
  )
  expect(parse(httpRequestSchema, observation)).toEqual(observation)
  await closed(socket)
  return { observation, bytes }
}

export async function roundTrip(server: Listening, changes: Changes = {}) {
  return (await roundTripOver(await connectTo(server), changes)).observation
}

/** Does the handshake first. */
export async function secureRoundTrip(server: Listening, changes: Changes = {}) {
  const raw = await connectTo(server)
  const handshake = await tlsHandshake(makeTrace({ trust }), raw, {
    ...step,
    serverName: 'good.test',
    alpn: ['h2', 'http/1.1'],
  })
  if (handshake.socket === null) throw new Error(`Cannot handshake: ${handshake.observation.failure}`)
  const request = { url: new URL('https://good.test/path?query'), ...changes.request }
  const result = await roundTripOver(handshake.socket, { ...changes, request })
  await closed(raw)
  return { ...result, raw }
}

/** Waits for the request, then calls `act`. */
export function afterRequest(act: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => socket.once('data', () => act(socket))
}

/** A server that answers with these bytes, then closes. */
export const answering = (text: string | Buffer) => serveTcp(afterRequest((socket) => socket.end(text)))
