// sni_blocking against helpers on loopback that dislike a name.

import { connect, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { measureKept } from '../../test/support/kept.ts'
import { type Listening, serveTcp, serveTls } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { makeTrust } from '../operations/trust.ts'
import { sniBlocking } from './sni-blocking.ts'

const authority = makeAuthority()
const certificate = authority.issue({ names: ['neutral.example'] })
const trust = makeTrust({ extraCa: [authority.caPem] })

async function measured(helper: Listening, trace: object = {}) {
  const context = makeContext({}, { trust, ...trace })
  const options = { test_helper_address: `localhost:${helper.port}` }
  return measureKept(sniBlocking, context, 'site.example', options)
}

/** A helper in front of which somebody reads the name: hands the connection on, or does `act` with it. */
async function serveBehind(act: (socket: Socket) => void): Promise<Listening> {
  const real = await serveTls(certificate)
  return serveTcp((socket) => {
    socket.once('data', (hello) => {
      if (hello.includes('site.example')) return act(socket)
      const upstream = connect(real.port, real.ip)
      upstream.on('error', () => socket.destroy())
      socket.on('close', () => upstream.destroy())
      upstream.write(hello)
      socket.pipe(upstream).pipe(socket)
    })
  })
}

describe('sniBlocking', () => {
  it('takes the certificate of the helper for an answer to either name', async () => {
    const { seen, keys, verdict } = await measured(await serveTls(certificate))
    expect(verdict).toMatchObject({ verdict: 'ok', rule: 'sni_blocking/server_hello@1' })
    expect(keys).toMatchObject({
      control: { sni: 'neutral.example', failure: null },
      target: { sni: 'site.example', failure: 'ssl_invalid_hostname' },
      result: 'success.got_server_hello',
    })
    expect(seen.observations.tls_handshakes.map(({ server_name, tags }) => [server_name, tags])).toEqual([
      ['neutral.example', ['control']],
      ['site.example', ['target']],
    ])
    expect(seen.bytes.sent).toBeGreaterThan(400)
  })

  it('finds a reset that only the name brings about', async () => {
    const { keys, verdict } = await measured(await serveBehind((socket) => socket.resetAndDestroy()))
    expect(verdict).toMatchObject({
      verdict: 'anomaly',
      rule: 'sni_blocking/server_name_interfered@1',
      step: 'tls_handshake',
      how: 'connection_reset',
    })
    expect(keys.result).toBe('interference.reset')
  })

  it('finds a page in clear text that only the name brings about', async () => {
    const page = 'HTTP/1.1 302 Found\r\nlocation: http://forger.example/\r\n\r\n'
    const { verdict } = await measured(await serveBehind((socket) => socket.end(page)))
    expect(verdict).toMatchObject({ verdict: 'anomaly', how: 'ssl_not_tls' })
  })

  it('finds a certificate that only the name brings about', async () => {
    const forged = createSecureContext(makeAuthority().issue({ names: ['site.example'] }))
    const helper = await serveTls({
      ...certificate,
      SNICallback: (name, callback) => callback(null, name === 'site.example' ? forged : undefined),
    })
    const { keys, verdict } = await measured(helper)
    expect(verdict).toMatchObject({ verdict: 'anomaly', rule: 'sni_blocking/foreign_certificate@1' })
    expect(keys.result).toBe('interference.unknown_authority')
  })

  it('says nothing of a helper whose own certificate nobody vouches for', async () => {
    const helper = await serveTls(makeAuthority().issue({ names: ['neutral.example', 'site.example'] }))
    expect((await measured(helper)).verdict).toMatchObject({
      verdict: 'undetermined',
      rule: 'sni_blocking/helper_unverified@1',
    })
  })

  it('says nothing when the helper answers to neither name', async () => {
    const { keys, verdict } = await measured(
      await serveTcp((socket) => socket.once('data', () => socket.end())),
    )
    expect(verdict).toMatchObject({ verdict: 'undetermined', rule: 'sni_blocking/helper_unreachable@1' })
    expect(keys.result).toBe('interference.closed')
  })

  it('sends nothing when it was stopped before', async () => {
    const helper = await serveTls(certificate)
    const { seen, verdict } = await measured(helper, { signal: AbortSignal.abort() })
    expect(seen.bytes.sent).toBe(0)
    expect(verdict.verdict).toBe('undetermined')
  })
})
