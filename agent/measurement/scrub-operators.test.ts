// What a network writes about its customer, in text and in bytes, and what of it is left in a measurement.

import { createHash, X509Certificate } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { decode, encode } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import { makeAuthority } from '../../test/support/certificates.ts'
import { digestsOf } from '../../tests-spec/data-formats/body-digest.ts'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { scrubNetworkText, scrubOwnAddresses } from './scrub.ts'

interface Exchange {
  readonly url?: string
  readonly depth?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly sent?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly title?: string
}

function requestOf({
  url = 'http://a.example/',
  depth = 0,
  headers = {},
  sent = {},
  body,
  title,
}: Exchange): HttpRequest {
  const text = body?.toString('utf8') ?? ''
  const isText = body === undefined || Buffer.from(text).equals(body)
  return {
    ...{
      t0: 0,
      t: 1,
      transaction_id: 1,
      tags: [`depth=${depth}`],
      network: 'tcp',
      address: '198.51.100.1:80',
    },
    ...{ alpn: '', failure: null },
    request: {
      ...{ method: 'GET', url, headers: { ...sent }, headers_list: Object.entries(sent) },
      ...{ body: '', body_is_truncated: false, x_transport: 'tcp' },
    },
    response: {
      ...{
        code: 200,
        headers: { ...headers },
        headers_list: Object.entries(headers),
        body_is_truncated: false,
      },
      body: isText ? text : { data: body.toString('base64'), format: 'base64' },
      ...(body !== undefined && digestsOf(body, true)),
      ...(title !== undefined && { x_sonde_title: title }),
    },
  }
}

