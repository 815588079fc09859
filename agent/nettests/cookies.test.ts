// Cookies of one chain: given back to whoever may have them, and to nobody else.

import { describe, expect, it } from 'vitest'
import { cookieJar } from './cookies.ts'

const from = new URL('http://www.site.example/')

describe('cookieJar()', () => {
  const rows: readonly [string, string, string, string | null][] = [
    ['to the same host', 'a=1', 'https://www.site.example/next', 'a=1'],
    ['not to another host', 'a=1', 'https://other.example/', null],
    ['not to a host below, unless a domain is named', 'a=1', 'https://m.www.site.example/', null],
    ['to every host of the domain it names', 'a=1; Domain=.site.example', 'https://m.site.example/', 'a=1'],
    ['not for a domain its sender is not of', 'a=1; Domain=bank.example', 'https://bank.example/', null],
    ['not for a whole top-level domain', 'a=1; Domain=example', 'https://bank.example/', null],
    ['a secure one not in clear text', 'a=1; Secure', 'http://www.site.example/', null],
    ['a secure one over TLS', 'a=1; Secure; HttpOnly', 'https://www.site.example/', 'a=1'],
    ['with an equals sign in its value', 'a=b=c', 'https://www.site.example/', 'a=b=c'],
    ['nothing without a name', '=1', 'https://www.site.example/', null],
    ['nothing that would break the header', 'a=1\r\nX: y', 'https://www.site.example/', null],
  ]
  it.each(rows)('gives a cookie back %s', (_name, text, to, expected) => {
    const jar = cookieJar()
    jar.take(from, [['Set-Cookie', text]])
    expect(jar.headerFor(new URL(to))).toBe(expected)
  })

  it('joins several, and lets a later one replace an earlier', () => {
    const jar = cookieJar()
    jar.take(from, [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['Set-Cookie', 'a=3'],
    ])
    expect(jar.headerFor(from)).toBe('a=3; b=2')
  })

  it('takes a bounded number of bounded ones', () => {
    const jar = cookieJar()
    jar.take(from, [
      ['Set-Cookie', `long=${'x'.repeat(5000)}`],
      ...Array.from({ length: 80 }, (_, n): [string, string] => ['Set-Cookie', `c${n}=1`]),
    ])
    expect(jar.headerFor(from)?.split('; ')).toHaveLength(50)
  })
})
