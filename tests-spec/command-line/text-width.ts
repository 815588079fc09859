// How many columns of a terminal a text takes: two for what East Asian scripts and emoji are written in, none for what
// stands on the letter before it (Unicode Standard Annex 11). A table that counts letters is crooked in half of the world.

const wide =
  /[\p{Emoji_Presentation}\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{4dbf}\u{4e00}-\u{a4cf}\u{a960}-\u{a97c}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{20000}-\u{3fffd}]/u
const none = /[\p{Mn}\p{Me}\p{Cf}]/u
/** Most texts. */
const plain = /^[ -~]*$/

export function textWidth(text: string): number {
  if (plain.test(text)) return text.length
  return [...text].reduce((sum, character) => sum + widthOf(character), 0)
}

function widthOf(character: string): number {
  if (none.test(character)) return 0
  return wide.test(character) ? 2 : 1
}

/** As `padEnd()`, in columns. */
export function paddedEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)))
}

/** @returns What of the beginning of `text` fits; a character is never cut. */
export function clippedEnd(text: string, columns: number): string {
  return [...fitting([...text], columns)].join('')
}

/** @returns What of the end of `text` fits. */
export function clippedStart(text: string, columns: number): string {
  return [...fitting([...text].reverse(), columns)].reverse().join('')
}

function* fitting(characters: readonly string[], columns: number): Generator<string> {
  let left = columns
  for (const character of characters) {
    left -= widthOf(character)
    if (left < 0) return
    yield character
  }
}
