// No input from the network, however malformed, makes an operation throw, reject, or outlive its deadline. HTTP/2 is
// in http2-fuzz.test.ts, because it needs a Node.js that such input does not kill. Together they run 109,100 cases in
// the usual run, of which 7,100 go over sockets, and 244,000 in a deep one.

import net from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { type Answer, encode } from 'dns-packet'
import { array, parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { makeAuthority, selfSigned } from '../../test/support/certificates.ts'
import {
  cases,
  expectFailureOrNull,
  fuzz,
  fuzzSockets,
  fuzzTimeoutMs,
  manyInputs,
  scriptedServer,
  scripts,
  timeoutMs,
} from '../../test/support/fuzzing.ts'
import { connectTo, makeTrace, serveTcp, serveTls, serveUdp, step } from '../../test/support/loopback.ts'
import { hostileBytes, mutation } from '../../test/support/mutations.ts'
import {
  dnsAnswer,
  dnsQuery,
  httpRequest,
  quicPing as quicPingSchema,
  stunBinding as stunBindingSchema,
  tlsHandshake as tlsHandshakeSchema,
} from '../../tests-spec/data-formats/observation.ts'
import { addressesIn, makeQuestion, type QueryType, readReply } from './dns-message.ts'
import { httpRoundTrip } from './http-round-trip.ts'
import { readHttp1 } from './http1-message.ts'
import { makeVersionProbe, quicPing, readVersionNegotiation } from './quic-ping.ts'
import { rawExchange } from './raw-exchange.ts'
import { resolveDns } from './resolve-dns.ts'
import { readBindingReply, stunBinding } from './stun-binding.ts'
import { tlsHandshake } from './tls-handshake.ts'
import { makeTrust } from './trust.ts'

const authority = makeAuthority()
const certificate = authority.issue({ names: ['good.test'] })
const trace = makeTrace({ trust: makeTrust({ extraCa: [authority.caPem] }) })
const options = { ...step, timeoutMs }

function replies(id: number, type: QueryType): Buffer[] {
  const name = 'www.example.test'
  const question = { type: (type === 'HTTPS' ? 'UNKNOWN_65' : type) as 'A', name }
  const all: [string, unknown][] = [
    ['CNAME', 'edge.example.test'],
    ['A', '192.0.2.1'],
    ['AAAA', '2001:db8::1'],
    ['UNKNOWN_65', Buffer.from('0001000001000302683200', 'hex')],
    ['TXT', 'text'],
    ['SOA', { mname: 'a.test', rname: 'b.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 }],
    ['NSEC', { nextDomain: 'a.test', rrtypes: ['A', 'DS'] }],
    [
      'RRSIG',
      {
        typeCovered: 'A',
        algorithm: 8,
        labels: 2,
        originalTTL: 1,
        expiration: 1,
        inception: 1,
        keyTag: 1,
        signersName: 'test',
        signature: Buffer.alloc(8),
      },
    ],
  ]
  const records = all.map(([kind, data]) => ({ type: kind, name, ttl: 60, data }) as unknown as Answer)
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    options: [],
  } as unknown as Answer
  const reply = { type: 'response' as const, id, questions: [question] }
  return [
    encode({ ...reply, answers: records }),
    encode({ ...reply, flags: 3 }),
    encode({ ...reply, answers: records.slice(1, 2), additionals: [opt] }),
    encode({ ...reply, answers: Array.from({ length: 30 }, () => records[1] as Answer) }),
  ]
}

describe('DNS replies', () => {
  const types: readonly QueryType[] = ['A', 'AAAA', 'CNAME', 'HTTPS']
  it.each(types)(
    'to a question for %s are read without harm',
    (type) => {
      const question = makeQuestion('www.example.test', type, { id: 0x1234 })
      if (question === null) throw new Error('Cannot ask')
      fuzz(hostileBytes(...replies(0x1234, type)), cases(1_500, manyInputs / types.length), (bytes) => {
        const reading = readReply(bytes, question)
        expectFailureOrNull(reading.failure)
        // All are compared in one call: a call of expect() for each costs more than everything else together.
        const answers = reading.fits ? (reading.answers ?? []) : []
        expect(isDeepStrictEqual(parse(array(dnsAnswer), answers), answers)).toBe(true)
        expect(addressesIn(bytes).filter((address) => net.isIP(address) === 0)).toEqual([])
      })
    },
    fuzzTimeoutMs,
  )

  it.each(['udp', 'tcp'] as const)('over %s end the operation in time', async (transport) => {
    await fuzzSockets(hostileBytes(...replies(0, 'A')), cases(150, 1_000), async () => {
      let bytes: Buffer = Buffer.alloc(0)
      // The answer has the id of the question, so that the bytes behind the id are looked at.
      const answer = (query: Buffer) => Buffer.concat([query.subarray(0, 2), bytes.subarray(2)])
      const server =
        transport === 'udp'
          ? await serveUdp((query, reply) => reply(answer(query).subarray(0, 60_000)))
          : await serveTcp((socket) =>
              socket.once('data', (frame) => {
                const reply = answer(frame.subarray(2)).subarray(0, 0xffff)
                // Every third frame announces more bytes than it has.
                const length = reply.length + (reply.length % 3 === 0 ? 5 : 0)
                socket.end(Buffer.concat([Buffer.from([length >> 8, length & 0xff]), reply]))
              }),
            )
      return async (next) => {
        bytes = next
        const asked = { ...options, lateReplyMs: 0 }
        const resolution = await resolveDns(trace, { transport, ...server }, 'www.example.test', 'A', asked)
        for (const query of resolution.queries) expect(parse(dnsQuery, query)).toEqual(query)
      }
    })
  })
})

async function shakeHands(socket: net.Socket) {
  const security = { ...options, serverName: 'good.test', alpn: ['h2', 'http/1.1'] }
  const result = await tlsHandshake(trace, socket, security)
  expect(parse(tlsHandshakeSchema, result.observation)).toEqual(result.observation)
  result.socket?.destroy()
}

/** The first bytes that a server sends. */
async function firstFlight(server: { readonly port: number; readonly ip: string }): Promise<Buffer> {
  let flight = Buffer.alloc(0)
  const relay = await serveTcp((socket) => {
    const upstream = net.connect(server.port, server.ip)
    upstream.on('error', () => {})
    upstream.once('data', (bytes) => {
      flight = Buffer.concat([flight, bytes])
      upstream.destroy()
      socket.destroy()
    })
    socket.on('data', (bytes) => upstream.write(bytes))
  })
  await shakeHands(await connectTo(relay))
  return flight
}

describe('TLS', () => {
  it('records in answer to the ClientHello end the handshake in time', async () => {
    const flights = await Promise.all([
      serveTls(certificate).then(firstFlight),
      serveTls({ ...certificate, maxVersion: 'TLSv1.2' }).then(firstFlight),
      serveTls(selfSigned({ names: ['good.test'] })).then(firstFlight),
    ])
    const others = [
      '15030300020228',
      '1503030002010a',
      '140303000101',
      '160303ffff',
      'HTTP/1.1 400 Bad\r\n\r\n',
    ]
    const valid = [
      ...flights,
      ...others.map((text) => Buffer.from(text, text.startsWith('H') ? 'latin1' : 'hex')),
    ]
    await fuzzSockets(scripts(hostileBytes(...valid)), cases(1_700, 7_000), async () => {
      const connect = await scriptedServer()
      return async (script) => shakeHands(await connect(script))
    })
  })

  it('handshakes with edits on the way end in time', async () => {
    const real = await serveTls(certificate)
    await fuzzSockets(mutation, cases(300, 1_000), async () => {
      let mutate: (bytes: Uint8Array) => Buffer = (bytes) => Buffer.from(bytes)
      const relay = await serveTcp((socket) => {
        const upstream = net.connect(real.port, real.ip)
        upstream.on('error', () => socket.destroy())
        upstream.on('data', (bytes) => socket.write(mutate(bytes)))
        socket.on('data', (bytes) => upstream.write(bytes))
        socket.on('close', () => upstream.destroy())
      })
      return async (next) => {
        mutate = next
        await shakeHands(await connectTo(relay))
      }
    })
  })
})

const responses = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/html\r\nSet-Cookie: a=1\r\n\r\n12345',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n',
  'HTTP/1.0 301 Moved\r\nLocation: http://good.test/\r\n\r\n<title>moved</title>',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n\0\0\0\x04\0\0\0\0\0',
].map((text) => Buffer.from(text, 'latin1'))

describe('HTTP/1.1 responses', () => {
  it('end the round trip in time', async () => {
    const request = { url: new URL('http://good.test/'), method: 'GET', headers: {} } as const
    await fuzzSockets(scripts(hostileBytes(...responses)), cases(2_000, 9_000), async () => {
      const connect = await scriptedServer()
      return async (script) => {
        const asked = { ...options, maxBodyBytes: 1_000 }
        const { observation } = await httpRoundTrip(trace, await connect(script), request, asked)
        expect(parse(httpRequest, observation)).toEqual(observation)
      }
    })
  })

  it(
    'read by hand do no harm',
    () => {
      fuzz(hostileBytes(...responses), cases(32_000, manyInputs), (bytes) => {
        const message = readHttp1(bytes)
        expect(message?.body.length ?? 0).toBeLessThanOrEqual(bytes.length)
      })
    },
    fuzzTimeoutMs,
  )

  it('to bytes of our own end the exchange in time', async () => {
    await fuzzSockets(scripts(hostileBytes(...responses)), cases(200, 1_000), async () => {
      const connect = await scriptedServer()
      const exchange = {
        ...options,
        maxBytes: 500,
        isWhole: (bytes: Buffer) => readHttp1(bytes)?.whole !== false,
      }
      return async (script) => {
        const { failure, received } = await rawExchange(
          trace,
          await connect(script),
          Buffer.from('GeT'),
          exchange,
        )
        expectFailureOrNull(failure)
        expect(received.length).toBeLessThanOrEqual(500)
      }
    })
  })
})

describe('STUN replies', () => {
  const transaction = Buffer.alloc(12, 7)
  const header = (type: string, length: number) =>
    Buffer.concat([
      Buffer.from(`${type}00${length.toString(16).padStart(2, '0')}2112a442`, 'hex'),
      transaction,
    ])
  const valid = [
    Buffer.concat([header('0101', 12), Buffer.from('002000080001f523ea12d545', 'hex')]),
    Buffer.concat([header('0101', 24), Buffer.from('002000140002f523', 'hex'), Buffer.alloc(16, 9)]),
    Buffer.concat([
      header('0111', 12),
      Buffer.from('0009000400000414802200040a0b0c0d', 'hex').subarray(0, 12),
    ]),
    header('0101', 0),
  ]

  it(
    'are read without harm',
    () => {
      fuzz(hostileBytes(...valid), cases(32_000, manyInputs), (bytes) => {
        const reply = readBindingReply(bytes, transaction)
        expect([null, 'success', 'error']).toContain(reply === null ? null : reply.response)
      })
    },
    fuzzTimeoutMs,
  )

  it('end the operation in time', async () => {
    await fuzzSockets(hostileBytes(...valid), cases(150, 1_000), async () => {
      let bytes: Buffer = Buffer.alloc(0)
      const server = await serveUdp((request, reply) =>
        reply(Buffer.concat([bytes.subarray(0, 8), request.subarray(8, 20), bytes.subarray(20)])),
      )
      return async (next) => {
        bytes = next.subarray(0, 60_000)
        const { observation } = await stunBinding(trace, server, options)
        expect(parse(stunBindingSchema, observation)).toEqual(observation)
      }
    })
  })
})

describe('QUIC replies', () => {
  const probe = makeVersionProbe()
  const id = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length]), bytes])
  const negotiation = (to: Buffer, from: Buffer, versions: string) =>
    Buffer.concat([Buffer.from('8000000000', 'hex'), id(to), id(from), Buffer.from(versions, 'hex')])
  const valid = [
    negotiation(probe.sourceId, probe.destinationId, '000000016b3343cf'),
    negotiation(probe.sourceId, probe.destinationId, '1a2a3a4a'),
    negotiation(probe.destinationId, probe.sourceId, '00000001'),
    probe.packet,
  ]

  it(
    'are read without harm',
    () => {
      fuzz(hostileBytes(...valid), cases(32_000, manyInputs), (bytes) => {
        const versions = readVersionNegotiation(bytes, probe)
        expect(versions === null || versions.length > 0).toBe(true)
      })
    },
    fuzzTimeoutMs,
  )

  it('end the operation in time', async () => {
    await fuzzSockets(hostileBytes(...valid), cases(150, 1_000), async () => {
      let bytes: Buffer = Buffer.alloc(0)
      const server = await serveUdp((_packet, reply) => reply(bytes))
      return async (next) => {
        bytes = next.subarray(0, 60_000)
        const { observation } = await quicPing(trace, server, options)
        expect(parse(quicPingSchema, observation)).toEqual(observation)
      }
    })
  })
})
