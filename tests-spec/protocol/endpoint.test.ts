// Endpoints: which are valid, which contradict themselves, and that one of a later kind does not cost the others.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import {
  type Endpoint,
  endpoint,
  endpointId,
  endpointSetting,
  readEndpoints,
  transportOf,
} from './endpoint.ts'

const pin = `${'A'.repeat(43)}=`
const url = 'https://collector.example'
const tor = { kind: 'socks5', host: '127.0.0.1', port: 9050 } as const

describe('endpoint', () => {
  it.each<[string, object]>([
    ['a name', { kind: 'collector', url }],
    ['another port and a path', { kind: 'collector', url: 'https://collector.example:8443/intake/' }],
    [
      'a fixed address under a decoy name and a pin',
      { kind: 'collector', url, ip: '192.0.2.1', sni: 'cdn.example', pins: [pin] },
    ],
    ['no name at all', { kind: 'collector', url, ip: '2001:db8::1', sni: null, pins: [pin, pin] }],
    ['an address for a name', { kind: 'collector', url: 'https://[2001:db8::1]:8443' }],
    [
      'a proxy that is asked for an address',
      { kind: 'collector', url, ip: '192.0.2.1', proxy: { ...tor, kind: 'connect' } },
    ],
    ['a proxy with a password', { kind: 'collector', url, proxy: { ...tor, user: 'u', password: 'p' } }],
    ['an onion name', { kind: 'collector', url: 'http://abcdef.onion', proxy: tor }],
    ['a relay', { kind: 'relay', url: 'https://store.example/drop/' }],
  ])('is %s', (_, each) => {
    expect(v.is(endpoint, each)).toBe(true)
    expect(v.is(endpointSetting, each)).toBe(true)
  })

  it.each<[string, object]>([
    ['of an unknown kind', { kind: 'pigeon', url }],
    ['without an address', { kind: 'collector' }],
    ['of another scheme', { kind: 'collector', url: 'ftp://collector.example' }],
    ['with a password in the URL', { kind: 'collector', url: 'https://u:p@collector.example' }],
    ['with a query', { kind: 'collector', url: `${url}/?a=b` }],
    ['with a fragment', { kind: 'collector', url: `${url}/#a` }],
    ['with a name for its ip', { kind: 'collector', url, ip: 'collector.example' }],
    ['with an empty name', { kind: 'collector', url, sni: '' }],
    ['with a name that breaks a header', { kind: 'collector', url, sni: 'a\r\nb' }],
    ['with no pin where there should be one', { kind: 'collector', url, pins: [] }],
    ['with a pin in hex', { kind: 'collector', url, pins: ['ab'.repeat(32)] }],
    ['with a pin of 31 bytes', { kind: 'collector', url, pins: [Buffer.alloc(31).toString('base64')] }],
    ['with a pin and no TLS', { kind: 'collector', url: 'http://collector.example', pins: [pin] }],
    ['with a decoy name and no TLS', { kind: 'collector', url: 'http://collector.example', sni: null }],
    ['with an onion name and no proxy', { kind: 'collector', url: 'http://abcdef.onion' }],
    [
      'with an onion name asked of a CONNECT proxy',
      { kind: 'collector', url: 'http://abcdef.onion', proxy: { ...tor, kind: 'connect' } },
    ],
    ['with two who resolve', { kind: 'collector', url, ip: '192.0.2.1', proxy: tor }],
    ['through an unknown proxy', { kind: 'collector', url, proxy: { ...tor, kind: 'socks4' } }],
    ['through a proxy without a port', { kind: 'collector', url, proxy: { kind: 'socks5', host: 'a' } }],
    ['through port 0', { kind: 'collector', url, proxy: { ...tor, port: 0 } }],
    [
      'through a proxy whose password SOCKS5 cannot say',
      { kind: 'collector', url, proxy: { ...tor, user: 'u', password: 'p'.repeat(256) } },
    ],
  ])('is nothing %s', (_, each) => {
    expect(v.is(endpoint, each)).toBe(false)
    expect(v.is(endpointSetting, each)).toBe(false)
  })

  it('keeps an unknown field when it is signed, and is refused with one when a person wrote it', () => {
    const later = { kind: 'collector', url, ech: 'AA==' }
    expect(readEndpoints([later])).toEqual([later])
    expect(v.is(endpointSetting, later)).toBe(false)
    expect(v.is(endpointSetting, { kind: 'collector', url, proxy: { ...tor, dns: 'local' } })).toBe(false)
  })

  it('of a later kind is passed over and costs the others nothing', () => {
    expect(readEndpoints([{ kind: 'pigeon', url }, null, 7, { kind: 'collector', url }])).toEqual([
      { kind: 'collector', url },
    ])
  })
})

describe('endpointId()', () => {
  const base: Endpoint = { kind: 'collector', url }
  it('is the same for the same way, whatever else is said of it', () => {
    expect(endpointId({ ...base, note: 'x' })).toBe(endpointId(base))
    expect(endpointId({ ...base, pins: [pin, 'b'] })).toBe(endpointId({ ...base, pins: ['b', pin] }))
  })
  it('differs in everything that makes another way, and shows nothing of it', () => {
    const ways: Endpoint[] = [
      base,
      { ...base, kind: 'relay' },
      { ...base, url: `${url}:8443` },
      { ...base, ip: '192.0.2.1' },
      { ...base, sni: null },
      { ...base, sni: 'cdn.example' },
      { ...base, pins: [pin] },
      { ...base, proxy: tor },
      { ...base, proxy: { ...tor, kind: 'connect' } },
    ]
    const ids = ways.map(endpointId)
    expect(new Set(ids).size).toBe(ways.length)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/)
  })
  it('goes with a word for the transport', () => {
    expect(transportOf(base)).toBe('direct')
    expect(transportOf({ ...base, ip: '192.0.2.1' })).toBe('fixed_ip')
    expect(transportOf({ ...base, proxy: tor })).toBe('socks5')
    expect(transportOf({ ...base, ip: '192.0.2.1', proxy: { ...tor, kind: 'connect' } })).toBe('connect')
    expect(transportOf({ ...base, kind: 'relay', proxy: tor })).toBe('relay')
  })
})
