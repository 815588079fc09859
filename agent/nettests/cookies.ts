// Cookies within one redirect chain, as OONI keeps them: many sites send everyone in a circle who does not give back
// what the first hop set. The part of RFC 6265 that a chain needs; nothing outlives the chain.

interface Cookie {
  readonly name: string
  readonly value: string
  /** Host that set it, or the domain it names. */
  readonly domain: string
  /** Whether hosts below `domain` get it too. */
  readonly below: boolean
  readonly secure: boolean
}

export interface CookieJar {
  /** Takes what a response set. Names and values are bounded: a header is no place to fill a phone's memory. */
  take(from: URL, headers: readonly (readonly [string, string])[]): void
  /** The `Cookie` header for a request; null when there is nothing to send. */
  headerFor(url: URL): string | null
}

const maxCookies = 50
const maxCookieLength = 4096

export function cookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>()
  return {
    take(from, headers) {
      for (const [name, text] of headers) {
        if (
          name.toLowerCase() !== 'set-cookie' ||
          text.length > maxCookieLength ||
          cookies.size >= maxCookies
        )
          continue
        const cookie = parse(from, text)
        if (cookie !== null) cookies.set(`${cookie.domain} ${cookie.name}`, cookie)
      }
    },
    headerFor(url) {
      const fitting = [...cookies.values()].filter((cookie) => fits(cookie, url))
      return fitting.length === 0 ? null : fitting.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
  }
}

/** @returns null for what is no cookie, or one that names a domain its sender does not belong to. */
function parse(from: URL, text: string): Cookie | null {
  const [pair = '', ...attributes] = text.split(';').map((part) => part.trim())
  const equals = pair.indexOf('=')
  if (equals < 1 || !/^[\x21-\x7e]*$/.test(pair.replaceAll(' ', ''))) return null
  const attribute = (name: string) => attributes.find((each) => each.toLowerCase().startsWith(`${name}=`))
  const named = attribute('domain')?.slice('domain='.length).replace(/^\./, '').toLowerCase() ?? ''
  // RFC 6265 §5.3: stops one site from setting cookies for another, and anyone for a whole top-level domain.
  const foreign = named !== '' && from.hostname !== named && !from.hostname.endsWith(`.${named}`)
  if (foreign || (named !== '' && !named.includes('.'))) return null
  return {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    domain: named === '' ? from.hostname : named,
    below: named !== '',
    secure: attributes.some((each) => each.toLowerCase() === 'secure'),
  }
}

function fits({ domain, below, secure }: Cookie, url: URL): boolean {
  if (secure && url.protocol !== 'https:') return false
  return url.hostname === domain || (below && url.hostname.endsWith(`.${domain}`))
}
