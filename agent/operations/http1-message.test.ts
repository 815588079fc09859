import { describe, expect, it } from 'vitest'
import { readHttp1 } from './http1-message.ts'

const read = (text: string) => readHttp1(Buffer.from(text, 'latin1'))
const bodyOf = (text: string) => read(text)?.body.toString('latin1')

describe('readHttp1()', () => {
  it('reads status, headers and a body of known length', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nset-cookie: a=1\r\nSet-Cookie:b=2\r\n\r\nabcdef'
    expect(read(text)).toEqual({
      status: 200,
      headersList: [
        ['Content-Length', '3'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ],
      body: Buffer.from('abc'),
      bodySeconds: null,
      truncated: false,
      whole: true,
    })
  })

  it.each<[string, string, string, boolean]>([
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n',
      'abcde',
      true,
    ],
    [
      'chunks that go on',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde',
      'abcde',
      false,
    ],
    ['a body that ends by closing', 'HTTP/1.0 200 OK\r\n\r\nabc', 'abc', false],
    ['a body that is not all there', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 'abc', false],
    ['no body', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', '', true],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc', 'abc', false],
    ['a status line without a reason', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na', 'a', true],
  ])('reads %s', (_what, text, body, whole) => {
    expect(bodyOf(text)).toBe(body)
    expect(read(text)?.whole).toBe(whole)
  })

  it('takes out blanks around a value in one pass, as many as a head may have, and reads no more', () => {
    // A pattern would take seconds for it.
    const blanks = ' \t'.repeat(10_000)
    const started = performance.now()
    for (const value of [blanks, `${blanks}a${blanks}b${blanks}`, `a${blanks}\u00a0`]) {
      const length = read(`HTTP/1.1 200 OK\r\nX: ${value}\r\n\r\n`)?.headersList[0]?.[1].length
      expect(length).toBeLessThanOrEqual(value.trim().length)
    }
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(read(`HTTP/1.1 200 OK\r\nX: ${' '.repeat(70_000)}\r\n\r\n`)).toBeNull()
  })

  it.each(['', 'H', 'HTTP/1.', 'HTTP/1.1 200 OK\r\nContent-'])('waits for the rest of "%s"', (text) => {
    expect(read(text)).toMatchObject({ status: 0, whole: false })
  })

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a status that is too long', 'HTTP/1.1 2000 OK\r\n\r\n'],
  ])('refuses %s', (_what, text) => {
    expect(read(text)).toBeNull()
  })
})
