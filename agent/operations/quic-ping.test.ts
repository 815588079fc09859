import { parse } from 'valibot'
import { describe, expect, it } from 'vitest'
import { makeTrace, serveTcp, serveUdp, step } from '../../test/support/loopback.ts'
import { quicPing as quicPingSchema } from '../../tests-spec/data-formats/observation.ts'
import { makeVersionProbe, quicPing, readVersionNegotiation, type VersionProbe } from './quic-ping.ts'
import type { StepOptions, Trace } from './trace.ts'

async function ping(
  server: { ip: string; port: number },
  options: Partial<StepOptions> = {},
  trace: Partial<Trace> = {},
) {
  const result = await quicPing(makeTrace(trace), server, { ...step, ...options })
  expect(parse(quicPingSchema, result.observation)).toEqual(result.observation)
  return result
}

/** The ids that a server reads in a packet of a version that it does not know: RFC 8999 §5.1. */
function idsOf(packet: Buffer) {
  const destinationLength = packet[5] ?? 0
  const destination = packet.subarray(6, 6 + destinationLength)
  const at = 6 + destinationLength
  return { destination, source: packet.subarray(at + 1, at + 1 + (packet[at] ?? 0)) }
}

const version1 = Buffer.from('00000001', 'hex')
const version2 = Buffer.from('6b3343cf', 'hex')

function negotiation(destination: Buffer, source: Buffer, ...versions: Buffer[]): Buffer {
  const id = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length]), bytes])
  const head = Buffer.from([0xff, 0, 0, 0, 0])
  return Buffer.concat([head, id(destination), id(source), ...versions])
}

describe('quicPing()', () => {
  it('sends one packet of 1,200 bytes and reads the versions of the answer', async () => {
    let packet: Buffer = Buffer.alloc(0)
    const server = await serveUdp((query, reply) => {
      packet = query
      const { destination, source } = idsOf(query)
      reply(negotiation(source, destination, version1, version2))
    })
    const { observation, unexpected, bytes } = await ping(server)
    expect(packet.length).toBe(1200)
    expect((packet[0] ?? 0) & 0xc0).toBe(0xc0)
    expect(packet.readUInt32BE(1)).toBe(0xbabababa)
    const { destination, source } = idsOf(packet)
    expect(observation).toMatchObject({
      address: `127.0.0.1:${server.port}`,
      conn_id_dst: destination.toString('hex'),
      conn_id_src: source.toString('hex'),
      failure: null,
      responses: [{ failure: null, supported_versions: [1, 0x6b3343cf] }],
      transaction_id: 7,
      tags: ['tested'],
    })
    const header = Buffer.from(observation.request.data, 'base64')
    expect(header.equals(packet.subarray(0, header.length))).toBe(true)
    expect(unexpected).toEqual([])
    expect(bytes).toEqual({ sent: 1200, received: 5 + 2 + destination.length + source.length + 8 })
  })

  it('takes new ids of 8 to 20 bytes for every packet', () => {
    const probes = Array.from({ length: 300 }, makeVersionProbe)
    const lengths = probes.flatMap(({ destinationId, sourceId }) => [destinationId.length, sourceId.length])
    expect(Math.min(...lengths)).toBe(8)
    expect(Math.max(...lengths)).toBe(20)
    expect(new Set(probes.map(({ destinationId }) => destinationId.toString('hex'))).size).toBe(300)
  })

  it('waits for the answer behind datagrams that are none, and hands those over without addresses', async () => {
    const server = await serveUdp((query, reply) => {
      const { destination, source } = idsOf(query)
      reply(Buffer.from('blocked for 203.0.113.7'))
      reply(negotiation(destination, source, version1))
      reply(negotiation(source, destination, version1))
    })
    const { observation, unexpected } = await ping(server)
    expect(observation.failure).toBeNull()
    const texts = unexpected.map((each) => Buffer.from(each.response_data.data, 'base64').toString('latin1'))
    expect(texts).toHaveLength(2)
    expect(texts[0]).toBe('blocked for [scrubbed]')
  })

  it('keeps a few bytes of a few datagrams of a flood', async () => {
    const server = await serveUdp((_query, reply) => {
      for (let i = 0; i < 40; i++) reply(Buffer.alloc(1400, 7))
    })
    const { observation, unexpected } = await ping(server, { timeoutMs: 200 })
    expect(observation.failure).toBe('generic_timeout_error')
    expect(unexpected).toHaveLength(4)
    expect(Buffer.from(unexpected[0]?.response_data.data ?? '', 'base64')).toHaveLength(256)
  })

  it('hears 64 KiB of a flood and no more, and goes on to its deadline', async () => {
    const server = await serveUdp((_query, reply) => {
      for (let i = 0; i < 300; i++) reply(Buffer.alloc(1400, 7))
    })
    const { observation, bytes } = await ping(server, { timeoutMs: 300 })
    expect(observation.failure).toBe('generic_timeout_error')
    expect(bytes.received).toBeLessThanOrEqual(64 * 1024 + 1400)
  })

  it('records silence at the deadline', async () => {
    const { observation, bytes } = await ping(await serveUdp(() => {}), { timeoutMs: 100 })
    expect(observation).toMatchObject({ failure: 'generic_timeout_error', responses: [] })
    expect(observation.t - observation.t0).toBeGreaterThan(0.09)
    expect(bytes).toEqual({ sent: 1200, received: 0 })
  })

  it('records a closed port, of which ICMP tells', async () => {
    expect((await ping(await serveTcp(() => {}))).observation.failure).toBe('connection_refused')
  })

  it('records interrupted, before and in mid-flight', async () => {
    const before = await ping(await serveUdp(() => {}), {}, { signal: AbortSignal.abort() })
    expect(before.observation.failure).toBe('interrupted')
    expect(before.bytes.sent).toBe(0)
    const stop = new AbortController()
    const server = await serveUdp(() => stop.abort())
    expect((await ping(server, {}, { signal: stop.signal })).observation.failure).toBe('interrupted')
  })

  it('leaves from the address of the chosen link, and says when there is none', async () => {
    const seen: string[] = []
    const server = await serveUdp((query, reply) => {
      seen.push('one')
      const { destination, source } = idsOf(query)
      reply(negotiation(source, destination, version1))
    })
    expect(
      (await ping(server, {}, { sources: { ipv4: '127.0.0.9', ipv6: null } })).observation.failure,
    ).toBeNull()
    const absent = await ping(server, {}, { sources: { ipv4: '192.0.2.1', ipv6: null } })
    expect(absent.observation.failure).toBe('address_not_available')
    expect(seen).toEqual(['one'])
  })

  it('refuses a name', async () => {
    await expect(ping({ ip: 'quic.example.test', port: 443 })).rejects.toThrow(TypeError)
  })
})

