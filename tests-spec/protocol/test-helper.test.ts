import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  forbiddenPorts,
  maxTcpConnect,
  readEndpoint,
  testHelperRequest,
  testHelperResponse,
  writeEndpoint,
} from './test-helper.ts'

const request = {
  http_request: 'https://www.example.test/path?q=1',
  http_request_headers: {
    Accept: ['*/*'],
    'Accept-Language': ['en-US;q=0.8'],
    'User-Agent': ['Mozilla/5.0'],
  },
  tcp_connect: ['198.51.100.7:443', '[2001:db8::7]:443'],
  x_quic_enabled: false,
}

const response = {
  tcp_connect: {
    '198.51.100.7:443': { status: true, failure: null },
    '[2001:db8::7]:443': { status: false, failure: 'connect_error' },
  },
  tls_handshake: { '198.51.100.7:443': { server_name: 'www.example.test', status: true, failure: null } },
  quic_handshake: {},
  http_request: {
    body_length: 1256,
    discovered_h3_endpoint: '',
    failure: null,
    title: 'Example',
    headers: { 'Content-Type': 'text/html' },
    status_code: 200,
  },
  http3_request: null,
  dns: { failure: null, addrs: ['198.51.100.7'] },
  ip_info: { '198.51.100.7': { asn: 0, flags: 11 } },
}

/** The value after it went through JSON, as it does on the wire. */
const travelled = (value: unknown) => JSON.parse(JSON.stringify(value))

/** The sentences of all issues, each with its path in front. */
function faultsOf(change: Record<string, unknown>): string[] {
  const { issues } = v.safeParse(testHelperRequest, { ...request, ...change })
  return (issues ?? []).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`)
}

describe('testHelperRequest', () => {
  it('comes back from JSON as it went', () => {
    expect(v.parse(testHelperRequest, travelled(request))).toEqual(request)
  })

  it('takes null, or nothing, for what Go leaves empty', () => {
    const empty = { http_request_headers: {}, tcp_connect: [], x_quic_enabled: false }
    const nulls = { http_request_headers: null, tcp_connect: null, x_quic_enabled: null }
    const { http_request } = request
    expect(v.parse(testHelperRequest, { http_request, ...nulls })).toEqual({ http_request, ...empty })
    expect(v.parse(testHelperRequest, { http_request })).toEqual({ http_request, ...empty })
  })

  it('leaves out what it does not know', () => {
    expect(v.parse(testHelperRequest, { ...request, x_later: 1 })).toEqual(request)
  })

  it.each([
    ['no URL', { http_request: 'www.example.test' }, 'http_request: Cannot measure a URL that is not a URL'],
    [
      'another scheme',
      { http_request: 'ftp://www.example.test/' },
      'http_request: Cannot measure a URL that is neither http nor https',
    ],
    [
      'a file',
      { http_request: 'file:///etc/passwd' },
      'http_request: Cannot measure a URL that is neither http nor https',
    ],
    [
      'a password',
      { http_request: 'https://user:word@www.example.test/' },
      'http_request: Cannot measure a URL that is with a user name or password',
    ],
    [
      'a mail port',
      { http_request: 'http://www.example.test:25/' },
      'http_request: Cannot measure a URL that is on port 25, which is for mail',
    ],
    [
      'a malformed entry, by its number',
      { tcp_connect: ['198.51.100.7:443', 'www.example.test:443'] },
      'tcp_connect.1: Cannot connect to "www.example.test:443": expected IP:PORT',
    ],
    [
      'a mail port in an entry',
      { tcp_connect: ['198.51.100.7:587'] },
      'tcp_connect.0: Cannot connect to "198.51.100.7:587": port 587 is for mail',
    ],
    [
      'a header that would be two',
      { http_request_headers: { Accept: ['a\r\nX: b'] } },
      'http_request_headers.Accept.0: Cannot send a header with control characters',
    ],
  ])('refuses %s', (_, change, fault) => {
    expect(faultsOf(change)).toEqual([fault])
  })

  it('refuses the 21st entry and takes the 20th', () => {
    const entries = (count: number) => ({ tcp_connect: Array(count).fill('198.51.100.7:443') })
    expect(faultsOf(entries(maxTcpConnect))).toEqual([])
    expect(faultsOf(entries(maxTcpConnect + 1))).toHaveLength(1)
  })

  it('names every fault at once', () => {
    expect(faultsOf({ http_request: 'gopher://a.test/', tcp_connect: ['x', 'y'] })).toHaveLength(3)
  })

  it('refuses every port of mail in a URL, the default spelling of others aside', () => {
    for (const port of forbiddenPorts)
      expect(faultsOf({ http_request: `https://a.test:${port}/` })).toHaveLength(1)
    expect(faultsOf({ http_request: 'https://a.test:8443/' })).toEqual([])
  })
})

