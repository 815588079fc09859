// JSON that a person wrote: where exactly it is none, in the same words on every runtime, whose own sentences differ.
// RFC 8259. A byte order mark at the start, which some editors write unasked, is passed over.

export type JsonReading =
  | { readonly ok: true; readonly value: unknown }
  /** Both counted from 1; a column is a character. */
  | { readonly ok: false; readonly line: number; readonly column: number; readonly what: string }

export function parseJsonText(text: string): JsonReading {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text
  try {
    return { ok: true, value: JSON.parse(body) }
  } catch {
    const { at, what } = firstFault(body)
    const before = body.slice(0, at).split('\n')
    return { ok: false, line: before.length, column: [...(before.at(-1) ?? '')].length + 1, what }
  }
}

/** `config.json:7:3: expected a comma or }`, in the form that editors jump to. */
export function jsonFaultText(path: string, fault: JsonReading & { readonly ok: false }): string {
  return `${path}:${fault.line}:${fault.column}: ${fault.what}`
}

interface Fault {
  readonly at: number
  readonly what: string
}

/** Deeper than any file of ours, and shallower than what would exhaust the stack. */
const maxDepth = 500

/** Goes through text that is known to be no JSON, to where that shows first. */
function firstFault(text: string): Fault {
  let at = 0
  try {
    value(0)
    skip()
    return { at, what: at < text.length ? 'expected nothing more' : 'cannot be read as JSON' }
  } catch (fault) {
    if (fault instanceof Error) throw fault
    return fault as Fault
  }

  function fail(what: string, place = at): never {
    throw { at: place, what: text[place] === undefined ? `${what}, and the file ends` : what } satisfies Fault
  }

  function skip(): void {
    while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++
  }

  function value(depth: number): void {
    skip()
    if (depth > maxDepth) fail('is nested too deeply')
    const first = text[at]
    if (first === '{') object(depth)
    else if (first === '[') array(depth)
    else if (first === '"') string()
    else word(first)
  }

  function word(first: string | undefined): void {
    if (first === '/' || first === '#') fail('JSON has no comments')
    if (first === "'") fail('expected double quotation marks')
    const begin = at
    const found = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(
      text.slice(at, at + 400),
    )
    if (found === null) fail('expected a value')
    at += found[0].length
    if (/[\w.+-]/.test(text[at] ?? ' ')) fail('expected a value', begin)
  }

  function object(depth: number): void {
    const comma = members('}', () => {
      if (text[at] !== '"')
        fail(text[at] === '}' ? 'one comma too many' : 'expected a name in double quotation marks')
      string()
      skip()
      if (text[at] !== ':') fail('expected a colon')
      at++
      value(depth + 1)
    })
    if (!comma) fail('expected a comma or }')
  }

  function array(depth: number): void {
    const comma = members(']', () => {
      if (text[at] === ']') fail('one comma too many')
      value(depth + 1)
    })
    if (!comma) fail('expected a comma or ]')
  }

  /** @returns Whether it was closed. */
  function members(close: string, member: () => void): boolean {
    at++
    skip()
    if (text[at] === close) {
      at++
      return true
    }
    for (;;) {
      member()
      skip()
      const next = text[at]
      if (next !== ',' && next !== close) return false
      at++
      if (next === close) return true
      skip()
    }
  }

  function string(): void {
    const begin = at++
    for (;;) {
      const each = text[at]
      if (each === undefined || each === '\n') fail('this text is not closed', begin)
      if (each === '"') break
      if (each < ' ') fail('a control character has to be written as \\u00…')
      if (each === '\\' && !/^\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/.test(text.slice(at, at + 6))) {
        fail('after \\ only " \\ / b f n r t or u and four hex digits')
      }
      at += each === '\\' ? 2 : 1
    }
    at++
  }
}
