// Golden verdicts of dnscheck: a resolver by its name, and by each of its addresses.

import { describe, expect, it } from 'vitest'
import {
  answered,
  asAsked,
  failed,
  nameElsewhere,
  noName,
  otherUrl,
  rows,
  url,
} from '../../test/golden/dnscheck.ts'
import { judging } from '../../test/support/judge.ts'
import { join } from '../../test/support/observations.ts'
import type { Observations } from '../data-formats/observation.ts'
import { dnscheck, parseResolverUrl, withAddress } from './dnscheck.ts'
import type { Circumstances } from './verdict.ts'

const judge = (seen: Observations, circumstances?: Partial<Circumstances>) =>
  judging(dnscheck, { input: 'https://dns.example/dns-query' })(asAsked(seen), circumstances)

describe('dnscheck', () => {
  for (const { name, seen, verdict: expected, circumstances } of rows) {
    it(name, () => {
      const { verdict } = judge(seen, circumstances)
      expect(`${verdict.verdict} ${verdict.rule.replace(/^dnscheck\/|@\d+$/g, '')}`).toBe(expected)
    })
  }

  it('judges the name and the addresses apart', () => {
    const earlier = { step: 'resolve', how: 'dns_nxdomain_error', secondsAgo: 31 } as const
    const { parts } = judge(join(noName, nameElsewhere, answered()), { earlier })
    expect(parts.bootstrap?.verdict).toBe('anomaly')
    expect(parts.lookups?.verdict).toBe('ok')
    expect(judge(answered()).parts).not.toHaveProperty('bootstrap')
  })
})

describe('the keys of dnscheck', () => {
  it('says of each part where it failed', () => {
    const seen = join(noName, failed('connection_reset', 'tls'), answered(otherUrl))
    expect(judge(seen).keys).toEqual({
      bootstrap: { agent: 'redirect', failed_operation: 'resolve', failure: 'dns_nxdomain_error' },
      bootstrap_failure: 'dns_nxdomain_error',
      lookups: {
        [url]: { agent: 'redirect', failed_operation: 'tls_handshake', failure: 'connection_reset' },
        [otherUrl]: { agent: 'redirect', failed_operation: null, failure: null },
      },
    })
  })

  it('has no bootstrap where the host is an address', () => {
    expect(judge(answered()).keys).toMatchObject({ bootstrap: null, bootstrap_failure: null })
  })
})

describe('parseResolverUrl()', () => {
  it.each([
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

  it.each([
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

  it.each([
    ['https://dns.example/dns-query', '192.0.2.53', 'https://192.0.2.53/dns-query'],
    ['https://dns.example:8443/q', '2001:db8::53', 'https://[2001:db8::53]:8443/q'],
    ['dot://dns.example', '192.0.2.53', 'dot://192.0.2.53:853'],
    ['udp://dns.example', '192.0.2.53', 'udp://192.0.2.53:53'],
  ])('withAddress() puts an address into %s', (text, ip, expected) => {
    const parsed = parseResolverUrl(text)
    expect(parsed && withAddress(parsed, ip)).toBe(expected)
  })
})
