// What was given, as an error repeats it: in quotation marks, short enough to read, and without what a terminal obeys.

/** More of it says nothing more to a person. */
const maxCharacters = 80

/** @returns `"abc"`, cut at 80 characters, with control characters escaped. */
export function quoted(text: string): string {
  return `"${shownText(text)}"`
}

/** As `quoted()`, without the marks. */
export function shownText(text: string): string {
  // A character has at most two units.
  const characters = [...text.slice(0, 2 * maxCharacters + 2)]
  const isLong = characters.length > maxCharacters
  const kept = isLong ? `${characters.slice(0, maxCharacters).join('')}…` : text
  return kept.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, escaped)
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
}
