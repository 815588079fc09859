// What follows a failed handshake, against servers that mind the name in the ClientHello.

import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { type Listening, serveTcp, serveTls } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { failedStepOf } from '../../tests-spec/nettests/failed-step.ts'
import { tcpConnect } from '../operations/tcp-connect.ts'
import { tlsHandshake } from '../operations/tls-handshake.ts'
import { makeTrust } from '../operations/trust.ts'
import { followUpHandshake, offerAsHelpersDo } from './follow-ups.ts'
import type { NettestContext } from './nettest.ts'
import { joinSeen, type Seen, seenOf } from './seen.ts'

const certificate = makeAuthority().issue({ names: ['neutral.test'] })
const blocked = 'blocked.test'
/** A name the system resolves to 127.0.0.1, which no test has to teach it. */
const neutralName = 'localhost'
const context = makeContext({ neutralName, foreignName: 'control.test' })

/** What an on-path box does: passes connections on to `to` unless the ClientHello holds the name. */
async function censored(to: Listening, host: string, port?: number): Promise<Listening> {
  return serveTcp(
    (socket) => {
      socket.once('data', (hello) => {
        if (hello.includes(blocked)) return void socket.resetAndDestroy()
        const upstream = net.connect(to.port, to.ip)
        upstream.on('error', () => socket.destroy())
        socket.on('close', () => upstream.destroy())
        upstream.write(hello)
        upstream.pipe(socket)
        socket.pipe(upstream)
      })
    },
    { host, port },
  )
}

/** A server that is itself the one to reset, under every name. */
const broken = (host: string) =>
  serveTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()), { host })

async function measure(server: Listening, over: Partial<NettestContext> = {}): Promise<Seen> {
  const used = { ...context, ...over }
  const step = { transactionId: 50_001, tags: ['classic'], timeoutMs: 5_000 }
  const connect = await tcpConnect(used.trace, server, step)
  if (connect.socket === null) throw new Error('Cannot connect')
  const asked = { ...step, serverName: blocked, alpn: [] }
  const { observation, bytes } = await tlsHandshake(used.trace, connect.socket, asked)
  const first = seenOf({ tcp_connect: [connect.observation], tls_handshakes: [observation] }, bytes)
  return joinSeen([first, await followUpHandshake(used, [first], [])])
}

const outline = ({ observations }: Seen) =>
  observations.tls_handshakes.slice(1).map(({ tags, server_name, address, failure }) => {
    return [tags.find((tag) => tag.startsWith('followup=')), server_name, address.split(':')[0], failure]
  })

describe('offerAsHelpersDo()', () => {
  const authority = makeAuthority()
  const trust = makeTrust({ extraCa: [authority.caPem] })

  /** A handshake that offers HTTP/1.1 alone, as under Node.js 20, with a server that speaks `protocols`. */
  async function offer(protocols: string[], alpn: readonly string[] = ['http/1.1']): Promise<Seen> {
    const issued = authority.issue({ names: ['good.test'] })
    const server = await serveTls({ ...issued, ALPNProtocols: protocols })
    const used = { ...context, trace: { ...context.trace, trust } }
    const step = { transactionId: 50_001, tags: ['classic'], timeoutMs: 5_000 }
    const connect = await tcpConnect(used.trace, server, step)
    if (connect.socket === null) throw new Error('Cannot connect')
    const asked = { ...step, serverName: 'good.test', alpn }
    const { observation, socket } = await tlsHandshake(used.trace, connect.socket, asked)
    socket?.destroy()
    const first = seenOf({ tcp_connect: [connect.observation], tls_handshakes: [observation] })
    return joinSeen([first, await offerAsHelpersDo(used, [first], alpn)])
  }

  it('reaches a server that speaks HTTP/2 alone, which counts as passed again', async () => {
    const seen = await offer(['h2'])
    expect(seen.observations.tls_handshakes).toMatchObject([
      { failure: 'ssl_failed_handshake', x_sonde_tls_alert: 120 },
      { failure: null, negotiated_protocol: 'h2', tags: ['classic', 'followup=same_name'] },
    ])
    expect(failedStepOf(seen.observations, true)).toMatchObject({ step: 'tls_handshake', again: 'passed' })
  })

  it('is content with a server that speaks what was offered, or nothing that helpers offer either', async () => {
    expect((await offer(['http/1.1'])).observations.tls_handshakes).toHaveLength(1)
    const other = (await offer(['imap'])).observations
    expect(other.tls_handshakes.map(({ failure }) => failure)).toEqual(Array(2).fill('ssl_failed_handshake'))
    expect(failedStepOf(other, true)).toMatchObject({ again: 'failed_too' })
  })

  it('does not ask twice where HTTP/2 was offered', async () => {
    expect((await offer(['imap'], ['h2', 'http/1.1'])).observations.tls_handshakes).toHaveLength(1)
  })
})

