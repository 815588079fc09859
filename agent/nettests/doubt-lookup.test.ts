// Answers that look made up, from a resolver on loopback beside the system's: what is asked once more, and when nothing is.

import { decode, encode, type Packet } from 'dns-packet'
import { expect, it } from 'vitest'
import { serveUdp } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { query } from '../../test/support/observations.ts'
import type { DnsQuery } from '../../tests-spec/data-formats/observation.ts'
import { tagged } from '../../tests-spec/nettests/failed-step.ts'
import { doubtLookup } from './doubt-lookup.ts'
import { joinSeen, seenOf } from './seen.ts'

/** No resolver that the system can reach has any of these. */
const advertisers = ['ads-1.invalid', 'ads-2.invalid']

async function resolverThat(
  answer: (asked: { readonly name: string; readonly unchecked: boolean }) => Packet,
) {
  const asked: string[] = []
  const { port } = await serveUdp((message, reply) => {
    const { id, questions, flag_cd: unchecked = false } = decode(message)
    const name = questions?.[0]?.name ?? ''
    asked.push(`${name}${unchecked ? ' unchecked' : ''}`)
    reply(encode({ type: 'response', id, questions, ...answer({ name, unchecked }) }))
  })
  return { resolver: { transport: 'udp' as const, ip: '127.0.0.1', port }, asked }
}
const address = (name: string): Packet => ({ answers: [{ type: 'A', name, ttl: 60, data: '192.0.2.1' }] })
const servfail: Packet = { flags: 2 }

const lookups = (system: Parameters<typeof query>[0], other: Parameters<typeof query>[0]) => {
  const named = query(other, { engine: 'udp', tags: [], hostname: 'site.example' })
  return joinSeen([seenOf(query(system)), seenOf(named)])
}
const names = (queries: readonly DnsQuery[]) =>
  queries.map(({ engine, hostname, failure }) => `${engine} ${hostname} ${failure}`).sort()

it('asks both resolvers for names of advertisers when they contradict each other', async () => {
  const { resolver, asked } = await resolverThat(({ name }) => address(name))
  const context = makeContext({ resolver, filteredNames: advertisers })
  const seen = lookups('dns_nxdomain_error', ['192.0.2.7'])
  const { observations } = await doubtLookup(context, 'site.example', seen, ['depth=0'])
  expect(observations.queries.every(({ tags }) => tags.includes('followup=filtered_name'))).toBe(true)
  const system = names(observations.queries.filter(({ engine }) => engine === 'getaddrinfo'))
  expect(system).toHaveLength(2)
  // Where the system's resolver cannot even say that there is no such name, the other one is not troubled.
  const alike = system.filter((each) => each.endsWith('dns_nxdomain_error')).length
  expect(asked).toHaveLength(alike)
})

it('asks once more without validation when both say that a server failed', async () => {
  const { resolver, asked } = await resolverThat(({ name, unchecked }) =>
    unchecked ? address(name) : servfail,
  )
  const context = makeContext({ resolver, filteredNames: advertisers })
  const seen = lookups('dns_server_misbehaving', 'dns_servfail_error')
  const { observations } = await doubtLookup(context, 'site.example', seen, [])
  // A filter that refuses is told in the same words.
  expect(asked.filter((each) => !advertisers.includes(each))).toEqual(['site.example unchecked'])
  expect(tagged(observations, 'followup=checking_disabled').queries).toMatchObject([{ failure: null }])
})

it("asks the system's resolver again when it was silent about a name that another one has", async () => {
  const { resolver, asked } = await resolverThat(({ name }) => address(name))
  const context = makeContext({ resolver, filteredNames: advertisers })
  const answered = joinSeen([
    seenOf(query('generic_timeout_error', { hostname: 'localhost' })),
    seenOf(query(['192.0.2.7'], { engine: 'udp', tags: [], hostname: 'localhost' })),
  ])
  const { observations } = await doubtLookup(context, 'localhost', answered, ['depth=0'])
  expect(asked).toEqual([])
  expect(observations.queries.length).toBeGreaterThan(0)
  expect(observations.queries.length).toBeLessThanOrEqual(6)
  for (const { engine, tags } of observations.queries)
    expect([engine, tags]).toEqual(['getaddrinfo', ['depth=0', 'followup=same_lookup']])
})

it.each<[string, Parameters<typeof query>[0]]>([
  ['that there is no such name', 'dns_nxdomain_error'],
  ['that it has no address', 'dns_no_answer'],
  ['the null address', ['0.0.0.0']],
])('asks both resolvers for names of advertisers when both say %s', async (_name, both) => {
  const { resolver, asked } = await resolverThat(() => ({ flags: 3 }))
  const context = makeContext({ resolver, filteredNames: advertisers })
  const { observations } = await doubtLookup(context, 'site.example', lookups(both, both), [])
  const system = names(observations.queries.filter(({ engine }) => engine === 'getaddrinfo'))
  expect(system).toHaveLength(2)
  expect(asked).toHaveLength(system.filter((each) => /nxdomain|no_answer/.test(each)).length)
})

it('asks for names of advertisers when somebody else answers at an address that both give', async () => {
  const { resolver } = await resolverThat(({ name }) => address(name))
  const context = makeContext({ resolver, filteredNames: advertisers })
  const seen = lookups(['66.0.0.2'], ['66.0.0.2'])
  expect((await doubtLookup(context, 'site.example', seen, [], true)).observations.queries).toHaveLength(2)
  expect((await doubtLookup(context, 'site.example', seen, [])).observations.queries).toEqual([])
})

it.each<[string, Parameters<typeof query>[0], Parameters<typeof query>[0]]>([
  ['the answers agree', ['192.0.2.7'], ['192.0.2.7']],
  ['both were silent', 'generic_timeout_error', 'generic_timeout_error'],
])('asks nothing where %s', async (_name, system, other) => {
  const { resolver, asked } = await resolverThat(({ name }) => address(name))
  const context = makeContext({ resolver, filteredNames: advertisers })
  const { observations } = await doubtLookup(context, 'site.example', lookups(system, other), [])
  expect(observations.queries).toEqual([])
  expect(asked).toEqual([])
})
