import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { isSourceGone, sourceAddresses, sourceFor } from './source-addresses.ts'

const ipv4 = (address: string): NetworkInterfaceInfo => ({
  ...{ address, family: 'IPv4', netmask: '255.255.255.0', mac: '', internal: false, cidr: `${address}/24` },
})
const ipv6 = (address: string, scopeid: number): NetworkInterfaceInfo => ({
  ...{ address, family: 'IPv6', netmask: 'ffff:ffff:ffff:ffff::', mac: '', internal: false },
  ...{ cidr: `${address}/64`, scopeid },
})
const interfaces = {
  wlan0: [ipv4('10.0.0.7'), ipv4('10.0.0.8'), ipv6('fe80::1', 2), ipv6('2001:db8::7', 0)],
  wwan0: [ipv4('10.9.0.7')],
  eth0: [],
}

describe('sourceAddresses()', () => {
  it.each([
    ['wlan0', { ipv4: '10.0.0.7', ipv6: '2001:db8::7' }],
    ['wwan0', { ipv4: '10.9.0.7', ipv6: null }],
    ['eth0', { ipv4: null, ipv6: null }],
    ['usb0', { ipv4: null, ipv6: null }],
    // The kernel knows loopback's addresses, and nobody has those for documentation.
    ['127.0.0.9', { ipv4: '127.0.0.9', ipv6: null }],
    ['192.0.2.1', { ipv4: null, ipv6: null }],
    ['2001:db8::1', { ipv4: null, ipv6: null }],
  ])('finds what %s has', async (named, expected) => {
    const sources = await sourceAddresses(named, interfaces)
    expect(sources).toEqual(expected)
    expect(isSourceGone(sources)).toBe(expected.ipv4 === null && expected.ipv6 === null)
  })

  it('is asked for a family at a time', async () => {
    const sources = await sourceAddresses('wwan0', interfaces)
    expect([sourceFor(sources, '198.51.100.1'), sourceFor(sources, '2001:db8::9')]).toEqual([
      '10.9.0.7',
      null,
    ])
  })
})
