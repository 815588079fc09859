import type http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { TLSSocket } from 'node:tls'
import { type Answer, decode, encode, type Packet } from 'dns-packet'
import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { makeAuthority, selfSigned } from '../../test/support/certificates.ts'
import {
  closed,
  closedPort,
  type Listening,
  makeTrace,
  serveTcp,
  serveTls,
  serveWith,
  step,
} from '../../test/support/loopback.ts'
import {
  dnsQuery as dnsQuerySchema,
  httpRequest as httpRequestSchema,
  tlsHandshake as tlsHandshakeSchema,
} from '../../tests-spec/data-formats/observation.ts'
import type { QueryType } from './dns-message.ts'
import { offeredProtocols } from './offered-protocols.ts'
import { type EncryptedResolver, resolveEncrypted } from './resolve-encrypted.ts'
import type { StepOptions, Trace } from './trace.ts'
import { makeTrust } from './trust.ts'

const authority = makeAuthority()
const certificate = authority.issue({ names: ['dns.example.test', '127.0.0.1'] })
const trust = makeTrust({ extraCa: [authority.caPem] })

interface Changes {
  readonly hostname?: string
  readonly queryType?: QueryType
  readonly options?: Partial<StepOptions>
  readonly trace?: Partial<Trace>
}

async function resolve(resolver: EncryptedResolver, changes: Changes = {}) {
  const trace = makeTrace({ trust, ...changes.trace })
  const { hostname = 'www.example.test', queryType = 'A' } = changes
  // The servers are ours, so both protocols are tried, also under a Node.js where the HTTP/2 of an unknown server
  // would not be safe.
  const options = { ...step, protocols: ['h2', 'http/1.1'], ...changes.options }
  const result = await resolveEncrypted(trace, resolver, hostname, queryType, options)
  for (const query of result.queries) expect(parse(dnsQuerySchema, query)).toEqual(query)
  for (const shaken of result.tlsHandshakes) expect(parse(tlsHandshakeSchema, shaken)).toEqual(shaken)
  for (const request of result.requests) expect(parse(httpRequestSchema, request)).toEqual(request)
  expect(result.failure).toBe(result.queries[0]?.failure ?? null)
  return result
}

const dot = ({ ip, port }: { ip: string; port: number }, name = 'dns.example.test'): EncryptedResolver => ({
  transport: 'dot',
  ip,
  port,
  name,
})

const doh = ({ ip, port }: { ip: string; port: number }): EncryptedResolver => ({
  transport: 'doh',
  ip,
  url: new URL(`https://dns.example.test:${port}/dns-query`),
})

const answerA: Answer = { type: 'A', name: 'www.example.test', ttl: 30, data: '192.0.2.1' }

function replyTo(query: Buffer, parts: Packet = { answers: [answerA] }): Buffer {
  const { id, questions } = decode(query)
  return encode({ type: 'response', id, questions, ...parts })
}

function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** A DNS over TLS server that answers the first message with what `make` returns. */
function serveDot(make: (query: Buffer) => Buffer, protocols: string[] = ['dot']) {
  return serveTls({ ...certificate, ALPNProtocols: protocols }, (socket) => {
    socket.once('data', (bytes) => socket.write(make(bytes.subarray(2))))
  })
}

interface Seen {
  readonly method: string | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: Buffer
}

/** A DNS over HTTPS server, with either version of HTTP. */
function serveDoh(
  version: 1 | 2,
  answer: (seen: Seen) => { status?: number; type?: string; body: Buffer | string },
): Promise<Listening> {
  const onRequest: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, headers } = request
      const seen = { method, headers, body: Buffer.concat(chunks) }
      const { status = 200, type = 'application/dns-message', body } = answer(seen)
      response.writeHead(status, { 'content-type': type })
      response.end(body)
    })
  }
  if (version === 1) {
    return serveWith(https.createServer({ ...certificate, ALPNProtocols: ['http/1.1'] }, onRequest))
  }
  // Node's HTTP/2 server can be used like the other one, as far as it is used here.
  const onRequest2 = onRequest as unknown as (
    a: http2.Http2ServerRequest,
    b: http2.Http2ServerResponse,
  ) => void
  return serveWith(http2.createSecureServer(certificate, onRequest2))
}

