// The title of a page, by which pages are compared and most block pages can be named; the same for probe and helper. Pure.

const maxTitleChars = 512

/**
 * The first title of a page. It is searched in bytes, because a body that was cut in the middle of a character is no
 * longer UTF-8 while its title still is. Every repetition in the expression is bounded: on a page that consists only
 * of `<title `, an unbounded one takes hours.
 *
 * @returns Its first 512 characters; null when there is none, or none within a reasonable length.
 */
export function titleOf(body: Buffer): string | null {
  const found = /<title(?:\s[^>]{0,128})?>([^<]{1,4096})<\/title\s{0,16}>/i.exec(body.toString('latin1'))?.[1]
  return found === undefined ? null : latin1OrUtf8(found).slice(0, maxTitleChars)
}

/**
 * Decodes text in which each character stands for a byte: as UTF-8 if it is valid UTF-8, which is what servers mean.
 */
export function latin1OrUtf8(latin1: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(latin1, 'latin1'))
  } catch {
    return latin1
  }
}
