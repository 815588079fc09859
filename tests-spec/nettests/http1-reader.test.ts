// Responses as servers really send them, and the bounds on what a hostile one is read of.

import { describe, expect, it } from 'vitest'
import type { HeaderPair } from './http-header.ts'
import { Http1Reader, maxHeadBytes, type Reading } from './http1-reader.ts'

interface Read {
  readonly reading: Reading
  readonly status: number
  readonly headers: readonly HeaderPair[]
  readonly body: string
  readonly faults: readonly string[]
}

interface Way {
  readonly method?: string
  readonly isSecure?: boolean
  /** Whether the peer closes behind the bytes; it does by default. */
  readonly closes?: boolean
  /** Bytes in each piece; 0 is all of it in one. */
  readonly piece?: number
}

function read(text: string, { method = 'GET', isSecure = false, closes = true, piece = 0 }: Way = {}): Read {
  let status = 0
  let headers: readonly HeaderPair[] = []
  let body = ''
  const reader = new Http1Reader(
    { method, isSecure },
    {
      head: (code, list) => {
        status = code
        headers = list
        return true
      },
      body: (bytes) => {
        body += bytes.toString('latin1')
        return true
      },
    },
  )
  const bytes = Buffer.from(text, 'latin1')
  const step = piece === 0 ? Math.max(1, bytes.length) : piece
  let reading: Reading = 'more'
  for (let at = 0; at < bytes.length; at += step) reading = reader.take(bytes.subarray(at, at + step))
  if (closes) reading = reader.end()
  return { reading, status, headers, body, faults: reader.faults }
}

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

