// Whether an address is in a range, for the rules that know addresses by their owners (bogon.ts, meta-prefixes.ts).
// Pure, and without Node's `net`, so that the contract can be taken to another runtime.

/** Whether `ip` is in one of `ranges` (`192.0.2.0/24`, `2001:db8::/32`). A string that is no IP literal is in none. */
export function isInRanges(ip: string, ranges: readonly string[]): boolean {
  const bits = bitsOf(ip)
  return bits !== null && ranges.some((range) => isOfFamily(bits, range) && bits.startsWith(headOf(range)))
}

/**
 * The address of IPv4 that a translator makes of `ip` (RFC 6052 §2.1), so that it can be compared with what is seen from a
 * place that has IPv4; any other address as it is.
 */
export function untranslated(ip: string): string {
  if (!isInRanges(ip, ['64:ff9b::/96'])) return ip
  const bits = bitsOf(ip)?.slice(96) ?? ''
  return [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)).join('.')
}

// Addresses are compared as strings of 0 and 1: a range is a head, and being in it is beginning with it.

function isOfFamily(bits: string, range: string): boolean {
  return (bits.length === 128) === range.includes(':')
}

/** The bits that every address of `range` begins with. */
export function headOf(range: string): string {
  const [network = '', length] = range.split('/')
  return bitsOf(network)?.slice(0, Number(length)) ?? ''
}

/** The 32 or 128 bits of an IP literal as text; null when it is none. A zone (`fe80::1%eth0`) is no part of it. */
export function bitsOf(ip: string): string | null {
  const bare = ip.replace(/%.*$/, '')
  return bare.includes(':') ? ipv6Bits(bare) : ipv4Bits(bare)
}

function ipv4Bits(ip: string): string | null {
  const bytes = ip.split('.')
  // One spelling per number: a leading zero means octal to some and decimal to others.
  if (bytes.length !== 4 || !bytes.every((byte) => /^(0|[1-9]\d{0,2})$/.test(byte) && Number(byte) < 256)) {
    return null
  }
  return bytes.map((byte) => Number(byte).toString(2).padStart(8, '0')).join('')
}

function ipv6Bits(ip: string): string | null {
  const halves = ip.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((half, i) => groupBits(half, i === halves.length - 1))
  if (head === null || head === undefined || tail === null) return null
  if (tail === undefined) return head.length === 128 ? head : null
  // `::` stands for one group of zeros at least.
  const missing = 128 - head.length - tail.length
  return missing >= 16 ? head + '0'.repeat(missing) + tail : null
}

/** Groups between colons. The last one of an address may be written as IPv4. */
function groupBits(text: string, endsAddress: boolean): string | null {
  if (text === '') return ''
  const groups = text.split(':')
  const bits = groups.map((group, i) => {
    if (group.includes('.')) return endsAddress && i === groups.length - 1 ? ipv4Bits(group) : null
    return /^[0-9a-f]{1,4}$/i.test(group) ? Number.parseInt(group, 16).toString(2).padStart(16, '0') : null
  })
  return bits.includes(null) ? null : bits.join('')
}
