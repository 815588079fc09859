// The head of an HTTP/1.1 response, read as browsers read it, and what it says of the body: http-response.md is the page.
// Pure. http1-reader.ts finds the lines.

import { type HeaderPair, headerName } from './http-header.ts'
import { latin1OrUtf8 } from './page-text.ts'

/** What a reader forgave, each once, in the order met. */
export const http1Faults = [
  'bytes_before_status_line',
  'status_line',
  'bare_lf',
  'folded_header',
  'header_without_colon',
  'blank_before_colon',
  'header_name',
  'cut_head',
  'repeated_length',
  'unreadable_length',
  'length_and_chunks',
] as const
export type Http1Fault = (typeof http1Faults)[number]

export interface Http1Head {
  readonly status: number
  /** Whether it is HTTP/1.1 or later: what came before knows no chunks. */
  readonly knowsChunks: boolean
  /** Order and repeats as received; names in the form of `headerName()`. */
  readonly headersList: readonly HeaderPair[]
  readonly faults: readonly Http1Fault[]
}

/** Bytes that may stand before `HTTP`, besides blanks: browsers look as far. */
const maxSlop = 4

/**
 * @param begun - The first bytes of a response, one character a byte.
 * @returns Whether they may begin an HTTP response; true while it cannot be told.
 */
export function mayBeHttp(begun: string): boolean {
  const text = begun.trimStart().slice(0, maxSlop + 4)
  return text.length < maxSlop + 4 || /http/i.test(text)
}

/**
 * @param lines - The status line and what follows it, without line ends, one character a byte.
 * @returns null when the first line is no status line.
 */
export function readHead(lines: readonly string[]): Http1Head | null {
  const [first = '', ...rest] = lines
  const begin = first.search(/http/i)
  const statusLine = begin < 0 || begin > maxSlop ? null : readStatusLine(first.slice(begin))
  if (statusLine === null) return null
  const faults = new Set<Http1Fault>()
  if (begin > 0) faults.add('bytes_before_status_line')
  if (!statusLine.isProper) faults.add('status_line')
  const { status, knowsChunks } = statusLine
  const headersList = unfold(rest, faults).flatMap((line) => readHeader(line, faults))
  return { status, knowsChunks, headersList, faults: [...faults] }
}

function readStatusLine(
  line: string,
): { readonly status: number; readonly knowsChunks: boolean; readonly isProper: boolean } | null {
  const [, major, minor, code] = /^http(?:\/(\d)(?:\.(\d))?)?[ \t]{1,64}([1-9]\d\d)(?!\d)/i.exec(line) ?? []
  if (code === undefined) return null
  const version = Number(major ?? 1) * 10 + Number(minor ?? 0)
  return { status: Number(code), knowsChunks: version >= 11, isProper: /^HTTP\/1\.[01] \d{3} /.test(line) }
}

/** A line that begins with a blank goes on with the header before it: RFC 9112 §5.2. */
function unfold(lines: readonly string[], faults: Set<Http1Fault>): string[] {
  const headers: string[][] = []
  for (const line of lines) {
    const folded = line.startsWith(' ') || line.startsWith('\t')
    if (folded) faults.add('folded_header')
    if (folded) headers.at(-1)?.push(line.trim())
    else headers.push([line.trimEnd()])
  }
  return headers.map((parts) => parts.join(' '))
}

/** The characters of a name: RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** @returns Nothing for a line that browsers leave out. */
function readHeader(line: string, faults: Set<Http1Fault>): HeaderPair[] {
  const colon = line.indexOf(':')
  if (colon < 0) {
    faults.add('header_without_colon')
    return []
  }
  const name = line.slice(0, colon).trimEnd()
  if (name.length < colon) faults.add('blank_before_colon')
  if (!token.test(name)) {
    faults.add('header_name')
    return []
  }
  // RFC 9110 §5.5: what is no text becomes a blank.
  const value = line.slice(colon + 1).replaceAll(/[\0\r]/g, ' ')
  return [[headerName(name), latin1OrUtf8(value.trim())]]
}

/** How the end of a body is found. */
export type Framing =
  | { readonly kind: 'none' | 'chunks' | 'until_close' | 'contradictory' }
  | { readonly kind: 'length'; readonly length: number }

/**
 * RFC 9112 §6.3, as browsers have it: chunks before a length, equal lengths are one, a length that is no number is none.
 *
 * @param method - Of the request.
 */
export function framingOf(
  method: string,
  { status, knowsChunks, headersList }: Http1Head,
): { readonly framing: Framing; readonly faults: readonly Http1Fault[] } {
  if (method === 'HEAD' || status === 204 || status === 304) return { framing: { kind: 'none' }, faults: [] }
  const wordsOf = (wanted: string) =>
    headersList
      .filter(([name]) => name === wanted)
      .flatMap(([, value]) => value.split(','))
      .map((word) => word.trim().toLowerCase())
  const lengths = wordsOf('Content-Length')
  if (knowsChunks && wordsOf('Transfer-Encoding').includes('chunked')) {
    return { framing: { kind: 'chunks' }, faults: lengths.length > 0 ? ['length_and_chunks'] : [] }
  }
  const [length] = lengths
  if (length === undefined) return { framing: { kind: 'until_close' }, faults: [] }
  // No body has more digits.
  if (!lengths.every((each) => /^\d{1,15}$/.test(each))) {
    return { framing: { kind: 'until_close' }, faults: ['unreadable_length'] }
  }
  if (new Set(lengths.map(Number)).size > 1) return { framing: { kind: 'contradictory' }, faults: [] }
  const faults: Http1Fault[] = lengths.length > 1 ? ['repeated_length'] : []
  return { framing: { kind: 'length', length: Number(length) }, faults }
}
