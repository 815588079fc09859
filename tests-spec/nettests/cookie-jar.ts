// The cookies of one chain of redirects (RFC 6265, as much of it as a chain needs): many sites set one, redirect, and
// redirect again for ever when it does not come back. Probe and helper keep them alike, or the two would be sent to
// different pages. Forgotten with the chain. Pure but for what it holds.

import { hostOfUrl, isIpLiteral } from './host-text.ts'

interface Cookie {
  readonly name: string
  readonly value: string
  readonly domain: string
  /** Whether hosts below `domain` get it too. */
  readonly below: boolean
  readonly path: string
  readonly secure: boolean
}

/** What browsers hold for one site; more would let a site choose the size of our requests. */
const maxCookies = 50
const maxCookieChars = 4_096
const maxHeaderChars = 8_192

type HeaderList = readonly (readonly [name: string, value: string])[]

export class CookieJar {
  #cookies: readonly Cookie[] = []

  /**
   * Keeps what a response from `url` sets. What does not fit, or is for others, is left out.
   *
   * Dates are compared with the response's own, so that a device whose clock is years off keeps what others keep.
   *
   * @param now - Milliseconds since 1970, for a response without a date.
   */
  keep(url: URL, headers: HeaderList, now: number): void {
    const named = (wanted: string) =>
      headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
    const date = Date.parse(named('date')[0] ?? '')
    for (const line of named('set-cookie')) {
      const read = readCookie(url, line, Number.isNaN(date) ? now : date)
      if (read === null) continue
      const { cookie, expired } = read
      const others = this.#cookies.filter(
        ({ name, domain, path }) => name !== cookie.name || domain !== cookie.domain || path !== cookie.path,
      )
      if (expired) this.#cookies = others
      else if (others.length < maxCookies) this.#cookies = [...others, cookie]
    }
  }

  /** @returns The `Cookie` header for a request to `url`; null when there is none. */
  headerFor(url: URL): string | null {
    const pairs = this.#cookies
      .filter((cookie) => isFor(cookie, url))
      // RFC 6265 §5.4: longer paths first.
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`)
    while (pairs.join('; ').length > maxHeaderChars) pairs.pop()
    return pairs.length === 0 ? null : pairs.join('; ')
  }
}

function readCookie(url: URL, line: string, now: number): { cookie: Cookie; expired: boolean } | null {
  // Nothing that could not stand in a header.
  if (line.length > maxCookieChars || !/^[\t\x20-\x7e]*$/.test(line)) return null
  const [pair = '', ...rest] = line.split(';')
  const [name, value] = splitAt(pair)
  if (name === '' || !pair.includes('=')) return null
  const attributes = new Map(
    rest.map(splitAt).map(([key, text]): [string, string] => [key.toLowerCase(), text]),
  )
  const asked = (attributes.get('domain') ?? '').replace(/^\./, '').toLowerCase()
  // RFC 6265 §5.3: no cookie for another site, and none for all of .test. There is no list of public suffixes here, and
  // a chain of ten requests needs none.
  if (asked !== '' && asked !== url.hostname && (!asked.includes('.') || !isBelow(url, asked))) return null
  const path = attributes.get('path') ?? ''
  const cookie = {
    name,
    value,
    domain: asked === '' ? url.hostname : asked,
    below: asked !== '' && !isIpLiteral(asked),
    path: path.startsWith('/') ? path : url.pathname.replace(/\/[^/]*$/, '') || '/',
    secure: attributes.has('secure'),
  }
  return { cookie, expired: hasExpired(attributes, now) }
}

function splitAt(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** RFC 6265 §5.3: Max-Age goes before Expires. What cannot be read counts as not there. */
function hasExpired(attributes: ReadonlyMap<string, string>, now: number): boolean {
  const maxAge = attributes.get('max-age')
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Number(maxAge) <= 0
  return Date.parse(attributes.get('expires') ?? '') <= now
}

function isFor({ domain, below, path, secure }: Cookie, url: URL): boolean {
  if (secure && url.protocol !== 'https:') return false
  if (url.hostname !== domain && !(below && isBelow(url, domain))) return false
  return url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}

function isBelow(url: URL, domain: string): boolean {
  return !isIpLiteral(hostOfUrl(url)) && url.hostname.endsWith(`.${domain}`)
}
