// Nothing that says where the probe is may be left in a measurement.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cases, fuzz } from '../../test/support/fuzzing.ts'
import { scrubNetworkText, scrubOwnAddresses, scrubText } from './scrub.ts'

describe('scrubText()', () => {
  const rows = [
    ['an IPv4 address', 'client 203.0.113.7 seen', 'client [scrubbed] seen'],
    ['an IPv4 address with a port', '203.0.113.7:443', '[scrubbed]:443'],
    ['dots URL-encoded', 'ip=203%2E0%2E113%2E7', 'ip=[scrubbed]'],
    ['an IPv6 address', 'for="[2001:db8::17]"', 'for="[[scrubbed]]"'],
    ['a full IPv6 address', '2001:db8:0:1:2:3:4:5!', '[scrubbed]!'],
    ['colons URL-encoded', 'x=2001%3Adb8%3A%3A17', 'x=[scrubbed]'],
    ['a mapped address', '::ffff:203.0.113.7', '[scrubbed]'],
  ] as const
  it.each(rows)('takes out %s', (_name, text, expected) => {
    expect(scrubText(text)).toBe(expected)
  })
  const kept = [
    'Sun, 29 Jul 2018 17:43:00 GMT',
    'v1.2.3',
    'text/html; charset=utf-8',
    'max-age=31536000',
    'a::b',
  ]
  it.each(kept.slice(0, 4))('leaves "%s" alone', (text) => {
    expect(scrubText(text)).toBe(text)
  })
})

