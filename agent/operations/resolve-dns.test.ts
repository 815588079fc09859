import { decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet'
import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { closed, makeTrace, serveTcp, serveUdp, step } from '../../test/support/loopback.ts'
import { dnsQuery as dnsQuerySchema } from '../../tests-spec/data-formats/observation.ts'
import { type ResolveDnsOptions, resolveDns } from './resolve-dns.ts'
import type { Trace } from './trace.ts'

const options: ResolveDnsOptions = { ...step, lateReplyMs: 0 }

interface Changes {
  readonly transport?: 'udp' | 'tcp'
  readonly hostname?: string
  readonly queryType?: 'A' | 'AAAA'
  readonly options?: Partial<ResolveDnsOptions>
  readonly trace?: Partial<Trace>
}

async function resolve(server: { ip: string; port: number }, changes: Changes = {}) {
  const resolution = await resolveDns(
    makeTrace(changes.trace),
    { transport: changes.transport ?? 'udp', ip: server.ip, port: server.port },
    changes.hostname ?? 'www.example.test',
    changes.queryType ?? 'A',
    { ...options, ...changes.options },
  )
  for (const query of resolution.queries) expect(parse(dnsQuerySchema, query)).toEqual(query)
  expect(resolution.failure).toBe(resolution.queries.at(-1)?.failure ?? null)
  return resolution
}

/** A reply to `query`: its id and its question, and the parts that are given. */
function replyTo(query: Buffer, parts: Packet = {}): Buffer {
  const { id, questions } = decode(query)
  return encode({ type: 'response', id, questions, ...parts })
}

const answerA = (data: string, ttl = 300, name = 'www.example.test') => ({
  type: 'A' as const,
  name,
  ttl,
  data,
})

/** A server that gives every question the same replies. */
const serveReplies = (...replies: ((query: Buffer) => Buffer)[]) =>
  serveUdp((query, reply) => {
    for (const make of replies) reply(make(query))
  })

describe('resolveDns()', () => {
  it('gives the answers with their times to live and the raw reply', async () => {
    const sent: Buffer[] = []
    const server = await serveReplies((query) => {
      const reply = replyTo(query, {
        answers: [
          { type: 'CNAME', name: 'www.example.test', ttl: 60, data: 'edge.example.test' },
          ...['192.0.2.1', '192.0.2.2', '192.0.2.1'].map((data) => answerA(data, 30, 'edge.example.test')),
        ],
      })
      sent.push(query, reply)
      return reply
    })
    const { queries, addresses, failure, bytes } = await resolve(server)
    expect(failure).toBeNull()
    expect(addresses).toEqual(['192.0.2.1', '192.0.2.2'])
    expect(queries).toEqual([
      {
        engine: 'udp',
        hostname: 'www.example.test',
        query_type: 'A',
        failure: null,
        answers: [
          { answer_type: 'CNAME', hostname: 'edge.example.test', ttl: 60 },
          { answer_type: 'A', ipv4: '192.0.2.1', ttl: 30 },
          { answer_type: 'A', ipv4: '192.0.2.2', ttl: 30 },
          { answer_type: 'A', ipv4: '192.0.2.1', ttl: 30 },
        ],
        resolver_address: `127.0.0.1:${server.port}`,
        resolver_hostname: null,
        resolver_port: null,
        raw_response: sent[1]?.toString('base64'),
        rcode: 0,
        x_sonde_bytes_sent: sent[0]?.length,
        x_sonde_bytes_received: sent[1]?.length,
        t0: expect.any(Number),
        t: expect.any(Number),
        transaction_id: 7,
        tags: ['tested'],
      },
    ])
    expect(bytes).toEqual({ sent: sent[0]?.length, received: sent[1]?.length })
  })

  it('asks for AAAA', async () => {
    const server = await serveReplies((query) =>
      replyTo(query, { answers: [{ type: 'AAAA', name: 'www.example.test', ttl: 5, data: '2001:db8::1' }] }),
    )
    const { queries, addresses } = await resolve(server, { queryType: 'AAAA' })
    expect(addresses).toEqual(['2001:db8::1'])
    expect(queries[0]?.answers).toEqual([{ answer_type: 'AAAA', ipv6: '2001:db8::1', ttl: 5 }])
  })

  it('asks the plainest question, from a new port and with a new id each time', async () => {
    const questions: Buffer[] = []
    const server = await serveReplies((query) => {
      questions.push(query)
      return replyTo(query, { answers: [answerA('192.0.2.1')] })
    })
    for (let i = 0; i < 4; i++) await resolve(server)
    const asked = questions.map((bytes) => decode(bytes))
    for (const question of asked) {
      expect(question).toMatchObject({
        flag_rd: true,
        additionals: [],
        questions: [{ name: 'www.example.test', type: 'A' }],
      })
    }
    // All four ids are equal by chance only once in 10^14.
    expect(new Set(asked.map(({ id }) => id)).size).toBeGreaterThan(1)
  })

  it('adds an OPT record on request, without padding in clear text', async () => {
    const questions: Buffer[] = []
    const server = await serveReplies((query) => {
      questions.push(query)
      return replyTo(query, { answers: [answerA('192.0.2.1')] })
    })
    await resolve(server, { options: { edns: true } })
    expect(questions.map((bytes) => decode(bytes).additionals)).toMatchObject([
      [{ type: 'OPT', udpPayloadSize: 1232, options: [] }],
    ])
  })

  it('asks for an international name by its ASCII form', async () => {
    const names: (string | undefined)[] = []
    const server = await serveReplies((query) => {
      names.push(decode(query).questions?.[0]?.name)
      return replyTo(query)
    })
    const { queries } = await resolve(server, { hostname: 'bücher.example.test.' })
    expect(names).toEqual(['xn--bcher-kva.example.test'])
    expect(queries[0]?.hostname).toBe('bücher.example.test.')
  })

  it('asks nothing about an address', async () => {
    expect(await resolve({ ip: '127.0.0.1', port: 1 }, { hostname: '2001:db8::1' })).toEqual({
      queries: [],
      addresses: ['2001:db8::1'],
      failure: null,
      bytes: { sent: 0, received: 0 },
    })
  })

  it.each(['a..test', `${'a'.repeat(64)}.test`, `${'a.'.repeat(126)}test`, '', 'a b.test'])(
    'records invalid_argument for "%s", about which nothing can be asked',
    async (hostname) => {
      const { failure, bytes } = await resolve({ ip: '127.0.0.1', port: 1 }, { hostname })
      expect(failure).toBe('invalid_argument')
      expect(bytes.sent).toBe(0)
    },
  )

  it('refuses a resolver by name', async () => {
    await expect(resolve({ ip: 'dns.example.test', port: 53 })).rejects.toThrow(
      new TypeError('Cannot ask "dns.example.test": expected an IP address'),
    )
  })
})

describe('resolveDns() records', () => {
  const named: Readonly<Record<number, string>> = {
    2: 'dns_servfail_error',
    3: 'dns_nxdomain_error',
    5: 'dns_refused_error',
  }
  const everyRcode = Array.from({ length: 15 }, (_, index) => index + 1)
  it.each(everyRcode.map((rcode) => [rcode, named[rcode] ?? 'dns_server_misbehaving'] as const))(
    'RCODE %i as %s',
    async (rcode, failure) => {
      const { queries, addresses } = await resolve(
        await serveReplies((query) => replyTo(query, { flags: rcode })),
      )
      expect(queries[0]).toMatchObject({ failure, rcode, answers: [] })
      expect(addresses).toEqual([])
    },
  )

  it('an error that leaves the question out', async () => {
    const server = await serveReplies((query) => replyTo(query, { flags: 1, questions: [] }))
    expect((await resolve(server)).failure).toBe('dns_server_misbehaving')
  })

  it('an empty answer as dns_no_answer', async () => {
    const { queries } = await resolve(await serveReplies((query) => replyTo(query)))
    expect(queries[0]).toMatchObject({ failure: 'dns_no_answer', rcode: 0, answers: [] })
  })

  it('an answer of another type as dns_no_answer', async () => {
    const server = await serveReplies((query) => replyTo(query, { answers: [answerA('192.0.2.1')] }))
    const { failure, addresses } = await resolve(server, { queryType: 'AAAA' })
    expect(failure).toBe('dns_no_answer')
    expect(addresses).toEqual([])
  })

  it('a message that breaks off as dns_server_misbehaving, with what came', async () => {
    const broken = (query: Buffer) => replyTo(query, { answers: [answerA('192.0.2.1')] }).subarray(0, -3)
    const { queries } = await resolve(await serveReplies(broken))
    expect(queries[0]).toMatchObject({ failure: 'dns_server_misbehaving', answers: null, rcode: 0 })
    expect(queries[0]?.raw_response).toBeDefined()
  })

  it.each<[string, (query: Buffer) => Buffer, string]>([
    [
      'a reply with another id',
      (query) => replyTo(query, { id: otherId(query) }),
      'dns_reply_with_wrong_query_id',
    ],
    ['a few bytes of garbage', () => Buffer.from('blocked'), 'dns_server_misbehaving'],
    ['an empty datagram', () => Buffer.alloc(0), 'dns_server_misbehaving'],
    ['an echo of the question', (query) => query, 'dns_server_misbehaving'],
    [
      'an answer to another question',
      (query) =>
        replyTo(query, { questions: [{ type: 'A', name: 'other.test' }], answers: [answerA('192.0.2.1')] }),
      'dns_server_misbehaving',
    ],
  ])('%s and nothing better', async (_what, make, failure) => {
    const { queries, addresses } = await resolve(await serveReplies(make), { options: { timeoutMs: 400 } })
    expect(queries[0]).toMatchObject({ failure, answers: null })
    expect(queries[0]?.raw_response).toBeDefined()
    expect(addresses).toEqual([])
  })

  it('the fitting reply behind one that does not fit', async () => {
    const server = await serveReplies(
      (query) => replyTo(query, { id: otherId(query), answers: [answerA('192.0.2.66')] }),
      (query) => replyTo(query, { answers: [answerA('192.0.2.1')] }),
    )
    const { queries, addresses } = await resolve(server)
    expect(addresses).toEqual(['192.0.2.1'])
    expect(queries[0]?.failure).toBeNull()
    expect(queries[0]?.x_sonde_late_replies).toMatchObject([{ addresses: ['192.0.2.66'] }])
  })

  it('the second reply when two came, as an injector and the resolver behind it send them', async () => {
    const server = await serveReplies(
      (query) => replyTo(query, { answers: [answerA('192.0.2.66')] }),
      (query) => replyTo(query, { answers: [answerA('192.0.2.1')] }),
      () => Buffer.from('garbage'),
    )
    const { queries, addresses, bytes } = await resolve(server, { options: { lateReplyMs: 100 } })
    const [query] = queries
    expect(addresses).toEqual(['192.0.2.66'])
    expect(query?.x_sonde_late_replies).toEqual([
      { t: expect.any(Number), raw: expect.any(String), addresses: ['192.0.2.1'] },
      { t: expect.any(Number), raw: Buffer.from('garbage').toString('base64'), addresses: [] },
    ])
    // This is when the answer came, not when the listening ended.
    expect(query?.t).toBeLessThanOrEqual(query?.x_sonde_late_replies?.[0]?.t ?? 0)
    expect(bytes.received).toBeGreaterThan(2 * 50)
  })

  it('a few of a flood', async () => {
    const server = await serveUdp((query, reply) => {
      for (let i = 0; i < 50; i++) reply(replyTo(query, { answers: [answerA(`192.0.2.${i}`)] }))
    })
    const { queries } = await resolve(server, { options: { lateReplyMs: 100 } })
    expect(queries[0]?.x_sonde_late_replies).toHaveLength(8)
  })

  it.each([
    ['behind the answer', true],
    ['in place of an answer', false],
  ])('64 KiB of a flood %s, and no more', async (_what, isAnswered) => {
    const server = await serveUdp((query, reply) => {
      if (isAnswered) reply(replyTo(query, { answers: [answerA('192.0.2.1')] }))
      for (let i = 0; i < 300; i++) reply(Buffer.alloc(1400, 7))
    })
    const { queries, bytes } = await resolve(server, { options: { lateReplyMs: 300, timeoutMs: 400 } })
    expect(queries[0]?.failure).toBe(isAnswered ? null : 'dns_reply_with_wrong_query_id')
    expect(bytes.received).toBeLessThanOrEqual(64 * 1024 + 1400)
  })

  it('no late reply when it is not to wait', async () => {
    const server = await serveReplies((query) => replyTo(query, { answers: [answerA('192.0.2.1')] }))
    expect((await resolve(server)).queries[0]?.x_sonde_late_replies).toBeUndefined()
  })

  it('a closed port, of which ICMP tells', async () => {
    const server = await serveTcp(() => {})
    expect((await resolve(server)).failure).toBe('connection_refused')
  })

  it('silence at the deadline', async () => {
    const { queries } = await resolve(await serveUdp(() => {}), { options: { timeoutMs: 100 } })
    expect(queries[0]).toMatchObject({ failure: 'generic_timeout_error', answers: null })
    expect((queries[0]?.t ?? 0) - (queries[0]?.t0 ?? 0)).toBeGreaterThan(0.09)
  })

  it('interrupted, when the measurement is stopped in mid-flight', async () => {
    const stop = new AbortController()
    const server = await serveUdp(() => stop.abort())
    expect((await resolve(server, { trace: { signal: stop.signal } })).failure).toBe('interrupted')
  })

  it('interrupted and nothing sent, when it was stopped before', async () => {
    const server = await serveUdp(() => {})
    const { failure, bytes } = await resolve(server, { trace: { signal: AbortSignal.abort() } })
    expect(failure).toBe('interrupted')
    expect(bytes.sent).toBe(0)
  })

  it('the address of the chosen link, and its absence', async () => {
    const server = await serveReplies((query) => replyTo(query, { answers: [answerA('192.0.2.1')] }))
    expect(
      (await resolve(server, { trace: { sources: { ipv4: '127.0.0.9', ipv6: null } } })).failure,
    ).toBeNull()
    expect((await resolve(server, { trace: { sources: { ipv4: '192.0.2.1', ipv6: null } } })).failure).toBe(
      'address_not_available',
    )
  })
})

/** A DNS server over TCP on the same port as `udp`, or on any port. */
function serveFrames(make: (query: Buffer) => Buffer, port?: number) {
  return serveTcp(
    (socket) => {
      socket.on('data', (frame) => {
        const reply = make(frame.subarray(2))
        const length = Buffer.alloc(2)
        length.writeUInt16BE(reply.length)
        // The length is written apart from the message, as a slow path would deliver them.
        socket.write(length)
        socket.write(reply)
      })
    },
    { port },
  )
}

describe('resolveDns() over TCP', () => {
  it('gives what UDP gives', async () => {
    const server = await serveFrames((query) => replyTo(query, { answers: [answerA('192.0.2.1')] }))
    const { queries, addresses, bytes } = await resolve(server, { transport: 'tcp' })
    expect(addresses).toEqual(['192.0.2.1'])
    expect(queries).toMatchObject([{ engine: 'tcp', failure: null, rcode: 0 }])
    expect(bytes.sent).toBe(2 + 34)
    await Promise.all(server.peers.map(closed))
  })

  it('is where a truncated answer is asked for again, and both are recorded', async () => {
    const overTcp = await serveFrames((query) => replyTo(query, { answers: [answerA('192.0.2.1')] }))
    const server = await serveUdp(
      (query, reply) => reply(replyTo(query, { flags: TRUNCATED_RESPONSE })),
      overTcp.port,
    )
    const { queries, addresses } = await resolve(server, { options: { lateReplyMs: 50 } })
    expect(addresses).toEqual(['192.0.2.1'])
    expect(queries).toMatchObject([
      { engine: 'udp', failure: null, answers: [] },
      { engine: 'tcp', failure: null, answers: [{ ipv4: '192.0.2.1' }] },
    ])
    expect(queries[1]?.t0).toBeGreaterThanOrEqual(queries[0]?.t ?? 0)
  })

  it('fails a truncated answer when there is nobody over TCP', async () => {
    const server = await serveUdp((query, reply) => reply(replyTo(query, { flags: TRUNCATED_RESPONSE })))
    const { queries, failure } = await resolve(server)
    expect(failure).toBe('connection_refused')
    expect(queries).toHaveLength(2)
  })

  it.each<[string, Parameters<typeof serveTcp>[0], string]>([
    ['a FIN', (socket) => socket.once('data', () => socket.end()), 'eof_error'],
    ['a FIN in the message', (socket) => socket.once('data', () => socket.end('\0\x20abc')), 'eof_error'],
    ['a reset', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'connection_reset'],
    ['silence', () => {}, 'generic_timeout_error'],
    ['garbage', (socket) => socket.once('data', () => socket.write('\0\x03abc')), 'dns_server_misbehaving'],
    [
      'a length of zero',
      (socket) => socket.once('data', () => socket.write('\0\0')),
      'dns_server_misbehaving',
    ],
    ['HTTP', (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n')), 'eof_error'],
  ])('records %s', async (_what, conduct, failure) => {
    const server = await serveTcp(conduct)
    const timeoutMs = failure === 'generic_timeout_error' ? 100 : step.timeoutMs
    expect((await resolve(server, { transport: 'tcp', options: { timeoutMs } })).failure).toBe(failure)
    await Promise.all(server.peers.map(closed))
  })

  it('records another id', async () => {
    const server = await serveFrames((query) => replyTo(query, { id: otherId(query) }))
    expect((await resolve(server, { transport: 'tcp' })).failure).toBe('dns_reply_with_wrong_query_id')
  })
})

function otherId(query: Buffer): number {
  return (decode(query).id ?? 0) ^ 1
}