function scrubbedRequest(exchange: Exchange, own: readonly string[] = []): HttpRequest {
  const seen: Observations = {
    ...{ queries: [], tcp_connect: [], tls_handshakes: [], network_events: [] },
    requests: [requestOf(exchange)],
  }
  return scrubNetworkText(seen, own).requests[0] as HttpRequest
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('scrubNetworkText()', () => {
  it.each([
    ['http://portal.example/203.0.113.7/x', 'http://portal.example/[scrubbed]/x'],
    ['http://portal.example/from/203-0-113-7/', 'http://portal.example/from/[scrubbed]/'],
    ['http://203-0-113-7.portal.example/', 'http://scrubbed.portal.example/'],
    ['http://203-000-113-007.portal.example/', 'http://scrubbed.portal.example/'],
    // The portal itself, which is evidence.
    ['http://198.51.100.1/x', 'http://198.51.100.1/x'],
    ['http://portal.example/2026-11-27/', 'http://portal.example/2026-11-27/'],
  ])('makes %s of a URL that a redirect led to %s', (url, expected) => {
    const host = new URL(url).host
    const hop = scrubbedRequest({ url, depth: 1, sent: { Host: host } })
    expect(hop.request.url).toBe(expected)
    expect(scrubbedRequest({ url, depth: 0 }).request.url).toBe(url)
    if (expected.includes('//scrubbed.')) expect(JSON.stringify(hop.request)).not.toContain(host)
  })

  it('takes a line of the provider out of the lookups and handshakes that a redirect led to, and of no other', () => {
    const at = (depth: number) => ({ t0: 0, t: 1, transaction_id: 1, tags: [`depth=${depth}`] })
    const name = 'host-203-0-113-7.isp.example'
    const query = {
      engine: 'getaddrinfo' as const,
      hostname: name,
      query_type: 'A',
      failure: null,
      answers: null,
    }
    const asked = { ...query, resolver_address: '', resolver_hostname: null, resolver_port: null }
    const shaken = {
      ...{ network: 'tcp' as const, address: '', server_name: name, failure: null, tls_version: '' },
      ...{ cipher_suite: '', negotiated_protocol: '', no_tls_verify: false, peer_certificates: [] },
      ...{ x_sonde_bytes_received: 0, x_sonde_bytes_sent: 0 },
    }
    const out = scrubNetworkText({
      queries: [0, 1].map((depth) => ({ ...asked, ...at(depth) })),
      tls_handshakes: [0, 1].map((depth) => ({ ...shaken, ...at(depth) })),
      ...{ tcp_connect: [], requests: [], network_events: [] },
    })
    const expected = [name, 'host-scrubbed.isp.example']
    expect(out.queries.map(({ hostname }) => hostname)).toEqual(expected)
    expect(out.tls_handshakes.map(({ server_name }) => server_name)).toEqual(expected)
  })

  it.each([
    ['X-MSISDN', '22376543210'],
    ['X-Up-Calling-Line-Id', '76543210@operator.example'],
    ['X-Nokia-Msisdn', '+223 76 54 32 10'],
    ['X-Up-Subno', 'abc_operator.example'],
    ['X-Imsi', '610021234567890'],
    ['X-Uidh', 'MTIzNDU2'],
    ['X-Vf-Acr', 'abcdef'],
    ['Tm_User-Id', 'Subscriber:76543210'],
    ['X-Odd', '+22376543210'],
    ['X-Client', '203.000.113.007'],
    ['X-Client', '203&#46;0&#46;113&#46;7'],
    ['X-Client', '2001&#58;db8&#58;&#58;7'],
  ])('takes the customer out of %s: %s', (name, value) => {
    const { response } = scrubbedRequest({ headers: { [name]: value } })
    expect(response.headers).toEqual({ [name]: '[scrubbed]' })
    expect(response.headers_list).toEqual([[name, '[scrubbed]']])
  })

  it.each([
    ['Content-Length', '100000000'],
    ['Age', '12345678'],
    ['Etag', '"5f3c1a2b-12345678"'],
    ['Date', 'Fri, 27 Nov 2026 22:16:34 GMT'],
    ['X-Request-Id', '1234567'],
    ['Server', 'nginx/1.22.1'],
  ])('leaves %s: %s', (name, value) => {
    expect(scrubbedRequest({ headers: { [name]: value } }).response.headers).toEqual({ [name]: value })
  })

  it('leaves a number under any name that came inside TLS, where the site writes', () => {
    const headers = { 'X-Odd': '22376543210' }
    expect(scrubbedRequest({ url: 'https://a.example/', headers }).response.headers).toEqual(headers)
  })

  it('takes a telephone number out of the title of a clear-text page', () => {
    expect(scrubbedRequest({ title: 'Bonjour 22376543210' }).response.x_sonde_title).toBe(
      'Bonjour [scrubbed]',
    )
    expect(scrubbedRequest({ title: 'News of 20261127' }).response.x_sonde_title).toBe('News of 20261127')
    const secure = scrubbedRequest({ url: 'https://a.example/', title: 'Call 22376543210' })
    expect(secure.response.x_sonde_title).toBe('Call 22376543210')
  })

  it('makes both digests of the body without an address, however it is spelled', () => {
    const body = Buffer.from('<p>10-20-0-1, you are blocked</p>')
    const { response } = scrubbedRequest({ body }, ['10.20.0.1'])
    const left = sha256('<p>[scrubbed], you are blocked</p>')
    expect(response).toMatchObject({ x_sonde_body_sha256: left, x_sonde_body_head_sha256: left })
    expect(scrubbedRequest({ body }, ['10.20.0.2']).response).toMatchObject(digestsOf(body, true))
  })

  it('does the same of a body that is no UTF-8', () => {
    const body = Buffer.from('acc\xe8s 203.0.113.7', 'latin1')
    const left = Buffer.from('acc\xe8s [scrubbed]', 'latin1')
    expect(scrubbedRequest({ body }).response).toMatchObject({
      ...digestsOf(left, true),
      body: { data: left.toString('base64'), format: 'base64' },
    })
  })

  it('keeps no digest of a packed page that tells the address, since that can be tried', () => {
    const headers = { 'Content-Encoding': 'gzip' }
    const told = scrubbedRequest({ headers, body: gzipSync('you are 203.0.113.7') }).response
    expect(told).not.toHaveProperty('x_sonde_body_sha256')
    expect(told).not.toHaveProperty('x_sonde_body_head_sha256')
    expect(told.body).toBe('')
    expect(scrubbedRequest({ headers, body: gzipSync('you are nobody') }).response).toHaveProperty(
      'x_sonde_body_sha256',
    )
  })
})

describe('scrubOwnAddresses() in bytes', () => {
  const own = ['10.20.0.1', '2001:db8:0:1::9']

  it('takes them out of a certificate, which can still be read', () => {
    const names = ['10.20.0.1', '2001:db8:0:1::9', 'host-10-20-0-1.isp.example', '198.51.100.7']
    const { raw } = new X509Certificate(makeAuthority().issue({ names }).cert)
    const chain = [{ data: raw.toString('base64'), format: 'base64' }]
    const [kept] = scrubOwnAddresses({ peer_certificates: chain }, own).peer_certificates
    const after = Buffer.from(kept?.data ?? '', 'base64')
    expect(after).toHaveLength(raw.length)
    const { subjectAltName } = new X509Certificate(after)
    expect(subjectAltName).toContain('DNS:host-xx-xx-x-x.isp.example')
    expect(subjectAltName).toContain('IP Address:0.0.0.0')
    expect(subjectAltName).toContain('IP Address:198.51.100.7')
    expect(subjectAltName).not.toMatch(/10\.20\.0\.1|10-20-0-1|2001:DB8/i)
  })

  it('leaves the certificate of somebody else alone', () => {
    const names = ['10.20.0.2', 'host-10-20-0-11.isp.example']
    const { raw } = new X509Certificate(makeAuthority().issue({ names }).cert)
    const chain = { peer_certificates: [{ data: raw.toString('base64'), format: 'base64' }] }
    expect(scrubOwnAddresses(chain, own)).toEqual(chain)
  })

  const answer = (address: string, target: string) =>
    encode({
      ...{ type: 'response', id: 1, questions: [{ type: 'A', name: 'a.example' }] },
      answers: [
        { type: 'CNAME', name: 'a.example', ttl: 9, data: target },
        { type: 'A', name: target, ttl: 9, data: address },
      ],
    })

  it('takes them out of a reply of DNS and its names, which can still be read', () => {
    const seen = {
      answers: [{ hostname: 'ip-010-020-000-001.isp.example', answer_type: 'CNAME' }],
      raw_response: answer('10.20.0.1', 'ip-10-20-0-1.isp.example').toString('base64'),
      x_sonde_late_replies: [{ raw: answer('198.51.100.7', '1.0.20.10.in-addr.arpa').toString('base64') }],
    }
    const out = scrubOwnAddresses(seen, own)
    expect(out.answers[0]?.hostname).toBe('ip-[scrubbed].isp.example')
    expect(decode(Buffer.from(out.raw_response, 'base64')).answers).toMatchObject([
      { data: 'ip-xx-xx-x-x.isp.example' },
      { name: 'ip-xx-xx-x-x.isp.example', data: '0.0.0.0' },
    ])
    const [late] = out.x_sonde_late_replies
    expect(decode(Buffer.from(late?.raw ?? '', 'base64')).answers).toMatchObject([
      { data: 'x.x.xx.xx.in-addr.arpa' },
      { data: '198.51.100.7' },
    ])
  })

  it('leaves a reply about somebody else alone', () => {
    const seen = { raw_response: answer('10.20.0.2', 'ip-10-20-0-11.isp.example').toString('base64') }
    expect(scrubOwnAddresses(seen, own)).toEqual(seen)
  })
})
