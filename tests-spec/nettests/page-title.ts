// The title of a page, by which pages are compared and most block pages can be named; the same for probe and helper, and as
// browsers show it. Pure. page-text.ts makes a body text.

import {
  charsetOf,
  type Decoder,
  decoderOf,
  latin1OrUtf8,
  plainText,
  type ReceivedBody,
  unpacked,
} from './page-text.ts'

const maxTitleChars = 512
/** Of the page: more than any 512 characters take, entities among them. */
const maxTitleBytes = 8 * 1024

/**
 * The first title of a page: what stands between its tags, or behind the first where the page was cut.
 *
 * @returns Its first 512 characters; null when there is none, or nothing in it.
 */
export function titleOf(received: ReceivedBody): string | null {
  const page = { ...received, body: unpacked(received) }
  const label = charsetOf(page)
  const decoder = label === null ? null : decoderOf(label)
  // In these, the bytes of a tag may be part of something else. In all others a tag is searched in bytes, because a page that
  // was cut in the middle of a character, or is not what it says, has its title all the same.
  const isOpaque = decoder !== null && /^(utf-16|iso-2022-jp)/.test(decoder.encoding)
  const text = isOpaque ? decoder.decode(page.body) : page.body.toString('latin1')
  const found = rawTitleOf(text)
  if (found === null) return null
  const raw = found.text.slice(0, maxTitleBytes)
  const isCut = !found.isWhole || raw.length < found.text.length
  const decoded = isOpaque ? raw : decode(raw, decoder, isCut)
  const title = plainText(decoded)
  return title === '' ? null : title.slice(0, maxTitleChars).replace(/[\ud800-\udbff]$/, '')
}

/** @param isCut - The last character may not be whole. */
function decode(raw: string, decoder: Decoder | null, isCut: boolean): string {
  if (decoder === null) return latin1OrUtf8(isCut ? raw.replace(/[\xc0-\xff]?[\x80-\xbf]{0,3}$/, '') : raw)
  // `stream` leaves out a character that is cut.
  return decoder.decode(Buffer.from(raw, 'latin1'), { stream: isCut })
}

/** Elements whose content is no HTML, or has titles of its own. */
const skipped = new Set(['script', 'style', 'textarea', 'xmp', 'iframe', 'noembed', 'noframes', 'svg'])

/** Goes from tag to tag, each byte looked at a few times at most: a page of `<title ` alone must not take hours. */
function rawTitleOf(html: string): { readonly text: string; readonly isWhole: boolean } | null {
  const tag = /<(?:!--|([a-z][^\s/>]{0,15}))/gi
  for (let found = tag.exec(html); found !== null; found = tag.exec(html)) {
    const name = found[1]?.toLowerCase()
    const isTag = name !== undefined && (name === 'title' || skipped.has(name))
    if (name !== undefined && !isTag) continue
    const open = name === undefined ? found.index + 2 : html.indexOf('>', tag.lastIndex)
    if (open < 0) return null
    const close = name === undefined ? html.indexOf('-->', open) : endOf(name, html, open)
    if (name === 'title') {
      return { text: html.slice(open + 1, close < 0 ? undefined : close), isWhole: close >= 0 }
    }
    if (close < 0) return null
    tag.lastIndex = close + 1
  }
  return null
}

/** Where the element that `name` opened ends; -1 when nowhere. */
function endOf(name: string, html: string, from: number): number {
  const end = new RegExp(`</${name}(?=[\\s/>])`, 'gi')
  end.lastIndex = from
  return end.exec(html)?.index ?? -1
}
