import { describe, expect, it } from 'vitest'
import { connect, handshake, join, nothing, query, response } from '../../test/support/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { groupOutcome } from './group-outcome.ts'
import type { ServiceEndpoint, ServiceGroup } from './service.ts'

const groupOf = (needs: 'any' | 'all', ...endpoints: readonly ServiceEndpoint[]): ServiceGroup => ({
  name: 'g',
  needs,
  endpoints: [...endpoints],
})
const tcp = (host: string, ...ports: number[]): ServiceEndpoint => ({ kind: 'tcp', host, ports })
const tls: ServiceEndpoint = { kind: 'tls', host: 'a.example', port: 443 }
const dns: ServiceEndpoint = { kind: 'dns', host: 'a.example' }
const url = (text: string): ServiceEndpoint => ({ kind: 'url', url: text, method: 'HEAD' })
const tags = (host = 'a.example', ...more: string[]) => ['group=g', `host=${host}`, 'classic', ...more]
const hop = (depth = 0) => tags('a.example', `depth=${depth}`)

const outcome = (seen: Observations, group: ServiceGroup, lab = false) => groupOutcome(seen, group, lab)

describe('groupOutcome()', () => {
  it.each([
    [
      'a certificate',
      url('https://a.example/'),
      join(
        query(['21.0.0.10'], { tags: hop() }),
        connect(null, { tags: hop() }),
        response(503, { tags: hop() }),
      ),
      'certificate',
    ],
    [
      'an answer in clear text',
      url('http://a.example:443/'),
      join(
        query(['21.0.0.10'], { tags: hop() }),
        connect(null, { tags: hop() }),
        response(200, { tags: hop() }),
      ),
      'answer',
    ],
    [
      'a handshake',
      tls,
      join(connect(null, { tags: tags() }), handshake(null, { tags: tags() })),
      'certificate',
    ],
    ['an accepted connection', tcp('a.example', 443), join(connect(null, { tags: tags() })), 'answer'],
    ['an address', dns, join(query(['21.0.0.10'], { tags: tags() })), 'name'],
  ] as const)('takes %s for a proof', (_, endpoint, seen, proof) => {
    expect(outcome(seen, groupOf('any', endpoint))).toEqual({
      status: 'reached',
      proof,
      failures: [],
      deadPorts: new Map(),
      deadHosts: null,
      failure: null,
    })
  })

  it.each([
    ['a connection without a handshake', tls, join(connect(null, { tags: tags() })), 'interrupted'],
    [
      'a handshake that failed',
      tls,
      join(connect(null, { tags: tags() }), handshake('ssl_unknown_authority', { tags: tags() })),
      'ssl_unknown_authority',
    ],
    ['a private address', dns, join(query(['10.0.0.1'], { tags: tags() })), 'dns_bogon_error'],
    ['an empty answer', dns, join(query([], { tags: tags() })), 'dns_no_answer'],
    [
      'what another resolver gave',
      dns,
      join(
        query('dns_nxdomain_error', { tags: tags() }),
        query(['21.0.0.10'], { tags: ['group=g', 'host=a.example'], engine: 'udp' }),
      ),
      'dns_nxdomain_error',
    ],
  ] as const)('takes %s for none', (_, endpoint, seen, failure) => {
    expect(outcome(seen, groupOf('any', endpoint))).toMatchObject({ status: 'failed', proof: null, failure })
  })

  it('takes private addresses for real ones in a laboratory', () => {
    expect(outcome(join(query(['127.0.0.1'], { tags: tags() })), groupOf('any', dns), true).status).toBe(
      'reached',
    )
  })

  it('notes that another resolver knows the name', () => {
    const seen = join(
      query('dns_nxdomain_error', { tags: tags() }),
      query(['21.0.0.10'], { tags: ['group=g', 'host=a.example'], engine: 'udp' }),
    )
    expect(outcome(seen, groupOf('any', tcp('a.example', 443))).failures[0]?.resolvedElsewhere).toBe(true)
  })

  it('does not take what another group or another host saw for its own', () => {
    const elsewhere = join(
      connect(null, { tags: ['group=other', 'host=a.example', 'classic'] }),
      connect(null, { tags: tags('b.example') }),
    )
    expect(outcome(elsewhere, groupOf('any', tcp('a.example', 443))).status).toBe('not_measured')
  })

  it('tells two endpoints on one host apart by their ports', () => {
    const seen = join(
      connect(null, { tags: tags(), port: 5222 }),
      connect('generic_timeout_error', { tags: tags(), port: 443 }),
    )
    const both = [tcp('a.example', 5222), tls] as const
    expect(outcome(seen, groupOf('any', ...both))).toMatchObject({ status: 'reached', proof: 'answer' })
    expect(outcome(seen, groupOf('all', ...both))).toMatchObject({
      status: 'failed',
      failure: 'generic_timeout_error',
    })
  })

  it('does not take an open port of one endpoint for that of another', () => {
    const seen = join(
      connect('connection_refused', { tags: tags(), port: 5222 }),
      connect(null, { tags: tags() }),
      handshake(null, { tags: tags() }),
    )
    const both = [tcp('a.example', 5222), tls] as const
    expect(outcome(seen, groupOf('all', ...both))).toMatchObject({
      status: 'failed',
      failure: 'connection_refused',
    })
  })

  it('does not take a handshake on one port for that on another', () => {
    const seen = join(
      connect(null, { tags: tags(), port: 8443 }),
      connect(null, { tags: tags() }),
      handshake(null, { tags: tags() }),
    )
    expect(outcome(seen, groupOf('any', tls)).status).toBe('reached')
    expect(outcome(seen, groupOf('any', { ...tls, port: 8443 })).status).toBe('failed')
  })

  it('judges a URL by its first hop, wherever that redirects to', () => {
    const redirected = join(
      query(['21.0.0.10'], { tags: hop(0) }),
      connect(null, { tags: hop(0) }),
      response(302, { tags: hop(0) }),
      query('dns_nxdomain_error', { tags: hop(1), hostname: 'elsewhere.example' }),
    )
    expect(outcome(redirected, groupOf('any', url('https://a.example/'))).status).toBe('reached')
    const failedFirst = join(
      query(['21.0.0.10'], { tags: hop(0) }),
      connect('connection_refused', { tags: hop(0) }),
      response(200, { tags: hop(1) }),
    )
    expect(outcome(failedFirst, groupOf('any', url('https://a.example/'))).failure).toBe('connection_refused')
  })

  it('where one is enough, is as proven as its best; where all are needed, as its weakest', () => {
    const seen = join(
      connect(null, { tags: tags(), port: 5222 }),
      connect(null, { tags: tags() }),
      handshake(null, { tags: tags() }),
    )
    const both = [tls, tcp('a.example', 5222)] as const
    expect(outcome(seen, groupOf('any', ...both)).proof).toBe('certificate')
    expect(outcome(seen, groupOf('all', ...both)).proof).toBe('answer')
  })

  const hosts = (...failures: readonly (Failure | null)[]) =>
    failures.map((failure, i) => connect(failure, { tags: tags(`h${i}.example`), id: 40_000 + i }))
  const pool = (n: number) => Array.from({ length: n }, (_, i) => tcp(`h${i}.example`, 443))

  it('where one is enough, speaks by the commonest failure of those that came furthest', () => {
    const seen = join(
      ...hosts('connection_refused', 'generic_timeout_error', 'generic_timeout_error'),
      query('dns_nxdomain_error', { tags: tags('h3.example') }),
      query('dns_nxdomain_error', { tags: tags('h4.example') }),
      query('dns_nxdomain_error', { tags: tags('h5.example') }),
    )
    const { failures, failure } = outcome(seen, groupOf('any', ...pool(6)))
    expect(failure).toBe('generic_timeout_error')
    expect(failures).toMatchObject([{ step: 'connect', because: [40_000, 40_001, 40_002] }])
  })

  it('where all are needed, gives the failure of each that failed', () => {
    const seen = join(...hosts(null, 'connection_refused', 'generic_timeout_error'))
    const { failures } = outcome(seen, groupOf('all', ...pool(3)))
    expect(failures.map(({ failure }) => failure)).toEqual(['connection_refused', 'generic_timeout_error'])
  })

  it('where all are needed, is not measured when one was not and none failed', () => {
    expect(outcome(join(...hosts(null)), groupOf('all', ...pool(2))).status).toBe('not_measured')
    expect(outcome(nothing, groupOf('any', ...pool(2))).status).toBe('not_measured')
  })

  it('says of a host none of whose addresses could be tried that this link has no way to them', () => {
    const seen = join(query(['21.0.0.10'], { tags: tags() }))
    expect(outcome(seen, groupOf('any', tcp('a.example', 443)))).toMatchObject({
      failure: 'address_family_not_supported',
    })
  })
})
