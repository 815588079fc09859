import { X509Certificate } from 'node:crypto'
import net, { type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { makeAuthority, selfSigned } from '../../test/support/certificates.ts'
import {
  closed,
  connectTo,
  type Listening,
  makeTrace,
  serveTcp,
  serveTls,
  step,
} from '../../test/support/loopback.ts'
import { serveWantingCertificate } from '../../test/support/openssl-server.ts'
import { tlsHandshake as tlsHandshakeSchema } from '../../tests-spec/data-formats/observation.ts'
import { type TlsHandshakeOptions, tlsHandshake } from './tls-handshake.ts'
import type { Trace } from './trace.ts'
import { makeTrust } from './trust.ts'

const authority = makeAuthority()
const good = authority.issue({ names: ['good.test', '127.0.0.1'] })
const trust = makeTrust({ extraCa: [authority.caPem] })
const options: TlsHandshakeOptions = { ...step, serverName: 'good.test', alpn: ['h2', 'http/1.1'] }

/** Does a handshake with `server` and closes what is open. Checks what holds for every outcome. */
async function shake(
  server: Listening,
  changes: Partial<TlsHandshakeOptions> = {},
  parts: Partial<Trace> = {},
) {
  const raw = await connectTo(server)
  const { observation, socket, bytes } = await tlsHandshake(makeTrace({ trust, ...parts }), raw, {
    ...options,
    ...changes,
  })
  expect(parse(tlsHandshakeSchema, observation)).toEqual(observation)
  expect(socket === null).toBe(observation.failure !== null)
  expect(bytes).toEqual({
    sent: observation.x_sonde_bytes_sent,
    received: observation.x_sonde_bytes_received,
  })
  socket?.destroy()
  await closed(raw)
  return observation
}

describe('tlsHandshake()', () => {
  it('gives a TLS socket and an observation as df-006 has it', async () => {
    const server = await serveTls({ ...good, ALPNProtocols: ['h2'] })
    const observation = await shake(server)
    expect(observation).toMatchObject({
      network: 'tcp',
      address: `127.0.0.1:${server.port}`,
      server_name: 'good.test',
      failure: null,
      tls_version: 'TLSv1.3',
      cipher_suite: expect.stringMatching(/^TLS_/),
      negotiated_protocol: 'h2',
      no_tls_verify: false,
      transaction_id: 7,
      tags: ['tested'],
    })
    expect(observation.x_sonde_certificate_faults).toBeUndefined()
    expect(observation.x_sonde_tls_alert).toBeUndefined()
    expect(observation.x_sonde_bytes_sent).toBeGreaterThan(200)
    expect(observation.x_sonde_bytes_received).toBeGreaterThan(500)
  })

  it('names TLS 1.2 and its cipher suite the IANA way', async () => {
    const observation = await shake(await serveTls({ ...good, maxVersion: 'TLSv1.2' }))
    expect(observation.tls_version).toBe('TLSv1.2')
    expect(observation.cipher_suite).toMatch(/^TLS_ECDHE_ECDSA_WITH_/)
  })

  it('sends the same short ClientHello from every Node.js', async () => {
    const hellos: Buffer[] = []
    const server = await serveTcp((socket) => {
      socket.once('data', (hello) => {
        hellos.push(hello)
        socket.destroy()
      })
    })
    const observation = await shake(server)
    // The hellos of different Node.js versions differ by three bytes: SCSV on 20, an extension of the same meaning
    // from 22 on.
    expect([261, 264]).toContain(observation.x_sonde_bytes_sent)
    expect(hellos[0]?.includes('good.test')).toBe(true)
  })

  it('keeps the chain as sent: its order, strays too, and no root of its own', async () => {
    const middle = authority.subordinate()
    const leaf = middle.issue({ names: ['good.test'] })
    const stray = makeAuthority()
    const server = await serveTls({ key: leaf.key, cert: leaf.cert + stray.caPem })
    const observation = await shake(server)
    expect(observation.failure).toBeNull()
    expect(observation.peer_certificates).toEqual(
      [leaf.cert, middle.caPem, stray.caPem].map((pem) => ({
        data: new X509Certificate(pem).raw.toString('base64'),
        format: 'base64',
      })),
    )
  })

  it('keeps the chain of a server that ends the handshake after it, for want of a certificate of ours', async () => {
    const server = await serveWantingCertificate(good, '-tls1_2')
    const observation = await shake({ ...server, peers: [] })
    expect(observation).toMatchObject({ failure: 'ssl_failed_handshake', x_sonde_tls_alert: 40 })
    expect(observation.peer_certificates).toHaveLength(1)
  })

  it('sends no dot that ends a name, and verifies the name without it', async () => {
    const names: string[] = []
    const server = await serveTls({
      ...good,
      SNICallback: (name, done) => {
        names.push(name)
        done(null)
      },
    })
    const observation = await shake(server, { serverName: 'good.test.', verifyName: 'good.test.' })
    expect(observation).toMatchObject({ failure: null, server_name: 'good.test' })
    expect(names).toEqual(['good.test'])
  })

  it('speaks to a server that does not know RFC 5746, as browsers do', async () => {
    const real = await serveTls({ ...good, maxVersion: 'TLSv1.2' })
    const sent: Buffer[] = []
    // Takes the extension out of the ServerHello, whose digest is then wrong: the handshake gets as far as Finished.
    const relay = await serveTcp((socket) => {
      const upstream = net.connect(real.port, real.ip)
      upstream.on('error', () => socket.destroy())
      upstream.on('data', (bytes) => socket.write(withoutRenegotiation(bytes)))
      upstream.on('close', () => socket.destroy())
      socket.on('data', (bytes) => {
        sent.push(bytes)
        upstream.write(bytes)
      })
      socket.on('close', () => upstream.destroy())
    })
    const observation = await shake(relay)
    expect(observation.failure).not.toBeNull()
    // The ClientKeyExchange: it went on behind the ServerHello, which OpenSSL by itself does not.
    expect(sent[1]?.subarray(0, 6)).toEqual(
      Buffer.from([22, 3, 3, sent[1]?.[3], sent[1]?.[4], 16] as number[]),
    )
    expect(observation.peer_certificates).toHaveLength(1)
  })

  describe('records what the network did:', () => {
    it.each<[string, (socket: Socket) => void, string, number | undefined]>([
      ['a FIN before the ClientHello', (s) => s.end(), 'eof_error', undefined],
      ['silence', () => {}, 'generic_timeout_error', undefined],
      [
        'a reset after the ClientHello',
        afterHello((s) => s.resetAndDestroy()),
        'connection_reset',
        undefined,
      ],
      ['a FIN after the ClientHello', afterHello((s) => s.end()), 'eof_error', undefined],
      [
        'half a record, then silence',
        afterHello((s) => s.write(serverHelloStart)),
        'generic_timeout_error',
        undefined,
      ],
      ['half a record, then FIN', afterHello((s) => s.end(serverHelloStart)), 'eof_error', undefined],
      ['handshake_failure', alert(40), 'ssl_failed_handshake', 40],
      ['access_denied', alert(49), 'ssl_failed_handshake', 49],
      ['protocol_version', alert(70), 'ssl_failed_handshake', 70],
      ['internal_error', alert(80), 'ssl_failed_handshake', 80],
      ['unrecognized_name', alert(112), 'ssl_invalid_hostname', 112],
      ['no_application_protocol', alert(120), 'ssl_failed_handshake', 120],
      // Node.js reports an alert only when OpenSSL has a name for it. The seven bytes received show that there was
      // one.
      ['an alert nobody has defined, then FIN', alert(211), 'eof_error', undefined],
      [
        'a warning, then FIN',
        afterHello((s) => s.end(Buffer.from([21, 3, 3, 0, 2, 1, 0]))),
        'eof_error',
        undefined,
      ],
      [
        'plain HTTP',
        afterHello((s) => s.end('HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\n\r\n')),
        'ssl_not_tls',
        undefined,
      ],
      [
        'HTML without a status line',
        afterHello((s) => s.end('<html>blocked</html>')),
        'ssl_not_tls',
        undefined,
      ],
      ['a request in answer', afterHello((s) => s.end('GET / HTTP/1.1\r\n\r\n')), 'ssl_not_tls', undefined],
      ['a banner before the ClientHello', (s) => s.write('SSH-2.0-test\r\n'), 'ssl_not_tls', undefined],
      ['zeros', afterHello((s) => s.end(Buffer.alloc(100))), 'ssl_not_tls', undefined],
      [
        'a record that is no ServerHello',
        afterHello((s) => s.end(Buffer.from([22, 3, 3, 0, 4, 99, 0, 0, 0]))),
        'ssl_failed_handshake',
        undefined,
      ],
    ])('%s', async (_what, conduct, failure, alertNumber) => {
      const timeoutMs = failure === 'generic_timeout_error' ? 150 : step.timeoutMs
      const observation = await shake(await serveTcp(conduct), { timeoutMs })
      expect(observation.failure).toBe(failure)
      expect(observation.x_sonde_tls_alert).toBe(alertNumber)
      expect(observation.peer_certificates).toEqual([])
      expect(observation.tls_version).toBe('')
    })

    it('every alert there may be, in answer to the ClientHello, and none as unknown', async () => {
      let description = 0
      const server = await serveTcp(
        afterHello((socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description]))),
      )
      // Alerts of RFC 8446 §6 and of earlier versions; OpenSSL takes a record with any other for the end of the
      // stream.
      const defined = [
        10, 20, 21, 22, 30, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 70, 71, 80, 86, 90, 100, 109,
        110, 111, 112, 113, 114, 115, 116, 120,
      ]
      for (description = 0; description < 256; description++) {
        const { failure, x_sonde_tls_alert } = await shake(server)
        expect(failure, `alert ${description}`).not.toMatch(/^unknown_failure/)
        if (!defined.includes(description)) continue
        expect(failure).toBe(description === 112 ? 'ssl_invalid_hostname' : 'ssl_failed_handshake')
        expect(x_sonde_tls_alert, `alert ${description}`).toBe(description)
      }
    })

    it('no byte received and a ClientHello sent, when it was reset at the ClientHello', async () => {
      const observation = await shake(await serveTcp(afterHello((socket) => socket.resetAndDestroy())))
      expect(observation.x_sonde_bytes_received).toBe(0)
      expect(observation.x_sonde_bytes_sent).toBeGreaterThan(200)
    })

    it('no shared protocol', async () => {
      const observation = await shake(await serveTls({ ...good, ALPNProtocols: ['spdy/3'] }))
      expect(observation).toMatchObject({ failure: 'ssl_failed_handshake', x_sonde_tls_alert: 120 })
    })

    it('no shared version', async () => {
      const tooOld = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const
      const observation = await shake(await serveTls({ ...good, ...tooOld }))
      expect(observation).toMatchObject({ failure: 'ssl_failed_handshake', x_sonde_tls_alert: 70 })
    })

    it('a reset while the ClientHello is on its way', async () => {
      const { raw, peer } = await connectedPair()
      const shaking = tlsHandshake(makeTrace({ trust }), raw, options)
      peer.resetAndDestroy()
      expect((await shaking).observation.failure).toBe('connection_reset')
    })

    it('a reset after half a record', async () => {
      const { raw, peer } = await connectedPair()
      const shaking = tlsHandshake(makeTrace({ trust }), raw, options)
      peer.write(serverHelloStart)
      // The reset does not come at once: libuv reports a reset that comes in one turn with data as a FIN.
      while (raw.bytesRead < serverHelloStart.length) await setImmediate()
      peer.resetAndDestroy()
      const { observation } = await shaking
      expect(observation).toMatchObject({ failure: 'connection_reset', x_sonde_bytes_received: 10 })
    })

    it('a connection that was reset before the handshake began', async () => {
      const { raw, peer } = await connectedPair()
      peer.resetAndDestroy()
      await closed(raw)
      const { observation } = await tlsHandshake(makeTrace({ trust }), raw, options)
      expect(observation.failure).toBe('connection_reset')
    })

    it('a connection that was closed before the handshake began', async () => {
      const raw = await connectTo(await serveTcp((socket) => socket.end()))
      await closed(raw)
      const { observation } = await tlsHandshake(makeTrace({ trust }), raw, options)
      expect(observation.failure).toBe('eof_error')
    })

    it('interrupted, when the measurement is stopped in mid-flight', async () => {
      const stop = new AbortController()
      const server = await serveTcp(afterHello(() => stop.abort()))
      expect((await shake(server, {}, { signal: stop.signal })).failure).toBe('interrupted')
    })

    it('interrupted and nothing sent, when it was stopped before', async () => {
      const observation = await shake(await serveTcp(() => {}), {}, { signal: AbortSignal.abort() })
      expect(observation).toMatchObject({ failure: 'interrupted', x_sonde_bytes_sent: 0 })
    })
  })

  describe('judges certificates:', () => {
    const past = { notBefore: new Date('2001-01-01'), notAfter: new Date('2002-01-01') }
    const future = { notBefore: new Date('2089-01-01'), notAfter: new Date('2090-01-01') }
    const stranger = makeAuthority()
    const { subject } = new X509Certificate(authority.caPem)
    const impostor = makeAuthority({ commonName: subject.replace('CN=', '') })
    const names = ['good.test']

    it.each<[string, { key: string; cert: string }, string, string[]]>([
      [
        'wrong name',
        authority.issue({ names: ['other.test'] }),
        'ssl_invalid_hostname',
        ['ssl_invalid_hostname'],
      ],
      [
        'expired',
        authority.issue({ names, ...past }),
        'ssl_invalid_certificate',
        ['ssl_invalid_certificate', 'expired'],
      ],
      [
        'not yet valid',
        authority.issue({ names, ...future }),
        'ssl_invalid_certificate',
        ['ssl_invalid_certificate', 'not_yet_valid'],
      ],
      ['self-signed', selfSigned({ names }), 'ssl_unknown_authority', ['ssl_unknown_authority']],
      ['unknown authority', stranger.issue({ names }), 'ssl_unknown_authority', ['ssl_unknown_authority']],
      [
        'an authority that took the name of a trusted one',
        impostor.issue({ names }),
        'ssl_unknown_authority',
        ['ssl_unknown_authority'],
      ],
      [
        'wrong name and unknown authority',
        stranger.issue({ names: ['other.test'] }),
        'ssl_invalid_hostname',
        ['ssl_invalid_hostname', 'ssl_unknown_authority'],
      ],
      [
        'expired and unknown authority, which OpenSSL reports as expired only',
        stranger.issue({ names, ...past }),
        'ssl_invalid_certificate',
        ['ssl_invalid_certificate', 'expired', 'ssl_unknown_authority'],
      ],
      [
        'everything at once',
        selfSigned({ names: ['other.test'], ...past }),
        'ssl_invalid_certificate',
        ['ssl_invalid_certificate', 'expired', 'ssl_invalid_hostname', 'ssl_unknown_authority'],
      ],
    ])('%s', async (_what, certificate, failure, faults) => {
      const observation = await shake(await serveTls(certificate))
      expect(observation.failure).toBe(failure)
      expect(observation.x_sonde_certificate_faults).toEqual(faults)
      // The certificate is evidence, forged or not: the handshake's results are kept.
      expect(observation.peer_certificates).toHaveLength(1)
      expect(observation.tls_version).toBe('TLSv1.3')
    })

    it('a missing intermediate is an unknown authority', async () => {
      const { key, cert } = authority.subordinate().issue({ names })
      const leafOnly = cert.slice(0, cert.indexOf('-----END CERTIFICATE-----') + 26)
      expect((await shake(await serveTls({ key, cert: leafOnly }))).failure).toBe('ssl_unknown_authority')
    })

    it('an expired intermediate is an invalid certificate', async () => {
      const server = await serveTls(authority.subordinate(past).issue({ names }))
      expect(await shake(server)).toMatchObject({
        failure: 'ssl_invalid_certificate',
        x_sonde_certificate_faults: ['ssl_invalid_certificate', 'expired'],
      })
    })

    it('dates are those of the clock given: a good certificate has expired by a later one', async () => {
      const observation = await shake(await serveTls(good), { now: () => Date.parse('2095-01-01') })
      expect(observation.x_sonde_certificate_faults).toEqual(['ssl_invalid_certificate', 'expired'])
    })

    it('dates are those of the clock given: an old certificate is good by the clock of its time', async () => {
      const old = makeAuthority(past)
      const server = await serveTls(old.issue({ names, ...past }))
      const then = { now: () => Date.parse('2001-06-01') }
      const trusting = { trust: makeTrust({ extraCa: [old.caPem] }) }
      expect((await shake(server, then, trusting)).failure).toBeNull()
      expect((await shake(server, then)).failure).toBe('ssl_unknown_authority')
    })

    it('a clock that fell back to 1970 hides no forged chain', async () => {
      const observation = await shake(await serveTls(stranger.issue({ names })), { now: () => 0 })
      expect(observation.x_sonde_certificate_faults).toContain('ssl_unknown_authority')
    })

    it('an address is a name without SNI', async () => {
      const observation = await shake(await serveTls(good), { serverName: '127.0.0.1' })
      expect(observation).toMatchObject({ failure: null, server_name: '' })
      const wrong = await shake(await serveTls(good), { serverName: '[2001:db8::1]' })
      expect(wrong).toMatchObject({ failure: 'ssl_invalid_hostname', server_name: '' })
    })

    it('the name to verify may differ from the name sent', async () => {
      const server = await serveTls(good)
      const fronted = await shake(server, { serverName: 'innocent.test', verifyName: 'good.test' })
      expect(fronted).toMatchObject({ failure: null, server_name: 'innocent.test' })
      expect((await shake(server, { verifyName: 'innocent.test' })).failure).toBe('ssl_invalid_hostname')
    })

    it('without a name to verify any name will do', async () => {
      const observation = await shake(await serveTls(good), { serverName: null })
      expect(observation).toMatchObject({ failure: null, server_name: '' })
    })
  })
})

