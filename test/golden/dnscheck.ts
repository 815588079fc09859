// Golden verdicts of dnscheck: a resolver by its name, and by each of its addresses.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

export const bootstrap = query(['21.0.0.53'], { tags: ['bootstrap', 'classic'], hostname: 'dns.example' })
export const noName = query('dns_nxdomain_error', { tags: ['bootstrap', 'classic'], hostname: 'dns.example' })
export const nameElsewhere = query(['21.0.0.53'], { engine: 'udp', tags: ['bootstrap'], id: 20_001 })

export const url = 'https://21.0.0.53/dns-query'
export const otherUrl = 'https://21.0.0.54/dns-query'
const tagsFor = (of: string) => ({ tags: [`lookup=${of}`], id: of === url ? 30_001 : 30_002 })

export function answered(of = url, engine = 'doh', addresses: readonly string[] = ['21.0.0.80']) {
  return join(query(addresses, { ...tagsFor(of), engine }))
}

type At = 'connect' | 'tls' | 'http' | 'query'
export function failed(
  failure: Failure,
  at: At,
  of = url,
  engine = 'doh',
  faults: string[] = [],
): Observations {
  const tags = tagsFor(of)
  const asked = query(failure, { ...tags, engine })
  if (at === 'query') return join(asked, connect(null, tags), handshake(null, tags))
  if (at === 'connect') return join(asked, connect(failure, tags))
  if (at === 'tls') return join(asked, connect(null, tags), handshake(failure, { ...tags, faults }))
  return join(asked, connect(null, tags), handshake(null, tags), response(failure, tags))
}

/** With what the nettest has beside the five lists. */
export const asAsked = (seen: Observations): Observations => ({
  ...seen,
  domain: 'example.org',
  x_default_addrs: [],
})

type Row = GoldenRow
/** Of its part, and of the whole. */
const noNameBefore = {
  earlier: { step: 'resolve', how: 'dns_nxdomain_error', secondsAgo: 31 },
} as const

