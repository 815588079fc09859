// After an answer that was contradicted: where it is given, and whether by a resolver at all. Over loopback all is one hop away.

import { decode, encode } from 'dns-packet'
import { expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveUdp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { webConnectivity } from './web-connectivity.ts'

async function measure(...answers: readonly string[]) {
  const server = await serveUdp((message, reply) => {
    const { id, questions } = decode(message)
    const name = questions?.[0]?.name ?? ''
    for (const data of answers)
      reply(encode({ type: 'response', id, questions, answers: [{ type: 'A', name, ttl: 60, data }] }))
  })
  const { port } = await closedPort()
  const resolver = { transport: 'udp' as const, ip: '127.0.0.1', port: server.port }
  const { seen } = await measureKept(
    webConnectivity,
    makeContext({ resolver, neutralName: 'localhost' }),
    `http://localhost:${port}/`,
  )
  return { observations: seen.observations, resolver: `127.0.0.1:${server.port}`, bytes: seen.bytes }
}

it('says at which hop, for the target and for the neutral name', async () => {
  const { observations, resolver } = await measure('192.0.2.1', '192.0.2.2')
  // The neutral name is an address of the resolver's own host here, so no host without one is known.
  expect(observations).toMatchObject({
    x_sonde_dns_hops: { resolver, target: 1, neutral: 1, without_resolver: null },
  })
})

it('asks nothing where nothing contradicts', async () => {
  expect((await measure('192.0.2.1')).observations).not.toHaveProperty('x_sonde_dns_hops')
})
