// Bech32 (BIP 173): the form in which age writes its keys for people. The checksum finds any four wrong letters,
// which is why a key that was read out over a telephone can be trusted to be the right one.

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const checksumLength = 6
/** The coefficients of the code's generator, as BIP 173 gives them. */
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]

/** @returns `bytes` behind `prefix`, in lower case. The prefix must be ASCII in lower case. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const values = regroup(bytes, 8, 5, true) ?? []
  const residue = polymod([...expand(prefix), ...values, 0, 0, 0, 0, 0, 0]) ^ 1
  const checksum = Array.from({ length: checksumLength }, (_, i) => (residue >>> (5 * (5 - i))) & 31)
  return `${prefix}1${[...values, ...checksum].map((value) => alphabet[value]).join('')}`
}

/**
 * @returns The bytes behind `prefix`; null for anything else: another prefix, a wrong checksum, upper and lower case
 * mixed, bits left over. Longer texts than BIP 173 allows are accepted, as age does.
 */
export function decodeBech32(prefix: string, text: string): Buffer | null {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return null
  // The separator is the last "1" and not the first: a prefix may contain one, the rest cannot.
  const separator = lower.lastIndexOf('1')
  if (lower.slice(0, separator) !== prefix || lower.length < separator + 1 + checksumLength) return null
  const values = Array.from(lower.slice(separator + 1), (letter) => alphabet.indexOf(letter))
  if (values.includes(-1) || polymod([...expand(prefix), ...values]) !== 1) return null
  const bytes = regroup(values.slice(0, -checksumLength), 5, 8, false)
  return bytes === null ? null : Buffer.from(bytes)
}

/** The prefix in the form that the checksum covers: high bits, a zero, low bits. */
function expand(prefix: string): number[] {
  const codes = Array.from(prefix, (letter) => letter.charCodeAt(0))
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
}

function polymod(values: readonly number[]): number {
  let residue = 1
  for (const value of values) {
    const top = residue >>> 25
    residue = ((residue & 0x1ffffff) << 5) ^ value
    generator.forEach((coefficient, bit) => {
      if (((top >>> bit) & 1) === 1) residue ^= coefficient
    })
  }
  return residue
}

/**
 * Regroups a row of `from`-bit numbers into `to`-bit ones.
 * @returns null when the bits that are left over are not padding.
 */
function regroup(values: Iterable<number>, from: number, to: number, pad: boolean): number[] | null {
  const out: number[] = []
  let held = 0
  let bits = 0
  for (const value of values) {
    held = ((held << from) | value) & 0xfff
    for (bits += from; bits >= to; ) {
      bits -= to
      out.push((held >>> bits) & ((1 << to) - 1))
    }
  }
  const rest = held & ((1 << bits) - 1)
  if (pad) return bits === 0 ? out : [...out, rest << (to - bits)]
  // Two spellings of one key would be two keys to a program that compares texts.
  return bits < from && rest === 0 ? out : null
}
