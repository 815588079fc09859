// stunreachability against a server on loopback: what is recorded, and that the mapped address is not.

import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { serveTcp, serveUdp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { stunReachability } from './stunreachability.ts'

const { measure } = stunReachability

/** A reply that maps to 203.0.113.7:54321. */
function mapped(request: Buffer): Buffer {
  const head = Buffer.from('0101000c2112a442', 'hex')
  const address = Buffer.from('002000080001f523ea12d545', 'hex')
  return Buffer.concat([head, request.subarray(8, 20), address])
}

async function measured(input: string, context = makeContext()) {
  return measureKept(stunReachability, context, input)
}

describe('stunReachability', () => {
  it("reaches a server by its name, and keeps no address but the server's", async () => {
    const server = await serveUdp((query, reply) => reply(mapped(query)))
    const { seen, keys, verdict } = await measured(`stun://localhost:${server.port}`)
    expect(verdict).toMatchObject({ verdict: 'ok', rule: 'stunreachability/address_mapped@1' })
    expect(keys).toEqual({ endpoint: `localhost:${server.port}`, failure: null })
    expect(seen.observations.queries).toMatchObject([{ engine: 'getaddrinfo', hostname: 'localhost' }])
    expect(seen.observations.network_events).toMatchObject([
      { operation: 'write_to', num_bytes: 20, transaction_id: 60_001 },
      { operation: 'read_from', num_bytes: 32 },
    ])
    expect(seen.bytes).toEqual({ sent: 20, received: 32 })
    expect(JSON.stringify(seen)).not.toMatch(/203\.0|54321|6hLVRQ/)
  })

  it('asks nobody about an address', async () => {
    const server = await serveUdp((query, reply) => reply(mapped(query)))
    const { seen, verdict } = await measured(`stun://127.0.0.1:${server.port}`)
    expect(verdict.verdict).toBe('ok')
    expect(seen.observations.queries).toEqual([])
  })

  it('does not claim a blocking when the port is closed', async () => {
    const closed = await serveTcp(() => {})
    const { keys, verdict } = await measured(`stun://127.0.0.1:${closed.port}`)
    expect(keys).toMatchObject({ failure: 'connection_refused' })
    expect(verdict).toMatchObject({ verdict: 'undetermined', step: 'connect', how: 'connection_refused' })
  })

  it('knocks at no private address outside a laboratory', async () => {
    let knocks = 0
    const server = await serveUdp(() => knocks++)
    const { verdict } = await measured(`stun://127.0.0.1:${server.port}`, makeContext({ lab: false }))
    expect(knocks).toBe(0)
    expect(verdict.verdict).toBe('undetermined')
  })

  it('sends nothing when it was stopped before', async () => {
    const context = makeContext({}, { signal: AbortSignal.abort() })
    const { seen, verdict } = await measured('stun://127.0.0.1:9', context)
    expect(seen.bytes).toEqual({ sent: 0, received: 0 })
    expect(verdict.rule).toBe('stunreachability/interrupted@1')
  })

  it('refuses an input that the list should have refused', async () => {
    await expect(measure(makeContext(), 'stun.example')).rejects.toThrow(TypeError)
  })
})
