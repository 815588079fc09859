// Reads an HTTP/1.1 response as it comes in, as tolerant as browsers and within bounds: http-response.md is the page. Pure;
// the same for probe and helper, since what one of two readers refuses is no finding.

import type { HeaderPair } from './http-header.ts'
import { framingOf, type Http1Fault, mayBeHttp, readHead } from './http1-head.ts'

/**
 * How far a response has come: more is needed, it is all there, what came is no HTTP response (or passes the bounds), or
 * the connection was closed where more was needed.
 */
export type Reading = 'more' | 'whole' | 'invalid' | 'cut'

export interface Http1Sink {
  /**
   * The status line and headers of the response itself, once.
   * @returns Whether the body is wanted; with false, the response is `whole`.
   */
  head(status: number, headersList: readonly HeaderPair[]): boolean
  /** @returns Whether more is wanted; with false, the response is `whole`. */
  body(bytes: Buffer): boolean
}

/**
 * Bytes of everything before the body: informational responses, status line, headers. Room for the longest security policies
 * seen in headers.
 */
export const maxHeadBytes = 64 * 1024
/**
 * What surrounds chunks: a body sent byte by byte has five bytes around each, `1`, CRLF and CRLF, and this much more may be
 * spent on extensions.
 */
const framingPerByte = 5
const maxFramingBytes = 16 * 1024

/** By then it is told from SSH, TLS or a page without a head, blanks before it included. */
const firstWordBytes = 64

type Place = 'head' | 'length' | 'until_close' | 'chunk_size' | 'chunk' | 'chunk_end'

export class Http1Reader {
  readonly #method: string
  readonly #isSecure: boolean
  readonly #sink: Http1Sink
  readonly #faults = new Set<Http1Fault>()
  #reading: Reading = 'more'
  #place: Place = 'head'
  /** The part of the present line that came in earlier pieces. */
  #begun: Buffer[] = []
  #lines: string[] = []
  /** Whether a status line was seen. */
  #hasBegun = false
  #first: Buffer = Buffer.alloc(0)
  #headBytes = 0
  #framingBytes = 0
  #bodyBytes = 0
  /** Bytes that are still to come of a body of known length, or of a chunk. */
  #left = 0

  /**
   * @param request - Its method, since HEAD gets no body; and whether it went over TLS, where a head that was cut by whoever
   * closed the connection is not believed.
   */
  constructor(request: { readonly method: string; readonly isSecure: boolean }, sink: Http1Sink) {
    this.#method = request.method
    this.#isSecure = request.isSecure
    this.#sink = sink
  }

  /** The first bytes, as they came in one piece, where no status line stood: a page without a head, another protocol. */
  get foreign(): Buffer | null {
    return this.#reading === 'invalid' && this.#place === 'head' && !this.#hasBegun ? this.#first : null
  }

