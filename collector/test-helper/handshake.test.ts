import type net from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { tlsHandshake } from '../../agent/operations/tls-handshake.ts'
import { type Authority, type Issued, makeAuthority, selfSigned } from '../../test/support/certificates.ts'
import {
  connectTo,
  type Listening,
  makeTrace,
  serveTcp,
  serveTls,
  step,
} from '../../test/support/loopback.ts'
import { askSample } from '../../test/support/sample-ask.ts'
import { handshake, makeTrust } from './handshake.ts'

let authority: Authority
let extraCa: string[]

beforeAll(() => {
  authority = makeAuthority()
  extraCa = [authority.caPem]
})

describe('handshake()', () => {
  const day = 86_400_000
  const past = { notBefore: new Date(Date.now() - 9 * day), notAfter: new Date(Date.now() - day) }
  const future = { notBefore: new Date(Date.now() + day), notAfter: new Date(Date.now() + 9 * day) }
  const names = ['site.test']

  /** How the endpoint's handshake failed; the page must have failed too. */
  async function failureOver({ port }: Listening, silentMs = 20_000): Promise<string | null | undefined> {
    const answer = await askSample({
      url: `https://site.test:${port}/`,
      extraCa,
      limits: { handshakeMs: silentMs, httpMs: silentMs },
    })
    expect(answer.tcp_connect).toEqual({ [`127.0.0.1:${port}`]: { status: true, failure: null } })
    expect(answer.http_request.failure).toMatch(/^(unknown|generic_timeout)_error$/)
    expect(answer.ip_info).toEqual({ '127.0.0.1': { asn: 0, flags: 2 } })
    return answer.tls_handshake?.[`127.0.0.1:${port}`]?.failure
  }

  it.each<[string, string, () => Issued]>([
    ['a certificate for another host', 'ssl_invalid_hostname', () => authority.issue({ names: ['x.test'] })],
    ['a self-signed one', 'ssl_unknown_authority', () => selfSigned({ names })],
    ['one of an unknown authority', 'ssl_unknown_authority', () => makeAuthority().issue({ names })],
    ['an expired one', 'ssl_invalid_certificate', () => authority.issue({ names, ...past })],
    ['one of tomorrow', 'ssl_invalid_certificate', () => authority.issue({ names, ...future })],
    [
      'one of an expired intermediate',
      'ssl_invalid_certificate',
      () => authority.subordinate(past).issue({ names }),
    ],
    [
      'the date before the name and the authority',
      'ssl_invalid_certificate',
      () => selfSigned({ names: ['x.test'], ...past }),
    ],
    ['the name before the authority', 'ssl_invalid_hostname', () => selfSigned({ names: ['x.test'] })],
  ])('names %s', async (_, failure, certificate) => {
    expect(await failureOver(await serveTls(certificate()))).toBe(failure)
  })

  it('sends no dot that ends a name', async () => {
    const sent: string[] = []
    const SNICallback = (name: string, done: (error: null) => void) => {
      sent.push(name)
      done(null)
    }
    const socket = await connectTo(await serveTls({ ...authority.issue({ names }), SNICallback }))
    const options = { host: 'site.test.', alpn: ['http/1.1'], trust: makeTrust(extraCa) }
    expect(await handshake(socket, options, new AbortController().signal)).not.toBeTypeOf('string')
    socket.destroy()
    expect(sent).toEqual(['site.test'])
  })

  it('sends the same ClientHello as a probe: what a server refuses of one of two is no finding', async () => {
    const hellos: Buffer[] = []
    const { port } = await serveTcp((socket) => {
      socket.once('data', (hello) => {
        hellos.push(hello)
        socket.destroy()
      })
    })
    const probe = await connectTo({ ip: '127.0.0.1', port })
    const alpn = ['h2', 'http/1.1']
    const options = { ...step, serverName: 'site.test', alpn }
    await tlsHandshake(makeTrace(), probe, options)
    const helper = await connectTo({ ip: '127.0.0.1', port })
    await handshake(helper, { host: 'site.test', alpn, trust: makeTrust() }, new AbortController().signal)
    helper.destroy()
    // Randomness has its fixed places: random, session id, key share.
    expect(hellos.map((hello) => hello.length)).toEqual([hellos[0]?.length, hellos[0]?.length])
    const [suites = [], others = []] = hellos.map((hello) => hello.subarray(76, 76 + 40))
    expect(suites).toEqual(others)
  })

  it.each<[string, string, (socket: net.Socket) => void]>([
    ['clear text', 'ssl_not_tls', (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a reset', 'connection_reset', (socket) => socket.once('data', () => socket.resetAndDestroy())],
    ['a hang-up', 'eof_error', (socket) => socket.once('data', () => socket.end())],
    ['silence', 'generic_timeout_error', () => {}],
    [
      'an alert',
      'ssl_failed_handshake',
      (socket) => socket.once('data', () => socket.write(Buffer.from([21, 3, 3, 0, 2, 2, 40]))),
    ],
    [
      'the alert that the name is not known here',
      'ssl_invalid_hostname',
      (socket) => socket.once('data', () => socket.write(Buffer.from([21, 3, 3, 0, 2, 2, 112]))),
    ],
  ])('names %s in the place of a handshake', async (_, failure, conduct) => {
    const silentMs = failure === 'generic_timeout_error' ? 100 : 20_000
    expect(await failureOver(await serveTcp(conduct), silentMs)).toBe(failure)
  })

  interface Hello {
    readonly servername: string
    readonly protocols: string[]
  }

  /** A site that answers every request with 204, and records what each ClientHello contained. */
  async function serveAndListen(certificate: Issued): Promise<Listening & { readonly hellos: Hello[] }> {
    const hellos: Hello[] = []
    const ALPNCallback = (hello: Hello) => {
      // Node.js has false when no name was sent, whatever its types say.
      hellos.push({ servername: hello.servername || '', protocols: hello.protocols })
      return hello.protocols[0]
    }
    const listening = await serveTls({ ...certificate, ALPNCallback }, (socket) =>
      socket.end('HTTP/1.1 204 No Content\r\n\r\n'),
    )
    return { ...listening, hellos }
  }

  it('sends the host as server name, and offers h2 to an endpoint and only HTTP/1.1 for the page', async () => {
    const { port, hellos } = await serveAndListen(authority.issue({ names }))
    const answer = await askSample({ url: `https://site.test:${port}/`, extraCa })
    expect(answer.http_request.status_code).toBe(204)
    expect(hellos).toHaveLength(2)
    expect(hellos).toContainEqual({ servername: 'site.test', protocols: ['h2', 'http/1.1'] })
    expect(hellos).toContainEqual({ servername: 'site.test', protocols: ['http/1.1'] })
  })

  it('takes a certificate for an address, and sends no server name then', async () => {
    const { port, hellos } = await serveAndListen(authority.issue({ names: ['127.0.0.1'] }))
    const endpoint = `127.0.0.1:${port}`
    const answer = await askSample({ url: `https://${endpoint}/`, tcpConnect: [endpoint], extraCa })
    expect(answer.tls_handshake).toEqual({
      [endpoint]: { server_name: '127.0.0.1', status: true, failure: null },
    })
    expect(answer.http_request.status_code).toBe(204)
    expect(hellos.map(({ servername }) => servername)).toEqual(['', ''])
  })
})
