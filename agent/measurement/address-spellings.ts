// How an address may be spelled in a text, and where it then stands: measurement.md, "Scrubbing". Pure.

import { bitsOf, headOf } from '../../tests-spec/nettests/address-range.ts'

/** Replaces each of the addresses, in whatever spelling, by what `instead` says of it. */
export type Replacing = (text: string, instead: (found: string) => string) => string

/** @param own - Addresses. A whole-word match: 10.0.0.1 does not touch 10.0.0.15. */
export function replacerOf(own: readonly string[]): Replacing {
  const made = replacers.get(own) ?? makeReplacer(own)
  replacers.set(own, made)
  return made
}

/** The addresses are the same for all measurements of a cycle, and the expressions are long. */
const replacers = new WeakMap<readonly string[], Replacing>()

function makeReplacer(own: readonly string[]): Replacing {
  const addresses = own.map((ip) => ip.replace(/%.*$/, ''))
  const spelled = new RegExp(addresses.flatMap(spellings).join('|'), 'gi')
  const ipv6 = new Set(addresses.flatMap((ip) => bitsOf(ip) ?? []).flatMap(asIpv6))
  const isOwn = (token: string) => {
    const bits = bitsOf(token)
    return bits !== null && ipv6.has(bits)
  }
  return (text, instead) =>
    text
      .replace(ipv6Token, (token) => replaceInToken(token, isOwn, instead))
      .replace(hyphenToken, (token) => replaceInRun(token, isOwn, instead))
      .replace(spelled, instead)
}

// A dot or colon as it is, URL-encoded once or more, as an entity of HTML, or made harmless by people. In the names of a DNS
// message the length of the next label stands in a dot's place.
const dot = '(?:\\.|%(?:25)*2E|&#0*46;?|&#x0*2E;?|&period;|\\[\\.\\]|[\\x01-\\x03])'
const colon = '(?::|%(?:25)*3A|&#0*58;?|&#x0*3A;?|&colon;)'

/** Whatever may be an IPv6 address, compressed or not, zeros before its groups or not. */
const ipv6Token = new RegExp(
  `(?<![0-9a-f])(?:[0-9a-f]{0,4}${colon}){2,7}[0-9a-f]{0,4}(?:${dot}\\d{1,3}){0,3}`,
  'gi',
)

/** A colon behind an address may be punctuation, or begin a port: `2001:db8::9:` and `2001:db8::9:443`. In doubt it does. */
function replaceInToken(
  token: string,
  isOwn: (token: string) => boolean,
  instead: (found: string) => string,
): string {
  const plain = (text: string) => text.replaceAll(anyColon, ':').replaceAll(anyDot, '.')
  if (isOwn(plain(token))) return instead(token)
  const end = lastColon.exec(token)
  if (end === null || !isOwn(plain(token.slice(0, end.index)))) return token
  return instead(token.slice(0, end.index)) + end[0]
}
const anyColon = new RegExp(colon, 'gi')
const anyDot = new RegExp(dot, 'gi')
const lastColon = new RegExp(`${colon}\\d{0,5}$`, 'i')

/** IPv6 with hyphens, as in host names; other words may stand beside it. */
const hyphenToken = /(?<![0-9a-z])(?:[0-9a-f]{0,4}-){3,12}[0-9a-f]{0,4}(?![0-9a-z])/gi

/** Eight, and the empty one between two hyphens; two where it begins or ends with them. */
const maxGroups = 10

function replaceInRun(
  token: string,
  isOwn: (token: string) => boolean,
  instead: (found: string) => string,
): string {
  const groups = token.split('-')
  for (let from = 0; from < groups.length - 2; from++) {
    for (let to = Math.min(groups.length, from + maxGroups); to > from + 2; to--) {
      if (!isOwn(groups.slice(from, to).join(':'))) continue
      const before = groups.slice(0, from).map((group) => `${group}-`)
      const behind = groups.slice(to).map((group) => `-${group}`)
      return [...before, instead(groups.slice(from, to).join('-')), ...behind].join('')
    }
  }
  return token
}

/** IPv4 in IPv6: mapped (RFC 4291 §2.5.5.2), compatible (§2.5.5.1), translated (RFC 6052 §2.1). */
const ipv4Carriers = ['::ffff:0:0/96', '::/96', '64:ff9b::/96'].map(headOf)

function asIpv6(bits: string): string[] {
  return bits.length === 128 ? [bits] : ipv4Carriers.map((head) => head + bits)
}

/** Not beside other digits. */
const number = (text: string) => `(?<!\\d)${text}(?!\\d)`
/** Not beside other digits of hex. */
const word = (text: string) => `(?<![0-9a-f])${text}(?![0-9a-f])`

/** Thirty-two times in one name of DNS, so without what stands in text alone. */
const nibbleDot = '[.\\x01]'

/** Patterns for the spellings that are no IPv6 literal. */
function spellings(ip: string): string[] {
  const bits = bitsOf(ip)
  if (bits === null) return [word(ip.replaceAll(/[^0-9a-f:]/gi, ''))]
  const nibbles = (bits.match(/.{4}/g) ?? []).map((nibble) => Number.parseInt(nibble, 2).toString(16))
  const whole = nibbles.join('')
  if (bits.length === 128) {
    return [whole, nibbles.join(nibbleDot), nibbles.toReversed().join(nibbleDot)].map(word)
  }
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
  const decimal = bytes.map((byte) => `0{0,${3 - String(byte).length}}${byte}`)
  const padded = bytes.map((byte) => String(byte).padStart(3, '0'))
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'))
  // A number below 8 is the same in both; no other without a zero before it is octal.
  const octal = bytes.map((byte) => `0{${byte < 8 ? 0 : 1},3}${byte.toString(8)}`)
  const prefixed = bytes.map((byte) => `0x0?${byte.toString(16)}`)
  // A longer run of numbers between dots is another address, or none.
  const between = (text: string) => `(?<!\\d${dot})${number(text)}(?!${dot}\\d)`
  return [
    between(decimal.join(dot)),
    // In DNS, reversed, a name comes behind it; alone it is somebody else's address.
    `(?<!\\d${dot})${number(decimal.toReversed().join(dot))}(?=${dot}[a-z]|[\\x04-\\x1f][a-z])`,
    number(decimal.join('[-_]')),
    number(decimal.join('(?:&#0*45;?|&#x0*2D;?|%2D)')),
    number(padded.join('')),
    number(`${Number.parseInt(whole, 16)}`),
    between(prefixed.join(dot)),
    between(octal.join(dot)),
    number(octal.join('[-_]')),
    number(`0{1,3}${Number.parseInt(whole, 16).toString(8)}`),
    word(hex.join('[-:]')),
    `0x${whole}(?![0-9a-f])`,
    word(whole),
  ]
}
