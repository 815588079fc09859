// Golden verdicts of dnscheck: a resolver by its name, and by each of its addresses.

import { describe, expect, test } from 'vitest'
import { connect, good, handshake, join, link, query, response } from '../../test/observations.ts'
import type { Failure } from '../data-formats/failure.ts'
import type { Observations } from '../data-formats/observation.ts'
import { dnscheckKeys, judgeDnscheck, parseResolverUrl, withAddress } from './dnscheck.ts'
import type { Circumstances } from './verdict.ts'

const bootstrap = query(['21.0.0.53'], { tags: ['bootstrap', 'classic'], hostname: 'dns.example' })
const noName = query('dns_nxdomain_error', { tags: ['bootstrap', 'classic'], hostname: 'dns.example' })
const nameElsewhere = query(['21.0.0.53'], { engine: 'udp', tags: ['bootstrap'], id: 20_001 })

const url = 'https://21.0.0.53/dns-query'
const otherUrl = 'https://21.0.0.54/dns-query'
const tagsFor = (of: string) => ({ tags: [`lookup=${of}`], id: of === url ? 30_001 : 30_002 })

function answered(of = url, engine = 'doh', addresses: readonly string[] = ['21.0.0.80']) {
  return join(query(addresses, { ...tagsFor(of), engine }))
}

type At = 'connect' | 'tls' | 'http' | 'query'
function failed(failure: Failure, at: At, of = url, engine = 'doh', faults: string[] = []): Observations {
  const tags = tagsFor(of)
  const asked = query(failure, { ...tags, engine })
  if (at === 'query') return join(asked, connect(null, tags), handshake(null, tags))
  if (at === 'connect') return join(asked, connect(failure, tags))
  if (at === 'tls') return join(asked, connect(null, tags), handshake(failure, { ...tags, faults }))
  return join(asked, connect(null, tags), handshake(null, tags), response(failure, tags))
}

type Row = readonly [string, Observations, string, Partial<Circumstances>?]
const rows: readonly Row[] = [
  ['name and answer over TLS', join(bootstrap, answered()), 'ok answer_over_tls'],
  ['an address for a host', answered(), 'ok answer_over_tls'],
  ['an answer over DoT', answered(url, 'dot'), 'ok answer_over_tls'],
  ['an answer in clear text: anyone can write one', answered(url, 'udp'), 'undetermined cleartext_answer'],
  [
    'an answer in clear text behind a portal',
    answered(url, 'udp'),
    'link_down link_down',
    { link: link('captive_portal') },
  ],
  [
    'one address silent, the other answers',
    join(bootstrap, failed('generic_timeout_error', 'connect'), answered(otherUrl)),
    'ok answer_over_tls',
  ],
  [
    'one address cut, the other answers',
    join(bootstrap, failed('connection_reset', 'tls'), answered(otherUrl)),
    'anomaly tls_handshake_interfered',
  ],
  [
    'every address silent',
    join(
      bootstrap,
      failed('generic_timeout_error', 'connect'),
      failed('generic_timeout_error', 'tls', otherUrl),
    ),
    'undetermined no_outside_view',
  ],
  [
    'reset behind the ClientHello',
    join(bootstrap, failed('connection_reset', 'tls')),
    'anomaly tls_handshake_interfered',
  ],
  [
    'a certificate of an unknown authority',
    join(bootstrap, failed('ssl_unknown_authority', 'tls', url, 'doh', ['ssl_unknown_authority'])),
    'anomaly tls_handshake_interfered',
  ],
  [
    'a certificate not yet valid, by a clock nobody vouches for',
    join(
      bootstrap,
      failed('ssl_invalid_certificate', 'tls', url, 'doh', ['ssl_invalid_certificate', 'not_yet_valid']),
    ),
    'undetermined local_clock',
    { clock: 'unknown' },
  ],
  [
    'reset behind the request',
    join(bootstrap, failed('connection_reset', 'http')),
    'anomaly http_round_trip_interfered',
  ],
  [
    'the resolver itself says 403',
    join(bootstrap, failed('http_request_failed', 'query')),
    'undetermined no_outside_view',
  ],
  [
    'the resolver itself says SERVFAIL',
    join(bootstrap, failed('dns_servfail_error', 'query')),
    'undetermined no_outside_view',
  ],
  ['an answer nobody can have', answered(url, 'udp', ['127.0.0.1']), 'anomaly resolve_interfered'],
  [
    'silence of a plain resolver',
    failed('generic_timeout_error', 'query', url, 'udp'),
    'undetermined no_outside_view',
  ],
  [
    'a name that only another resolver knows, with an address from the list that answers',
    join(noName, nameElsewhere, answered()),
    'anomaly resolvers_disagree',
  ],
  ['a name that nobody was found to know', join(noName), 'undetermined no_outside_view'],
  [
    'a name that does not resolve, an address that answers',
    join(noName, answered()),
    'undetermined no_outside_view',
  ],
  [
    'everything silent over a dead link',
    join(bootstrap, failed('generic_timeout_error', 'connect')),
    'link_down link_down',
    { link: link('down') },
  ],
  ['a stopped agent', join(bootstrap, failed('interrupted', 'connect')), 'undetermined interrupted'],
  ['nothing at all', join(), 'undetermined interrupted'],
]

