// Parses an HTTP/1.1 response (RFC 9112) that raw-exchange.ts received, for requests that no client would send. Pure.
// All other requests go through http1-exchange.ts.

import { type HeaderPair, headerName, type Received } from './http-response.ts'

/** Like `Received`; `whole` says whether the message is complete. */
export interface Http1Message extends Received {
  readonly whole: boolean
}

/**
 * Reads the part of a response that has come. Never throws.
 *
 * @returns null when the bytes are no HTTP response; while its head is incomplete, a message of status 0 that is not
 * whole.
 */
export function readHttp1(bytes: Buffer): Http1Message | null {
  const begun = bytes.toString('latin1', 0, protocol.length)
  if (begun !== protocol.slice(0, begun.length)) return null
  const end = bytes.indexOf(blankLine)
  if (end < 0)
    return {
      status: 0,
      headersList: [],
      body: Buffer.alloc(0),
      truncated: false,
      bodySeconds: null,
      whole: false,
    }
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const status = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/.exec(statusLine)?.[1]
  const headersList = lines.map(headerOf)
  if (status === undefined || !headersList.every((each) => each !== null)) return null
  const rest = bytes.subarray(end + blankLine.length)
  const { body, whole } = bodyOf(rest, headersList)
  return { status: Number(status), headersList, body, truncated: false, bodySeconds: null, whole }
}

const protocol = 'HTTP/1.'
const blankLine = '\r\n\r\n'

function headerOf(line: string): HeaderPair | null {
  const [, name, value] = /^([!#-'*+\-.0-9A-Z^-z|~]+):(.*)$/.exec(line) ?? []
  return name === undefined || value === undefined ? null : [headerName(name), withoutBlanks(value)]
}

/** By hand: a pattern that looks for blanks before the end looks again behind each blank, and a line may be all blanks. */
function withoutBlanks(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && isBlank(text[from])) from++
  while (to > from && isBlank(text[to - 1])) to--
  return text.slice(from, to)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

interface Body {
  readonly body: Buffer
  readonly whole: boolean
}

/** The body's end is found by chunks, else by the length, else by the closing of the connection: RFC 9112 §6.3. */
function bodyOf(rest: Buffer, headers: readonly HeaderPair[]): Body {
  const valueOfHeader = (wanted: string) => headers.find(([name]) => name === wanted)?.[1]
  if (valueOfHeader('Transfer-Encoding')?.toLowerCase() === 'chunked') return chunksOf(rest)
  const length = /^\d{1,9}$/.exec(valueOfHeader('Content-Length') ?? '')?.[0]
  if (length === undefined) return { body: rest, whole: false }
  return { body: rest.subarray(0, Number(length)), whole: rest.length >= Number(length) }
}

function chunksOf(rest: Buffer): Body {
  const chunks: Buffer[] = []
  for (let offset = 0; ; ) {
    const lineEnd = rest.indexOf('\r\n', offset)
    const size =
      lineEnd < 0 ? null : /^([0-9a-f]{1,8})(?:;|$)/i.exec(rest.toString('latin1', offset, lineEnd))
    const length = Number.parseInt(size?.[1] ?? '', 16)
    if (Number.isNaN(length)) return { body: Buffer.concat(chunks), whole: false }
    if (length === 0) return { body: Buffer.concat(chunks), whole: true }
    const start = lineEnd + 2
    chunks.push(rest.subarray(start, start + length))
    offset = start + length + 2
    if (offset > rest.length) return { body: Buffer.concat(chunks), whole: false }
  }
}
