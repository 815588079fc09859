// HTML from template strings in which everything is text unless it is HTML already. What a probe sends comes from a
// hostile network: this file is the only way to put it on a page.

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
  return text.replace(unseen, '\ufffd').replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/**
 * Control characters, and those that change the direction of the text behind them: an address must be shown as what
 * it is.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unseen = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
