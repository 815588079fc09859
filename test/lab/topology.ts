// Who is where in the lab's country: two providers, the internet behind them, and a place outside from which helper
// and collector look. Addresses are of 21/8 and 22/8, never announced, and of 2d00::/16, which nobody was given: no
// bogons, so that the rules for real networks apply; services that a nettest knows by address have their own. Nothing here
// can leave the sandbox: labd.ts checks that first.

import { listedSites } from './listed-sites.ts'

export type IspKey = 'o' | 'm'

export interface Isp {
  readonly key: IspKey
  readonly asn: string
  readonly name: string
  /** Address of the device on this provider's line, and of the router there. /24. */
  readonly device: string
  /** Address on this line of the device that hangs on both. */
  readonly second: string
  readonly router: string
  /** The provider's side and the internet's side of its way out. /30. */
  readonly wan: string
  readonly upstream: string
  readonly resolver: string
  /** Whether many customers share one address outside, as behind most mobile networks. */
  readonly nat: boolean
  /** The same places in IPv6, /64 each; null where the provider has none, as most in the region. */
  readonly ipv6: Readonly<Record<'device' | 'router' | 'wan' | 'upstream', string>> | null
}

export const isps: Readonly<Record<IspKey, Isp>> = {
  o: {
    key: 'o',
    asn: 'AS30985',
    name: 'modelled on Orange Mali',
    device: '100.64.1.2',
    second: '100.64.1.3',
    router: '100.64.1.1',
    wan: '21.1.0.2',
    upstream: '21.1.0.1',
    resolver: '21.1.0.53',
    nat: true,
    ipv6: null,
  },
  m: {
    key: 'm',
    asn: 'AS21271',
    name: 'modelled on SOTELMA/Malitel',
    device: '21.2.1.2',
    second: '21.2.1.3',
    router: '21.2.1.1',
    wan: '21.2.0.2',
    upstream: '21.2.0.1',
    resolver: '21.2.0.53',
    nat: false,
    ipv6: {
      device: '2d00:21:2:1::2',
      router: '2d00:21:2:1::1',
      wan: '2d00:21:2::2',
      upstream: '2d00:21:2::1',
    },
  },
}

/** What a device of the provider has for its /etc/resolv.conf. */
export const resolverFile = (isp: IspKey) => `/run/lab/resolver-${isp}.conf`

/** Outside the country: helper and collector, and the internet's end of their line. /30, and /64 in IPv6. */
export const outside = {
  address: '22.3.0.2',
  upstream: '22.3.0.1',
  ipv6: { address: '2d00:22:3::2', upstream: '2d00:22:3::1' },
  helperPort: 8080,
  collectorPort: 8000,
}

/**
 * Another place outside, in another country, which has a censor of its own: from there `disputed.example` is not reached. One of its
 * two helpers says what it sees, and one the opposite.
 */
export const abroad = {
  address: '22.3.1.2',
  upstream: '22.3.1.1',
  helperPort: 8080,
  liarPort: 8081,
  blocked: 'disputed.example',
}

/**
 * A device on the line of `isp-m` that has no IPv4: its resolver makes addresses of IPv6 for what has none (RFC 6147), and a
 * translator takes packets from there to IPv4 (RFC 6146). `pool` is what the world sees of it.
 */
export const translated = {
  device: '2d00:21:2:1::6',
  resolver: '2d00:21:2::53',
  prefix: '64:ff9b::',
  pool: '21.2.3.2',
  poolUpstream: '21.2.3.1',
  ipv6: { translator: '2d00:21:2:3::2', upstream: '2d00:21:2:3::1' },
}
export const translatedResolverFile = '/run/lab/resolver-6.conf'

/** Names that are no sites. */
export const otherNames: Readonly<Record<string, readonly string[]>> = {
  'helper.example': [outside.address],
}

/** Helpers of a list: one that works, and one whose host is up and runs none. */
export const helperUrl = `http://${outside.address}:${outside.helperPort}/v1/web-connectivity`
export const namedHelperUrl = `http://helper.example:${outside.helperPort}/v1/web-connectivity`
export const censoredHelperUrl = `http://${abroad.address}:${abroad.helperPort}/v1/web-connectivity`
export const lyingHelperUrl = `http://${abroad.address}:${abroad.liarPort}/v1/web-connectivity`
export const deadHelperUrl = `http://${outside.address}:9/v1/web-connectivity`

