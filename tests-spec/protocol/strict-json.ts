// JSON that every reader reads alike: what is signed must not mean one thing to one program and another to the next. A
// name that stands twice in an object, `__proto__`, a byte order mark and bytes that are no UTF-8 are refused, and depth and
// size are those of a line (lines.ts). Pure.

import { lineFault } from './lines.ts'

/** @throws {SyntaxError} Also for JSON that other readers might read otherwise. */
export function parseStrictJson(bytes: Uint8Array): unknown {
  const fault = lineFault(bytes)
  if (fault !== null) throw new SyntaxError(`JSON is ${fault}`)
  const text = textOf(bytes)
  const value: unknown = JSON.parse(text)
  refuseAmbiguous(text)
  return value
}

function textOf(bytes: Uint8Array): string {
  try {
    // Otherwise a byte order mark would be passed over.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new SyntaxError('JSON is no UTF-8', { cause })
  }
}

/** @param text - JSON. */
function refuseAmbiguous(text: string): void {
  /** Names of each object that is open; null for an array. */
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]
    if (letter === '{') open.push(new Set())
    else if (letter === '[') open.push(null)
    else if (letter === '}' || letter === ']') open.pop()
    if (letter !== '"') continue
    const end = endOfText(text, at)
    const names = open.at(-1)
    if (names != null && isName(text, end)) {
      const name: unknown = JSON.parse(text.slice(at, end + 1))
      if (name === '__proto__' || names.has(String(name)))
        throw new SyntaxError('A name stands twice, or must not')
      names.add(String(name))
    }
    at = end
  }
}

/** Whether a colon follows, behind blanks. */
function isName(text: string, end: number): boolean {
  let at = end + 1
  while (' \t\r\n'.includes(text[at] ?? ':')) at++
  return text[at] === ':'
}

/** Index of the quotation mark that ends the text that begins at `at`. */
function endOfText(text: string, at: number): number {
  let end = at + 1
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1
  return end
}
