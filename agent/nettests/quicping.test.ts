// quicping against a server on loopback.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { serveTcp, serveUdp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { quicpingObservations } from '../../tests-spec/nettests/quicping.ts'
import { quicping } from './quicping.ts'

function negotiation(packet: Buffer): Buffer {
  const length = packet[5] ?? 0
  const destination = packet.subarray(5, 6 + length)
  const source = packet.subarray(6 + length, 7 + length + (packet[6 + length] ?? 0))
  return Buffer.concat([
    Buffer.from('8000000000', 'hex'),
    source,
    destination,
    Buffer.from('00000001', 'hex'),
  ])
}

async function measured(port: number, repetitions: number, input = 'localhost') {
  const kept = await measureKept(quicping, makeContext(), input, { port, repetitions })
  const { pings, unexpected_responses } = v.parse(v.object(quicpingObservations), kept.seen.observations)
  return { ...kept, pings, unexpected_responses }
}

describe('quicping', () => {
  it('is content with the first packet that is answered', async () => {
    const server = await serveUdp((packet, reply) => reply(negotiation(packet)))
    const { seen, pings, keys, verdict } = await measured(server.port, 3)
    expect(verdict).toMatchObject({ verdict: 'ok', rule: 'quicping/version_negotiation@1' })
    expect(keys).toEqual({ domain: 'localhost', repetitions: 1 })
    expect(pings).toMatchObject([{ failure: null, responses: [{ supported_versions: [1] }] }])
    expect(seen.bytes.sent).toBe(1200)
  })

  it('sends as many as it was told to, each from a socket and with ids of its own', async () => {
    const closed = await serveTcp(() => {})
    const { pings, verdict, keys } = await measured(closed.port, 3)
    expect(keys).toMatchObject({ repetitions: 3 })
    expect(new Set(pings.map((ping) => ping.conn_id_dst)).size).toBe(3)
    expect(pings.map((ping) => ping.transaction_id)).toEqual([60_001, 60_002, 60_003])
    expect(verdict).toMatchObject({ verdict: 'undetermined', step: 'connect', how: 'connection_refused' })
  })

  it('keeps what is no answer apart, as OONI does', async () => {
    const server = await serveUdp((packet, reply) => {
      reply(Buffer.from('who is 203.0.113.7?'))
      reply(negotiation(packet))
    })
    const { unexpected_responses } = await measured(server.port, 1)
    const [data] = unexpected_responses.map((each) =>
      Buffer.from(each.response_data.data, 'base64').toString(),
    )
    expect(data).toBe('who is [scrubbed]?')
  })
})
