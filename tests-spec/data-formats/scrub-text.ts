// Takes IP addresses out of text that came from the network: a server, or somebody on the path, may echo whom it sees.
// measurement.md, "Scrubbing". In the contract because the keys of some nettests hold such text, and because whoever
// makes measurements must take out the same.

export const scrubbed = '[scrubbed]'

const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
/** Dots may come URL-encoded. */
const ipv4 = `\\b${octet}(?:(?:\\.|%2[eE])${octet}){3}\\b`
/** Colons may come URL-encoded. At least two groups with `::`, or eight without, so that times stay times. */
const colon = '(?::|%3[aA])'
const group = '[0-9a-fA-F]{1,4}'
const ipv6 =
  `${colon}${colon}(?:[fF]{4}${colon})?${ipv4}` +
  `|(?:${group}${colon}){7}${group}` +
  `|(?:${group}${colon}){1,7}${colon}(?:${group}(?:${colon}${group}){0,6})?` +
  `|${colon}${colon}${group}(?:${colon}${group}){0,6}`
const anyAddress = new RegExp(`${ipv6}|${ipv4}`, 'g')

/** @returns `text` without any literal address. */
export function scrubText(text: string): string {
  return text.replace(anyAddress, scrubbed)
}

/** @returns `bytes` without any address written as text. One in binary form cannot be told from other bytes. */
export function scrubBytes(bytes: Uint8Array): Buffer {
  return Buffer.from(scrubText(Buffer.from(bytes).toString('latin1')), 'latin1')
}

/** A query, a fragment, and any run of digits as long as a telephone number, with or without letters beside it. */
const personal = /[?#][^\s<>"]*|\d{8,}/g

/**
 * @returns `url` without what a portal may have put there to know its customer by: query, fragment, and long numbers in
 *   the path. Host and the rest of the path stay.
 */
export function scrubUrl(url: string): string {
  return url.replace(personal, (found) => (/^[?#]/.test(found) ? `${found[0]}${scrubbed}` : scrubbed))
}
