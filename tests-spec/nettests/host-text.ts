// Hosts and ports as text, the same for probe and helper. Pure, and without Node's `net`.

import { bitsOf } from './address-range.ts'

/** A host without the brackets that URLs put around IPv6. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}

/** The host of a URL as it is resolved or connected to. */
export function hostOfUrl({ hostname }: URL): string {
  return bareHost(hostname)
}

/** A name as it stands in a ClientHello: without the dot that ends it in DNS, which RFC 6066 §3 does not allow there. */
export function serverNameOf(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

/** Whether `host`, without brackets, is an address and no name. */
export function isIpLiteral(host: string): boolean {
  return bitsOf(host) !== null
}

/** The port of an http or https URL, named or usual. */
export function portOfUrl({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
