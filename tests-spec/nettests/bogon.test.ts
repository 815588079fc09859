import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBogon } from './bogon.ts'

describe('isBogon()', () => {
  it.each([
    ['0.0.0.0', 'this host'],
    ['10.255.255.255', 'the last private address of class A'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['100.127.255.255', 'the last of carrier-grade NAT'],
    ['127.0.0.53', 'a stub resolver on the device'],
    ['169.254.1.1', 'link-local'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'the last of 172.16/12'],
    ['192.0.0.8', 'protocol assignments'],
    ['192.0.2.1', 'documentation'],
    ['192.168.1.1', 'the router at home'],
    ['198.18.0.1', 'benchmarks'],
    ['198.19.255.255', 'the last of benchmarks'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.9', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::8.8.8.8', 'IPv4-compatible'],
    ['::ffff:8.8.8.8', 'IPv4-mapped, whatever it maps'],
    ['::ffff:808:808', 'the same in hexadecimal'],
    ['100::1', 'discard only'],
    ['2001:10::1', 'ORCHID'],
    ['2001:1f:ffff::1', 'the last of ORCHID'],
    ['2001:db8::1', 'documentation'],
    ['fc00::1', 'unique local'],
    ['fdff:ffff::1', 'unique local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['64:ff9b::192.168.1.1', 'the router at home, behind a translator'],
    ['64:ff9b:1::192.168.1.1', 'the same behind a translator of the network'],
    ['64:ff9b::a00:1', 'the same of another home, in hexadecimal'],
    ['FF02::1', 'multicast in capitals'],
    ['2002:a00:1::', '6to4 of 10.0.0.1'],
    ['2002:c0a8:101::1', '6to4 of 192.168.1.1'],
    ['2001:0:7f00:1::', 'Teredo by a server at 127.0.0.1'],
  ])('says that %s is one (%s)', (ip) => {
    expect(isBogon(ip)).toBe(true)
  })

  it.each([
    ['1.1.1.1', 'public'],
    ['9.255.255.255', 'just below 10/8'],
    ['11.0.0.0', 'just above it'],
    ['100.63.255.255', 'just below carrier-grade NAT'],
    ['100.128.0.0', 'just above it'],
    ['172.15.255.255', 'just below 172.16/12'],
    ['172.32.0.0', 'just above it'],
    ['192.0.1.1', 'between two documentation ranges'],
    ['198.17.255.255', 'just below the benchmarks'],
    ['198.20.0.0', 'just above them'],
    ['223.255.255.255', 'the last unicast address'],
    ['2606:4700:4700::1111', 'public'],
    ['2001:20::1', 'just above ORCHID'],
    ['2001:db7:ffff::1', 'just below documentation'],
    ['101::1', 'above discard only'],
    ['2002:808:808::1', '6to4 of a public address'],
    ['2001:0:808:808::', 'Teredo by a public server'],
    ['64:ff9b:1:fffe::8.8.8.8', 'a public one behind a translator of the network'],
    ['64:ff9b::8.8.8.8', 'a public address behind a translator'],
  ])('says that %s is none (%s)', (ip) => {
    expect(isBogon(ip)).toBe(false)
  })

  it.each([
    '',
    'www.example.test',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '08.8.8.8',
    '1:2',
    '1::2::3',
    '2606:4700:1:2:3:4:5:6:7',
    '2606:4700:1:2:3:4:5::6:7',
    '[2606:4700::1]',
    '8.8.8.8::1',
    '12345::1',
    'g::1',
    '2606:4700::8.8.8',
  ])('takes "%s", which is no IP literal, for one', (text) => {
    expect(isIP(text)).toBe(0)
    expect(isBogon(text)).toBe(true)
  })

  it('reads what Node.js reads as an address, and nothing else', () => {
    const text = fc.string({
      unit: fc.constantFrom(':', ':', '::', '.', '0', '1', '99', '255', 'f'),
      maxLength: 20,
    })
    fc.assert(
      fc.property(text, (tail) => {
        // 2600::/8 and 8.0.0.0/8 are public, so only what is no address can be a bogon there.
        for (const ip of [`2600:${tail}`, `8.${tail}`]) expect(isBogon(ip)).toBe(isIP(ip) === 0)
      }),
      { numRuns: 5000 },
    )
  })

  it('gives one answer for all spellings of an address', () => {
    const group = fc.constantFrom('0', '0', '0', 'ffff', 'fe80', '2001', '2002', 'a00', 'db8', '2606')
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const long = groups.join(':')
        const short = new URL(`http://[${long}]/`).hostname.slice(1, -1)
        expect(isBogon(short)).toBe(isBogon(long))
      }),
    )
  })
})