describe('scrubOwnAddresses()', () => {
  const spellings = [
    '10.20.0.1',
    '::ffff:10.20.0.1',
    '::ffff:0a14:0001',
    '0x0a140001',
    '0A140001',
    '10%2E20%2E0%2E1',
    'http://10.20.0.1:8080/x',
    'http://[::ffff:10.20.0.1]:8080/x',
    '0:0:0:0:0:ffff:a14:1',
    '0000:0000:0000:0000:0000:FFFF:0A14:0001',
    '%3A%3Affff%3A10.20.0.1',
    '%3A%3Affff%3A0a14%3A1',
    '64:ff9b::a14:1',
    '::10.20.0.1',
    'host-10-20-0-1.isp.example',
    '1.0.20.10.in-addr.arpa',
    'x=0a140001;',
    '010.020.000.001',
    '010-020-000-001.dsl.isp.example',
    'host-10_20_0_1',
    'dsl-3-10-20-0-1.isp.example',
    'line010020000001.isp.example',
    'ip=169082881',
    'http://169082881/',
    '0x0a.0x14.0x00.0x01',
    '0xa.0x14.0x0.0x1',
    '0a-14-00-01',
    '0a:14:00:01',
    '10&#46;20&#46;0&#46;1',
    '10&#x2e;20&#x2E;0&#x02e;1',
    '10&period;20&period;0&period;1',
    '10&#45;20&#45;0&#45;1',
    '10%252E20%252E0%252E1',
    '10[.]20[.]0[.]1',
    '::ffff&#58;10.20.0.1',
    '1.0.20.10.dnsbl.example',
    '--ffff-a14-1.ipv6-literal.net',
    '012.024.0.1',
    '0012.0024.00.0001',
    'http://012%2e024.0.01/',
    'host-012-024-0-1.isp.example',
    'http://01205000001/',
  ]
  it.each(spellings)('finds an IPv4 address spelled %s', (spelling) => {
    const out = JSON.stringify(scrubOwnAddresses({ a: [`before ${spelling} after`] }, ['10.20.0.1']))
    expect(out).toContain('[scrubbed]')
    expect(out.toLowerCase()).not.toMatch(
      /10\.20\.0\.1|a14|10%|10&|20\[|10-20-0-1|10_20|1\.0\.20\.10|020|169082881|0x14|0a.14|12.{1,3}024|1205000001/,
    )
  })
  it.each([
    '1.0.20.10',
    '10.20.0.2',
    '10-20-0-11',
    '110-20-0-1',
    '010.020.000.011',
    '010020000011',
    '1690828810',
    '0x0a.0x14.0x00.0x11',
    '0a-14-00-011',
    '12.24.0.1',
    '012.024.0.11',
    '1205000001',
    '12&#46;20&#46;0&#46;1',
    'v1.0.20.10',
    '10.20.0.1.2',
  ])('leaves %s, which is somebody else', (other) => {
    expect(scrubOwnAddresses({ a: `before ${other} after` }, ['10.20.0.1'])).toEqual({
      a: `before ${other} after`,
    })
  })
  const spellings6 = [
    '2001:db8:0:1::9',
    '2001:DB8:0:1::9',
    '2001:db8:0:1:0:0:0:9',
    '2001:0db8:0000:0001:0000:0000:0000:0009',
    '2001:db8::1:0:0:0:9',
    '2001:db8:0:1:0::9',
    '2001%3Adb8%3A0%3A1%3A%3A9',
    '2001%3A0db8%3a0000%3A0001%3A0000%3A0000%3A0000%3A0009',
    'http://[2001:db8:0:1::9]:8080/',
    '2001:db8:0:1::9:',
    '2001:db8:0:1::9:443',
    '2001:db8:0:1::9%eth0',
    '20010db8000000010000000000000009',
    '0x20010DB8000000010000000000000009',
    '9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
    '2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.isp.example',
    '2001-db8-0-1--9.ipv6-literal.net',
    'host-2001-db8-0-1-0-0-0-9.isp.example',
    'abc-2001-0db8-0000-0001-0000-0000-0000-0009-x',
    '2001&#58;db8&#58;0&#58;1&#58;&#58;9',
    '2001&colon;db8&colon;0&colon;1&colon;&colon;9',
    '2001%253Adb8%253A0%253A1%253A%253A9',
  ]
  it.each(spellings6)('finds an IPv6 address spelled %s', (spelling) => {
    const out = JSON.stringify(scrubOwnAddresses({ a: [`before ${spelling} after`] }, ['2001:db8:0:1::9']))
    expect(out).toContain('[scrubbed]')
    expect(out.toLowerCase()).not.toMatch(/db8|b\.d\.0/)
  })
  it.each([
    '2001:db8:0:1::99',
    '2001:db8:0:1:9::',
    '2001:db8:0:1::',
    'fe2001:db8:0:1::9',
    '2001-db8-0-1--99',
    '2001-db8-0-2-0-0-0-9',
    '10:20:30',
    '120010db8000000010000000000000009',
    'a::b',
  ])('leaves %s, which is not it', (other) => {
    expect(scrubOwnAddresses({ a: other }, ['2001:db8:0:1::9'])).toEqual({ a: other })
  })
  it('finds every spelling of any IPv6 address', () => {
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
    fuzz(fc.array(group, { minLength: 8, maxLength: 8 }), cases(2_000, 50_000), (groups) => {
      const full = groups.map((each) => each.toString(16).padStart(4, '0')).join(':')
      const short = groups.map((each) => each.toString(16)).join(':')
      // The URL parser writes the canonical form of RFC 5952.
      const canonical = new URL(`http://[${full}]/`).hostname.slice(1, -1)
      for (const spelling of [full, short, canonical, full.toUpperCase(), short.replaceAll(':', '%3A')]) {
        const out = scrubOwnAddresses({ a: `x [${spelling}] y`, b: `x ${spelling} y` }, [canonical])
        expect(out, spelling).toEqual({ a: 'x [[scrubbed]] y', b: 'x [scrubbed] y' })
      }
    })
  })
  it('leaves numbers alone, whose digits may be those of an address in hex', () => {
    // It used to edit the JSON text, and 100.64.1.2 made that unreadable.
    const value = { bytes: 64400102, t: 0.64400102, text: '64400102' }
    expect(scrubOwnAddresses(value, ['100.64.1.2'])).toEqual({ ...value, text: '[scrubbed]' })
  })
  it('does not touch a longer address that contains it', () => {
    const value = { a: '10.20.0.15', b: '110.20.0.1', c: '10.20.0.1.2' }
    expect(scrubOwnAddresses(value, ['10.20.0.1'])).toEqual(value)
  })
  it('finds an IPv6 address in either case, also as a key', () => {
    expect(scrubOwnAddresses({ '2001:DB8::9': 1 }, ['2001:db8::9'])).toEqual({ '[scrubbed]': 1 })
  })
  it('with no address known changes nothing', () => {
    expect(scrubOwnAddresses({ a: '10.20.0.1' }, [])).toEqual({ a: '10.20.0.1' })
  })
})

it('scrubNetworkText() takes an echoed address out of headers, title and body', () => {
  const response = {
    code: 200,
    headers: {
      'X-Client': '203.0.113.7',
      'Set-Cookie': 'visitor=abc123',
      Location: 'http://pay.telco.example/msisdn/22376543210/shop?who=22376543211#IMSI61002',
    },
    headers_list: [['X-Client', '203.0.113.7'] as [string, string]],
    body: 'you are 203.0.113.7',
    body_is_truncated: false,
    x_sonde_title: 'hello 203.0.113.7',
    x_sonde_body_sha256: createHash('sha256').update('you are 203.0.113.7').digest('hex'),
  }
  const request = {
    t0: 0,
    t: 1,
    transaction_id: 1,
    tags: ['depth=1'],
    network: 'tcp' as const,
    address: '198.51.100.1:80',
    alpn: '',
    failure: null,
    request: {
      method: 'GET',
      url: 'http://pay.telco.example/22376543212/x?y=z',
      headers: {},
      headers_list: [],
      body: '',
      body_is_truncated: false,
      x_transport: 'tcp' as const,
    },
    response,
  }
  const seen = { queries: [], tcp_connect: [], tls_handshakes: [], requests: [request], network_events: [] }
  const out = JSON.stringify(scrubNetworkText(seen))
  expect(out).not.toContain('203.0.113.7')
  expect(out).not.toContain('abc123')
  expect(out).not.toContain(response.x_sonde_body_sha256)
  expect(out).toContain(createHash('sha256').update('you are [scrubbed]').digest('hex'))
  expect(out).toContain('198.51.100.1:80')
  // A provider's portal knows the customer, and says so in the address it sends them to.
  expect(out).not.toMatch(/223765|IMSI|who=|y=z/)
  expect(out).toContain('http://pay.telco.example/msisdn/[scrubbed]/shop?[scrubbed]')
  expect(out).toContain('http://pay.telco.example/[scrubbed]/x?[scrubbed]')
  const listed = {
    ...request,
    tags: ['depth=0'],
    request: { ...request.request, url: 'http://a.example/?q=1' },
  }
  expect(scrubNetworkText({ ...seen, requests: [listed] }).requests[0]?.request.url).toBe(
    'http://a.example/?q=1',
  )
})