describe('followUpHandshake()', () => {
  it('finds the name cut at its own address and at the neutral one', async () => {
    const real = await serveTls(certificate)
    const here = await censored(real, '127.0.0.2')
    await censored(real, '127.0.0.1', here.port)
    const seen = await measure(here)
    expect(outline(seen)).toEqual([
      ['followup=neutral_name', neutralName, '127.0.0.2', 'ssl_invalid_hostname'],
      ['followup=same_name', blocked, '127.0.0.2', 'connection_reset'],
      ['followup=foreign_name', 'control.test', '127.0.0.1', 'ssl_invalid_hostname'],
      ['followup=neutral_address', blocked, '127.0.0.1', 'connection_reset'],
    ])
    expect(failedStepOf(seen.observations, true)).toMatchObject({
      neutralName: 'answered',
      nameElsewhere: 'failed_too',
    })
    expect(seen.observations.queries.map(({ hostname, tags }) => [hostname, tags])).toEqual([
      [neutralName, ['followup=neutral_host']],
    ])
    expect(seen.bytes.received).toBeGreaterThan(0)
  })

  it('finds that a host which cuts every name is alone in it', async () => {
    const here = await broken('127.0.0.2')
    const real = await serveTls(certificate)
    // The same port at the neutral address, as port 443 is everywhere.
    await serveTcp(
      (socket) => {
        const upstream = net.connect(real.port, real.ip)
        upstream.on('error', () => socket.destroy())
        socket.on('close', () => upstream.destroy())
        upstream.pipe(socket)
        socket.pipe(upstream)
      },
      { host: '127.0.0.1', port: here.port },
    )
    expect(failedStepOf((await measure(here)).observations, true)).toMatchObject({
      neutralName: 'failed_too',
      nameElsewhere: 'answered',
    })
  })

  it('takes the name elsewhere also where its own address is blocked after the cut', async () => {
    const real = await serveTls(certificate)
    const gone = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        gone.close()
        socket.resetAndDestroy()
      })
    })
    const here = await new Promise<Listening>((resolve) =>
      gone.listen(0, '127.0.0.2', () => {
        const { port } = gone.address() as net.AddressInfo
        resolve({ ip: '127.0.0.2', port } as Listening)
      }),
    )
    await censored(real, '127.0.0.1', here.port)
    const seen = await measure(here)
    const connects = seen.observations.tcp_connect.map(({ ip, status }) => [ip, status.failure])
    expect(connects.slice(1, 3)).toEqual(Array(2).fill(['127.0.0.2', 'connection_refused']))
    expect(failedStepOf(seen.observations, true)).toMatchObject({ nameElsewhere: 'failed_too', again: null })
  })

  it('learns nothing where nobody listens at the neutral address', async () => {
    const seen = await measure(await broken('127.0.0.2'))
    expect(seen.observations.tcp_connect.at(-1)?.status.failure).toBe('connection_refused')
    expect(failedStepOf(seen.observations, true)).toMatchObject({ nameElsewhere: null })
  })

  it('stops after the same address without a foreign name, and when the neutral host is the target itself', async () => {
    const without = await measure(await broken('127.0.0.2'), { foreignName: null })
    expect(outline(without)).toHaveLength(2)
    expect(outline(await measure(await broken('127.0.0.1')))).toHaveLength(2)
  })

  it('asks nobody elsewhere when the cycle cannot afford it', async () => {
    const seen = await measure(await broken('127.0.0.2'), { mayAskElsewhere: () => false })
    expect(seen.isUnasked).toBe(true)
    expect(outline(seen)).toHaveLength(2)
    expect(seen.observations.queries).toEqual([])
  })

  it('follows up nothing that was answered in TLS', async () => {
    const seen = await measure(await serveTls(certificate))
    expect(outline(seen)).toEqual([])
  })
})
