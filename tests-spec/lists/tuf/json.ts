// JSON of which there is one reading. Objects become maps, so that no name is inherited and none is lost; a name that
// stands twice, a number that a double cannot hold and text that UTF-8 cannot are refused. Size is bounded by whoever
// downloads, depth and number of values here, before anything is made of them.

import { Refused } from './refusal.ts'

export type JsonObject = ReadonlyMap<string, Json>
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** Arrays and objects within each other. Metadata has seven. */
const maxDepth = 32
/** A file of 256 KiB that lists 1,700 targets has 10,000; one that has more costs memory and nothing else. */
const maxValues = 65_536

/**
 * @throws {Refused} `tampering` for what is no JSON (a portal's page, a download that broke off) or says a thing twice;
 * `malformed` for JSON that is none of ours.
 */
export function readJson(bytes: Uint8Array): Json {
  let text: string
  try {
    // A byte order mark stays in the text, and is then no JSON.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed('not UTF-8')
  }
  if (text.startsWith('\ufeff')) throw malformed('a byte order mark')
  return new Reader(text).document()
}

class Reader {
  readonly #text: string
  #at = 0
  #values = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): Json {
    const value = this.#value(0)
    this.#blanks()
    if (this.#at < this.#text.length) throw malformed('text behind its end')
    return value
  }

  #value(depth: number): Json {
    if (depth > maxDepth) throw malformed(`more than ${maxDepth} levels`)
    if (++this.#values > maxValues) throw malformed(`more than ${maxValues} values`)
    this.#blanks()
    const letter = this.#text[this.#at]
    if (letter === '{') return this.#object(depth)
    if (letter === '[') return this.#array(depth)
    if (letter === '"') return this.#string()
    const word = this.#match(/true|false|null|-?[0-9][0-9.eE+-]*/y)
    if (word === 'true' || word === 'false') return word === 'true'
    return word === 'null' ? null : integer(word)
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>()
    this.#at++
    if (this.#skip('}')) return members
    do {
      this.#blanks()
      const name = this.#string()
      // Two readers would take two values; what one checks, the other would use.
      if (members.has(name)) throw new Refused('tampering', '4.1', `A member stands twice: ${name}`)
      this.#expect(':')
      members.set(name, this.#value(depth + 1))
    } while (this.#skip(','))
    this.#expect('}')
    return members
  }

  #array(depth: number): readonly Json[] {
    const elements: Json[] = []
    this.#at++
    if (this.#skip(']')) return elements
    do elements.push(this.#value(depth + 1))
    while (this.#skip(','))
    this.#expect(']')
    return elements
  }

  #string(): string {
    if (this.#text[this.#at] !== '"') throw notJson()
    let end = this.#at + 1
    for (; this.#text[end] !== '"'; end += this.#text[end] === '\\' ? 2 : 1)
      if (end >= this.#text.length) throw notJson()
    const written = this.#text.slice(this.#at, end + 1)
    this.#at = end + 1
    let value: string
    try {
      value = JSON.parse(written)
    } catch {
      throw notJson()
    }
    // Half a pair has no UTF-8: two different names would have the same signed bytes.
    if (/\p{Surrogate}/u.test(value)) throw malformed('half of a surrogate pair')
    return value
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    if (found === undefined) throw notJson()
    this.#at += found.length
    return found
  }

  #blanks(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at++
  }

  #skip(letter: string): boolean {
    this.#blanks()
    if (this.#text[this.#at] !== letter) return false
    this.#at++
    return true
  }

  #expect(letter: string): void {
    if (!this.#skip(letter)) throw notJson()
  }
}

/** Canonical JSON has whole numbers alone; one that is written otherwise was not signed as it is written. */
function integer(word: string): number {
  const value = Number(word)
  if (!/^(0|-?[1-9][0-9]*)$/.test(word) || !Number.isSafeInteger(value)) {
    throw malformed(`the number ${word.slice(0, 40)}`)
  }
  return value
}

function malformed(what: string): Refused {
  return new Refused('malformed', '4.1', `Cannot read JSON: it has ${what}`)
}

function notJson(): Refused {
  return new Refused('tampering', '4.1', 'Not JSON, or not all of it')
}
