import { describe, expect, it } from 'vitest'
import { isInRanges, untranslated } from './address-range.ts'
import { isMetaAddress, metaPrefixes } from './meta-prefixes.ts'

describe('isInRanges()', () => {
  const ranges = ['192.0.2.128/25', '2001:db8:40::/42']
  it.each([
    ['192.0.2.128', true],
    ['192.0.2.255', true],
    ['192.0.2.127', false],
    ['2001:db8:40::1', true],
    ['2001:db8:7f:ffff::', true],
    ['2001:db8:80::', false],
    ['not an address', false],
  ])('says of %s: %s', (ip, is) => {
    expect(isInRanges(ip, ranges)).toBe(is)
  })

  it('never takes an IPv4 address for the first 32 bits of an IPv6 range', () => {
    // 42.3.40.128 has the bits of 2a03:2880::/32.
    expect(isInRanges('42.3.40.128', ['2a03:2880::/32'])).toBe(false)
  })

  it('is in no range of an empty list', () => {
    expect(isInRanges('192.0.2.1', [])).toBe(false)
  })
})

describe('isMetaAddress()', () => {
  it.each(['31.13.64.1', '157.240.1.35', '2a03:2880:f11c::1', '2620:0:1cff::1', '163.70.128.35'])(
    'knows %s',
    (ip) => {
      expect(isMetaAddress(ip)).toBe(true)
    },
  )
  it.each([
    '31.13.63.255',
    '157.241.0.1',
    '2a03:2881::1',
    '2620:0:1d00::1',
    '163.70.127.255',
    '198.51.100.1',
  ])('does not know %s', (ip) => {
    expect(isMetaAddress(ip)).toBe(false)
  })
  it('has prefixes without host bits and each once', () => {
    expect(new Set(metaPrefixes).size).toBe(metaPrefixes.length)
    for (const prefix of metaPrefixes) expect(isMetaAddress(prefix.split('/')[0] ?? '')).toBe(true)
  })
})

describe('untranslated()', () => {
  it.each([
    ['64:ff9b::21.0.0.10', '21.0.0.10'],
    ['64:ff9b::1500:a', '21.0.0.10'],
    ['64:FF9B:0:0:0:0:ffff:1', '255.255.0.1'],
    ['64:ff9b:1::1500:a', '64:ff9b:1::1500:a'],
    ['2d00:22::10', '2d00:22::10'],
    ['21.0.0.10', '21.0.0.10'],
    ['no address', 'no address'],
  ])('makes of %s', (ip, ipv4) => {
    expect(untranslated(ip)).toBe(ipv4)
  })
})
