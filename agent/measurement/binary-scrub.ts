// The probe's own addresses in bytes that are kept as they came: in the names and records of DNS messages, and in certificates,
// as a box makes them for whom it serves. Pure.

import { bitsOf } from '../../tests-spec/nettests/address-range.ts'

/**
 * @param own - Addresses.
 * @param scrubIn - Takes them out of text, one character a byte, without changing its length.
 * @returns A function from base64 to base64 of as many bytes.
 */
export function binaryScrubber(
  own: readonly string[],
  scrubIn: (latin1: string) => string,
): (base64: string) => string {
  const marked = own.flatMap(binaryForms)
  return (base64) => {
    const before = Buffer.from(base64, 'base64').toString('latin1')
    const after = marked.reduce((text, form) => withZeros(text, form), scrubIn(before))
    return after === before ? base64 : Buffer.from(after, 'latin1').toString('base64')
  }
}

/**
 * An address with the length before it, as in a record of DNS (two bytes) and in an alternative name of a certificate (tag
 * and length, RFC 5280 §4.2.1.6). Four bytes alone are often something else.
 */
function binaryForms(ip: string): { readonly mark: string; readonly address: string }[] {
  const bits = bitsOf(ip)
  if (bits === null) return []
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))
  const address = String.fromCharCode(...bytes)
  return [0x00, 0x87].map((mark) => ({ mark: String.fromCharCode(mark, bytes.length), address }))
}

function withZeros(
  text: string,
  { mark, address }: { readonly mark: string; readonly address: string },
): string {
  return text.replaceAll(mark + address, () => mark + '\0'.repeat(address.length))
}
