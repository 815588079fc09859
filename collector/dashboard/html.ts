// HTML from template strings in which everything is text unless it is HTML already. What a probe sends comes from a
// hostile network: this file is the only way to put it on a page.

import { seenText } from '../../tests-spec/command-line/safe-text.ts'

/** Of one text: our own sentences are shorter, and those of probes are cut before. */
const maxChars = 2_000

/** A piece of a page. Only `html` makes it, so that its type proves that it is escaped. */
export class Html {
  readonly text: string

  private constructor(text: string) {
    this.text = text
  }

  /** For text that this program wrote itself. Never for text that came from outside. */
  static trusted(text: string): Html {
    return new Html(text)
  }
}

type Piece = Html | string | number | readonly Html[]

/** Builds a piece of a page; strings and numbers put into it are escaped. */
export function html(literals: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  const text = literals.map((literal, i) => {
    const piece = pieces[i]
    return piece === undefined ? literal : literal + textOf(piece)
  })
  return Html.trusted(text.join(''))
}

function textOf(piece: Piece): string {
  if (piece instanceof Html) return piece.text
  if (typeof piece === 'object') return piece.map((each) => each.text).join('')
  return escaped(String(piece))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return seenText(text, maxChars).replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
