// Servers on loopback that do to a client whatever a test tells them, and the trace to measure them with. They close
// with the test that opened them, and only after the client has closed its side: a leaked socket fails the test.

import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { onTestFinished } from 'vitest'
import type { StepOptions, Trace } from '../../agent/operations/trace.ts'
import { makeTrust } from '../../agent/operations/trust.ts'
import { measurementClock, systemClock } from '../../agent/platform/clock.ts'

/** A trace over loopback. It trusts the roots of Node.js unless `trust` is given. */
export function makeTrace(parts: Partial<Trace> = {}): Trace {
  return {
    clock: measurementClock(systemClock()),
    sources: null,
    trust: parts.trust ?? makeTrust(),
    signal: new AbortController().signal,
    ...parts,
  }
}

/** The time is so long that it is never reached on a busy machine; tests of the deadline set their own. */
export const step: StepOptions = { transactionId: 7, tags: ['tested'], timeoutMs: 20_000 }

export interface Listening {
  readonly ip: string
  readonly port: number
  /** The server's ends of the TCP connections, oldest first: the layer below TLS, to be reset or watched. */
  readonly peers: readonly net.Socket[]
}

/** What the server does with each connection. Bytes that it does not read are discarded. */
export type Conduct = (socket: net.Socket) => void

export async function serveTcp(
  conduct: Conduct,
  where: { readonly host?: string; readonly port?: number | undefined } = {},
): Promise<Listening> {
  return listen((socket) => {
    conduct(socket)
    socket.resume()
  }, where)
}

/** `conduct` gets sockets whose handshake is done; those whose handshake failed are dropped. */
export async function serveTls(
  options: tls.TlsOptions,
  conduct: (socket: tls.TLSSocket) => void = () => {},
): Promise<Listening> {
  const server = tls.createServer(options, (socket) => {
    socket.on('error', () => {})
    conduct(socket)
    socket.resume()
  })
  return serveWith(server)
}

/** Any server of Node.js that takes connections: http, tls, http2. */
export async function serveWith(server: net.Server): Promise<Listening> {
  // What the client does to the server is checked by the test of the client.
  server.on('tlsClientError', () => {})
  return listen((socket) => server.emit('connection', socket))
}

async function listen(
  conduct: Conduct,
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number | undefined } = {},
): Promise<Listening> {
  const peers: net.Socket[] = []
  const server = net.createServer((socket) => {
    peers.push(socket)
    socket.on('error', () => {})
    conduct(socket)
  })
  server.listen(port, host)
  await once(server, 'listening')
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())))
  const bound = server.address() as net.AddressInfo
  return { ip: bound.address, port: bound.port, peers }
}

/** Gets each datagram, a function that answers it any number of times, and the port that it came from. */
export type UdpConduct = (query: Buffer, reply: (bytes: Buffer) => void, from: number) => void

export async function serveUdp(conduct: UdpConduct, port = 0): Promise<Omit<Listening, 'peers'>> {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (query, from) =>
    conduct(query, (bytes) => socket.send(bytes, from.port, from.address), from.port),
  )
  socket.on('error', () => {})
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => new Promise((resolve) => void socket.close(() => resolve())))
  return { ip: socket.address().address, port: socket.address().port }
}

/** A TCP port on which nothing listens: it was opened once and closed again. */
export async function closedPort(): Promise<{ readonly ip: string; readonly port: number }> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { address, port } = server.address() as net.AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return { ip: address, port }
}

/** A client's end of a connection, made without the operation under test. */
export async function connectTo(endpoint: Pick<Listening, 'ip' | 'port'>): Promise<net.Socket> {
  const socket = net.connect({ host: endpoint.ip, port: endpoint.port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Resolves when `socket` is closed, for whatever reason; `once(socket, 'close')` would reject on an error. */
export function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}
