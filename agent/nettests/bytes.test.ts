// The bytes that the observations of a measurement name, summed, are what a relay between the probe and the servers saw:
// none is forgotten, and none is counted twice.

import http from 'node:http'
import https from 'node:https'
import { decode, encode } from 'dns-packet'
import { expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { serveTcp, serveTls, serveUdp, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { countingRelay } from '../../test/support/proxies.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { makeTrust } from '../operations/trust.ts'
import { dnscheck } from './dnscheck.ts'
import { headerFieldManipulation } from './http-header-field-manipulation.ts'
import { invalidRequestLineWithin } from './http-invalid-request-line.ts'
import type { Nettest, NettestContext } from './nettest.ts'
import { quicping } from './quicping.ts'
import { sniBlocking } from './sni-blocking.ts'
import { stunReachability } from './stunreachability.ts'
import { tor } from './tor.ts'
import { webConnectivity } from './web-connectivity.ts'

const authority = makeAuthority()
const certificate = authority.issue({ names: ['localhost'] })
const trust = makeTrust({ extraCa: [authority.caPem] })

/** By the page of observations: of the lists and of what some nettests have beside them. */
function bytesIn(seen: Observations & Readonly<Record<string, unknown>>) {
  const lists = ['queries', 'tls_handshakes', 'requests', 'pings', 'x_sonde_stun_bindings']
  const each = lists.flatMap((name) => (seen[name] ?? []) as Record<string, number | undefined>[])
  const raw = 'failure_list' in seen ? seen.network_events : []
  const ofEvents = (operation: string) =>
    raw.filter((event) => event.operation === operation).map((event) => event.num_bytes ?? 0)
  const sum = (all: readonly (number | undefined)[]) =>
    all.reduce<number>((total, one) => total + (one ?? 0), 0)
  return {
    sent: sum([...each.map((one) => one.x_sonde_bytes_sent), ...ofEvents('write')]),
    received: sum([...each.map((one) => one.x_sonde_bytes_received), ...ofEvents('read')]),
  }
}

interface Case {
  readonly nettest: Nettest
  /** Whatever it asks, on one port of TCP, UDP or both. */
  readonly serve: () => Promise<{ readonly port: number }>
  readonly input: (port: number) => string | null
  readonly options?: (port: number) => object
  readonly context?: (port: number) => Partial<NettestContext>
}

/** 192.0.2.1 for whatever is asked, over UDP and TCP. */
async function serveDns(overUdp: (answer: Buffer) => Buffer = (answer) => answer) {
  const frames = await serveTcp((socket) => {
    socket.once('data', (frame) => socket.write(framed(dnsAnswer(frame.subarray(2)))))
  })
  return serveUdp((query, reply) => reply(overUdp(dnsAnswer(query))), frames.port)
}

function dnsAnswer(query: Buffer, addresses: readonly string[] = ['192.0.2.1']): Buffer {
  const { id, questions } = decode(query)
  const name = questions?.[0]?.name ?? ''
  const answers = addresses.map((data) => ({ type: 'A' as const, name, ttl: 9, data }))
  return encode({ type: 'response', id, questions, answers })
}

/** With the bit that says so (RFC 1035 §4.1.1). */
function truncated(answer: Buffer): Buffer {
  answer.writeUInt8(answer.readUInt8(2) | 0x02, 2)
  return answer
}

/** Version Negotiation (RFC 9000 §17.2.1): the ids swapped, and version 1. */
function negotiation(packet: Buffer): Buffer {
  const length = packet[5] ?? 0
  const destination = packet.subarray(5, 6 + length)
  const source = packet.subarray(6 + length, 7 + length + (packet[6 + length] ?? 0))
  const [head, version] = ['8000000000', '00000001'].map((hex) => Buffer.from(hex, 'hex')) as [Buffer, Buffer]
  return Buffer.concat([head, source, destination, version])
}

const framed = (reply: Buffer) =>
  Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 0xff]), reply])

const answerWith =
  (body: string): http.RequestListener =>
  (request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-length': body.length, 'content-type': 'text/plain' })
      response.end(body)
    })
  }
const serveDoh = () =>
  serveWith(
    https.createServer(certificate, (request, response) => {
      request.on('data', (body: Buffer) => {
        response.writeHead(200, { 'content-type': 'application/dns-message' })
        response.end(dnsAnswer(body))
      })
    }),
  )
/** TLS 1.2, whose tickets come before the end of the handshake: what comes after it is nobody's. */
const serveHandshakes = () => serveTls({ ...certificate, maxVersion: 'TLSv1.2' })

