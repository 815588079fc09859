// The addresses that measurements are sent from, where the operator named one (`local_address`): an address of this machine,
// or an interface, whose addresses change. Looked up anew for each cycle; never written down.

import { createSocket } from 'node:dgram'
import { isIP, isIPv6 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'

/** null: there is none of this family, and nothing is sent over it. Both: what was named is not there. */
export interface SourceAddresses {
  readonly ipv4: string | null
  readonly ipv6: string | null
}

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

/** The one for `ip`; null when there is none. */
export function sourceFor(sources: SourceAddresses, ip: string): string | null {
  return isIPv6(ip) ? sources.ipv6 : sources.ipv4
}

/** Whether what was named is not there, so that nothing can be sent at all. */
export function isSourceGone({ ipv4, ipv6 }: SourceAddresses): boolean {
  return ipv4 === null && ipv6 === null
}

/**
 * @param named - An address, or the name of an interface.
 * @param interfaces - Of the system; none where it does not tell.
 */
export async function sourceAddresses(named: string, interfaces: Interfaces): Promise<SourceAddresses> {
  if (isIP(named) !== 0) {
    const there = (await canSendFrom(named)) ? named : null
    return isIPv6(named) ? { ipv4: null, ipv6: there } : { ipv4: there, ipv6: null }
  }
  const own = interfaces[named] ?? []
  const ipv4 = own.find((each) => each.family === 'IPv4')
  // Link-local addresses lead to no host of a list.
  const ipv6 = own.find((each) => each.family === 'IPv6' && each.scopeid === 0)
  return { ipv4: ipv4?.address ?? null, ipv6: ipv6?.address ?? null }
}

/** The kernel is asked, since Android does not tell an app its interfaces. */
function canSendFrom(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const done = (can: boolean) => {
      socket.close()
      resolve(can)
    }
    socket.once('error', () => done(false))
    socket.bind({ address, port: 0, exclusive: true }, () => done(true))
  })
}
