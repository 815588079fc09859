// The lines of an unpacked payload, and what a line may be: batch.md, "Bounds". A few kilobytes of payload can become
// millions of objects, so that they are counted before they are made. Pure.

/** Of a payload. A probe seals 4,096 records at most. */
export const maxLines = 8_192
/** What a probe seals at most in all. */
export const maxLineBytes = 4 * 1024 * 1024
/** Arrays and objects within each other. */
export const maxDepth = 32
/** Arrays, objects and commas of a line: what is made of it, and what every work on it costs, is bounded by them. */
export const maxValues = 30_000

export type LineFault = 'not_json' | 'line_too_long' | 'too_deep' | 'too_many_values'

/** Stands for a line that must not be read, or cannot. */
export class BadLine {
  readonly why: LineFault

  constructor(why: LineFault) {
    this.why = why
  }
}

/** @returns Whether there are more line feeds than a payload may have. It reads no further than that many. */
export function hasTooManyLines(raw: Uint8Array, most: number = maxLines): boolean {
  let lines = 0
  for (let at = raw.indexOf(0x0a); at !== -1; at = raw.indexOf(0x0a, at + 1)) if (++lines > most) return true
  return false
}

/** Each line of NDJSON, parsed, or what is wrong with it, so that the others can be used. Empty lines are none. */
export function* linesOf(raw: Uint8Array): Generator<unknown> {
  for (const line of splitLines(raw)) yield readLine(line)
}

export function* splitLines(raw: Uint8Array): Generator<Buffer> {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, from)
    const to = newline === -1 ? bytes.length : newline
    if (to > from) yield bytes.subarray(from, to)
    from = to + 1
  }
}

/** @returns The content of one line, or a `BadLine`. */
export function readLine(line: Buffer): unknown {
  const fault = lineFault(line)
  if (fault !== null) return new BadLine(fault)
  try {
    return JSON.parse(line.toString('utf8'))
  } catch {
    return new BadLine('not_json')
  }
}

/**
 * Counts what a line would become, without making any of it. It need not be JSON: brackets and commas outside of
 * strings are what makes objects, in JSON.
 */
export function lineFault(line: Uint8Array): LineFault | null {
  if (line.length > maxLineBytes) return 'line_too_long'
  let depth = 0
  let values = 0
  let isText = false
  for (let at = 0; at < line.length; at++) {
    const byte = line[at]
    if (isText) {
      if (byte === backslash) at++
      else if (byte === quote) isText = false
    } else if (byte === quote) isText = true
    else if (byte === openBrace || byte === openBracket) {
      values++
      if (++depth > maxDepth) return 'too_deep'
    } else if (byte === closeBrace || byte === closeBracket) depth--
    else if (byte === comma) values++
    if (values > maxValues) return 'too_many_values'
  }
  return null
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
