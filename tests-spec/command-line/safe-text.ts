// Words of strangers as people may see them: on a terminal, in a log, on a page. Without what a terminal obeys, what turns
// the direction of the text behind it, and what cannot be seen, and never longer than it may be. Pure.

/**
 * Control characters, and those of format; separators of lines and paragraphs; halves of surrogates; and characters that
 * are letters by their class and show nothing: fillers, variation selectors, blanks of Braille and of Khmer.
 */
const unsafe =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]|\u034f|[\u17b4\u17b5]|[\u180b-\u180f]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/gu

/** @param most - Characters that are kept; what is cut off is marked. */
export function safeText(text: string, most: number): string {
  return shortened(text, most).replace(unsafe, escaped)
}

/** As `safeText()`, with a mark in place of each such character: for pages, where nobody copies an escape. */
export function seenText(text: string, most: number): string {
  return shortened(text, most).replace(unsafe, '\ufffd')
}

/** As `safeText()`, for text of several lines, JSON among them: line feeds and tabs stay. */
export function safeLines(text: string): string {
  return text.replace(unsafe, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  )
}

function shortened(text: string, most: number): string {
  // A character has at most two units.
  const characters = [...text.slice(0, 2 * most + 2)]
  return characters.length > most ? `${characters.slice(0, most).join('')}…` : text
}

/** As JSON would write it, unit by unit: text of JSON means the same afterwards. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
}
