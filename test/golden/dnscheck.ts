// Golden verdicts of dnscheck: a resolver by its name, and by each of its addresses.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

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

type Row = readonly [string, Observations, string, Partial<Circumstances>?]
export const rows: readonly Row[] = [
  ['name and answer over TLS', join(bootstrap, answered()), 'ok answer_over_tls'],
  ['an address for a host', answered(), 'ok answer_over_tls'],
  ['an answer over DoT', answered(url, 'dot'), 'ok answer_over_tls'],
  ['an answer in clear text: anyone can write one', answered(url, 'udp'), 'undetermined cleartext_answer'],
  [
    'an answer in clear text behind a portal',
    answered(url, 'udp'),
    'link_down link_down',
    { link: link('captive_portal') },
  ],
  [
    'one address silent, the other answers',
    join(bootstrap, failed('generic_timeout_error', 'connect'), answered(otherUrl)),
    'ok answer_over_tls',
  ],
  [
    'one address cut, the other answers',
    join(bootstrap, failed('connection_reset', 'tls'), answered(otherUrl)),
    'anomaly tls_handshake_interfered',
  ],
  [
    'every address silent',
    join(
      bootstrap,
      failed('generic_timeout_error', 'connect'),
      failed('generic_timeout_error', 'tls', otherUrl),
    ),
    'undetermined no_outside_view',
  ],
  [
    'reset behind the ClientHello',
    join(bootstrap, failed('connection_reset', 'tls')),
    'anomaly tls_handshake_interfered',
  ],
  [
    'a certificate of an unknown authority',
    join(bootstrap, failed('ssl_unknown_authority', 'tls', url, 'doh', ['ssl_unknown_authority'])),
    'anomaly tls_handshake_interfered',
  ],
  [
    'a certificate not yet valid, by a clock nobody vouches for',
    join(
      bootstrap,
      failed('ssl_invalid_certificate', 'tls', url, 'doh', ['ssl_invalid_certificate', 'not_yet_valid']),
    ),
    'undetermined local_clock',
    { clock: 'unknown' },
  ],
  [
    'reset behind the request',
    join(bootstrap, failed('connection_reset', 'http')),
    'anomaly http_round_trip_interfered',
  ],
  [
    'the resolver itself says 403',
    join(bootstrap, failed('http_request_failed', 'query')),
    'undetermined no_outside_view',
  ],
  [
    'the resolver itself says SERVFAIL',
    join(bootstrap, failed('dns_servfail_error', 'query')),
    'undetermined no_outside_view',
  ],
  ['an answer nobody can have', answered(url, 'udp', ['127.0.0.1']), 'anomaly resolve_interfered'],
  [
    'silence of a plain resolver',
    failed('generic_timeout_error', 'query', url, 'udp'),
    'undetermined no_outside_view',
  ],
  [
    'a name that only another resolver knows, with an address from the list that answers',
    join(noName, nameElsewhere, answered()),
    'anomaly resolvers_disagree',
  ],
  ['a name that nobody was found to know', join(noName), 'undetermined no_outside_view'],
  [
    'a name that does not resolve, an address that answers',
    join(noName, answered()),
    'undetermined no_outside_view',
  ],
  [
    'everything silent over a dead link',
    join(bootstrap, failed('generic_timeout_error', 'connect')),
    'link_down link_down',
    { link: link('down') },
  ],
  ['a stopped agent', join(bootstrap, failed('interrupted', 'connect')), 'undetermined interrupted'],
  ['nothing at all', join(), 'undetermined interrupted'],
]

export const golden: Golden = {
  asked: { input: 'https://dns.example/dns-query' },
  samples: rows.map(([name, seen, , circumstances]) => sample(name, asAsked(seen), circumstances)),
}
