// The chain as sent, and how often Node.js is asked for it: each time costs memory for good on Node.js 20, 22 and 24.

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createServer } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { makeTrace } from '../../test/support/loopback.ts'
import { tlsHandshake } from './tls-handshake.ts'
import { makeTrust } from './trust.ts'

const root = makeAuthority()
const middle = root.subordinate()
const { key, cert } = middle.issue({ names: ['site.test'] })
const stranger = makeAuthority().caPem

const close: (() => unknown)[] = []
afterEach(() => {
  for (const each of close.splice(0)) each()
})

async function serve(chain: string): Promise<number> {
  const server = createServer({ key, cert: chain }, (socket) => socket.on('error', () => {}))
  close.push(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const trust = () => makeTrust({ extraCa: [root.caPem] })

async function chainAt(port: number, shared = trust()) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const options = { serverName: 'site.test', alpn: [], transactionId: 1, tags: [], timeoutMs: 5_000 }
  const result = await tlsHandshake(makeTrace({ trust: shared }), socket, options)
  result.socket?.destroy()
  return result.observation.peer_certificates.map((each) => (typeof each === 'string' ? each : each.data))
}

const der = (...pems: string[]) => pems.map((pem) => new X509Certificate(pem).raw.toString('base64'))

describe('SentChains', () => {
  it('is asked a few times, however often one server is met: each handshake used to cost 5 to 10 kB for good', async () => {
    const port = await serve(cert)
    const shared = trust()
    const first = await chainAt(port, shared)
    for (let i = 0; i < 60; i++) expect(await chainAt(port, shared)).toEqual(first)
    expect(first).toHaveLength(2)
    expect(shared.chains.asked).toBeLessThanOrEqual(3)
  })

  it.each([
    ['one that does not belong to it', cert + stranger, () => der(cert, middle.caPem, stranger)],
    ['the root', cert + root.caPem, () => der(cert, middle.caPem, root.caPem)],
    ['none but the leaf', cert.slice(0, cert.indexOf('-----END') + 26), () => der(cert)],
  ])('keeps what was sent with %s, after another chain of the same leaf', async (_, chain, expected) => {
    const shared = trust()
    expect(await chainAt(await serve(cert), shared)).toEqual(der(cert, middle.caPem))
    const port = await serve(chain)
    expect(await chainAt(port, shared)).toEqual(expected())
    expect(await chainAt(port, shared)).toEqual(expected())
  })
})
