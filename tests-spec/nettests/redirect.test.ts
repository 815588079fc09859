import { describe, expect, it } from 'vitest'
import { bareHost, hostOfUrl, isIpLiteral, portOfUrl } from './host-text.ts'
import { areNamesakes, leavesSite, locationOf, redirectTarget } from './redirect.ts'

const here = new URL('http://site.example/a/b')

describe('locationOf()', () => {
  it.each([
    ['a redirect', 302, [['Location', '/x']], '/x'],
    ['any case of the name', 308, [['location', '/x']], '/x'],
    [
      'the first of two',
      301,
      [
        ['Location', '/x'],
        ['Location', '/y'],
      ],
      '/x',
    ],
    ['a page that names a place', 200, [['Location', '/x']], null],
    ['300, which leaves the choice', 300, [['Location', '/x']], null],
    ['304', 304, [['Location', '/x']], null],
    ['an empty place', 302, [['Location', '']], null],
    ['no place', 302, [], null],
  ] as const)('of %s', (_, code, headers, location) => {
    expect(locationOf(code, headers)).toBe(location)
  })
})

describe('redirectTarget()', () => {
  it.each([
    ['/x', 'http://site.example/x'],
    ['//other.example/', 'http://other.example/'],
    ['https://guest:1@other.example/', 'https://other.example/'],
    ['market://details', null],
    ['http://other.example:8080/', 'http://other.example:8080/'],
    ['http://other.example:22/', null],
    ['https://other.example:6379/', null],
    ['http://', null],
    ['http://[::1', null],
  ])('of %s', (location, target) => {
    expect(redirectTarget(location, here)?.href ?? null).toBe(target)
  })

  it('stays at the port where the chain began, whichever it is', () => {
    expect(redirectTarget('/x', new URL('http://site.example:2082/'))?.port).toBe('2082')
  })
})

describe('leavesSite()', () => {
  it.each([
    ['http://site.example/', 'https://www.site.example/', false],
    ['http://www.site.example/', 'https://site.example/x', false],
    ['http://m.site.example/', 'https://www.site.example/', false],
    ['http://site.example/', 'https://SITE.example:8443/', false],
    ['http://site.example/', 'https://other.example/', true],
    ['http://site.com.ml/', 'https://warning.com.ml/', true],
    ['http://site.example/', 'https://site.example.warning.example/', true],
    ['http://site.example/', 'https://notsite.example/', true],
    ['http://site.example/', 'https://example/', true],
    ['http://21.0.0.7/', 'https://21.0.0.8/', true],
    // What stands behind a verified certificate is the site's word.
    ['https://site.example/', 'https://other.example/', false],
  ])('of %s to %s', (from, to, leaves) => {
    expect(leavesSite(new URL(from), new URL(to))).toBe(leaves)
  })
})

describe('areNamesakes()', () => {
  it.each([
    ['site.example', 'site.test', true],
    ['en.site.example', 'de.site.example', true],
    ['www.site.co.uk', 'site.fr', true],
    ['party.gov.ml', 'www.gov.ml', false],
    ['site.example', 'warning.example', false],
    ['21.0.0.7', '21.0.0.8', false],
    ['gov.ml', 'gov.ml', false],
    ['localhost', 'localhost', false],
  ])('%s and %s', (one, other, same) => {
    expect(areNamesakes(one, other)).toBe(same)
  })
})

describe('hosts', () => {
  it('lose the brackets of IPv6, and nothing else', () => {
    expect([bareHost('[2001:db8::1]'), bareHost('site.example'), bareHost('[x')]).toEqual([
      '2001:db8::1',
      'site.example',
      '[x',
    ])
    expect(hostOfUrl(new URL('https://[2001:db8::1]:8443/'))).toBe('2001:db8::1')
  })

  it('are addresses or names', () => {
    expect(['192.0.2.1', '2001:db8::1', 'site.example', '192.0.2', ''].map(isIpLiteral)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('have the port that is named, or the usual one', () => {
    expect(
      ['http://a.test/', 'https://a.test/', 'http://a.test:8080/'].map((url) => portOfUrl(new URL(url))),
    ).toEqual([80, 443, 8080])
  })
})
