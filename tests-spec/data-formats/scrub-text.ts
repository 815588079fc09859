// Removes IP addresses from text that came from the network: a server, or a network that interferes, may echo the
// client's address. measurement.md, "Scrubbing". It is part of the contract because the keys of some nettests hold
// such text, and because every program that makes measurements must remove the same.

export const scrubbed = '[scrubbed]'

/** In decimal, octal or hex, as C libraries read it. */
const octet = '(?:0{0,2}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)|0{1,3}[0-3][0-7]{2}|0[xX]0{0,2}[0-9a-fA-F]{1,2})'
/** The dots may be URL-encoded, or entities of HTML. */
const ipv4 = `\\b${octet}(?:(?:\\.|%(?:25)*2[eE]|&#0*46;?|&#[xX]0*2[eE];?|&period;)${octet}){3}\\b`
/**
 * The colons likewise. At least two groups with `::`, or eight without, so that times are not taken for
 * addresses.
 */
const colon = '(?::|%(?:25)*3[aA]|&#0*58;?|&#[xX]0*3[aA];?|&colon;)'
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

/** Six pairs of digits of hex, with colons or hyphens, and no more of them beside it: fingerprints are longer. */
const hardware = /(?<![0-9a-f:-])(?:[0-9a-f]{2}(?::|-|%(?:25)*3a)){5}[0-9a-f]{2}(?![0-9a-f:-])/gi

/** @returns `text` without any address of a network card: a hotspot's portal names the device and the access point by theirs. */
export function scrubHardware(text: string): string {
  return text.replace(hardware, scrubbed)
}

/**
 * @returns `bytes` without any address written as text. An address in binary form cannot be told from other bytes.
 */
export function scrubBytes(bytes: Uint8Array): Buffer {
  return Buffer.from(scrubText(Buffer.from(bytes).toString('latin1')), 'latin1')
}

/** A query, a fragment, and any run of digits as long as a telephone number, also with letters beside it. */
const personal = /[?#][^\s<>"]*|\d{8,}/g

/**
 * @returns `url` without the parts by which a portal may recognise its customer: query, fragment, long numbers, and an address in
 * the path or with hyphens in the host. The host that was named and the rest of the path stay.
 */
export function scrubUrl(url: string): string {
  const impersonal = url.replace(personal, (found) =>
    /^[?#]/.test(found) ? `${found[0]}${scrubbed}` : scrubbed,
  )
  const [, origin = '', path = ''] =
    /^([a-z][a-z0-9+.-]{0,20}:\/\/[^/\s]*)?([\s\S]*)$/i.exec(impersonal) ?? []
  return scrubHost(origin) + scrubText(path.replace(lineName, scrubbed))
}

/** Four numbers between hyphens, as providers name the lines of their customers. */
const lineName = new RegExp(`(?<!\\d)${octet}(?:[-_]${octet}){3}(?!\\d)`, 'g')

/**
 * @returns `host` without an address with hyphens in it, and still a host: `scrubbed` stands there without brackets. For hosts that
 * a network led to: a site's own may have such names.
 */
export function scrubHost(host: string): string {
  return host.replace(lineName, 'scrubbed')
}

/** @returns `text` without any number as long as a telephone number with its country: what a portal greets its customer by. */
export function scrubNumbers(text: string): string {
  return text.replace(/\d{10,}/g, scrubbed)
}