const probe: VersionProbe = makeVersionProbe()
const { destinationId: theirs, sourceId: ours } = probe
const good = negotiation(ours, theirs, version1)

describe('readVersionNegotiation()', () => {
  it('reads what a server answers', () => {
    expect(readVersionNegotiation(good, probe)).toEqual([1])
  })

  it('keeps a bounded number of versions', () => {
    const many = Array.from({ length: 1000 }, () => version1)
    expect(readVersionNegotiation(negotiation(ours, theirs, ...many), probe)).toHaveLength(50)
  })

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['a single byte', Buffer.from([0x80])],
    ['a short header', Buffer.concat([Buffer.from([0x40]), good.subarray(1)])],
    ['a version that is not 0', Buffer.concat([good.subarray(0, 1), version1, good.subarray(5)])],
    ['our own packet', probe.packet],
    ['ids that are not swapped', negotiation(theirs, ours, version1)],
    ['another destination id', negotiation(Buffer.alloc(ours.length, 1), theirs, version1)],
    ['another source id', negotiation(ours, Buffer.alloc(theirs.length, 1), version1)],
    ['ids of other lengths', negotiation(ours.subarray(1), theirs, version1)],
    ['empty ids', negotiation(Buffer.alloc(0), Buffer.alloc(0), version1)],
    ['an id longer than the datagram', good.subarray(0, 10)],
    ['a source id that breaks off', good.subarray(0, 6 + ours.length + 3)],
    ['no version', negotiation(ours, theirs)],
    ['half a version', negotiation(ours, theirs, version1, Buffer.from([0]))],
    ['the version we offered', negotiation(ours, theirs, version1, Buffer.from('babababa', 'hex'))],
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('refuses %s', (_what, bytes) => {
    expect(readVersionNegotiation(bytes, probe)).toBeNull()
  })
})
