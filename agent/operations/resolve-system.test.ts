import type { LookupAddress } from 'node:dns'
import { setImmediate } from 'node:timers/promises'
import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { makeTrace, step } from '../../test/support/loopback.ts'
import { dnsQuery as dnsQuerySchema } from '../../tests-spec/data-formats/observation.ts'
import { startDeadline } from './deadline.ts'
import { type Lookup, resolveSystem } from './resolve-system.ts'

const giving =
  (...addresses: string[]): Lookup =>
  (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

const failing =
  (error: object): Lookup =>
  (_hostname, _options, callback) =>
    callback(Object.assign(new Error('getaddrinfo'), error), [])

/** A getaddrinfo that answers when the test tells it to. */
function hanging(): { lookup: Lookup; asked: string[]; answer: () => void } {
  const pending: (() => void)[] = []
  const asked: string[] = []
  const lookup: Lookup = (hostname, _options, callback) => {
    asked.push(hostname)
    pending.push(() => callback(null, [{ address: '192.0.2.1', family: 4 }]))
  }
  return { lookup, asked, answer: () => pending.shift()?.() }
}

describe('resolveSystem()', () => {
  it('gives one query of type ANY, as df-002 has it for getaddrinfo', async () => {
    const lookup = giving('2001:db8::1', '192.0.2.1', '192.0.2.1')
    const resolution = await resolveSystem(makeTrace(), 'www.example.test', step, lookup)
    const query = {
      engine: 'getaddrinfo',
      hostname: 'www.example.test',
      query_type: 'ANY',
      failure: null,
      answers: [
        { answer_type: 'AAAA', ipv6: '2001:db8::1', ttl: null },
        { answer_type: 'A', ipv4: '192.0.2.1', ttl: null },
      ],
      resolver_address: '',
      resolver_hostname: null,
      resolver_port: null,
      t0: expect.any(Number),
      t: expect.any(Number),
      transaction_id: 7,
      tags: ['tested'],
    }
    expect(resolution).toEqual({
      queries: [query],
      addresses: ['2001:db8::1', '192.0.2.1'],
      failure: null,
      bytes: { sent: 0, received: 0 },
    })
    expect(parse(dnsQuerySchema, resolution.queries[0])).toEqual(resolution.queries[0])
  })

  it('asks the real getaddrinfo by default', async () => {
    const { addresses, failure } = await resolveSystem(makeTrace(), 'localhost', step)
    expect(failure).toBeNull()
    expect(addresses.some((address) => address === '127.0.0.1' || address === '::1')).toBe(true)
  })

  it('asks nothing about an address', async () => {
    expect(await resolveSystem(makeTrace(), '192.0.2.1', step, failing({}))).toEqual({
      queries: [],
      addresses: ['192.0.2.1'],
      failure: null,
      bytes: { sent: 0, received: 0 },
    })
  })

  it('asks for an international name by its ASCII form', async () => {
    const { lookup, asked, answer } = hanging()
    const resolving = resolveSystem(makeTrace(), 'bücher.example.test', step, lookup)
    while (asked.length === 0) await setImmediate()
    answer()
    await resolving
    expect(asked).toEqual(['xn--bcher-kva.example.test.'])
  })

  it.each([
    ['www.example.test', 'www.example.test.'],
    ['www.example.test.', 'www.example.test.'],
    // The machine's own.
    ['localhost', 'localhost'],
  ])(
    'asks for %s with a final dot, so that no search domain and no hosts file answers',
    async (name, sent) => {
      const { lookup, asked, answer } = hanging()
      const resolving = resolveSystem(makeTrace(), name, step, lookup)
      while (asked.length === 0) await setImmediate()
      answer()
      expect(asked).toEqual([sent])
      expect((await resolving).queries[0]?.hostname).toBe(name)
    },
  )

  it.each([
    ['EAI_NONAME', { code: 'ENOTFOUND', errno: -3008 }, 'dns_nxdomain_error'],
    ['EAI_NODATA, which Node.js gives the same code', { code: 'ENOTFOUND', errno: -3007 }, 'dns_no_answer'],
    ['ENOTFOUND without a number', { code: 'ENOTFOUND' }, 'dns_nxdomain_error'],
    ['EAI_AGAIN', { code: 'EAI_AGAIN', errno: -3001 }, 'dns_server_misbehaving'],
    ['EAI_FAIL', { code: 'EAI_FAIL', errno: -3004 }, 'dns_server_misbehaving'],
    ['EAI_SYSTEM with an errno of the system', { code: 'ENETUNREACH', errno: -101 }, 'network_unreachable'],
  ])('records %s', async (_what, error, failure) => {
    const { queries, addresses } = await resolveSystem(makeTrace(), 'www.example.test', step, failing(error))
    expect(queries[0]).toMatchObject({ failure, answers: null })
    expect(addresses).toEqual([])
  })

  it('records dns_no_answer when there is no address among the answers', async () => {
    expect((await resolveSystem(makeTrace(), 'www.example.test', step, giving())).failure).toBe(
      'dns_no_answer',
    )
  })

  it('stalls nobody when getaddrinfo hangs', async () => {
    const { lookup, answer } = hanging()
    const { queries } = await resolveSystem(makeTrace(), 'hung.test', { ...step, timeoutMs: 50 }, lookup)
    expect(queries[0]).toMatchObject({ failure: 'generic_timeout_error', answers: null })
    expect(queries[0]).not.toHaveProperty('x_sonde_not_sent')
    answer()
  })

  it('records interrupted, when the measurement is stopped in mid-flight', async () => {
    const { lookup, asked, answer } = hanging()
    const stop = new AbortController()
    const resolving = resolveSystem(makeTrace({ signal: stop.signal }), 'hung.test', step, lookup)
    while (asked.length === 0) await setImmediate()
    stop.abort()
    expect((await resolving).failure).toBe('interrupted')
    answer()
  })

  it('has two lookups under way at most, and asks the next when one of them is done', async () => {
    const { lookup, asked, answer } = hanging()
    const patience = { ...step, timeoutMs: 20 }
    const slow = ['first.test', 'second.test'].map((name) => resolveSystem(makeTrace(), name, step, lookup))
    const third = resolveSystem(makeTrace(), 'third.test', patience, lookup)
    // Waits longer than the third lookup may take: waiting for its turn is not charged to the name.
    await startDeadline(new AbortController().signal, 3 * patience.timeoutMs).passed
    expect(asked).toEqual(['first.test.', 'second.test.'])
    answer()
    while (asked.length < 3) await setImmediate()
    answer()
    answer()
    for (const { failure } of await Promise.all([...slow, third])) expect(failure).toBeNull()
    const [query] = (await third).queries
    expect((query?.t ?? 0) - (query?.t0 ?? 0)).toBeLessThan(0.06)
  })

  it('gives a turn up when every lookup hangs, and says that nothing was asked', async () => {
    const { lookup, asked, answer } = hanging()
    const hasty = { ...step, timeoutMs: 50 }
    const names = ['first.test', 'second.test', 'third.test']
    const all = await Promise.all(names.map((name) => resolveSystem(makeTrace(), name, hasty, lookup)))
    expect(all.map(({ failure }) => failure)).toEqual(names.map(() => 'generic_timeout_error'))
    expect(all[0]?.queries[0]).not.toHaveProperty('x_sonde_not_sent')
    expect(all[2]?.queries[0]).toMatchObject({ x_sonde_not_sent: true, answers: null })

    // The lookups that hang keep their places until getaddrinfo itself is done; the third has left the queue.
    const fourth = resolveSystem(makeTrace(), 'fourth.test', step, lookup)
    await setImmediate()
    expect(asked).toEqual(['first.test.', 'second.test.'])
    answer()
    while (asked.length < 3) await setImmediate()
    answer()
    answer()
    expect((await fourth).failure).toBeNull()
    expect(asked[2]).toBe('fourth.test.')
  })

  it('records interrupted while it waits for its turn', async () => {
    const { lookup, asked, answer } = hanging()
    const stop = new AbortController()
    const slow = ['first.test', 'second.test'].map((name) => resolveSystem(makeTrace(), name, step, lookup))
    const third = resolveSystem(makeTrace({ signal: stop.signal }), 'third.test', step, lookup)
    stop.abort()
    expect((await third).queries[0]).toMatchObject({ failure: 'interrupted', x_sonde_not_sent: true })
    answer()
    answer()
    await Promise.all(slow)
    expect(asked).toEqual(['first.test.', 'second.test.'])
  })
})
