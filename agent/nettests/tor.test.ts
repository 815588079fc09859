// tor against loopback servers that play an authority, a relay and a bridge.

import { describe, expect, it } from 'vitest'
import { selfSigned } from '../../test/support/certificates.ts'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveTcp, serveTls } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import type { TorTargets } from '../../tests-spec/nettests/tor-targets.ts'
import { tor } from './tor.ts'

async function measured(targets: TorTargets, context = makeContext()) {
  return measureKept(tor, context, null, { targets })
}

const target = (protocol: TorTargets[string]['protocol'], { port }: { port: number }, name?: string) => ({
  address: `127.0.0.1:${port}`,
  protocol,
  ...(name === undefined ? {} : { name }),
})

describe('tor', () => {
  it('asks a directory, shakes hands with a relay, connects to a bridge', async () => {
    let request = ''
    const directory = await serveTcp((socket) => {
      socket.once('data', (bytes) => {
        request = bytes.toString()
        const head = 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nX-Your-Address-Is: 203.0.113.7\r\n\r\n'
        socket.end(head + 'x'.repeat(5000))
      })
    })
    let bridged = 0
    const relay = await serveTls(selfSigned({ names: ['www.chance.net'] }))
    const bridge = await serveTcp((socket) => socket.on('data', (bytes) => (bridged += bytes.length)))
    const { seen, keys, verdict, parts } = await measured({
      directory: target('dir_port', directory, 'authority'),
      authority: target('or_port_dirauth', relay, 'authority'),
      relay: target('or_port', relay),
      bridge: target('obfs4', bridge),
    })
    expect(verdict).toMatchObject({ verdict: 'ok', rule: 'tor/dir_port_reached@1' })
    expect(Object.keys(parts ?? {})).toEqual(['dir_port', 'or_port_dirauth', 'or_port', 'obfs4'])
    expect(keys).toMatchObject({
      dir_port_total: 1,
      dir_port_accessible: 1,
      or_port_dirauth_accessible: 1,
      or_port_accessible: 1,
      obfs4_accessible: 1,
      targets: {
        directory: { target_name: 'authority', failure: null },
        relay: {
          target_protocol: 'or_port',
          summary: { connect: { failure: null }, handshake: { failure: null } },
        },
      },
    })
    expect(request).toMatch(/^GET \/tor\/status-vote\/current\/consensus\.z HTTP\/1\.1\r\n/)
    expect(bridged).toBe(0)
    expect(seen.observations.requests[0]?.response).toMatchObject({
      x_sonde_body_length: 256,
      body_is_truncated: true,
    })
    for (const { server_name, no_tls_verify, x_sonde_certificate_faults } of seen.observations
      .tls_handshakes) {
      expect(server_name).toMatch(/^www\.[a-z2-7]{8,20}\.com$/)
      expect(no_tls_verify).toBe(true)
      expect(x_sonde_certificate_faults).toContain('ssl_unknown_authority')
    }
  })

  it('ties every observation to its target', async () => {
    const relay = await serveTls(selfSigned({ names: ['www.chance.net'] }))
    const { seen } = await measured({ a: target('or_port', relay), b: target('or_port', await closedPort()) })
    expect(seen.observations.tcp_connect.map(({ tags, status }) => [tags, status.failure]).sort()).toEqual([
      [['target=a'], null],
      [['target=b'], 'connection_refused'],
    ])
    expect(seen.observations.tls_handshakes.map(({ tags }) => tags)).toEqual([['target=a']])
  })

  it('finds relays that are cut behind the ClientHello', async () => {
    const cut = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const { verdict, keys } = await measured({ a: target('or_port', cut), b: target('or_port', cut) })
    expect(verdict).toMatchObject({
      verdict: 'anomaly',
      rule: 'tor/tls_handshake_interfered@4',
      how: 'connection_reset',
    })
    expect(keys).toMatchObject({ or_port_total: 2, or_port_accessible: 0 })
  })

  it('finds a block page in the place of every directory', async () => {
    const page = '<title>blocked</title>'
    const blocker = await serveTcp((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${page}`)),
    )
    const { verdict, keys } = await measured({ a: target('dir_port', blocker) })
    expect(verdict).toMatchObject({ verdict: 'undetermined', how: 'http_invalid_response' })
    // OONI counts any answer as access.
    expect(keys).toMatchObject({ dir_port_accessible: 1 })
  })

  it('knocks at no private address outside a laboratory', async () => {
    const relay = await serveTls(selfSigned({ names: ['www.chance.net'] }))
    const { seen } = await measured({ a: target('or_port', relay) }, makeContext({ lab: false }))
    expect(relay.peers).toEqual([])
    expect(seen.observations.tcp_connect).toEqual([])
  })

  it('sends nothing when it was stopped before', async () => {
    const relay = await serveTls(selfSigned({ names: ['www.chance.net'] }))
    const context = makeContext({}, { signal: AbortSignal.abort() })
    const { verdict } = await measured({ a: target('or_port', relay) }, context)
    expect(relay.peers).toEqual([])
    expect(verdict.rule).toBe('tor/interrupted@1')
  })
})
