// Which addresses the helper connects to. Everybody on the internet can tell it where to connect, so this is what
// stands between them and the machines around it: test-helper.md, "What a helper must not become". A connection wants
// a `CheckedAddress`, and only the functions made here give one.

import { BlockList, isIP, SocketAddress } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isBogon } from '../../tests-spec/nettests/bogon.ts'

declare const checked: unique symbol
/** An IP literal in its usual spelling that may be connected to. */
export type CheckedAddress = string & { readonly [checked]: true }

/** @returns null when `ip` must not be connected to, and for what is no IP literal. */
export type CheckAddress = (ip: string) => CheckedAddress | null

/**
 * Lets through what can be a public service.
 *
 * @param ownAddresses - Of this machine, asked each time: a firewall lets a machine reach itself where it lets nobody
 *   else.
 */
export function checkPublic(ownAddresses: () => readonly string[] = addressesOfInterfaces): CheckAddress {
  return (ip) => {
    const address = canonical(ip)
    if (address === null || isBogon(address) || ownAddresses().includes(address)) return null
    const free = address.includes(':') ? isPublicIpv6(address) : !closedIpv4.check(address, 'ipv4')
    return free ? (address as CheckedAddress) : null
  }
}

/** Lets every address through: for laboratories, where nothing is public. */
export const checkNothing: CheckAddress = (ip) => canonical(ip) as CheckedAddress | null

/** One spelling per address: `2001:DB8:0::7` and `2001:db8::7` are the same place. null when it is no IP literal. */
export function canonical(ip: string): string | null {
  const family = isIP(ip)
  // A zone names an interface of ours, which is nobody else's to choose.
  if (family === 0 || ip.includes('%')) return null
  return family === 4 ? ip : new SocketAddress({ address: ip, family: 'ipv6' }).address
}

/** Public by their number, and yet not services of the public. The rest of what is closed are the bogons. */
const closedIpv4 = new BlockList()
// Azure's metadata and agent service, reachable from every machine there.
closedIpv4.addAddress('168.63.129.16')
// Once the anycast address of 6to4 relays (RFC 7526): what is sent there comes out elsewhere.
closedIpv4.addSubnet('192.88.99.0', 24)

/** All that IANA has given out for hosts. Outside it lie `::/96`, mapped addresses and NAT64's 64:ff9b::/96. */
const globalIpv6 = new BlockList()
globalIpv6.addSubnet('2000::', 3, 'ipv6')

const closedIpv6 = new BlockList()
// Teredo, benchmarks, ORCHID and other protocols (RFC 2928): none of them a host's address.
closedIpv6.addSubnet('2001::', 23, 'ipv6')
// 6to4: any IPv4 address, private ones too, behind a head. No service has lived there for years.
closedIpv6.addSubnet('2002::', 16, 'ipv6')
// The second range for documentation (RFC 9637).
closedIpv6.addSubnet('3fff::', 20, 'ipv6')

function isPublicIpv6(address: string): boolean {
  return globalIpv6.check(address, 'ipv6') && !closedIpv6.check(address, 'ipv6')
}

function addressesOfInterfaces(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}
