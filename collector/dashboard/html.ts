// HTML from template strings in which everything is text unless it is already HTML. What a probe sends comes from a
// hostile network: there is no way to put it on a page but through here.

/** A piece of a page. Made by `html` only, so that its being escaped is a matter of type. */
export class Html {
  readonly text: string

  private constructor(text: string) {
    this.text = text
  }

  /** For text this program wrote itself. Never for anything that came from outside. */
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

/** Control characters, and those that turn the direction of what follows: an address must look like what it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unseen = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g