  /** What was forgiven so far. */
  get faults(): readonly Http1Fault[] {
    return [...this.#faults]
  }

  /** Takes the next bytes. Never throws; after `more` is over, bytes are ignored. */
  take(bytes: Buffer): Reading {
    if (this.#headBytes === 0) this.#first = bytes
    let rest = bytes
    while (this.#reading === 'more' && rest.length > 0) rest = this.#takeSome(rest)
    return this.#reading
  }

  /** The peer closed the connection. */
  end(): Reading {
    if (this.#reading !== 'more') return this.#reading
    if (this.#place === 'until_close') return this.#become('whole')
    if (this.#place !== 'head') return this.#become('cut')
    if (!this.#looksLikeHttp(Buffer.concat(this.#begun))) return this.#become('invalid')
    if (this.#isSecure || this.#lines.length === 0 || this.#begun.length > 0) return this.#become('cut')
    this.#faults.add('cut_head')
    this.#endHead()
    return this.#reading === 'more' ? this.end() : this.#reading
  }

  #become(reading: Reading): Reading {
    this.#reading = reading
    return reading
  }

  /** @returns The bytes that are left. */
  #takeSome(bytes: Buffer): Buffer {
    switch (this.#place) {
      case 'until_close':
        return this.#takeBody(bytes, bytes.length)
      case 'length':
      case 'chunk':
        return this.#takeBody(bytes, this.#left)
      default:
        return this.#takeLine(bytes)
    }
  }

  #takeBody(bytes: Buffer, most: number): Buffer {
    const part = bytes.subarray(0, most)
    this.#bodyBytes += part.length
    this.#left -= part.length
    if (part.length > 0 && !this.#sink.body(part)) this.#become('whole')
    else if (this.#place === 'length' && this.#left === 0) this.#become('whole')
    else if (this.#place === 'chunk' && this.#left === 0) this.#place = 'chunk_end'
    return bytes.subarray(part.length)
  }

  #takeLine(bytes: Buffer): Buffer {
    const lineEnd = bytes.indexOf('\n')
    const length = lineEnd < 0 ? bytes.length : lineEnd + 1
    this.#begun.push(bytes.subarray(0, length))
    if (!this.#isWithinBounds(length)) this.#become('invalid')
    else if (lineEnd >= 0) this.#endLine(Buffer.concat(this.#begun.splice(0)).toString('latin1'))
    else if (this.#isFirstWord(length) && !this.#looksLikeHttp(Buffer.concat(this.#begun)))
      this.#become('invalid')
    return bytes.subarray(length)
  }

  #isWithinBounds(more: number): boolean {
    if (this.#place === 'head') {
      this.#headBytes += more
      return this.#headBytes <= maxHeadBytes
    }
    this.#framingBytes += more
    return this.#framingBytes <= maxFramingBytes + framingPerByte * this.#bodyBytes
  }

  /** Whether the newest `length` bytes may have told what protocol this is. */
  #isFirstWord(length: number): boolean {
    return this.#place === 'head' && this.#lines.length === 0 && this.#headBytes - length < firstWordBytes
  }

  /** Whether `begun`, the beginning of the first line, may be one of HTTP. */
  #looksLikeHttp(begun: Buffer): boolean {
    return this.#lines.length > 0 || mayBeHttp(begun.toString('latin1', 0, firstWordBytes))
  }

  #endLine(line: string): void {
    const text = line.replace(/\r?\n$/, '')
    if (line.length - text.length === 1) this.#faults.add('bare_lf')
    if (this.#place === 'head') this.#takeHeadLine(text)
    else if (this.#place === 'chunk_size') this.#beginChunk(text)
    else if (text === '') this.#place = 'chunk_size'
    else this.#become('invalid')
  }

  #takeHeadLine(text: string): void {
    if (this.#lines.length > 0) {
      if (text === '') this.#endHead()
      else this.#lines.push(text)
      return
    }
    // Blanks before the status line: RFC 9112 §2.2 has them of requests, and servers send them too.
    const statusLine = text.trimStart()
    if (statusLine.length < text.length || text === '') this.#faults.add('bytes_before_status_line')
    if (statusLine === '') return
    if (readHead([statusLine]) === null) this.#become('invalid')
    else {
      this.#hasBegun = true
      this.#lines.push(statusLine)
    }
  }

  #endHead(): void {
    const head = readHead(this.#lines.splice(0))
    // Nobody asked for another protocol, so 101 answers no question of ours.
    if (head === null || head.status === 101) return void this.#become('invalid')
    for (const fault of head.faults) this.#faults.add(fault)
    // The response itself is still to come.
    if (head.status < 200) return
    if (!this.#sink.head(head.status, head.headersList)) return void this.#become('whole')
    const { framing, faults } = framingOf(this.#method, head)
    for (const fault of faults) this.#faults.add(fault)
    if (framing.kind === 'contradictory') return void this.#become('invalid')
    if (framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0)) {
      return void this.#become('whole')
    }
    this.#place = framing.kind === 'chunks' ? 'chunk_size' : framing.kind
    this.#left = framing.kind === 'length' ? framing.length : 0
  }

  /** The last chunk ends the response: trailers are not waited for. */
  #beginChunk(text: string): void {
    const [size = ''] = text.split(';', 1)
    // More digits are no number that JavaScript can hold.
    const length = /^[0-9a-f]{1,13}$/i.test(size.trim()) ? Number.parseInt(size.trim(), 16) : null
    if (length === null) return void this.#become('invalid')
    if (length === 0) return void this.#become('whole')
    this.#left = length
    this.#place = 'chunk'
  }
}