const cases: Readonly<Record<string, Case>> = {
  'web_connectivity in clear text, with a named resolver over UDP': {
    nettest: webConnectivity,
    // One number for the site and for the resolver, so that one relay sees all.
    serve: async () => {
      const site = await serveWith(http.createServer(answerWith('a page')))
      await serveUdp((query, reply) => reply(dnsAnswer(query, ['127.0.0.1'])), site.port)
      return site
    },
    input: (port) => `http://localhost:${port}/`,
    context: (port) => ({ resolver: { transport: 'udp', ip: '127.0.0.1', port } }),
  },
  'web_connectivity over TLS': {
    nettest: webConnectivity,
    serve: () => serveWith(https.createServer(certificate, answerWith('a page behind TLS'))),
    input: (port) => `https://localhost:${port}/`,
  },
  'web_connectivity cut in the handshake': {
    nettest: webConnectivity,
    serve: () =>
      serveTcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
    input: (port) => `https://localhost:${port}/`,
  },
  'dnscheck over UDP': {
    nettest: dnscheck,
    serve: () => serveDns(),
    input: (port) => `udp://127.0.0.1:${port}`,
  },
  'dnscheck over UDP, the answer truncated': {
    nettest: dnscheck,
    serve: () => serveDns(truncated),
    input: (port) => `udp://127.0.0.1:${port}`,
  },
  'dnscheck over TCP': {
    nettest: dnscheck,
    serve: () => serveDns(),
    input: (port) => `tcp://127.0.0.1:${port}`,
  },
  'dnscheck over TLS': {
    nettest: dnscheck,
    serve: () =>
      serveTls({ ...certificate, ALPNProtocols: ['dot'] }, (socket) => {
        socket.once('data', (frame) => socket.write(framed(dnsAnswer(frame.subarray(2)))))
      }),
    input: (port) => `dot://localhost:${port}`,
  },
  'dnscheck over HTTPS': {
    nettest: dnscheck,
    serve: serveDoh,
    input: (port) => `https://localhost:${port}/dns-query`,
  },
  'dnscheck of a resolver with another certificate': {
    nettest: dnscheck,
    serve: () => serveTls({ ...makeAuthority().issue({ names: ['localhost'] }), maxVersion: 'TLSv1.2' }),
    input: (port) => `dot://localhost:${port}`,
  },
  quicping: {
    nettest: quicping,
    serve: () =>
      serveUdp((packet, reply) => {
        reply(Buffer.from('no answer'))
        reply(negotiation(packet))
      }),
    input: () => '127.0.0.1',
    options: (port) => ({ port, repetitions: 1 }),
  },
  stunreachability: {
    nettest: stunReachability,
    serve: () =>
      serveUdp((request, reply) => {
        reply(Buffer.from('no answer'))
        reply(Buffer.concat([Buffer.from('010100002112a442', 'hex'), request.subarray(8, 20)]))
      }),
    input: (port) => `stun://127.0.0.1:${port}`,
  },
  sni_blocking: {
    nettest: sniBlocking,
    serve: serveHandshakes,
    input: () => 'site.example',
    options: (port) => ({ test_helper_address: `localhost:${port}` }),
  },
  'tor, each kind': {
    nettest: tor,
    serve: serveHandshakes,
    input: () => null,
    options: (port) => {
      const address = `127.0.0.1:${port}`
      const protocols = ['or_port', 'or_port_dirauth', 'obfs4'] as const
      return { targets: Object.fromEntries(protocols.map((protocol) => [protocol, { address, protocol }])) }
    },
  },
  'tor, a directory': {
    nettest: tor,
    serve: () => serveWith(http.createServer(answerWith('a consensus'))),
    input: () => null,
    options: (port) => ({ targets: { a: { address: `127.0.0.1:${port}`, protocol: 'dir_port' } } }),
  },
  http_invalid_request_line: {
    nettest: invalidRequestLineWithin(1_000),
    serve: () => serveTcp((socket) => socket.pipe(socket)),
    input: () => null,
    options: (port) => ({ helper: `127.0.0.1:${port}` }),
  },
  http_header_field_manipulation: {
    nettest: headerFieldManipulation,
    serve: () => serveTcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n{}'))),
    input: () => null,
    options: (port) => ({ helper: `http://127.0.0.1:${port}/` }),
  },
}

it.each(Object.entries(cases))(
  '%s: every byte once',
  async (_name, { nettest, serve, input, options, context }) => {
    const relay = await countingRelay((await serve()).port)
    const seen = await nettest.measure(makeContext(context?.(relay.port), { trust }), input(relay.port), {
      ...options?.(relay.port),
    })
    const counted = relay.bytes()
    expect(counted.sent).toBeGreaterThan(0)
    expect(bytesIn(seen.observations)).toEqual(counted)
    expect(seen.bytes).toEqual(counted)
  },
)