describe('resolveEncrypted() over TLS', () => {
  it('asks one padded question, and gives query, connect and handshake', async () => {
    let asked: Buffer = Buffer.alloc(0)
    const server = await serveDot((query) => {
      asked = query
      return frame(replyTo(query))
    })
    const result = await resolve(dot(server))
    expect(result.addresses).toEqual(['192.0.2.1'])
    expect(asked).toHaveLength(128)
    expect(decode(asked)).toMatchObject({ flag_rd: true, additionals: [{ type: 'OPT' }] })
    expect(result.queries).toMatchObject([
      {
        engine: 'dot',
        query_type: 'A',
        failure: null,
        rcode: 0,
        resolver_address: `127.0.0.1:${server.port}`,
        raw_response: replyTo(asked).toString('base64'),
        transaction_id: 7,
        tags: ['tested'],
      },
    ])
    expect(result.tcpConnects).toMatchObject([{ ip: '127.0.0.1', status: { success: true } }])
    expect(result.tlsHandshakes).toMatchObject([
      { failure: null, server_name: 'dns.example.test', negotiated_protocol: 'dot' },
    ])
    expect(result.requests).toEqual([])
    const handshakeBytes = result.tlsHandshakes[0]?.x_sonde_bytes_sent ?? 0
    expect(result.bytes.sent).toBeGreaterThan(handshakeBytes + 130)
    await Promise.all(server.peers.map(closed))
  })

  it('sends no server name to a resolver known by its address', async () => {
    const result = await resolve(dot(await serveDot((query) => frame(replyTo(query))), '127.0.0.1'))
    expect(result).toMatchObject({ failure: null, tlsHandshakes: [{ server_name: '' }] })
  })

  it.each<[string, (query: Buffer) => Buffer, string]>([
    ['NXDOMAIN', (query) => frame(replyTo(query, { flags: 3 })), 'dns_nxdomain_error'],
    [
      'another id',
      (query) => frame(replyTo(Buffer.concat([Buffer.from([0, 0]), query.subarray(2)]))),
      'dns_reply_with_wrong_query_id',
    ],
    ['a message that breaks off', (query) => frame(replyTo(query).subarray(0, -3)), 'dns_server_misbehaving'],
    ['garbage in a frame', () => frame(Buffer.from('blocked')), 'dns_server_misbehaving'],
    ['an empty frame', () => frame(Buffer.alloc(0)), 'dns_server_misbehaving'],
  ])('records %s', async (_what, make, failure) => {
    const result = await resolve(dot(await serveDot(make)))
    expect(result.failure).toBe(failure)
    expect(result.queries[0]?.raw_response).toBeDefined()
    expect(result.addresses).toEqual([])
  })

  it.each<[string, (socket: TLSSocket) => void, string]>([
    ['a FIN after the handshake', (socket) => socket.once('data', () => socket.end()), 'eof_error'],
    ['a FIN in the frame', (socket) => socket.once('data', () => socket.end('\0\x20abc')), 'eof_error'],
    ['silence', () => {}, 'generic_timeout_error'],
  ])('records %s', async (_what, conduct, failure) => {
    const server = await serveTls({ ...certificate, ALPNProtocols: ['dot'] }, conduct)
    const timeoutMs = failure === 'generic_timeout_error' ? 300 : step.timeoutMs
    const result = await resolve(dot(server), { options: { timeoutMs } })
    expect(result.failure).toBe(failure)
    expect(result.tlsHandshakes).toMatchObject([{ failure: null }])
    await Promise.all(server.peers.map(closed))
  })

  it('fails at the connect when nobody listens', async () => {
    const result = await resolve(dot(await closedPort()))
    expect(result).toMatchObject({ failure: 'connection_refused', tlsHandshakes: [], requests: [] })
    expect(result.tcpConnects).toMatchObject([{ status: { failure: 'connection_refused' } }])
  })

  it.each<[string, () => Promise<Listening>, string]>([
    [
      'is reset',
      () => serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy())),
      'connection_reset',
    ],
    [
      'is answered in plain text',
      () => serveTcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n'))),
      'ssl_not_tls',
    ],
    [
      'meets a forged certificate',
      () => serveTls(selfSigned({ names: ['dns.example.test'] })),
      'ssl_unknown_authority',
    ],
    [
      'meets a certificate for another name',
      () => serveTls(authority.issue({ names: ['other.test'] })),
      'ssl_invalid_hostname',
    ],
  ])('fails at the handshake when it %s', async (_what, serve, failure) => {
    const server = await serve()
    const result = await resolve(dot(server))
    expect(result).toMatchObject({ failure, tlsHandshakes: [{ failure }], requests: [] })
    expect(result.queries[0]).toMatchObject({ failure, answers: null })
    expect(result.bytes.sent).toBeGreaterThan(100)
    await Promise.all(server.peers.map(closed))
  })
})

