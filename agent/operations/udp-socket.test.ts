// How many UDP sockets this process has open at once, counted by the server that all of them send to.

import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { makeTrace, serveUdp, step } from '../../test/support/loopback.ts'
import { quicPing } from './quic-ping.ts'
import { resolveDns } from './resolve-dns.ts'
import { stunBinding } from './stun-binding.ts'
import type { Endpoint, Trace } from './trace.ts'
import { openUdp } from './udp-socket.ts'

/** A server that answers nothing, and reports each socket when it first sends a packet. */
async function serveSilence() {
  const heard = new EventTarget()
  const sockets = new Set<string>()
  const server = await serveUdp((_bytes, _reply, port) => {
    if (sockets.has(String(port))) return
    sockets.add(String(port))
    heard.dispatchEvent(new Event('socket'))
  })
  /** Resolves when `count` sockets have sent a packet. */
  const asked = async (count: number) => {
    while (sockets.size < count) await once(heard, 'socket')
  }
  return { server, sockets, asked }
}

/** The three operations over UDP, in turn. */
const operations = [
  (trace: Trace, server: Endpoint) => quicPing(trace, server, step),
  (trace: Trace, server: Endpoint) => stunBinding(trace, server, step),
  (trace: Trace, server: Endpoint) =>
    resolveDns(trace, { transport: 'udp', ...server }, 'site.example', 'A', { ...step, lateReplyMs: 0 }),
]

describe('the sockets of UDP', () => {
  it('are 64 at once, of all operations together, and the time of one that waits has not begun', async () => {
    const { server, sockets, asked } = await serveSilence()
    const stop = new AbortController()
    const trace = makeTrace({ signal: stop.signal })
    const under = Array.from({ length: 64 }, (_, index) => operations[index % 3]?.(trace, server))
    await asked(64)
    const last = makeTrace()
    const waiting = quicPing(last, server, { ...step, timeoutMs: 50 })
    // The kernel delivers datagrams in their order: a datagram that comes after this one was sent after it.
    const mark = openUdp(trace, server)
    await once(mark, 'connect')
    mark.send('mark')
    await asked(65)
    mark.close()
    expect(sockets.size).toBe(65)
    const stoppedAt = last.clock.elapsedSeconds()
    stop.abort()
    await Promise.all(under)
    const { observation } = await waiting
    expect(observation.failure).toBe('generic_timeout_error')
    expect(observation.t0).toBeGreaterThanOrEqual(stoppedAt)
    expect(sockets.size).toBe(66)
  })

  it.each(operations.map((operation, index) => ({ operation, index })))(
    'of an operation that waited and was stopped are none ($index)',
    async ({ operation }) => {
      const { server, sockets, asked } = await serveSilence()
      const stopFirst = new AbortController()
      const first = makeTrace({ signal: stopFirst.signal })
      const under = Array.from({ length: 64 }, () => quicPing(first, server, step))
      await asked(64)
      const stop = new AbortController()
      const waiting = operation(makeTrace({ signal: stop.signal }), server)
      stop.abort()
      const { bytes, ...result } = await waiting
      expect(bytes).toEqual({ sent: 0, received: 0 })
      expect(JSON.stringify(result)).toContain('"interrupted"')
      expect(sockets.size).toBe(64)
      stopFirst.abort()
      await Promise.all(under)
    },
  )
})
