import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { parse } from 'valibot'
import { describe, expect, it, onTestFinished } from 'vitest'
import { closed, closedPort, makeTrace, serveTcp, step } from '../../test/support/loopback.ts'
import { tcpConnect as tcpConnectSchema } from '../../tests-spec/data-formats/observation.ts'
import { tcpConnect } from './tcp-connect.ts'
import type { Endpoint } from './trace.ts'

describe('tcpConnect()', () => {
  it('gives an open socket and an observation as df-005 has it', async () => {
    const server = await serveTcp(() => {})
    const { observation, socket } = await tcpConnect(makeTrace(), server, step)
    socket?.destroy()
    expect(socket).not.toBeNull()
    expect(parse(tcpConnectSchema, observation)).toEqual(observation)
    expect(observation).toMatchObject({
      ip: '127.0.0.1',
      port: server.port,
      status: { success: true, failure: null },
      transaction_id: 7,
      tags: ['tested'],
    })
    expect(observation.t).toBeGreaterThan(observation.t0)
  })

  it('connects over IPv6', async () => {
    const server = await serveTcp(() => {}, { host: '::1' })
    const { observation, socket } = await tcpConnect(makeTrace(), server, step)
    socket?.destroy()
    expect(observation).toMatchObject({ ip: '::1', status: { success: true } })
  })

  it('records connection_refused when nothing listens', async () => {
    const { observation, socket } = await tcpConnect(makeTrace(), await closedPort(), step)
    expect(socket).toBeNull()
    expect(observation.status).toEqual({ success: false, failure: 'connection_refused' })
  })

  it('records generic_timeout_error when nothing answers, at the deadline', async () => {
    const silent = await serveSilence()
    const { observation, socket } = await tcpConnect(makeTrace(), silent, { ...step, timeoutMs: 150 })
    expect(socket).toBeNull()
    expect(observation.status).toEqual({ success: false, failure: 'generic_timeout_error' })
    expect(observation.t - observation.t0).toBeGreaterThan(0.14)
  })

  it('records interrupted when the measurement is stopped in mid-flight', async () => {
    const silent = await serveSilence()
    const stop = new AbortController()
    const connecting = tcpConnect(makeTrace({ signal: stop.signal }), silent, step)
    stop.abort()
    const { observation, socket } = await connecting
    expect(socket).toBeNull()
    expect(observation.status.failure).toBe('interrupted')
  })

  it('sends nothing when the measurement was stopped before', async () => {
    const server = await serveTcp(() => {})
    const { observation } = await tcpConnect(makeTrace({ signal: AbortSignal.abort() }), server, step)
    expect(observation.status.failure).toBe('interrupted')
    // A second connect does arrive, and it is the first that the server sees.
    const { socket } = await tcpConnect(makeTrace(), server, step)
    while (server.peers.length === 0) await setImmediate()
    expect(server.peers).toHaveLength(1)
    socket?.destroy()
  })

  it('has at most 64 under way, and does not count the wait', async () => {
    const { ip, port } = await serveSilence()
    const stop = new AbortController()
    const trace = makeTrace({ signal: stop.signal })
    const silent = Array.from({ length: 64 }, () => tcpConnect(trace, { ip, port }, step))
    const open = await serveTcp(() => {})
    const late = tcpConnect(makeTrace(), open, step)
    await setImmediate()
    expect(open.peers).toHaveLength(0)
    stop.abort()
    for (const { observation } of await Promise.all(silent)) {
      expect(observation.status.failure).toBe('interrupted')
    }
    const { observation, socket } = await late
    expect(observation.status).toEqual({ success: true, failure: null })
    socket?.destroy()
  })

  it('survives a reset that comes while nobody uses the socket', async () => {
    const server = await serveTcp((socket) => socket.resetAndDestroy())
    const { socket, observation } = await tcpConnect(makeTrace(), server, step)
    // On loopback the reset can overtake the handshake.
    if (socket === null) return expect(observation.status.failure).toBe('connection_reset')
    await closed(socket)
    expect(socket.errored).toMatchObject({ code: 'ECONNRESET' })
    expect(socket.remoteAddress).toBe('127.0.0.1')
  })

  it('sends from the address of the chosen link', async () => {
    const server = await serveTcp(() => {})
    const { socket } = await tcpConnect(
      makeTrace({ sources: { ipv4: '127.0.0.9', ipv6: null } }),
      server,
      step,
    )
    expect(socket?.localAddress).toBe('127.0.0.9')
    socket?.destroy()
  })

  it('records address_not_available when the link has gone', async () => {
    const server = await serveTcp(() => {})
    const { observation } = await tcpConnect(
      makeTrace({ sources: { ipv4: '192.0.2.1', ipv6: null } }),
      server,
      step,
    )
    expect(observation.status.failure).toBe('address_not_available')
  })

  it('records the same when the link has no address of this family', async () => {
    const server = await serveTcp(() => {})
    const { observation } = await tcpConnect(
      makeTrace({ sources: { ipv4: null, ipv6: '::1' } }),
      server,
      step,
    )
    expect(observation.status.failure).toBe('address_not_available')
  })

  it('refuses a hostname, which would be resolved behind its back', async () => {
    const endpoint = { ip: 'localhost', port: 80 }
    await expect(tcpConnect(makeTrace(), endpoint, step)).rejects.toThrow(
      new TypeError('Cannot connect to "localhost": expected an IP address'),
    )
  })
})

/**
 * An address that answers no SYN. An unused one will not do: where the network is closed, it is refused at once. This
 * is a listener that never accepts, with its queue filled; it is a process of its own, because Node.js always
 * accepts.
 */
async function serveSilence(): Promise<Endpoint> {
  const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
    require('fs').writeSync(1, String(this.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [port] = await once(child.stdout, 'data')
  const silent = { ip: '127.0.0.1', port: Number(port) }
  for (let queued = 0; queued < 16; queued++) {
    const { socket } = await tcpConnect(makeTrace(), silent, { ...step, timeoutMs: 150 })
    if (socket === null) return silent
    onTestFinished(() => void socket.destroy())
  }
  throw new Error('Cannot make silence: the queue of the listener does not fill')
}
