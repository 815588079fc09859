import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { closed, connectTo, makeTrace, serveTcp, step } from '../../test/support/loopback.ts'
import { networkEvent as networkEventSchema } from '../../tests-spec/data-formats/observation.ts'
import { type RawExchangeOptions, rawExchange } from './raw-exchange.ts'
import type { Trace } from './trace.ts'

const message = Buffer.from('XYZW / HTTP/1.1\n\r')

async function exchange(
  conduct: Parameters<typeof serveTcp>[0],
  options: Partial<RawExchangeOptions> = {},
  trace: Partial<Trace> = {},
) {
  const server = await serveTcp(conduct)
  const socket = await connectTo(server)
  const result = await rawExchange(makeTrace(trace), socket, message, {
    ...step,
    maxBytes: 4096,
    ...options,
  })
  for (const event of result.events) expect(parse(networkEventSchema, event)).toEqual(event)
  await closed(socket)
  return { ...result, server }
}

const echo: Parameters<typeof serveTcp>[0] = (socket) => socket.on('data', (bytes) => socket.write(bytes))

describe('rawExchange()', () => {
  it('writes the bytes as they are, and gives back what came until the deadline', async () => {
    const { received, failure, events, bytes, server } = await exchange(echo, { timeoutMs: 200 })
    expect(received.equals(message)).toBe(true)
    expect(failure).toBe('generic_timeout_error')
    const { length } = message
    expect(bytes).toEqual({ sent: length, received: length })
    const shared = { address: `127.0.0.1:${server.port}`, proto: 'tcp', transaction_id: 7, tags: ['tested'] }
    expect(events).toMatchObject([
      { operation: 'write', num_bytes: length, failure: null, ...shared },
      { operation: 'read', num_bytes: length, failure: 'generic_timeout_error', ...shared },
    ])
  })

  it('ends as soon as the caller has all it wants, in however many pieces it comes', async () => {
    const pieces = ['HTTP/1.1 200', ' OK\r\n', '\r\n']
    const { received, failure } = await exchange(
      (socket) => {
        socket.once('data', () => {
          for (const piece of pieces) setImmediate(() => socket.write(piece))
        })
      },
      { isWhole: (all) => all.includes('\r\n\r\n') },
    )
    expect(received.toString()).toBe(pieces.join(''))
    expect(failure).toBeNull()
  })

  it('reads no further than the limit', async () => {
    const { received, failure } = await exchange(
      (socket) => socket.once('data', () => socket.write(Buffer.alloc(100_000))),
      { maxBytes: 1000 },
    )
    expect(received).toHaveLength(1000)
    expect(failure).toBeNull()
  })

  it.each<[string, Parameters<typeof serveTcp>[0], string, string]>([
    ['a FIN behind an answer', (socket) => socket.once('data', () => socket.end('403')), 'eof_error', '403'],
    ['a FIN', (socket) => socket.once('data', () => socket.end()), 'eof_error', ''],
    ['a reset', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'connection_reset', ''],
  ])('records %s', async (_what, conduct, failure, text) => {
    const result = await exchange(conduct)
    expect(result.failure).toBe(failure)
    expect(result.received.toString()).toBe(text)
  })

  it('records silence, and nothing received', async () => {
    const { failure, received } = await exchange(() => {}, { timeoutMs: 100 })
    expect(failure).toBe('generic_timeout_error')
    expect(received).toHaveLength(0)
  })

  it('records interrupted and sends nothing when it was stopped before', async () => {
    const { failure, bytes } = await exchange(echo, {}, { signal: AbortSignal.abort() })
    expect(failure).toBe('interrupted')
    expect(bytes.sent).toBe(0)
  })

  it('records interrupted in mid-flight', async () => {
    const stop = new AbortController()
    const conduct: Parameters<typeof serveTcp>[0] = (socket) => socket.once('data', () => stop.abort())
    expect((await exchange(conduct, {}, { signal: stop.signal })).failure).toBe('interrupted')
  })

  it('records what befell a socket before it was handed over', async () => {
    const server = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    const socket = await connectTo(server)
    socket.write('first')
    await closed(socket)
    const { failure } = await rawExchange(makeTrace(), socket, message, { ...step, maxBytes: 10 })
    expect(failure).toBe('connection_reset')
  })
})
