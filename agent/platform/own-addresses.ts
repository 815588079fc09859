// Which addresses this machine has, to keep them out of the data. Nothing here is ever written down.

import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'

/** Anycast resolvers: a connected UDP socket sends nothing, it only asks the kernel which way it would go. */
const farAddresses = { udp4: '9.9.9.9', udp6: '2620:fe::fe' } as const

export interface OwnAddresses {
  /** Without loopback: that is every machine's. */
  readonly addresses: readonly string[]
  /** Changes when the network does: the addresses packets leave from. For comparing only, never kept. */
  readonly uplink: string
  /** Whether there is a route to global IPv6. */
  readonly ipv6: boolean
}

export async function ownAddresses(): Promise<OwnAddresses> {
  const [v4, v6] = await Promise.all([sourceAddress('udp4'), sourceAddress('udp6')])
  const all = new Set([...interfaceAddresses(), ...(v4 === null ? [] : [v4]), ...(v6 === null ? [] : [v6])])
  const uplink = `${v4 ?? ''} ${v6 ?? ''}`
  return { addresses: [...all], uplink, ipv6: v6 !== null && !v6.startsWith('fe80') }
}

function interfaceAddresses(): string[] {
  try {
    return Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter((each) => !each.internal)
      .map((each) => each.address)
  } catch {
    // Android 11 and later refuse the question to apps; the source addresses are what is left.
    return []
  }
}

function sourceAddress(type: 'udp4' | 'udp6'): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(type)
    const done = (address: string | null) => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => done(null))
    socket.connect(53, farAddresses[type], () => {
      const { address } = socket.address()
      // Where IPv6 is switched off by a setting, connecting succeeds, and from nowhere.
      done(address === '::' || address === '0.0.0.0' ? null : address)
    })
  })
}
