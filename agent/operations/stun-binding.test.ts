import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { makeTrace, serveTcp, serveUdp, step } from '../../test/support/loopback.ts'
import {
  networkEvent as networkEventSchema,
  stunBinding as stunBindingSchema,
} from '../../tests-spec/data-formats/observation.ts'
import { bindingRequest, readBindingReply, stunBinding } from './stun-binding.ts'
import type { StepOptions, Trace } from './trace.ts'

async function bind(
  server: { ip: string; port: number },
  options: Partial<StepOptions> = {},
  trace: Partial<Trace> = {},
) {
  const result = await stunBinding(makeTrace(trace), server, { ...step, ...options })
  expect(parse(stunBindingSchema, result.observation)).toEqual(result.observation)
  for (const event of result.events) expect(parse(networkEventSchema, event)).toEqual(event)
  return result
}

const cookie = Buffer.from('2112a442', 'hex')

/** The address 203.0.113.7:54321 as a server sends it: port and address are XORed with the magic cookie. */
const mappedIpv4 = Buffer.from([0, 1, 0xf5, 0x23, 203 ^ 0x21, 0x12, 113 ^ 0xa4, 7 ^ 0x42])
const mappedIpv6 = Buffer.concat([Buffer.from([0, 2, 0xf5, 0x23]), Buffer.alloc(16, 9)])

function attribute(type: number, value: Buffer, length = value.length): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(length, 2)
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
}

function reply(transaction: Buffer, type: number, ...attributes: Buffer[]): Buffer {
  const body = Buffer.concat(attributes)
  const head = Buffer.alloc(4)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(body.length, 2)
  return Buffer.concat([head, cookie, transaction, body])
}

const software = attribute(0x8022, Buffer.from('test'))
const transactionOf = (request: Buffer) => request.subarray(8, 20)

describe('stunBinding()', () => {
  it('keeps the family of the mapped address, and nothing else of it', async () => {
    let request: Buffer = Buffer.alloc(0)
    const server = await serveUdp((query, answer) => {
      request = query
      answer(reply(transactionOf(query), 0x0101, software, attribute(0x0020, mappedIpv4)))
    })
    const result = await bind(server)
    expect(request.equals(bindingRequest(transactionOf(request)))).toBe(true)
    expect(request.subarray(0, 8).toString('hex')).toBe('000100002112a442')
    expect(result.observation).toEqual({
      network: 'udp',
      address: `127.0.0.1:${server.port}`,
      failure: null,
      x_sonde_bytes_sent: 20,
      x_sonde_bytes_received: 40,
      requests: 1,
      response: 'success',
      mapped_address_family: 'ipv4',
      error_code: null,
      unfit_replies: 0,
      t0: expect.any(Number),
      t: expect.any(Number),
      transaction_id: 7,
      tags: ['tested'],
    })
    expect(result.events.map(({ operation, num_bytes }) => [operation, num_bytes])).toEqual([
      ['write_to', 20],
      ['read_from', 40],
    ])
    expect(result.bytes).toEqual({ sent: 20, received: 40 })
    expect(JSON.stringify(result)).not.toMatch(/203\.0|54321|9ScqEtVF/)
  })

  it('sends the request again until it is answered', async () => {
    const server = await serveUdp((query, answer) => {
      seen.push(query)
      if (seen.length === 3) answer(reply(transactionOf(query), 0x0101, attribute(0x0020, mappedIpv4)))
    })
    const seen: Buffer[] = []
    const { observation, bytes } = await bind(server)
    expect(observation).toMatchObject({ failure: null, requests: 3 })
    expect(observation.t - observation.t0).toBeGreaterThan(1.4)
    expect(bytes.sent).toBe(60)
    expect(new Set(seen.map((each) => each.toString('hex'))).size).toBe(1)
  })

  it.each<[string, (transaction: Buffer) => Buffer, object]>([
    [
      'an IPv6 address',
      (id) => reply(id, 0x0101, attribute(0x0020, mappedIpv6)),
      { response: 'success', mapped_address_family: 'ipv6' },
    ],
    [
      'a success without an address',
      (id) => reply(id, 0x0101, software),
      { response: 'success', mapped_address_family: null },
    ],
    [
      'the old MAPPED-ADDRESS alone, which middleboxes rewrite',
      (id) => reply(id, 0x0101, attribute(0x0001, mappedIpv4)),
      { response: 'success', mapped_address_family: null },
    ],
    [
      'an error of the server',
      (id) => reply(id, 0x0111, attribute(0x0009, Buffer.from([0, 0, 4, 20]))),
      { response: 'error', error_code: 420, mapped_address_family: null },
    ],
    [
      'an error without a code',
      (id) => reply(id, 0x0111),
      { response: 'error', error_code: null, mapped_address_family: null },
    ],
  ])('records %s', async (_what, make, expected) => {
    const server = await serveUdp((query, answer) => answer(make(transactionOf(query))))
    expect((await bind(server)).observation).toMatchObject({ failure: null, ...expected })
  })

  it('goes on waiting behind a reply that is none, and counts it', async () => {
    const server = await serveUdp((query, answer) => {
      answer(Buffer.from('your address is 203.0.113.7'))
      answer(reply(Buffer.alloc(12, 1), 0x0101, attribute(0x0020, mappedIpv4)))
      answer(reply(transactionOf(query), 0x0101, attribute(0x0020, mappedIpv4)))
    })
    const result = await bind(server)
    expect(result.observation).toMatchObject({ failure: null, unfit_replies: 2 })
    expect(JSON.stringify(result)).not.toContain('203.0.113')
  })

  it('records silence at the deadline, having sent as often as that allows', async () => {
    const { observation } = await bind(await serveUdp(() => {}), { timeoutMs: 700 })
    expect(observation).toMatchObject({ failure: 'generic_timeout_error', requests: 2, response: null })
  })

  it('records a closed port, of which ICMP tells', async () => {
    expect((await bind(await serveTcp(() => {}))).observation.failure).toBe('connection_refused')
  })

  it('records interrupted, before and in mid-flight', async () => {
    const before = await bind(await serveUdp(() => {}), {}, { signal: AbortSignal.abort() })
    expect(before.observation).toMatchObject({ failure: 'interrupted', requests: 0 })
    const stop = new AbortController()
    const server = await serveUdp(() => stop.abort())
    expect((await bind(server, {}, { signal: stop.signal })).observation.failure).toBe('interrupted')
  })

  it('says when the address of the chosen link is absent', async () => {
    const { observation } = await bind(
      await serveUdp(() => {}),
      {},
      { sources: { ipv4: '192.0.2.1', ipv6: null } },
    )
    expect(observation.failure).toBe('address_not_available')
  })

  it('refuses a name', async () => {
    await expect(bind({ ip: 'stun.example.test', port: 3478 })).rejects.toThrow(TypeError)
  })
})