describe.each([1, 2] as const)('resolveEncrypted() over HTTP/%i', (version) => {
  it('posts one padded question with id 0, and gives all four observations', async () => {
    const seen: Seen[] = []
    const server = await serveDoh(version, (request) => {
      seen.push(request)
      return { body: replyTo(request.body) }
    })
    const result = await resolve(doh(server))
    expect(result.addresses).toEqual(['192.0.2.1'])
    expect(seen).toMatchObject([
      {
        method: 'POST',
        headers: {
          accept: 'application/dns-message',
          'content-type': 'application/dns-message',
          'content-length': '128',
        },
      },
    ])
    expect(decode(seen[0]?.body ?? Buffer.alloc(0)).id).toBe(0)
    expect(result.queries).toMatchObject([
      { engine: 'doh', failure: null, resolver_address: `https://dns.example.test:${server.port}/dns-query` },
    ])
    expect(result.tlsHandshakes).toMatchObject([
      { negotiated_protocol: version === 1 ? 'http/1.1' : 'h2', failure: null },
    ])
    expect(result.requests).toMatchObject([
      { failure: null, request: { method: 'POST', body: '' }, response: { code: 200 } },
    ])
    await Promise.all(server.peers.map(closed))
  })

  it('reads a reply whose bytes happen to be text', async () => {
    const server = await serveDoh(version, ({ body }) => ({ body: replyTo(body, { flags: 5 }) }))
    expect((await resolve(doh(server))).failure).toBe('dns_refused_error')
  })

  it.each<[string, (seen: Seen) => { status?: number; type?: string; body: Buffer | string }, string]>([
    ['a status other than 200', ({ body }) => ({ status: 403, body: replyTo(body) }), 'http_request_failed'],
    ['a redirect', () => ({ status: 302, body: '' }), 'http_request_failed'],
    [
      'a page in its place',
      () => ({ type: 'text/html', body: '<title>blocked</title>' }),
      'dns_server_misbehaving',
    ],
    ['garbage of the right type', () => ({ body: 'blocked' }), 'dns_server_misbehaving'],
    ['an empty body', () => ({ body: '' }), 'dns_server_misbehaving'],
    [
      'another id',
      ({ body }) => ({ body: Buffer.concat([Buffer.from([0, 1]), replyTo(body).subarray(2)]) }),
      'dns_reply_with_wrong_query_id',
    ],
    ['a body above the longest message', () => ({ body: Buffer.alloc(70_000) }), 'dns_server_misbehaving'],
  ])('records %s', async (_what, answer, failure) => {
    const server = await serveDoh(version, answer)
    const result = await resolve(doh(server))
    expect(result.failure).toBe(failure)
    expect(result.requests).toHaveLength(1)
    await Promise.all(server.peers.map(closed))
  })

  it('asks for an HTTPS record', async () => {
    const data = Buffer.from('0001000001000302683200', 'hex')
    const record = { type: 'UNKNOWN_65', name: 'www.example.test', ttl: 9, data } as unknown as Answer
    const server = await serveDoh(version, ({ body }) => ({ body: replyTo(body, { answers: [record] }) }))
    const result = await resolve(doh(server), { queryType: 'HTTPS' })
    expect(result).toMatchObject({ failure: null, addresses: [] })
    expect(result.queries[0]?.answers).toEqual([
      { answer_type: 'HTTPS', ttl: 9, x_sonde_rdata: data.toString('base64') },
    ])
  })
})

