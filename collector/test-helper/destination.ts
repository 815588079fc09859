// Which addresses the helper connects to. Any client on the internet can tell it where to connect, so this check
// protects the machines around it: test-helper.md, "What a helper must not become". A connection requires a
// `CheckedAddress`, and only the functions made here give one.

import { BlockList, isIP, SocketAddress } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isBogon } from '../../tests-spec/nettests/bogon.ts'

declare const checked: unique symbol
/** An IP literal in its usual spelling to which connecting is allowed. */
export type CheckedAddress = string & { readonly [checked]: true }

/** @returns null when connecting to `ip` is not allowed, and when it is no IP literal. */
export type CheckAddress = (ip: string) => CheckedAddress | null

/**
 * Allows addresses that can belong to a public service.
 *
 * @param ownAddresses - Gives this machine's addresses, asked each time: a firewall lets a machine reach itself where
 * it blocks all others.
 */
export function checkPublic(ownAddresses: () => readonly string[] = addressesOfInterfaces): CheckAddress {
  return (ip) => {
    const address = canonical(ip)
    if (address === null || isBogon(address) || ownAddresses().includes(address)) return null
    const free = address.includes(':') ? isPublicIpv6(address) : !closedIpv4.check(address, 'ipv4')
    return free ? (address as CheckedAddress) : null
  }
}

/** Allows every address: for laboratories, where nothing is public. */
export const checkNothing: CheckAddress = (ip) => canonical(ip) as CheckedAddress | null

/**
 * Gives each address one spelling: `2001:DB8:0::7` and `2001:db8::7` are the same place. null when it is no IP
 * literal.
 */
export function canonical(ip: string): string | null {
  const family = isIP(ip)
  // A zone names an interface of this machine, which a client may not choose.
  if (family === 0 || ip.includes('%')) return null
  return family === 4 ? ip : new SocketAddress({ address: ip, family: 'ipv6' }).address
}

/**
 * Addresses that are public by their number, and still do not belong to public services. The other forbidden
 * addresses are the bogons.
 */
const closedIpv4 = new BlockList()
// Azure's metadata and agent service, which every machine there can reach.
closedIpv4.addAddress('168.63.129.16')
// Once the anycast address of 6to4 relays (RFC 7526): packets to it come out elsewhere.
closedIpv4.addSubnet('192.88.99.0', 24)
// AS112, which answers for private addresses looked up by mistake (RFC 7534, 7535): each network has its own.
closedIpv4.addSubnet('192.31.196.0', 24)
closedIpv4.addSubnet('192.175.48.0', 24)

/**
 * All addresses that IANA has assigned for hosts. Outside of them are `::/96`, mapped addresses and NAT64's
 * 64:ff9b::/96.
 */
const globalIpv6 = new BlockList()
globalIpv6.addSubnet('2000::', 3, 'ipv6')

const closedIpv6 = new BlockList()
// Teredo, benchmarks, ORCHID and other protocols (RFC 2928): none of these is a host's address.
closedIpv6.addSubnet('2001::', 23, 'ipv6')
// 6to4: any IPv4 address, private ones included, behind a prefix. There have been no services there for years.
closedIpv6.addSubnet('2002::', 16, 'ipv6')
// The second range for documentation (RFC 9637).
closedIpv6.addSubnet('3fff::', 20, 'ipv6')
// AS112, as above; its other prefix is in 2001::/23.
closedIpv6.addSubnet('2620:4f:8000::', 48, 'ipv6')

function isPublicIpv6(address: string): boolean {
  return globalIpv6.check(address, 'ipv6') && !closedIpv6.check(address, 'ipv6')
}

function addressesOfInterfaces(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}
