// Which addresses no public name can truthfully have: the list OONI's engine uses, private, documentation, benchmark
// and multicast ranges included. A forged answer often holds one. Pure.

import { bitsOf, headOf } from './address-range.ts'

const ipv4Ranges = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  // 255.255.255.255 is in it.
  '240.0.0.0/4',
]

const ipv6Ranges = [
  // The unspecified address, loopback and the "IPv4-compatible" addresses.
  '::/96',
  '::ffff:0:0/96',
  '100::/64',
  '2001:10::/28',
  '2001:db8::/32',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

/**
 * Where IPv6 carries an IPv4 address after a fixed head: 6to4 (RFC 3056), Teredo's server (RFC 4380), and what a
 * translator hands on to IPv4 (RFC 6052 §2.1).
 */
const carriers = ['2002::/16', '2001::/32', '64:ff9b::/96']

/** Whether `ip` cannot be the address of a public service. A string that is no IP literal is a bogon too. */
export function isBogon(ip: string): boolean {
  const bits = bitsOf(ip)
  if (bits === null) return true
  // A translator of the network's own chooses where behind this head; nearly all put the address last.
  if (bits.startsWith(ownTranslators)) return ipv4Bogons.some((head) => bits.slice(96).startsWith(head))
  return (bits.length === 32 ? ipv4Bogons : ipv6Bogons).some((head) => bits.startsWith(head))
}

/** RFC 8215. */
const ownTranslators = headOf('64:ff9b:1::/48')

const ipv4Bogons = ipv4Ranges.map(headOf)
const ipv6Bogons = [
  ...ipv6Ranges.map(headOf),
  ...carriers.map(headOf).flatMap((carrier) => ipv4Bogons.map((head) => carrier + head)),
]
