import { describe, expect, it } from 'vitest'
import { canonical, checkNothing, checkPublic } from './destination.ts'

const check = checkPublic(() => ['1.2.3.4', '2620:1::4'])

describe('checkPublic()', () => {
  // These addresses are public only as numbers: nothing is sent to them.
  it.each([
    ['the first of 1.0.0.0/8', '1.0.0.0'],
    ['below 10.0.0.0/8', '9.255.255.255'],
    ['above 10.0.0.0/8', '11.0.0.0'],
    ['below the range of carriers', '100.63.255.255'],
    ['above it', '100.128.0.0'],
    ['above 172.16.0.0/12', '172.32.0.0'],
    ['below multicast', '223.255.255.255'],
    ['beside the agent of Azure', '168.63.129.17'],
    ['an IPv6 host', '2620:2::7'],
    ['the last of 2000::/3 but the documentation', '3ffe:ffff::1'],
    ['above the protocols of 2001::/23', '2001:200::1'],
  ])('lets %s through', (_, ip) => {
    expect(check(ip)).toBe(ip)
  })

  it.each([
    ['this network', '0.0.0.0'],
    ['this network, any host', '0.1.2.3'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private, the last', '172.31.255.255'],
    ['private', '192.168.0.1'],
    ['carriers', '100.64.0.1'],
    ['metadata of Alibaba', '100.100.100.200'],
    ['loopback', '127.0.0.1'],
    ['loopback, the last', '127.255.255.255'],
    ['link-local', '169.254.0.1'],
    ['metadata of most clouds', '169.254.169.254'],
    ['metadata of containers', '169.254.170.2'],
    ['metadata of Oracle', '192.0.0.192'],
    ['metadata of Azure, which is public', '168.63.129.16'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['benchmarks', '198.18.0.1'],
    ['relays of 6to4', '192.88.99.1'],
    ['AS112', '192.175.48.6'],
    ['AS112, by redirection', '192.31.196.1'],
    ['AS112 of IPv6', '2620:4f:8000::1'],
    ['AS112 of IPv6, by redirection', '2001:4:112::1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['loopback in full', '0:0:0:0:0:0:0:1'],
    ['mapped loopback', '::ffff:127.0.0.1'],
    ['mapped loopback in hex', '::ffff:7f00:1'],
    ['a mapped public address', '::ffff:9.9.9.9'],
    ['compatible loopback', '::127.0.0.1'],
    ['translated (RFC 2765)', '::ffff:0:127.0.0.1'],
    ['6to4 of loopback', '2002:7f00:1::1'],
    ['6to4 of a public address', '2002:909:909::1'],
    ['Teredo of a private server', '2001:0:a00:1::1'],
    ['Teredo of a private client behind a public server', '2001:0:909:909:0:ffff:80ff:fffe'],
    ['NAT64 of loopback', '64:ff9b::127.0.0.1'],
    ['NAT64 of metadata in hex', '64:ff9b::a9fe:a9fe'],
    ['NAT64 of a public address', '64:ff9b::9.9.9.9'],
    ['NAT64 of a network of its own', '64:ff9b:1::10.0.0.1'],
    ['discard', '100::1'],
    ['unique local', 'fd00::1'],
    ['unique local', 'fc00::1'],
    ['metadata of Amazon', 'fd00:ec2::254'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%lo'],
    ['loopback with a zone', '::1%lo'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['documentation', '2001:db8::1'],
    ['documentation, the new range', '3fff::1'],
    ['benchmarks', '2001:2::1'],
    ['ORCHID', '2001:20::1'],
    ['segment routing', '5f00::1'],
    ['what nobody was given', '4000::1'],
    ['our own address', '1.2.3.4'],
    ['our own address in another spelling', '2620:0001:0:0:0:0:0:0004'],
    ['a name', 'localhost'],
    ['a number', '2130706433'],
    ['octal', '0177.0.0.1'],
    ['hex', '0x7f.0.0.1'],
    ['a short address', '127.1'],
    ['brackets', '[2620:2::7]'],
    ['nothing', ''],
  ])('keeps out %s (%s)', (_, ip) => {
    expect(check(ip)).toBeNull()
  })

  it('writes one spelling for each address', () => {
    expect(check('2620:0002:0:0:0:0:0:7')).toBe('2620:2::7')
    expect(check('2620:2::A')).toBe('2620:2::a')
  })

  it('knows the addresses of this machine by itself', () => {
    expect(checkPublic()('127.0.0.1')).toBeNull()
    expect(checkPublic()('9.255.255.255')).toBe('9.255.255.255')
  })
})

describe('checkNothing()', () => {
  it('lets every address through, and nothing that is none', () => {
    expect(checkNothing('127.0.0.1')).toBe('127.0.0.1')
    expect(checkNothing('0:0::1')).toBe('::1')
    expect(checkNothing('localhost')).toBeNull()
  })
})

describe('canonical()', () => {
  it('has no zones and no names', () => {
    expect(['fe80::1%eth0', 'a.test', ''].map(canonical)).toEqual([null, null, null])
  })
})
