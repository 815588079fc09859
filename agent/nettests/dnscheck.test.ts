// dnscheck against resolvers on loopback.

import https from 'node:https'
import { decode, encode } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { measureKept } from '../../test/support/kept.ts'
import { serveTcp, serveTls, serveUdp, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { makeTrust } from '../operations/trust.ts'
import { dnscheck } from './dnscheck.ts'

const authority = makeAuthority()
const certificate = authority.issue({ names: ['localhost'] })
const trust = makeTrust({ extraCa: [authority.caPem] })

function answer(query: Buffer): Buffer {
  const { id, questions } = decode(query)
  const name = questions?.[0]?.name ?? ''
  return encode({
    type: 'response',
    id,
    questions,
    answers: [{ type: 'A', name, ttl: 9, data: '192.0.2.1' }],
  })
}

async function measured(input: string, options?: object) {
  return measureKept(dnscheck, makeContext({}, { trust }), input, { ...options })
}

const serveDoh = () =>
  serveWith(
    https.createServer(certificate, (request, response) => {
      request.on('data', (body: Buffer) => {
        response.writeHead(200, { 'content-type': 'application/dns-message' })
        response.end(answer(body))
      })
    }),
  )

describe('dnscheck', () => {
  it('finds a DoH resolver by its name and asks it', async () => {
    const server = await serveDoh()
    const { seen, keys, verdict, parts } = await measured(`https://localhost:${server.port}/dns-query`)
    const url = `https://127.0.0.1:${server.port}/dns-query`
    expect(verdict).toMatchObject({ verdict: 'ok', rule: 'dnscheck/answer_over_tls@1' })
    expect(Object.keys(parts ?? {})).toEqual(['bootstrap', 'lookups'])
    expect(keys).toMatchObject({
      bootstrap: { failure: null },
      bootstrap_failure: null,
      lookups: { [url]: { failure: null } },
    })
    expect(seen.observations).toMatchObject({
      domain: 'example.org',
      x_default_addrs: [],
      queries: [
        { engine: 'getaddrinfo', hostname: 'localhost', tags: ['bootstrap', 'classic'] },
        { engine: 'doh', hostname: 'example.org', tags: [`lookup=${url}`], transaction_id: 30_001 },
      ],
      tcp_connect: [{ transaction_id: 30_001 }],
      tls_handshakes: [{ server_name: 'localhost', transaction_id: 30_001 }],
      requests: [{ response: { code: 200 }, transaction_id: 30_001 }],
    })
  })

  it('asks a DoT resolver about the domain of the options', async () => {
    const server = await serveTls({ ...certificate, ALPNProtocols: ['dot'] }, (socket) => {
      socket.once('data', (frame) => {
        const reply = answer(frame.subarray(2))
        socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 0xff]), reply]))
      })
    })
    const { seen, verdict } = await measured(`dot://localhost:${server.port}`, { domain: 'other.example' })
    expect(verdict.verdict).toBe('ok')
    expect(seen.observations.queries.at(-1)).toMatchObject({
      engine: 'dot',
      hostname: 'other.example',
      failure: null,
    })
  })

  it.each(['udp', 'tcp'])("asks over %s, and does not take the answer for the resolver's", async (scheme) => {
    const frames = await serveTcp((socket) => {
      socket.once('data', (frame) => {
        const reply = answer(frame.subarray(2))
        socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 0xff]), reply]))
      })
    })
    const server = await serveUdp((query, reply) => reply(answer(query)), frames.port)
    const { verdict, keys } = await measured(`${scheme}://127.0.0.1:${server.port}`)
    expect(verdict).toMatchObject({ verdict: 'undetermined', rule: 'dnscheck/cleartext_answer@1' })
    expect(keys).toMatchObject({
      bootstrap: null,
      lookups: { [`${scheme}://127.0.0.1:${server.port}`]: {} },
    })
  })

  it('tries the addresses of the list beside the resolved one, each once', async () => {
    const server = await serveDoh()
    const { seen, verdict } = await measured(`https://localhost:${server.port}/dns-query`, {
      default_addrs: ['127.0.0.1', '127.0.0.9'],
    })
    expect(seen.observations.tcp_connect.map(({ ip, status }) => [ip, status.success])).toEqual([
      ['127.0.0.1', true],
      ['127.0.0.9', false],
    ])
    expect(verdict.verdict).toBe('ok')
  })

  it('sees a handshake that is reset', async () => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { verdict } = await measured(`https://localhost:${server.port}/dns-query`)
    expect(verdict).toMatchObject({
      verdict: 'undetermined',
      rule: 'dnscheck/failed_once@1',
      how: 'connection_reset',
    })
  })

  it('refuses what the list should have refused', async () => {
    await expect(measured('http://localhost/')).rejects.toThrow(TypeError)
    await expect(measured('dot://localhost', { domains: [] })).rejects.toThrow()
  })
})
