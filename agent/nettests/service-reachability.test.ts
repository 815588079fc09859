// The engine against servers on loopback: what it sends, what it records, and what is concluded from that.

import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { decode, encode } from 'dns-packet'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Authority, makeAuthority } from '../../test/support/certificates.ts'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveTcp, serveTls, serveUdp, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { Service, ServiceEndpoint, ServiceGroup } from '../../tests-spec/nettests/service.ts'
import { makeTrust } from '../operations/trust.ts'
import type { NettestContext } from './nettest.ts'
import type { Seen } from './seen.ts'
import { serviceReachability } from './service-reachability.ts'

const group = (name: string, ...endpoints: ServiceEndpoint[]): ServiceGroup => ({
  name,
  needs: 'any',
  endpoints,
})
const serviceOf = (...groups: ServiceGroup[]): Service => ({ name: 'app', groups })
const tcp = (...ports: number[]): ServiceEndpoint => ({ kind: 'tcp', host: '127.0.0.1', ports })

let authority: Authority
beforeAll(() => {
  authority = makeAuthority()
})

async function measure(service: Service, context: NettestContext = makeContext()) {
  const nettest = serviceReachability((name) => (name === service.name ? service : undefined))
  return measureKept(nettest, context, 'app')
}

const tagsOf = ({ observations: { queries, tcp_connect, tls_handshakes, requests } }: Seen) =>
  [...queries, ...tcp_connect, ...tls_handshakes, ...requests].map((each) => each.tags)