const transaction = Buffer.alloc(12, 5)
const good = reply(transaction, 0x0101, attribute(0x0020, mappedIpv4))

describe('readBindingReply()', () => {
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['a header that breaks off', good.subarray(0, 19)],
    ['our own request', bindingRequest(transaction)],
    ['an indication', reply(transaction, 0x0011)],
    ['another method', reply(transaction, 0x0103)],
    ['another transaction', reply(Buffer.alloc(12, 6), 0x0101)],
    ['no cookie', Buffer.concat([good.subarray(0, 4), Buffer.alloc(4), good.subarray(8)])],
    ['a length that is too long', good.subarray(0, -4)],
    ['a length that is too short', Buffer.concat([good, Buffer.alloc(4)])],
    ['an odd length', reply(transaction, 0x0101, Buffer.alloc(3))],
    ['DNS', Buffer.from('abcd81800001000000000000076578616d706c65', 'hex')],
  ])('refuses %s', (_what, bytes) => {
    expect(readBindingReply(bytes, transaction)).toBeNull()
  })

  it.each<[string, Buffer]>([
    ['an attribute longer than the message', attribute(0x0020, mappedIpv4, 200)],
    [
      'an address of an unknown family',
      attribute(0x0020, Buffer.concat([Buffer.from([0, 3]), Buffer.alloc(6)])),
    ],
    [
      'an IPv4 address of the length of IPv6',
      attribute(0x0020, Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(18)])),
    ],
    ['an empty address', attribute(0x0020, Buffer.alloc(0))],
    ['an error code out of range', attribute(0x0009, Buffer.from([0, 0, 1, 99]))],
    ['half an error code', attribute(0x0009, Buffer.from([0, 0, 4]))],
  ])('finds nothing in %s', (_what, bytes) => {
    expect(readBindingReply(reply(transaction, 0x0101, bytes), transaction)).toEqual({
      response: 'success',
      mappedAddressFamily: null,
      errorCode: null,
    })
  })
})
