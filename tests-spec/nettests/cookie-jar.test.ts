import { describe, expect, it } from 'vitest'
import { CookieJar } from './cookie-jar.ts'

const now = Date.UTC(2018, 6, 29)
const site = new URL('https://www.example.test/a/b')

/** What comes back to `url` after `site` has set `lines`. */
function back(lines: readonly string[], url = site.href): string | null {
  const jar = new CookieJar()
  jar.keep(
    site,
    lines.map((line) => ['Set-Cookie', line] as const),
    now,
  )
  return jar.headerFor(new URL(url))
}

describe('CookieJar', () => {
  it.each([
    ['a cookie to where it came from', ['a=1'], site.href, 'a=1'],
    ['two cookies', ['a=1', 'b=2; HttpOnly; SameSite=Lax'], site.href, 'a=1; b=2'],
    ['a value with = in it', ['a=b=c'], site.href, 'a=b=c'],
    ['a later value in the place of an earlier', ['a=1', 'a=2'], site.href, 'a=2'],
    ['nothing after Max-Age=0', ['a=1', 'a=; Max-Age=0'], site.href, null],
    [
      'nothing after an Expires that has passed',
      ['a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
      site.href,
      null,
    ],
    ['a cookie whose Expires cannot be read', ['a=1; Expires=soon'], site.href, 'a=1'],
    ['Max-Age before Expires', ['a=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT'], site.href, 'a=1'],
    ['to the domain it names', ['a=1; Domain=.example.test; Path=/'], 'https://example.test/', 'a=1'],
    ['below the domain it names', ['a=1; Domain=example.test; Path=/'], 'https://m.example.test/', 'a=1'],
    ['to no other host without a domain', ['a=1; Path=/'], 'https://example.test/', null],
    [
      'to no host that merely ends so',
      ['a=1; Domain=example.test; Path=/'],
      'https://badexample.test/',
      null,
    ],
    ['nothing for another domain', ['a=1; Domain=other.test'], 'https://other.test/', null],
    ['nothing for a whole top domain', ['a=1; Domain=test; Path=/'], 'https://www.example.test/', null],
    ['below its path', ['a=1; Path=/a'], 'https://www.example.test/a/c', 'a=1'],
    ['not beside its path', ['a=1; Path=/a'], 'https://www.example.test/ab', null],
    ['below the folder of the page, without a path', ['a=1'], 'https://www.example.test/a/c', 'a=1'],
    ['not above the folder of the page', ['a=1'], 'https://www.example.test/', null],
    ['longer paths first', ['a=1; Path=/', 'b=2; Path=/a'], site.href, 'b=2; a=1'],
    ['nothing Secure in clear text', ['a=1; Secure; Path=/'], 'http://www.example.test/', null],
    ['nothing without a name', ['=1', 'flag', ''], site.href, null],
    ['nothing that would break a header', ['a=1\u0000', 'b=\u00e9'], site.href, null],
    ['nothing over 4 KiB', [`a=${'x'.repeat(4_096)}`], site.href, null],
  ])('gives back %s', (_, lines, url, header) => {
    expect(back(lines, url)).toBe(header)
  })

  it('keeps at most fifty, and sends at most 8 KiB of them', () => {
    const small = Array.from({ length: 60 }, (_, i) => `n${i}=1`)
    expect(back(small)?.split('; ')).toHaveLength(50)
    const large = Array.from({ length: 10 }, (_, i) => `n${i}=${'x'.repeat(2_000)}`)
    expect(back(large)?.length).toBeLessThanOrEqual(8_192)
  })

  it('compares dates with the one of the response, whatever the clock says', () => {
    const expires = 'a=1; Expires=Sun, 29 Jul 2018 12:00:00 GMT'
    const headers = (date: string) =>
      [
        ['Date', date],
        ['Set-Cookie', expires],
      ] as const
    for (const clock of [0, Date.UTC(2040, 0)]) {
      const jar = new CookieJar()
      jar.keep(site, headers('Sun, 29 Jul 2018 11:00:00 GMT'), clock)
      expect(jar.headerFor(site)).toBe('a=1')
      jar.keep(site, headers('Sun, 29 Jul 2018 13:00:00 GMT'), clock)
      expect(jar.headerFor(site)).toBeNull()
    }
  })

  it('keeps an address as a domain for that address alone', () => {
    const jar = new CookieJar()
    jar.keep(new URL('http://192.0.2.7/'), [['set-cookie', 'a=1; Domain=192.0.2.7']], now)
    expect(jar.headerFor(new URL('http://192.0.2.7/'))).toBe('a=1')
    expect(jar.headerFor(new URL('http://9.192.0.2.7.test/'))).toBeNull()
  })
})