/** What it is, its bytes, the body, what is forgiven. */
const tolerated: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['a proper response', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok', []],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok', ['status_line']],
  ['two blanks', 'HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok', ['status_line']],
  ['HTTP/2.0 in words', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok', ['status_line']],
  ['HTTP/1', 'HTTP/1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok', ['status_line']],
  ['small letters', 'http/1.1 200 ok\r\nContent-Length: 2\r\n\r\nok', 'ok', ['status_line']],
  ['no version', 'HTTP 200 OK\r\nContent-Length: 2\r\n\r\nok', 'ok', ['status_line']],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'ok', ['bare_lf']],
  ['mixed line ends', 'HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok', 'ok', ['bare_lf']],
  [
    'a blank line first',
    '\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'ok',
    ['bytes_before_status_line'],
  ],
  [
    'blanks first',
    '\r\n  HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'ok',
    ['bytes_before_status_line'],
  ],
  [
    'a BOM first',
    '\xef\xbb\xbfHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'ok',
    ['bytes_before_status_line'],
  ],
  ['a blank before a colon', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok', 'ok', ['blank_before_colon']],
  [
    'a folded header',
    'HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\nContent-Length: 2\r\n\r\nok',
    'ok',
    ['folded_header'],
  ],
  [
    'a line without colon',
    'HTTP/1.1 200 OK\r\nnothing\r\nContent-Length: 2\r\n\r\nok',
    'ok',
    ['header_without_colon'],
  ],
  ['a name of two words', 'HTTP/1.1 200 OK\r\na b: c\r\nContent-Length: 2\r\n\r\nok', 'ok', ['header_name']],
  ['a line with no name', 'HTTP/1.1 200 OK\r\n: c\r\nContent-Length: 2\r\n\r\nok', 'ok', ['header_name']],
  [
    'one length twice',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok!',
    'ok',
    ['repeated_length'],
  ],
  [
    'one length twice in a line',
    'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok!',
    'ok',
    ['repeated_length'],
  ],
  ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok', 'ok', ['unreadable_length']],
  [
    'a length past all numbers',
    `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(40)}\r\n\r\nok`,
    'ok',
    ['unreadable_length'],
  ],
  [
    'a length and chunks',
    `HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    'ok',
    ['length_and_chunks'],
  ],
  ['chunks with extensions and trailers', `${chunked}2;a=b\r\nok\r\n0\r\nT: 1\r\n\r\n`, 'ok', []],
  ['chunks with a blank behind the size', `${chunked}2 \r\nok\r\n0\r\n\r\n`, 'ok', []],
  ['chunks with bare LF', `${chunked}2\nok\n0\n\n`, 'ok', ['bare_lf']],
  ['a last chunk and no more', `${chunked}2\r\nok\r\n0\r\n`, 'ok', []],
  [
    'chunks under HTTP/1.0, which knows none',
    'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok',
    '2\r\nok',
    [],
  ],
  ['a body that ends with the connection', 'HTTP/1.1 200 OK\r\n\r\nok', 'ok', []],
  [
    'a coding before chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    'ok',
    [],
  ],
  [
    'early hints first',
    'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'ok',
    [],
  ],
  ['a head that the connection ends', 'HTTP/1.1 200 OK\r\nServer: x\r\n', '', ['cut_head']],
]

describe('Http1Reader', () => {
  it.each(tolerated)('reads %s', (_what, text, body, faults) => {
    for (const piece of [0, 1, 7]) {
      expect(read(text, { piece })).toMatchObject({ reading: 'whole', status: 200, body, faults })
    }
  })

  it.each([
    ['an SSH banner', 'SSH-2.0-test\r\n'],
    ['a page without head', '<html>blocked</html>'],
    ['zeros', '\0'.repeat(64)],
    ['a TLS alert', '\x15\x03\x01\0\x02\x02\x0a\0\0'],
    ['a request', 'GET / HTTP/1.1\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 020 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['no status', 'HTTP/1.1\r\n\r\n'],
    ['another protocol that was not asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    ['a chunk without size', `${chunked}zz\r\n`],
    ['a chunk of a size that no number holds', `${chunked}fffffffffffffff\r\n`],
    ['a chunk longer than its size', `${chunked}1\r\nok\r\n`],
  ])('refuses %s at once', (_what, text) => {
    for (const piece of [0, 1]) expect(read(text, { closes: false, piece }).reading).toBe('invalid')
  })

  it.each([
    ['nothing', ''],
    ['half a status line', 'HTTP/1.1 2'],
    ['half a header', 'HTTP/1.1 200 OK\r\nServer: x'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok'],
    ['half a chunk', `${chunked}3\r\nok`],
    ['no last chunk', `${chunked}2\r\nok\r\n`],
    ['hints and nothing behind them', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('tells %s from a whole response', (_what, text) => {
    expect(read(text, { closes: false }).reading).toBe('more')
    expect(read(text).reading).toBe('cut')
  })

  it('does not believe a head over TLS that ends with the connection, since anybody can end that', () => {
    expect(read('HTTP/1.1 200 OK\r\nServer: x\r\n', { isSecure: true }).reading).toBe('cut')
  })

  it('waits for no body of HEAD, 204 and 304, whatever their length', () => {
    const head = 'Content-Length: 5\r\nContent-Length: 6\r\n\r\n'
    expect(read(`HTTP/1.1 200 OK\r\n${head}`, { method: 'HEAD', closes: false }).reading).toBe('whole')
    expect(read(`HTTP/1.1 204 No\r\n${head}`, { closes: false }).reading).toBe('whole')
    expect(read(`HTTP/1.1 304 No\r\n${head}`, { closes: false }).reading).toBe('whole')
  })

  it('joins the lines of a folded header, and reads values as UTF-8 or Latin-1', () => {
    const text = 'HTTP/1.1 200 OK\r\nx-a:  b \r\n  c\r\nX-B: caf\xe9\r\nX-C: \xc3\xa9\r\nX-D: a\0b\r\n\r\n'
    expect(read(text).headers).toEqual([
      ['X-A', 'b c'],
      ['X-B', 'café'],
      ['X-C', 'é'],
      ['X-D', 'a b'],
    ])
  })

  it.each([
    ['a header', 'HTTP/1.1 200 OK\r\nX: ', 'x'],
    ['headers', 'HTTP/1.1 200 OK\r\n', 'X: y\r\n'],
    ['hints', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['blank lines', '', '\r\n'],
    ['a folded header', 'HTTP/1.1 200 OK\r\nX: y\r\n', ' \r\n'],
    ['a chunk extension', `${chunked}1;`, 'x'],
    ['chunks of extensions', chunked, `1;${'x'.repeat(64)}\r\ny\r\n`],
  ])('gives up on %s without end', (_what, begin, more) => {
    const text = begin + more.repeat(Math.ceil((2 * maxHeadBytes) / more.length))
    let taken = 0
    const reader = new Http1Reader({ method: 'GET', isSecure: false }, { head: () => true, body: () => true })
    let reading: Reading = 'more'
    for (; reading === 'more' && taken < text.length; taken += 100) {
      reading = reader.take(Buffer.from(text.slice(taken, taken + 100), 'latin1'))
    }
    expect(reading).toBe('invalid')
    expect(taken).toBeLessThanOrEqual(maxHeadBytes + 200)
  })

  it('reads a body that comes byte by byte in chunks', () => {
    const body = 'x'.repeat(20_000)
    const text = `${chunked}${[...body].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`
    expect(read(text, { piece: 1_000 })).toMatchObject({ reading: 'whole', body })
  })

  it('takes a head of many blanks in time', () => {
    const started = performance.now()
    const blanks = ' '.repeat(60_000)
    expect(read(`HTTP/1.1 200 OK\r\nX:${blanks}a${blanks.slice(60_000)}\r\n\r\n`).reading).toBe('whole')
    expect(read(`HTTP/1.1 200 OK\r\nX${blanks}\r\n\r\n`).reading).toBe('whole')
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