describe('judgeDnscheck()', () => {
  for (const [name, seen, expected, circumstances] of rows) {
    test(name, () => {
      const { verdict } = judgeDnscheck(seen, { ...good, ...circumstances })
      expect(`${verdict.verdict} ${verdict.rule}`).toBe(
        expected.replace(' ', ' dnscheck/').concat(expected.includes('resolvers_disagree') ? '@2' : '@1'),
      )
    })
  }

  test('judges the name and the addresses apart', () => {
    const { parts } = judgeDnscheck(join(noName, nameElsewhere, answered()), good)
    expect(parts.bootstrap?.verdict).toBe('anomaly')
    expect(parts.lookups?.verdict).toBe('ok')
    expect(judgeDnscheck(answered(), good).parts).not.toHaveProperty('bootstrap')
  })
})

describe('dnscheckKeys()', () => {
  test('says of each part where it failed', () => {
    const seen = join(noName, failed('connection_reset', 'tls'), answered(otherUrl))
    expect(dnscheckKeys(seen, false)).toEqual({
      bootstrap: { agent: 'redirect', failed_operation: 'resolve', failure: 'dns_nxdomain_error' },
      bootstrap_failure: 'dns_nxdomain_error',
      lookups: {
        [url]: { agent: 'redirect', failed_operation: 'tls_handshake', failure: 'connection_reset' },
        [otherUrl]: { agent: 'redirect', failed_operation: null, failure: null },
      },
    })
  })

  test('has no bootstrap where the host is an address', () => {
    expect(dnscheckKeys(answered(), false)).toMatchObject({ bootstrap: null, bootstrap_failure: null })
  })
})

describe('parseResolverUrl()', () => {
  test.each([
    [
      'https://dns.example/dns-query',
      { transport: 'doh', host: 'dns.example', port: 443, path: '/dns-query' },
    ],
    ['https://[2001:db8::53]:8443/q', { transport: 'doh', host: '2001:db8::53', port: 8443, path: '/q' }],
    ['dot://dns.example', { transport: 'dot', host: 'dns.example', port: 853, path: '' }],
    ['dot://192.0.2.53:8853/', { transport: 'dot', host: '192.0.2.53', port: 8853, path: '' }],
    ['udp://192.0.2.53', { transport: 'udp', host: '192.0.2.53', port: 53, path: '' }],
    ['tcp://192.0.2.53:5353', { transport: 'tcp', host: '192.0.2.53', port: 5353, path: '' }],
  ])('reads %s', (text, expected) => {
    expect(parseResolverUrl(text)).toEqual(expected)
  })

  test.each([
    'http://dns.example/dns-query',
    'https://dns.example',
    'dot://dns.example/path',
    'dot://dns.example:0',
    'dot://dns.example:70000',
    'tls://dns.example',
    'https://user@dns.example/dns-query',
    'dns.example',
    'https:///dns-query',
    'https://dns.example/dns query',
  ])('refuses %s', (text) => {
    expect(parseResolverUrl(text)).toBeNull()
  })

  test.each([
    ['https://dns.example/dns-query', '192.0.2.53', 'https://192.0.2.53/dns-query'],
    ['https://dns.example:8443/q', '2001:db8::53', 'https://[2001:db8::53]:8443/q'],
    ['dot://dns.example', '192.0.2.53', 'dot://192.0.2.53:853'],
    ['udp://dns.example', '192.0.2.53', 'udp://192.0.2.53:53'],
  ])('withAddress() puts an address into %s', (text, ip, expected) => {
    const parsed = parseResolverUrl(text)
    expect(parsed && withAddress(parsed, ip)).toBe(expected)
  })
})