describe('resolveEncrypted()', () => {
  it('asks nothing about an address', async () => {
    expect(await resolve(dot({ ip: '127.0.0.1', port: 1 }), { hostname: '192.0.2.1' })).toEqual({
      queries: [],
      addresses: ['192.0.2.1'],
      failure: null,
      bytes: { sent: 0, received: 0 },
      tcpConnects: [],
      tlsHandshakes: [],
      requests: [],
    })
  })

  it('records invalid_argument for a name about which nothing can be asked', async () => {
    const result = await resolve(dot({ ip: '127.0.0.1', port: 1 }), { hostname: 'a..test' })
    expect(result).toMatchObject({ failure: 'invalid_argument', tcpConnects: [] })
  })

  it('has one deadline for all its steps', async () => {
    const server = await serveTcp(() => {})
    const result = await resolve(doh(server), { options: { timeoutMs: 200 } })
    expect(result).toMatchObject({
      failure: 'generic_timeout_error',
      tlsHandshakes: [{ failure: 'generic_timeout_error' }],
    })
    const [query] = result.queries
    expect((query?.t ?? 0) - (query?.t0 ?? 0)).toBeLessThan(2)
    await Promise.all(server.peers.map(closed))
  })

  it('offers only what is safe with this Node.js, unless told otherwise', async () => {
    const server = await serveTls({ ...certificate, ALPNProtocols: ['h2', 'http/1.1'] })
    const question = ['www.example.test', 'A'] as const
    const options = { ...step, timeoutMs: 300 }
    const result = await resolveEncrypted(makeTrace({ trust }), doh(server), ...question, options)
    expect(result.tlsHandshakes[0]?.negotiated_protocol).toBe(offeredProtocols()[0])
  })

  it('records interrupted, before and in mid-flight', async () => {
    const before = await resolve(dot({ ip: '127.0.0.1', port: 1 }), {
      trace: { signal: AbortSignal.abort() },
    })
    expect(before).toMatchObject({ failure: 'interrupted', tcpConnects: [] })
    const stop = new AbortController()
    const server = await serveDoh(1, ({ body }) => {
      stop.abort()
      return { body }
    })
    const during = await resolve(doh(server), { trace: { signal: stop.signal } })
    expect(during.failure).toBe('interrupted')
    await Promise.all(server.peers.map(closed))
  })

  it('leaves from the address of the chosen link', async () => {
    const server = await serveDot((query) => frame(replyTo(query)))
    const result = await resolve(dot(server), { trace: { sources: { ipv4: '127.0.0.9', ipv6: null } } })
    expect(result.failure).toBeNull()
    expect(server.peers[0]?.remoteAddress ?? '127.0.0.9').toBe('127.0.0.9')
  })

  it('refuses a name for an address, and a URL in clear text', async () => {
    await expect(resolve(dot({ ip: 'dns.example.test', port: 853 }))).rejects.toThrow(TypeError)
    const url = new URL('http://dns.example.test/dns-query')
    await expect(resolve({ transport: 'doh', ip: '127.0.0.1', url })).rejects.toThrow(TypeError)
  })
})