describe('testHelperResponse', () => {
  it('comes back from JSON as it went', () => {
    expect(v.parse(testHelperResponse, travelled(response))).toEqual(response)
  })

  it('takes an answer of an older helper, without TLS, QUIC and address information', () => {
    const { tcp_connect, http_request, dns } = response
    const older = { tcp_connect, http_request, dns }
    expect(v.parse(testHelperResponse, travelled(older))).toEqual(older)
  })

  it.each([
    ['no DNS part', { dns: undefined }],
    ['a status that is no boolean', { tcp_connect: { '198.51.100.7:443': { status: 1, failure: null } } }],
    ['a length below -1', { http_request: { ...response.http_request, body_length: -2 } }],
    ['headers that are lists', { http_request: { ...response.http_request, headers: { A: ['b'] } } }],
    ['addresses that are null', { dns: { failure: null, addrs: null } }],
    ['a network as text', { ip_info: { '198.51.100.7': { asn: 'AS64500', flags: 0 } } }],
  ])('refuses %s', (_, change) => {
    expect(v.is(testHelperResponse, { ...response, ...change })).toBe(false)
  })
})

describe('readEndpoint()', () => {
  it.each([
    ['198.51.100.7:443', { ip: '198.51.100.7', port: 443 }],
    ['[2001:db8::7]:80', { ip: '2001:db8::7', port: 80 }],
    ['[::ffff:198.51.100.7]:80', { ip: '::ffff:198.51.100.7', port: 80 }],
    ['[64:ff9b::198.51.100.7]:80', { ip: '64:ff9b::198.51.100.7', port: 80 }],
  ])('reads %s, and writeEndpoint() writes it again', (text, endpoint) => {
    expect(readEndpoint(text)).toEqual(endpoint)
    expect(writeEndpoint(endpoint)).toBe(text)
  })

  it.each([
    ['a name', 'localhost:80'],
    ['no port', '198.51.100.7'],
    ['port 0', '198.51.100.7:0'],
    ['port 65536', '198.51.100.7:65536'],
    ['a port with a sign', '198.51.100.7:+80'],
    ['a port in octal', '198.51.100.7:080'],
    ['two ports', '198.51.100.7:80:80'],
    ['an address in one number', '2130706433:80'],
    ['an address in octal', '0177.0.0.1:80'],
    ['an address in hex', '0x7f.0.0.1:80'],
    ['a short address', '127.1:80'],
    ['five bytes', '1.2.3.4.5:80'],
    ['a byte of 256', '256.1.1.1:80'],
    ['IPv6 without brackets', '2001:db8::7:80'],
    ['IPv4 in brackets', '[198.51.100.7]:80'],
    ['a zone', '[fe80::1%eth0]:80'],
    ['a space', ' 198.51.100.7:80'],
    ['two gaps', '[2001::db8::7]:80'],
    ['a URL', 'http://198.51.100.7:80'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(readEndpoint(text)).toBeNull()
  })
})
