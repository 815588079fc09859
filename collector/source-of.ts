// Whom the sender of a request counts with: one who has a network has all of its addresses, so that shares are given to
// networks. Pure.

import { isIPv4, isIPv6 } from 'node:net'

/** @returns A name for the /24 or the /48 that an address is in; the text itself for what is no address. */
export function sourceOf(ip: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1]
  const four = mapped !== undefined && isIPv4(mapped) ? mapped : ip
  if (isIPv4(four)) return four.split('.').slice(0, 3).join('.')
  return isIPv6(ip) ? groupsOf(ip).slice(0, 3).join(':') : ip
}

/** The eight groups of an IPv6 address, or as many as it has before one in IPv4's form. */
export function groupsOf(ip: string): string[] {
  const [head = '', tail] = ip.split('%')[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  if (tail === undefined) return groups.map(shortened)
  const after = tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(Math.max(0, 8 - groups.length - after.length)).fill('0')
  return [...groups, ...zeros, ...after].map(shortened)
}

function shortened(group: string): string {
  return group.toLowerCase().replace(/^0+(?=.)/, '')
}
