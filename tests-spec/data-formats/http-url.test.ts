// What a person writes for a URL: taken, put right, or refused in words.

import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { httpUrl, tidyHttpUrl, whyNoHttpUrl } from './http-url.ts'

const messages = (text: string) => (v.safeParse(httpUrl, text).issues ?? []).map(({ message }) => message)

describe('httpUrl', () => {
  it.each([
    'http://example.org',
    'https://example.org/Path?Query=A#B',
    'https://example.org:8443/',
    'https://[2001:db8::1]/',
    'https://münchen.example/ä',
    'https://xn--mnchen-3ya.example/',
    'http://192.0.2.1/',
  ])('takes %s as it is', (text) => {
    expect(messages(text)).toEqual([])
    expect(tidyHttpUrl(text)).toBe(text)
  })

  it.each([
    [' https://example.org/', 'in small letters', 'https://example.org/'],
    ['https://example.org/ ', 'without blanks', 'https://example.org/'],
    ['https://example.org/\r', 'without blanks', 'https://example.org/'],
    ['\ufeffhttps://example.org/', 'in small letters', 'https://example.org/'],
    ['HTTP://example.org/', 'in small letters', 'http://example.org/'],
    ['https://Example.ORG/Path', 'host in small letters', 'https://example.org/Path'],
  ])('refuses %j in a list, which is put right on a command line', (text, words, tidy) => {
    expect(messages(text).join()).toContain(words)
    expect(tidyHttpUrl(text)).toBe(tidy)
    expect(whyNoHttpUrl(tidy)).toBeNull()
  })

  it.each([
    ['https://user@example.org/', 'without user and password'],
    ['https://user:password@example.org/', 'without user and password'],
    ['https://example.org/a b', 'without blanks'],
    ['https://exam\tple.org/', 'without blanks'],
    ['https://example.org\\path', 'without blanks'],
    ['https:///example.org/', 'a URL such as'],
    ['https:example.org', 'a URL such as'],
    ['example.org', 'a URL such as'],
    ['ftp://example.org/', 'a URL such as'],
    ['https://', 'a URL such as'],
    ['https://example.org:99999/', 'a URL such as'],
    ['', 'a URL such as'],
  ])('refuses %j everywhere', (text, words) => {
    expect(whyNoHttpUrl(tidyHttpUrl(text))).toContain(words)
    expect(messages(text)).not.toEqual([])
  })
})