/** The first is the one that lists name; the second answers the same. */
export const publicResolvers = ['22.8.8.8', '22.9.9.9'] as const

export interface Site {
  /** The address in IPv6 follows from it: `ipv6Of()`. */
  readonly address: string
  /** Of which its name has addresses; both by default. */
  readonly families?: 'ipv4' | 'ipv6'
  /**
   * - `page`: one page over HTTP and HTTPS, and a server that speaks QUIC as far as to name its versions.
   * - `neutral`: one page over HTTP and HTTPS, under a certificate of its own name alone.
   * - `long_page`: more text than a probe reads.
   * - `bogon`: its zone says 127.0.0.1, and nothing else.
   * - `broken_zone`: a page, whose zone has signatures that do not fit: a resolver has addresses only for who asks it not to check.
   * - `resolver`: DNS over TLS and over HTTPS.
   * - `stun`: tells over UDP which address asked.
   * - `expired`, `misnamed`, `self_made`: its certificate ran out in 2017, is for another name, is of no known authority.
   * - `refusing`, `silent`: nobody listens; the address swallows packets.
   * - `resetting`, `closing`: does so in answer to a ClientHello, and to a request in clear text.
   * - `redirect`, `plain_redirect`: sends every request to https://news.example/ or http://news.example/.
   * - `captcha`, `edge_captcha`: shows the country's readers something else than the helper, from the same server or
   *   from one of a thousand with a name of its own.
   * - `neighbour`: another name of a `page`, at the same address.
   * - `half_chain`: its certificate comes without the one that issued it.
   * - `bad_head`, `http2_only`, `bare_lf`: closes when it is asked for a head alone; speaks HTTP/2 behind TLS, and nothing
   *   else; ends its lines as no standard does.
   * - `slow`: takes twelve seconds for every page.
   * - `cuts_once`: resets the first connection of everybody but the helper, on each port, and never again.
   * - `chat`: takes connections on 443 and 5222, and speaks only when spoken to.
   * - `listed`: of the core list: one page over HTTP and HTTPS, under one certificate for all of the list.
   * - `access_point`: HTTP in clear text, on 443 as well.
   * - `control`: what browsers ask to learn whether they are online.
   * - `notice`: a censor's own page, under a certificate that nobody trusts.
   */
  readonly kind: SiteKind
}

/** Of odd-sites.ts. */
export const oddKinds = ['half_chain', 'bad_head', 'http2_only', 'bare_lf', 'slow', 'cuts_once'] as const
export type OddKind = (typeof oddKinds)[number]

export type SiteKind =
  | 'page'
  | 'neutral'
  | 'long_page'
  | 'bogon'
  | 'broken_zone'
  | 'resolver'
  | 'stun'
  | 'expired'
  | 'misnamed'
  | 'self_made'
  | 'refusing'
  | 'silent'
  | 'resetting'
  | 'closing'
  | 'redirect'
  | 'plain_redirect'
  | 'captcha'
  | 'edge_captcha'
  | 'neighbour'
  | OddKind
  | 'chat'
  | 'listed'
  | 'access_point'
  | 'control'
  | 'notice'
  | 'certified_notice'