export const rows: readonly Row[] = [
  { name: 'name and answer over TLS', seen: join(bootstrap, answered()), verdict: 'ok answer_over_tls' },
  { name: 'an address for a host', seen: answered(), verdict: 'ok answer_over_tls' },
  { name: 'an answer over DoT', seen: answered(url, 'dot'), verdict: 'ok answer_over_tls' },
  {
    name: 'an answer in clear text: anyone can write one',
    seen: answered(url, 'udp'),
    verdict: 'undetermined cleartext_answer',
  },
  {
    name: 'an answer in clear text behind a portal',
    seen: answered(url, 'udp'),
    verdict: 'link_down link_down',
    circumstances: { link: link('captive_portal') },
  },
  {
    name: 'one address silent, the other answers',
    seen: join(bootstrap, failed('generic_timeout_error', 'connect'), answered(otherUrl)),
    verdict: 'ok answer_over_tls',
  },
  {
    name: 'one address cut, the other answers',
    seen: join(bootstrap, failed('connection_reset', 'tls'), answered(otherUrl)),
    verdict: 'undetermined failed_once',
  },
  {
    name: 'one address cut, the other answers, again',
    seen: join(bootstrap, failed('connection_reset', 'tls'), answered(otherUrl)),
    verdict: 'anomaly tls_handshake_interfered',
    circumstances: { earlier: { step: 'tls_handshake', how: 'connection_reset', secondsAgo: 31 } },
  },
  {
    name: 'every address silent',
    seen: join(
      bootstrap,
      failed('generic_timeout_error', 'connect'),
      failed('generic_timeout_error', 'tls', otherUrl),
    ),
    verdict: 'undetermined no_outside_view',
  },
  {
    name: 'reset behind the ClientHello',
    seen: join(bootstrap, failed('connection_reset', 'tls')),
    verdict: 'undetermined failed_once',
  },
  {
    name: 'reset behind the ClientHello, again',
    seen: join(bootstrap, failed('connection_reset', 'tls')),
    verdict: 'anomaly tls_handshake_interfered',
    circumstances: { earlier: { step: 'tls_handshake', how: 'connection_reset', secondsAgo: 31 } },
  },
  {
    name: 'a certificate of an unknown authority',
    seen: join(bootstrap, failed('ssl_unknown_authority', 'tls', url, 'doh', ['ssl_unknown_authority'])),
    verdict: 'undetermined failed_once',
  },
  {
    name: 'a certificate of an unknown authority, again',
    seen: join(bootstrap, failed('ssl_unknown_authority', 'tls', url, 'doh', ['ssl_unknown_authority'])),
    verdict: 'anomaly tls_handshake_interfered',
    circumstances: { earlier: { step: 'tls_handshake', how: 'ssl_unknown_authority', secondsAgo: 31 } },
  },
  {
    name: 'a certificate not yet valid, by a clock nobody vouches for',
    seen: join(
      bootstrap,
      failed('ssl_invalid_certificate', 'tls', url, 'doh', ['ssl_invalid_certificate', 'not_yet_valid']),
    ),
    verdict: 'undetermined local_clock',
    circumstances: { clock: 'unknown' },
  },
  {
    name: 'reset behind the request',
    seen: join(bootstrap, failed('connection_reset', 'http')),
    verdict: 'undetermined failed_once',
  },
  {
    name: 'reset behind the request, again',
    seen: join(bootstrap, failed('connection_reset', 'http')),
    verdict: 'anomaly http_round_trip_interfered',
    circumstances: { earlier: { step: 'http_round_trip', how: 'connection_reset', secondsAgo: 31 } },
  },
  {
    name: 'the resolver itself says 403',
    seen: join(bootstrap, failed('http_request_failed', 'query')),
    verdict: 'undetermined no_outside_view',
  },
  {
    name: 'the resolver itself says SERVFAIL',
    seen: join(bootstrap, failed('dns_servfail_error', 'query')),
    verdict: 'undetermined no_outside_view',
  },
  {
    name: 'an answer nobody can have',
    seen: answered(url, 'udp', ['127.0.0.1']),
    verdict: 'undetermined failed_once',
  },
  {
    name: 'an answer nobody can have, again',
    seen: answered(url, 'udp', ['127.0.0.1']),
    verdict: 'anomaly resolve_interfered',
    circumstances: { earlier: { step: 'resolve', how: 'dns_bogon_error', secondsAgo: 31 } },
  },
  {
    name: 'silence of a plain resolver',
    seen: failed('generic_timeout_error', 'query', url, 'udp'),
    verdict: 'undetermined no_outside_view',
  },
  {
    name: 'a name that only another resolver knows, with an address from the list that answers',
    seen: join(noName, nameElsewhere, answered()),
    verdict: 'undetermined failed_once',
  },
  {
    name: 'a name that only another resolver knows, with an address from the list that answers, again',
    seen: join(noName, nameElsewhere, answered()),
    verdict: 'anomaly resolvers_disagree',
    circumstances: noNameBefore,
  },
  {
    name: 'a name that nobody was found to know',
    seen: join(noName),
    verdict: 'undetermined no_outside_view',
  },
  {
    name: 'a name that does not resolve, an address that answers',
    seen: join(noName, answered()),
    verdict: 'undetermined no_outside_view',
  },
  {
    name: 'everything silent over a dead link',
    seen: join(bootstrap, failed('generic_timeout_error', 'connect')),
    verdict: 'link_down link_down',
    circumstances: { link: link('down') },
  },
  {
    name: 'a stopped agent',
    seen: join(bootstrap, failed('interrupted', 'connect')),
    verdict: 'undetermined interrupted',
  },
  { name: 'nothing at all', seen: join(), verdict: 'undetermined interrupted' },
]

export const golden: Golden = {
  asked: { input: 'https://dns.example/dns-query' },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, asAsked(seen), circumstances)),
}
