// Every way to a collector, over real sockets: what the other end and the proxies in between are told, which servers
// TLS lets in, and that nothing of the batch goes to any other server.

import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type net from 'node:net'
import tls from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Authority, makeAuthority, selfSigned } from '../../../test/support/certificates.ts'
import { closedPort, serveTcp, serveTls } from '../../../test/support/loopback.ts'
import { connectProxy, type SocksConduct, socksProxy } from '../../../test/support/proxies.ts'
import type { Endpoint } from '../../../tests-spec/protocol/endpoint.ts'
import { systemClock } from '../../platform/clock.ts'
import { DialFailed, type Dialling, dial } from './dial.ts'
import type { SessionSlot } from './tls.ts'

let authority: Authority
let good: { key: string; cert: string }
const day = 86_400_000

beforeAll(() => {
  authority = makeAuthority()
  good = authority.issue({ names: ['collector.test', '127.0.0.1'] })
})

const pinOf = (pem: string) =>
  createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')

function slot(): SessionSlot & { readonly kept: () => Buffer | undefined } {
  let kept: Buffer | undefined
  return {
    kept: () => kept,
    read: () => kept,
    write: (session) => {
      kept = session
    },
  }
}

const dialling = (over: Partial<Dialling> = {}): Dialling => ({
  signal: new AbortController().signal,
  now: systemClock().monotonicMs,
  session: slot(),
  roots: [authority.caPem],
  timeoutMs: 20_000,
  ...over,
})

/** Dials, sends a word, and returns what the far end saw. */
async function reach(endpoint: Endpoint, over: Partial<Dialling> = {}) {
  const line = await dial(endpoint, dialling(over))
  line.socket.write('hello')
  const answered = once(line.socket, 'data')
  line.socket.resume()
  const [answer] = await answered
  const reused = line.socket instanceof tls.TLSSocket && line.socket.isSessionReused()
  line.socket.destroy()
  line.raw.destroy()
  return { ...line, reused, answer: String(answer) }
}

async function failure(endpoint: Endpoint, over: Partial<Dialling> = {}): Promise<DialFailed> {
  const line = await dial(endpoint, dialling(over)).catch((error: unknown) => error)
  if (line instanceof DialFailed) return line
  throw new Error('It got through')
}

/** A server that answers with the name it was asked under, and remembers everything that was sent to it. */
async function collector(issued: { key: string; cert: string } = good) {
  const said: string[] = []
  const names: (string | null)[] = []
  const server = await serveTls({ ...issued, ALPNProtocols: ['http/1.1'] }, (socket) => {
    const name = typeof socket.servername === 'string' ? socket.servername : null
    names.push(name)
    socket.on('data', (chunk) => {
      said.push(chunk.toString())
      socket.write(`under ${name ?? 'no name'}`)
    })
    socket.on('end', () => socket.end())
  })
  return { ...server, said, names }
}

const at = (port: number, name = 'collector.test') => `https://${name}:${port}`