/** Both ends of one connection. */
async function connectedPair(): Promise<{ raw: Socket; peer: Socket }> {
  const server = await serveTcp(() => {})
  const raw = await connectTo(server)
  while (server.peers[0] === undefined) await setImmediate()
  return { raw, peer: server.peers[0] }
}

/** Reads the ClientHello, then calls `act`. */
function afterHello(act: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => socket.once('data', () => act(socket))
}

/** A fatal alert in a TLS 1.2 record. */
function alert(number: number): (socket: Socket) => void {
  return afterHello((socket) => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, number])))
}

/** The first ten bytes of a handshake record of 122 bytes. */
const serverHelloStart = Buffer.from([22, 3, 3, 0, 122, 2, 0, 0, 118, 3])

/** A flight whose first record is a ServerHello of TLS 1.2, without the extension `renegotiation_info`. */
function withoutRenegotiation(flight: Buffer): Buffer {
  const extension = Buffer.from('ff01000100', 'hex')
  const at = flight.indexOf(extension)
  if (flight[0] !== 22 || flight[5] !== 2 || at < 0) return flight
  const cut = Buffer.concat([flight.subarray(0, at), flight.subarray(at + extension.length)])
  // The record, the message within it, and the list of extensions, behind a session id of any length, a suite and a method.
  const extensions = 43 + (cut[43] ?? 0) + 1 + 3
  for (const offset of [3, 7, extensions])
    cut.writeUInt16BE(cut.readUInt16BE(offset) - extension.length, offset)
  return cut
}