describe('serviceReachability()', () => {
  it('reaches each kind of endpoint, tags what it saw, and says so in the keys', async () => {
    const { key, cert } = authority.issue({ names: ['127.0.0.1', 'vpn.app.example'] })
    const site = await serveWith(
      createHttpsServer({ key, cert }, (_request, response) => response.end('hello')),
    )
    const vpn = await serveTls({ key, cert })
    const chat = await serveTcp(() => {})
    const closed = await closedPort()
    const service: Service = {
      ...serviceOf(
        group('web', { kind: 'url', url: `https://127.0.0.1:${site.port}/`, method: 'HEAD' }),
        group('vpn', { kind: 'tls', host: '127.0.0.1', port: vpn.port, server_name: 'vpn.app.example' }),
        group('chat', tcp(closed.port, chat.port)),
        { ...group('localhost', { kind: 'dns', host: 'localhost' }), informational: true },
      ),
      extra_roots: [authority.caPem],
    }
    const { seen, keys, verdict, parts } = await measure(service)
    expect(verdict).toMatchObject({ verdict: 'ok', rule: 'service_reachability/web_reached@1' })
    expect(parts).toMatchObject({
      web: { rule: 'service_reachability/web_reached@1' },
      vpn: { rule: 'service_reachability/vpn_reached@1' },
      chat: { rule: 'service_reachability/chat_reached_unverified@1' },
    })
    expect(keys).toEqual({
      x_sonde_service: {
        name: 'app',
        groups: {
          web: { status: 'reached', failure: null },
          vpn: { status: 'reached', failure: null },
          chat: { status: 'reached', failure: null },
          localhost: { status: 'reached', failure: null },
        },
      },
    })
    expect(seen.observations.tls_handshakes.map((each) => each.server_name).sort()).toEqual([
      '',
      'vpn.app.example',
    ])
    expect(seen.observations.tcp_connect.map((each) => each.port)).toContain(closed.port)
    for (const tags of tagsOf(seen)) {
      expect(tags).toContain('classic')
      expect(tags.filter((tag) => tag.startsWith('group='))).toHaveLength(1)
      expect(tags.filter((tag) => tag.startsWith('host='))).toHaveLength(1)
    }
    expect(seen.bytes.sent).toBeGreaterThan(0)
  })

  it('trusts the roots of a service for that service alone', async () => {
    const vpn = await serveTls(authority.issue({ names: ['vpn.app.example'] }))
    const endpoint = {
      kind: 'tls',
      host: '127.0.0.1',
      port: vpn.port,
      server_name: 'vpn.app.example',
    } as const
    const context = makeContext()
    const without = serviceOf(group('vpn', endpoint))
    const foreign = await measure(without, context)
    expect(foreign.parts?.vpn).toMatchObject({ verdict: 'undetermined', how: 'ssl_unknown_authority' })
    const known = await measure({ ...without, extra_roots: [authority.caPem] }, context)
    expect(known.parts?.vpn).toMatchObject({ verdict: 'ok' })
    expect(await measure(without, context)).toMatchObject({ parts: { vpn: { verdict: 'undetermined' } } })
  })

  it('asks several endpoints at once, and one after the other where the line is slow', async () => {
    const servers = await Promise.all(
      [1, 2, 3].map(() => serveTls(authority.issue({ names: ['127.0.0.1'] }))),
    )
    const service = serviceOf({
      name: 'vpn',
      needs: 'all',
      endpoints: servers.map(({ port }) => ({ kind: 'tls', host: '127.0.0.1', port })),
    })
    const overlapping = async (isLineSlow: boolean) => {
      const { seen } = await measure(service, makeContext({ isLineSlow: () => isLineSlow }))
      const { tcp_connect: connects, tls_handshakes: handshakes } = seen.observations
      const ends = new Map(handshakes.map(({ transaction_id, t }) => [transaction_id, t]))
      const spans = connects.map(({ transaction_id: id, t0 }) => ({ t0, t: ends.get(id) ?? t0 }))
      expect(spans).toHaveLength(3)
      spans.sort((a, b) => a.t0 - b.t0)
      return spans.some(({ t0 }, index) => t0 < (spans[index - 1]?.t ?? 0))
    }
    expect(await overlapping(false)).toBe(true)
    expect(await overlapping(true)).toBe(false)
  })

  it('keeps roots that were trusted already', async () => {
    const vpn = await serveTls(authority.issue({ names: ['127.0.0.1'] }))
    const service: Service = {
      ...serviceOf(group('vpn', { kind: 'tls', host: '127.0.0.1', port: vpn.port })),
      extra_roots: [makeAuthority().caPem],
    }
    const context = makeContext({}, { trust: makeTrust({ extraCa: [authority.caPem] }) })
    expect((await measure(service)).parts?.vpn?.verdict).toBe('undetermined')
    expect((await measure(service, context)).parts?.vpn?.verdict).toBe('ok')
  })

  it('sends the method of the description', async () => {
    const asked: IncomingMessage[] = []
    const server = await serveWith(
      createHttpServer((request, response) => {
        asked.push(request)
        response.statusCode = 501
        response.end()
      }),
    )
    const url = `http://127.0.0.1:${server.port}/`
    const methods = ['POST', 'GET', 'HEAD'] as const
    const groups = methods.map((method) => group(method.toLowerCase(), { kind: 'url', url, method }))
    const { seen, verdict } = await measure(serviceOf(...groups))
    expect(asked.map((request) => request.method).sort()).toEqual(['GET', 'HEAD', 'POST'])
    expect(asked.find((request) => request.method === 'POST')?.headers['content-length']).toBe('0')
    expect(seen.observations.requests.map((each) => each.request.method).sort()).toEqual([
      'GET',
      'HEAD',
      'POST',
    ])
    expect(verdict.verdict).toBe('ok')
  })

  it('finds the group that is closed while another of the service answers', async () => {
    const open = await serveTcp(() => {})
    const closed = await closedPort()
    const { parts, verdict } = await measure(
      serviceOf(group('calls', tcp(closed.port)), group('chat', tcp(open.port))),
    )
    expect(parts?.calls).toMatchObject({
      verdict: 'undetermined',
      rule: 'service_reachability/failed_once@1',
      step: 'connect',
      how: 'connection_refused',
    })
    expect(verdict).toEqual(parts?.calls)
  })

  it('finds a handshake that is reset', async () => {
    const server = await serveTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()))
    const { parts } = await measure(
      serviceOf(group('vpn', { kind: 'tls', host: '127.0.0.1', port: server.port })),
    )
    expect(parts?.vpn).toMatchObject({
      verdict: 'undetermined',
      step: 'tls_handshake',
      how: 'connection_reset',
    })
  })

  it('asks another resolver only for a name the system does not know', async () => {
    const asked: string[] = []
    const server = await serveUdp((question, reply) => {
      const { id, questions = [] } = decode(question)
      const name = questions[0]?.name ?? ''
      asked.push(name)
      reply(
        encode({
          type: 'response',
          id,
          questions,
          answers: [{ type: 'A', name, ttl: 60, data: '127.0.0.1' }],
        }),
      )
    })
    const chat = await serveTcp(() => {})
    const service = serviceOf(
      group('chat', { kind: 'tcp', host: 'localhost', ports: [chat.port] }),
      group('calls', { kind: 'tcp', host: 'calls.app.invalid', ports: [chat.port] }),
    )
    const context = makeContext({ resolver: { transport: 'udp', ip: server.ip, port: server.port } })
    const { seen, parts } = await measure(service, context)
    expect(asked).toEqual(['calls.app.invalid'])
    expect(parts?.chat?.verdict).toBe('ok')
    expect(parts?.calls).toMatchObject({
      verdict: 'undetermined',
      rule: 'service_reachability/failed_once@1',
    })
    // The other resolver's address is a comparison: it is not contacted.
    expect(seen.observations.tcp_connect).toHaveLength(1)
  })

  it('asks another resolver for a name whose address shows somebody else', async () => {
    const { ip, port } = await serveUdp((message, reply) => {
      const { id, questions } = decode(message)
      reply(encode({ type: 'response', id, questions, flags: 3 }))
    })
    const foreign = await serveTls(authority.issue({ names: ['search.isp.example'] }))
    const service = serviceOf(group('vpn', { kind: 'tls', host: 'localhost', port: foreign.port }))
    const { parts } = await measure(service, makeContext({ resolver: { transport: 'udp', ip, port } }))
    // Some providers' resolvers invent an address for names that are gone.
    expect(parts?.vpn).toMatchObject({ verdict: 'undetermined', rule: 'service_reachability/name_gone@1' })
    expect((await measure(service)).parts?.vpn?.rule).toBe('service_reachability/failed_once@1')
  })

  it('never contacts private addresses outside a laboratory, whatever the list says', async () => {
    const server = await serveTcp(() => {})
    const service = serviceOf(
      group('chat', tcp(server.port)),
      group('vpn', { kind: 'tls', host: '127.0.0.1', port: server.port }),
      group('web', { kind: 'url', url: `http://127.0.0.1:${server.port}/`, method: 'GET' }),
      group('name', { kind: 'tcp', host: 'localhost', ports: [server.port] }),
    )
    const nettest = serviceReachability(() => service)
    const seen = await nettest.measure(makeContext({ lab: false }), service.name)
    expect(server.peers).toEqual([])
    expect(seen.observations).toMatchObject({ tcp_connect: [], requests: [], tls_handshakes: [] })
  })

  it('measures eight endpoints at once and no more', async () => {
    const waiting: (() => void)[] = []
    const connectedFirst: number[] = []
    let answered = 0
    const server = await serveWith(
      createHttpServer((_request, response) => {
        waiting.push(() => response.end())
        // The first eight wait for each other; were they fewer, the test would not end.
        if (waiting.length < 8 && answered === 0) return
        connectedFirst.push(server.peers.length)
        for (const answer of waiting.splice(0)) {
          answered += 1
          answer()
        }
      }),
    )
    const url = `http://127.0.0.1:${server.port}/`
    const groups = 'abcdefghijkl'.split('').map((name) => group(name, { kind: 'url', url, method: 'GET' }))
    const { verdict } = await measure(serviceOf(...groups))
    expect(verdict.verdict).toBe('ok')
    expect(answered).toBe(12)
    expect(connectedFirst[0]).toBe(8)
  })

  it('sends nothing once it is stopped, and calls that no finding', async () => {
    const server = await serveTcp(() => {})
    const service = serviceOf(group('chat', tcp(server.port)), group('calls', tcp(server.port)))
    const { verdict } = await measure(service, makeContext({}, { signal: AbortSignal.abort() }))
    expect(server.peers).toEqual([])
    expect(verdict).toMatchObject({ verdict: 'undetermined', rule: 'service_reachability/interrupted@1' })
  })

  it('has nothing to measure for a name nobody described', async () => {
    const nettest = serviceReachability(() => undefined)
    await expect(nettest.measure(makeContext(), 'other')).rejects.toThrow(TypeError)
  })
})