export const sites: Readonly<Record<string, Site>> = {
  ...listedSites,
  'news.example': { address: '22.1.0.10', kind: 'page' },
  'expired.example': { address: '22.1.0.11', kind: 'expired' },
  'refusing.example': { address: '22.1.0.12', kind: 'refusing' },
  'silent.example': { address: '22.1.0.13', kind: 'silent' },
  'short.example': { address: '22.1.0.14', kind: 'redirect' },
  'captcha.example': { address: '22.1.0.15', kind: 'captcha' },
  'edge-captcha.example': { address: '22.1.0.16', kind: 'edge_captcha' },
  'misnamed.example': { address: '22.1.0.17', kind: 'misnamed' },
  'self-made.example': { address: '22.1.0.18', kind: 'self_made' },
  'resetting.example': { address: '22.1.0.19', kind: 'resetting' },
  'closing.example': { address: '22.1.0.20', kind: 'closing' },
  'six.example': { address: '22.1.0.21', kind: 'page', families: 'ipv6' },
  'long.example': { address: '22.1.0.22', kind: 'long_page' },
  /** Of a list: what speeds are compared with. */
  'transfer.example': { address: '22.1.0.26', kind: 'long_page' },
  /** What failed handshakes are compared with. */
  'example.org': { address: '22.1.0.27', kind: 'neutral' },
  /** On the lists of filters in houses, and of no state. */
  'ads-1.example': { address: '22.1.4.1', kind: 'refusing' },
  'ads-2.example': { address: '22.1.4.2', kind: 'refusing' },
  'plain-short.example': { address: '22.1.0.23', kind: 'plain_redirect' },
  'bogon.example': { address: '22.1.0.24', kind: 'bogon' },
  'broken-zone.example': { address: '22.1.0.32', kind: 'broken_zone' },
  'stun.example': { address: '22.1.0.25', kind: 'stun' },
  'dns.example': { address: '22.8.4.4', kind: 'resolver' },
  /** Another front of news.example, which a CDN's name server near the country gives. */
  'edge.news.example': { address: '22.1.1.10', kind: 'page', families: 'ipv4' },
  'neighbour.example': { address: '22.1.0.10', kind: 'neighbour' },
  /** Fronts that have IPv4 alone. */
  'four.example': { address: '22.1.0.28', kind: 'page', families: 'ipv4' },
  'quiet-four.example': { address: '22.1.0.29', kind: 'silent', families: 'ipv4' },
  'disputed.example': { address: '22.1.0.30', kind: 'page' },
  /** A front of news.example in the network of the others, which is gone for everybody. */
  'gone-edge.example': { address: '22.1.0.31', kind: 'refusing', families: 'ipv4' },
  ...Object.fromEntries(
    oddKinds.map((kind, index) => [
      `${kind.replaceAll('_', '-')}.example`,
      { address: `22.1.0.${index + 40}`, kind } as const,
    ]),
  ),
  // The nettest knows its service by name. In here these are ours.
  'v.whatsapp.net': { address: '22.1.2.1', kind: 'page' },
  'web.whatsapp.com': { address: '22.1.2.2', kind: 'page' },
  ...Object.fromEntries(
    Array.from({ length: 16 }, (_, index) => [
      `e${index + 1}.whatsapp.net`,
      { address: `22.1.2.${index + 11}`, kind: 'chat' } as const,
    ]),
  ),
  // Sites of the report on 29 July 2018.
  'twitter.com': { address: '22.1.3.1', kind: 'page' },
  'guardianproject.info': { address: '22.1.3.2', kind: 'page' },
  'www.anonymizer.ru': { address: '22.1.3.3', kind: 'page' },
  'control-1.example': { address: '22.2.0.1', kind: 'control', families: 'ipv4' },
  'control-2.example': { address: '22.2.0.2', kind: 'control', families: 'ipv4' },
  'control-3.example': { address: '22.2.0.3', kind: 'control' },
  'control-4.example': { address: '22.2.0.4', kind: 'control' },
  /** Where forged answers point, as a rule. */
  'notice.example': { address: '22.66.0.1', kind: 'notice' },
  /** Where redirects in clear text lead that are nobody's but the censor's. */
  'regulator.example': { address: '22.66.0.3', kind: 'certified_notice' },
  /** Where forged answers point that lead nowhere. */
  'nowhere.example': { address: '22.66.0.2', kind: 'refusing' },
}

/** What a control answers with. */
export const controlBody = 'success'
export const controlNames = Object.keys(sites).filter((name) => sites[name]?.kind === 'control')

/** What a filter in a house has on its list. */
export const advertisers = ['ads-1.example', 'ads-2.example']

export const stunPort = 3478
export const dotPort = 853
/** Where the resolver of the lab answers over HTTPS. */
export const dohPath = '/dns-query'

/** The address of a site, or `name` itself when it is one already. */
export function addressOf(name: string): string {
  const address = sites[name]?.address ?? name
  if (!/^[0-9.]+$/.test(address))
    throw new TypeError(`Cannot find "${name}": no site of the lab has that name`)
  return address
}

/** The address in IPv6 of what has `address` in IPv4, with the same digits: 22.1.0.10 is also 2d00:22:1:0::10. */
export function ipv6Of(address: string): string {
  const [a, b, c, d] = address.split('.')
  return `2d00:${a}:${b}:${c}::${d}`
}

/** Where the site listens. */
export function addressesOf({ address, families }: Site): string[] {
  if (families === 'ipv4') return [address]
  return families === 'ipv6' ? [ipv6Of(address)] : [address, ipv6Of(address)]
}
