// Which addresses this machine has, to keep them out of the data, and over which link its packets leave, to notice
// that the network changed during a measurement. None of this is ever written down.

import { createSocket } from 'node:dgram'
import { isIP, isIPv6 } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { headOf } from '../../tests-spec/nettests/address-range.ts'
import { type Interfaces, type SourceAddresses, sourceAddresses } from './source-addresses.ts'

/**
 * Addresses of anycast resolvers: connecting a UDP socket sends nothing, it only asks the kernel which route it would
 * take.
 */
const farAddresses = { udp4: '9.9.9.9', udp6: '2620:fe::fe' } as const
type Family = keyof typeof farAddresses

export interface OwnAddresses {
  /** Addresses without loopback, which every machine has. */
  readonly addresses: readonly string[]
  /** Text that changes when the measured network does. For comparing only, never kept. */
  readonly uplink: string
  /** Whether packets of a measurement can leave for global IPv6. */
  readonly ipv6: boolean
  /** Whether they can for IPv4; true too when they can for neither, as while a link is down. */
  readonly ipv4: boolean
  /** Ranges of the networks that this machine shares with its neighbours. */
  readonly networks: readonly string[]
  /** What measurements are sent from, where the operator named it; null leaves it to the system. */
  readonly sources: SourceAddresses | null
}

/**
 * @param localAddress - Source address of every measurement, or the interface whose addresses are. The uplink is then the
 * interface that has it, and the default route may come and go with the other links; null measures over the default route,
 * and that is the uplink.
 * @param interfaces - Gives the system's interfaces. May throw: Android 11 and later refuse the question to apps.
 */
export async function ownAddresses(
  localAddress: string | null,
  interfaces: () => Interfaces = networkInterfaces,
): Promise<OwnAddresses> {
  const all = interfacesIfTold(interfaces)
  const [v4, v6] = await Promise.all([sourceAddress('udp4', null), sourceAddress('udp6', null)])
  const own = Object.values(all).flatMap((each) => each ?? [])
  const addresses = new Set(own.filter((each) => !each.internal).map((each) => each.address))
  const sources = localAddress === null ? null : await sourceAddresses(localAddress, all)
  // An address that was named and is gone is still this probe's.
  const named = localAddress !== null && isIP(localAddress) !== 0 ? [localAddress] : sourcesOf(sources)
  for (const address of [v4, v6, ...named])
    if (address !== null && !isLoopback(address)) addresses.add(address)
  const known = { addresses: [...addresses], networks: networksOf([...addresses], own), sources }
  if (sources === null) {
    const ipv6 = isGlobal(v6)
    return { ...known, uplink: `${v4 ?? ''} ${v6 ?? ''}`, ipv6, ipv4: v4 !== null || !ipv6 }
  }
  const { ipv4, ipv6 } = sources
  const bound4 = ipv4 === null ? null : await sourceAddress('udp4', ipv4)
  const bound6 = ipv6 === null ? null : await sourceAddress('udp6', ipv6)
  const links = named.map((address) => linkOf(address, all))
  return {
    ...known,
    uplink: [...links, bound4 ?? '', bound6 === null ? '' : headOf(`${bound6}/64`)].join(' '),
    // From an address of one family nothing can be sent over the other.
    ipv6: isGlobal(bound6),
    // Where there is neither, what is tried says so.
    ipv4: ipv4 !== null || ipv6 === null,
  }
}

function sourcesOf(sources: SourceAddresses | null): string[] {
  return [sources?.ipv4, sources?.ipv6].flatMap((address) => address ?? [])
}

const isLoopback = (ip: string) => ip.startsWith('127.') || ip === '::1'
const isGlobal = (ipv6: string | null) => ipv6 !== null && !ipv6.startsWith('fe80')

/**
 * An address of IPv6 stands for its /64, which is one network wherever addresses are given out (RFC 4291 §2.5.4). Of IPv4
 * only a network of 256 addresses or fewer counts: larger ones are a hosting company's, with other people's sites in them.
 */
function networksOf(addresses: readonly string[], own: readonly NetworkInterfaceInfo[]): string[] {
  const ranges = addresses.map((ip) => (isIPv6(ip) ? `${ip.replace(/%.*$/, '')}/64` : `${ip}/32`))
  const small = own.flatMap(({ family, cidr }) => (family === 'IPv4' && isSmall(cidr) ? [cidr] : []))
  return [...new Set([...ranges, ...small])]
}

const isSmall = (cidr: string | null): cidr is string => cidr !== null && Number(cidr.split('/')[1]) >= 24

function interfacesIfTold(interfaces: () => Interfaces): Interfaces {
  try {
    return interfaces()
  } catch {
    // Where the interfaces cannot be read, only the source addresses are known.
    return {}
  }
}

/**
 * The interfaces that have `address`, and the networks of the same family that they are in: another lease on the same
 * link is another network. The interfaces' addresses are left out, since those of IPv6 change by themselves, for
 * privacy.
 */
function linkOf(address: string, interfaces: Interfaces): string {
  const ofFamily = (each: NetworkInterfaceInfo) => isIPv6(each.address) === isIPv6(address)
  const bearing = Object.entries(interfaces).filter(([, each]) =>
    each?.some((one) => one.address === address),
  )
  return bearing
    .map(([name, each]) => {
      const networks = (each ?? []).filter(ofFamily).map(({ cidr }) => headOf(cidr ?? ''))
      return `${name}=${[...new Set(networks)].sort().join(',')}`
    })
    .sort()
    .join(' ')
}

/**
 * @returns Source address of a packet to the internet; null when it could not leave: no route, or no such address.
 */
function sourceAddress(type: Family, localAddress: string | null): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(type)
    const done = (address: string | null) => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => done(null))
    socket.once('connect', () => {
      const { address } = socket.address()
      // Where IPv6 is switched off by a setting, connecting succeeds, with an unspecified source address.
      done(address === '::' || address === '0.0.0.0' ? null : address)
    })
    // No callback is given, since it would be called for an error too.
    const connect = () => socket.connect(53, farAddresses[type])
    if (localAddress === null) connect()
    else socket.bind({ address: localAddress, port: 0, exclusive: true }, connect)
  })
}