describe('dial()', () => {
  it('connects to a fixed address under the name of the URL', async () => {
    const { port, names } = await collector()
    const { answer, rttMs } = await reach({ kind: 'collector', url: at(port), ip: '127.0.0.1' })
    expect(answer).toBe('under collector.test')
    expect(names).toEqual(['collector.test'])
    expect(rttMs).toBeGreaterThan(0)
  })

  it('resolves a name, and sends no address for one', async () => {
    const { port, names } = await collector(authority.issue({ names: ['localhost', '127.0.0.1'] }))
    expect((await reach({ kind: 'collector', url: at(port, 'localhost') })).answer).toBe('under localhost')
    expect((await reach({ kind: 'collector', url: at(port, '127.0.0.1') })).answer).toBe('under no name')
    expect(names).toEqual(['localhost', null])
  })

  it('shows a decoy name, and checks the certificate for the real one', async () => {
    const { port, names } = await collector()
    const decoy = { kind: 'collector', url: at(port), ip: '127.0.0.1', sni: 'cdn.test' } as const
    expect((await reach(decoy)).answer).toBe('under cdn.test')
    expect(names).toEqual(['cdn.test'])
    const other = { ...decoy, url: at(port, 'other.test') }
    expect((await failure(other)).code).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('shows no name when told to', async () => {
    const { port, names } = await collector()
    await reach({ kind: 'collector', url: at(port), ip: '127.0.0.1', sni: null })
    expect(names).toEqual([null])
  })

  it('speaks plain HTTP where the URL says so', async () => {
    const { port } = await serveTcp((socket) => socket.once('data', (chunk) => socket.end(`got ${chunk}`)))
    expect((await reach({ kind: 'collector', url: `http://127.0.0.1:${port}` })).answer).toBe('got hello')
  })

  it('goes on in the session of last time', async () => {
    const { port } = await collector()
    const session = slot()
    const endpoint = { kind: 'collector', url: at(port), ip: '127.0.0.1' } as const
    const first = await reach(endpoint, { session })
    const second = await reach(endpoint, { session })
    expect(first.reused).toBe(false)
    expect(session.kept()).toBeDefined()
    expect(second.reused).toBe(true)
  })
})

describe('dial() without a pin lets nobody in', () => {
  it.each<[string, () => { key: string; cert: string }, string]>([
    ['who signed for itself', () => selfSigned({ names: ['collector.test'] }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [
      'whose time is over',
      () => authority.issue({ names: ['collector.test'], notAfter: new Date(Date.now() - day) }),
      'CERT_HAS_EXPIRED',
    ],
    [
      'whose time has not come',
      () => authority.issue({ names: ['collector.test'], notBefore: new Date(Date.now() + day) }),
      'CERT_NOT_YET_VALID',
    ],
    [
      'who has another name',
      () => authority.issue({ names: ['other.test'] }),
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'of another authority',
      () => makeAuthority().issue({ names: ['collector.test'] }),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ])('%s', async (_, issue, code) => {
    const { port, said } = await collector(issue())
    const { code: seen, spent } = await failure({ kind: 'collector', url: at(port), ip: '127.0.0.1' })
    expect(seen).toBe(code)
    expect(said).toEqual([])
    expect(spent.sent).toBeGreaterThan(100)
  })
})

describe('dial() with a pin', () => {
  it.each<[string, () => { key: string; cert: string }]>([
    ['signed for itself', () => selfSigned({ names: ['nobody.test'] })],
    [
      'has been expired for years, as under a clock that is ahead',
      () => authority.issue({ names: ['collector.test'], notAfter: new Date(Date.now() - 4_000 * day) }),
    ],
    [
      'will be valid in years, as under a clock that began at 1970',
      () =>
        authority.issue({
          names: ['collector.test'],
          notBefore: new Date(Date.now() + 4_000 * day),
          notAfter: new Date(Date.now() + 8_000 * day),
        }),
    ],
    ['has another name', () => authority.issue({ names: ['other.test'] })],
    ['comes from an authority that nobody knows', () => makeAuthority().issue({ names: ['collector.test'] })],
  ])('takes the key alone, though its certificate %s', async (_, issue) => {
    const issued = issue()
    const { port } = await collector(issued)
    const pins = [`${'A'.repeat(43)}=`, pinOf(issued.cert)]
    const endpoint = { kind: 'collector', url: at(port), ip: '127.0.0.1', sni: 'cdn.test', pins } as const
    expect((await reach(endpoint)).answer).toBe('under cdn.test')
  })

  it('refuses another key, however good its certificate, before a byte is sent', async () => {
    const { port, said } = await collector()
    const pins = [pinOf(selfSigned({ names: ['collector.test'] }).cert)]
    const { code } = await failure({ kind: 'collector', url: at(port), ip: '127.0.0.1', pins })
    expect(code).toBe('pin_mismatch')
    expect(said).toEqual([])
  })

  it('goes on in the session of last time, which began with a pinned key', async () => {
    const { port } = await collector()
    const session = slot()
    const endpoint: Endpoint = {
      kind: 'collector',
      url: at(port),
      ip: '127.0.0.1',
      pins: [pinOf(good.cert)],
    }
    await reach(endpoint, { session })
    expect((await reach(endpoint, { session })).reused).toBe(true)
  })

  it('keeps no session of a key it refused', async () => {
    const { port } = await collector()
    const session = slot()
    await failure(
      { kind: 'collector', url: at(port), ip: '127.0.0.1', pins: [`${'A'.repeat(43)}=`] },
      { session },
    )
    expect(session.kept()).toBeUndefined()
  })
})

describe('dial() through HTTP CONNECT', () => {
  const through = (
    port: number,
    proxy: net.AddressInfo | { host: string; port: number },
    more: object = {},
  ): Endpoint => ({
    kind: 'collector',
    url: at(port),
    proxy: { kind: 'connect', host: '127.0.0.1', port: proxy.port, ...more },
  })

  it('asks for the name, and the TLS inside is the collector’s', async () => {
    const { port, names } = await collector()
    const proxy = await connectProxy(() => port)
    expect((await reach(through(port, proxy))).answer).toBe('under collector.test')
    expect(proxy.asked).toEqual([`collector.test:${port}`])
    expect(names).toEqual(['collector.test'])
  })

  it('asks for a fixed address where there is one, and gives its password', async () => {
    const { port } = await collector()
    const proxy = await connectProxy(() => port)
    await reach({ ...through(port, proxy, { user: 'u', password: 'p' }), ip: '2001:db8::1' })
    expect(proxy.asked).toEqual([`[2001:db8::1]:${port}`])
    expect(proxy.heard[0]).toContain(
      `Proxy-Authorization: Basic ${Buffer.from('u:p').toString('base64')}\r\n`,
    )
  })

  it('is not taken in by a proxy that answers in place of the collector', async () => {
    const { port, said } = await collector()
    const impostor = await collector(selfSigned({ names: ['collector.test'] }))
    const proxy = await connectProxy(() => impostor.port)
    expect((await failure(through(port, proxy))).code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect([...said, ...impostor.said]).toEqual([])
  })

  it.each([
    ['forbids it', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'proxy_status_403'],
    ['wants a password', 'HTTP/1.1 407 Authenticate\r\n\r\n<html>', 'proxy_status_407'],
    ['is no proxy', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'proxy_not_http'],
    ['hangs up', '', 'proxy_hung_up'],
    ['answers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'proxy_reply_too_long'],
  ])('fails when the proxy %s', async (_, said, code) => {
    const proxy = await connectProxy(
      () => 1,
      () => said,
    )
    expect((await failure(through(443, proxy))).code).toBe(code)
  })

  it('fails when nobody listens there', async () => {
    expect((await failure(through(443, { host: '', ...(await closedPort()) }))).code).toBe('ECONNREFUSED')
  })
})

describe('dial() through SOCKS5', () => {
  const through = (url: string, { port }: { port: number }, more: object = {}): Endpoint => ({
    kind: 'collector',
    url,
    proxy: { kind: 'socks5', host: '127.0.0.1', port, ...more },
  })

  it('lets the far end resolve the name, and asks nobody here', async () => {
    const { port } = await collector(authority.issue({ names: ['nowhere.invalid'] }))
    const proxy = await socksProxy(() => port)
    expect((await reach(through(at(port, 'nowhere.invalid'), proxy))).answer).toBe('under nowhere.invalid')
    expect(proxy.asked).toEqual([`nowhere.invalid:${port}`])
    expect(proxy.heard).toEqual(['type 3'])
  })

  it('reaches an onion name', async () => {
    const { port } = await serveTcp((socket) => socket.once('data', (chunk) => socket.end(`got ${chunk}`)))
    const proxy = await socksProxy(() => port)
    expect((await reach(through('http://abcdef234567.onion', proxy))).answer).toBe('got hello')
    expect(proxy.asked).toEqual(['abcdef234567.onion:80'])
  })

  it.each([
    ['127.0.0.1', 'type 1', '7f000001'],
    ['[2001:db8::1]', 'type 4', '20010db8000000000000000000000001'],
    ['[::1]', 'type 4', `${'0'.repeat(31)}1`],
    ['[2001:db8:1:2:3:4:5:6]', 'type 4', '20010db8000100020003000400050006'],
  ])('writes the address %s as one', async (host, type, hex) => {
    const { port } = await serveTcp((socket) => socket.once('data', (chunk) => socket.end(`got ${chunk}`)))
    const proxy = await socksProxy(() => port)
    await reach(through(`http://${host}:${port}`, proxy))
    expect(proxy.heard).toEqual([type])
    expect(proxy.asked).toEqual([`${hex}:${port}`])
  })

  it('signs in, and skips whatever the proxy bound', async () => {
    const { port } = await collector()
    const bound = Buffer.from([3, 4, ...Buffer.from('name'), 1, 2])
    const proxy = await socksProxy(() => port, { password: 'secret', bound })
    const endpoint = through(at(port), proxy, { user: 'probe', password: 'secret' })
    expect((await reach(endpoint)).answer).toBe('under collector.test')
    expect(proxy.heard[0]).toBe('probe:secret')
  })

  it.each<[string, SocksConduct, object, string]>([
    ['cannot reach the host', { code: 4 }, {}, 'socks_4'],
    ['is not allowed to', { code: 2 }, {}, 'socks_2'],
    ['wants a password we have not', { method: 2 }, {}, 'socks_no_method'],
    ['accepts no method', { method: 255 }, {}, 'socks_no_method'],
    [
      'wants no password though we were told to give one',
      { method: 0 },
      { user: 'u', password: 'p' },
      'socks_no_method',
    ],
    [
      'does not like the password',
      { password: 'other' },
      { user: 'u', password: 'p' },
      'socks_password_refused',
    ],
    ['speaks SOCKS4', { version: 4 }, {}, 'socks_not_socks5'],
  ])('fails when the proxy %s', async (_, conduct, more, code) => {
    const proxy = await socksProxy(() => 1, conduct)
    expect((await failure(through(at(443), proxy, more))).code).toBe(code)
  })
})

describe('dial() gives up', () => {
  it.each<[string, (port: number) => Endpoint]>([
    ['a server that says nothing', (port) => ({ kind: 'collector', url: at(port), ip: '127.0.0.1' })],
    [
      'a CONNECT proxy that says nothing',
      (port) => ({ kind: 'collector', url: at(1), proxy: { kind: 'connect', host: '127.0.0.1', port } }),
    ],
    [
      'a SOCKS5 proxy that says nothing',
      (port) => ({ kind: 'collector', url: at(1), proxy: { kind: 'socks5', host: '127.0.0.1', port } }),
    ],
  ])('%s, after its time, and closes what it opened', async (_, endpointOf) => {
    const server = await serveTcp(() => {})
    expect((await failure(endpointOf(server.port), { timeoutMs: 100 })).code).toBe('timeout')
    await Promise.all(server.peers.map((peer) => peer.closed || once(peer, 'close').catch(() => {})))
  })

  it('when the agent stops, at once', async () => {
    const { port } = await serveTcp(() => {})
    const stop = new AbortController()
    const going = failure({ kind: 'collector', url: at(port), ip: '127.0.0.1' }, { signal: stop.signal })
    stop.abort()
    expect((await going).code).toBe('interrupted')
  })
})
