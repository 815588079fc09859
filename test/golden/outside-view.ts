// Golden verdicts of web_connectivity with a helper's view, and OONI's conclusion from the same two views beside each.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import type { Step } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

export const resolved = query(['21.0.0.10'])

/** What a helper says of site.example when all is well with it; rows change what they are about. */
export function outside(over: Partial<OutsideView> = {}): OutsideView {
  return {
    tcp_connect: {
      '21.0.0.10:443': { status: true, failure: null },
      '21.0.0.10:80': { status: true, failure: null },
    },
    tls_handshake: { '21.0.0.10:443': { server_name: 'site.example', status: true, failure: null } },
    quic_handshake: {},
    http_request: {
      body_length: 1000,
      discovered_h3_endpoint: '',
      failure: null,
      title: 'Guardian Project',
      headers: { Server: 'nginx', 'X-Request-Id': '1' },
      status_code: 200,
    },
    http3_request: null,
    dns: { failure: null, addrs: ['21.0.0.10'] },
    ...over,
  }
}

/** A request that failed there. */
export const failing = {
  status_code: -1,
  body_length: -1,
  failure: 'unknown_error',
  title: '',
  headers: {},
  discovered_h3_endpoint: '',
}
const siteDown = outside({
  tcp_connect: { '21.0.0.10:443': { status: false, failure: 'generic_timeout_error' } },
  tls_handshake: {
    '21.0.0.10:443': { server_name: 'site.example', status: false, failure: 'ssl_unknown_authority' },
  },
  http_request: failing,
})

export const silence = 'generic_timeout_error'
const translated = '64:ff9b::21.0.0.10'
const overIpv6 = { ip: '2d00:22::10' }
const onlyOverIpv6 = query(['2d00:22::10'])
const reachedOverIpv6 = outside({
  tcp_connect: { '[2d00:22::10]:443': { status: true, failure: null } },
  tls_handshake: { '[2d00:22::10]:443': { server_name: 'site.example', status: true, failure: null } },
  dns: { failure: null, addrs: ['2d00:22::10'] },
})
export const followUp = (tag: string, failure: Failure | null) => {
  const tags = ['depth=0', 'classic', `followup=${tag}`]
  return join(connect(null, { tags, id: 50_009 }), handshake(failure, { tags, id: 50_009 }))
}
export const earlier = (step: Step, secondsAgo = 31) => ({ earlier: { step, how: silence, secondsAgo } })

const redirectToNobody = join(
  resolved,
  connect(null, { port: 80 }),
  response(302, { url: 'http://site.example/' }),
  query('dns_nxdomain_error', { tags: ['depth=1', 'classic'], hostname: 'gone.example' }),
)

export interface Row extends GoldenRow {
  readonly outside: OutsideView
  /** OONI's `blocking` and `accessible`. */
  readonly concluded: Conclusion
}
type Conclusion = readonly [blocking: unknown, accessible: unknown]

/** A request in clear text, and what tells that it was made once more. */
export const clear = (failure: Failure | number, over: object = {}) =>
  response(failure, { url: 'http://site.example/', ...over })
export const again = { tags: ['classic', 'depth=0', 'followup=same_request'], id: 40_002 }

export const rows: readonly Row[] = [
  {
    name: 'connect silent here, fine outside, once',
    seen: join(resolved, connect(silence)),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['tcp_ip', false],
  },
  {
    name: 'connect silent here, fine outside, and again half a minute later',
    seen: join(resolved, connect(silence)),
    outside: outside(),
    verdict: 'anomaly connect_fails_only_here',
    concluded: ['tcp_ip', false],
    circumstances: earlier('connect'),
  },
  {
    name: 'again, but only seconds later',
    seen: join(resolved, connect(silence)),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['tcp_ip', false],
    circumstances: earlier('connect', 5),
  },
  {
    name: 'earlier it failed at another step',
    seen: join(resolved, connect(silence)),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['tcp_ip', false],
    circumstances: earlier('resolve'),
  },
  {
    name: 'half a minute ago its handshake was cut, and now no connection comes about: residual blocking',
    seen: join(resolved, connect(silence)),
    outside: outside(),
    verdict: 'anomaly connect_fails_only_here',
    concluded: ['tcp_ip', false],
    circumstances: { earlier: { step: 'tls_handshake', how: 'connection_reset', secondsAgo: 31 } },
  },
  {
    name: 'half a minute ago its handshake met silence, and now no connection comes about: loss does that',
    seen: join(resolved, connect(silence)),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['tcp_ip', false],
    circumstances: earlier('tls_handshake'),
  },
  {
    name: 'silent twice with one control lost: that is loss',
    seen: join(resolved, connect(silence)),
    outside: outside(),
    verdict: 'undetermined a_control_failed',
    concluded: ['tcp_ip', false],
    circumstances: { ...earlier('connect'), link: link('up', 3) },
  },
  {
    name: 'silent outside too: the site is down',
    seen: join(resolved, connect(silence)),
    outside: siteDown,
    verdict: 'undetermined fails_outside_too',
    concluded: [false, false],
    circumstances: earlier('connect'),
  },
  {
    name: 'the helper did not try this address',
    seen: join(resolved, connect(silence)),
    outside: outside({ tcp_connect: {} }),
    verdict: 'undetermined no_outside_view',
    concluded: ['http-failure', false],
  },
  {
    name: 'silent twice over IPv6 alone, and no control shows that IPv6 works here',
    seen: join(onlyOverIpv6, connect(silence, overIpv6)),
    outside: reachedOverIpv6,
    verdict: 'undetermined family_unproven',
    concluded: ['tcp_ip', false],
    circumstances: earlier('connect'),
  },
  {
    name: 'silent twice over IPv6 alone, on a link whose IPv6 works',
    seen: join(onlyOverIpv6, connect(silence, overIpv6)),
    outside: reachedOverIpv6,
    verdict: 'anomaly connect_fails_only_here',
    concluded: ['tcp_ip', false],
    circumstances: { ...earlier('connect'), link: { ...link('up'), ipv6: true } },
  },
  {
    name: 'silent twice over both, over IPv4 outside too, and IPv6 does not work here',
    seen: join(
      query(['21.0.0.10', '2d00:22::10']),
      connect(silence),
      connect(silence, { ...overIpv6, id: 50_002 }),
    ),
    outside: { ...reachedOverIpv6, tcp_connect: { ...reachedOverIpv6.tcp_connect, ...siteDown.tcp_connect } },
    verdict: 'undetermined fails_outside_too',
    // To OONI the newer of two like failures decides.
    concluded: ['tcp_ip', false],
    circumstances: { ...earlier('connect'), link: { ...link('up'), ipv6: false } },
  },
  {
    name: 'silent twice over both, fine outside: IPv4 alone is enough',
    seen: join(
      query(['21.0.0.10', '2d00:22::10']),
      connect(silence),
      connect(silence, { ...overIpv6, id: 50_002 }),
    ),
    outside: outside(),
    verdict: 'anomaly connect_fails_only_here',
    concluded: ['http-failure', false],
    circumstances: { ...earlier('connect'), link: { ...link('up'), ipv6: false } },
  },
  {
    name: 'no response twice over both, one outside: IPv4 alone is enough',
    seen: join(
      query(['21.0.0.10', '2d00:22::10']),
      connect(null),
      connect(null, { ...overIpv6, id: 50_002 }),
      response(silence, { url: 'http://site.example/', address: '[2d00:22::10]:80', id: 50_002 }),
      response(silence, { url: 'http://site.example/' }),
    ),
    outside: outside(),
    verdict: 'anomaly http_round_trip_fails_only_here',
    concluded: ['http-failure', false],
    circumstances: { ...earlier('http_round_trip'), link: { ...link('up'), ipv6: true } },
  },
  {
    name: 'a handshake over IPv6 silent twice: large packets may be lost on the way',
    seen: join(onlyOverIpv6, connect(null, overIpv6), handshake(silence, { address: '[2d00:22::10]:443' })),
    outside: reachedOverIpv6,
    verdict: 'undetermined family_unproven',
    concluded: ['http-failure', false],
    circumstances: { ...earlier('tls_handshake'), link: { ...link('up'), ipv6: true } },
  },
  {
    name: 'a handshake over IPv6 reset, fine outside',
    seen: join(
      onlyOverIpv6,
      connect(null, overIpv6),
      handshake('connection_reset', { address: '[2d00:22::10]:443' }),
    ),
    outside: reachedOverIpv6,
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'a handshake over IPv6 reset, fine outside, again',
    seen: join(
      onlyOverIpv6,
      connect(null, overIpv6),
      handshake('connection_reset', { address: '[2d00:22::10]:443' }),
    ),
    outside: reachedOverIpv6,
    verdict: 'anomaly tls_handshake_interfered',
    circumstances: earlier('tls_handshake'),
    concluded: ['http-failure', false],
  },
  {
    name: 'a bogon here, and a bogon outside: the zone holds it',
    seen: join(query(['127.0.0.1'])),
    outside: outside({ dns: { failure: null, addrs: ['127.0.0.1'] }, http_request: failing }),
    verdict: 'undetermined fails_outside_too',
    concluded: [false, false],
  },
  {
    name: 'a bogon here, an address outside',
    seen: join(query(['127.0.0.1'])),
    outside: outside(),
    verdict: 'anomaly resolve_interfered',
    concluded: ['dns', false],
  },
  {
    name: 'silence behind a translator, where the helper reaches the address of IPv4, twice',
    seen: join(query([translated]), connect(silence, { ip: translated })),
    outside: outside(),
    circumstances: { link: { ...link('up'), ipv6: true }, ...earlier('connect') },
    verdict: 'anomaly connect_fails_only_here',
    concluded: ['tcp_ip', false],
  },
  {
    name: 'the same, where the helper does not reach it either',
    seen: join(query([translated]), connect(silence, { ip: translated })),
    outside: siteDown,
    circumstances: { link: { ...link('up'), ipv6: true }, ...earlier('connect') },
    verdict: 'undetermined fails_outside_too',
    concluded: [false, false],
  },
  {
    name: 'a name that only has IPv6, on a link that has none',
    seen: join(onlyOverIpv6),
    outside: reachedOverIpv6,
    verdict: 'undetermined local_failure',
    concluded: [null, null],
  },
  {
    name: 'the same, where the system says so of the connect',
    seen: join(onlyOverIpv6, connect('network_unreachable', overIpv6)),
    outside: reachedOverIpv6,
    verdict: 'undetermined family_unproven',
    concluded: [null, null],
  },
  {
    name: 'a redirect to a name that nobody has',
    seen: redirectToNobody,
    outside: outside({ http_request: failing }),
    verdict: 'undetermined fails_outside_too',
    // OONI blames a redirect that failed with any control.
    concluded: ['dns', false],
  },
  {
    name: 'a redirect to a name that only the helper finds',
    seen: redirectToNobody,
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['dns', false],
  },
  {
    name: 'a certificate nobody trusts, outside neither',
    seen: join(resolved, connect(null), handshake('ssl_unknown_authority')),
    outside: siteDown,
    verdict: 'undetermined fails_outside_too',
    concluded: [false, false],
  },
  {
    name: 'a certificate nobody trusts, fine outside',
    seen: join(resolved, connect(null), handshake('ssl_unknown_authority')),
    outside: outside(),
    verdict: 'anomaly tls_handshake_interfered',
    concluded: ['http-failure', false],
  },
  {
    name: 'handshake silent, answered under a neutral name, silent again',
    seen: join(
      resolved,
      connect(null),
      handshake(silence),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', silence),
    ),
    outside: outside(),
    verdict: 'anomaly server_name_interfered',
    concluded: ['http-failure', false],
  },
  {
    name: 'handshake silent, answered under a neutral name, then answered: a lost packet',
    seen: join(
      resolved,
      connect(null),
      handshake(silence),
      followUp('neutral_name', null),
      followUp('same_name', null),
    ),
    outside: outside(),
    verdict: 'undetermined passed_again',
    concluded: ['http-failure', false],
  },
  {
    name: 'reset once behind the ClientHello, then answered under its own name, fine outside',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', null),
      followUp('same_name', null),
    ),
    outside: outside(),
    verdict: 'undetermined passed_again',
    concluded: ['http-failure', false],
  },
  {
    name: 'reset twice behind the ClientHello, fine outside',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', null),
      followUp('same_name', 'connection_reset'),
    ),
    outside: outside(),
    verdict: 'anomaly tls_handshake_interfered',
    concluded: ['http-failure', false],
  },
  {
    name: 'what is no HTTP inside verified TLS, twice, while the helper got a page',
    seen: join(resolved, connect(null), handshake(null), response('http_invalid_response')),
    outside: outside(),
    verdict: 'undetermined said_inside_tls',
    concluded: ['http-failure', false],
    circumstances: earlier('http_round_trip'),
  },
  {
    name: 'cut inside verified TLS, twice, while the helper got a page',
    seen: join(resolved, connect(null), handshake(null), response('connection_reset')),
    outside: outside(),
    verdict: 'anomaly http_round_trip_interfered',
    concluded: ['http-failure', false],
    circumstances: earlier('http_round_trip'),
  },
  {
    name: 'handshake silent, and under a neutral name too',
    seen: join(
      resolved,
      connect(null),
      handshake(silence),
      followUp('neutral_name', silence),
      followUp('same_name', silence),
    ),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'no such name here, the name is fine outside',
    seen: join(query('dns_nxdomain_error')),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['dns', false],
  },
  {
    name: 'no such name here, the name is fine outside, and again half a minute later',
    seen: join(query('dns_nxdomain_error')),
    outside: outside(),
    verdict: 'anomaly resolve_fails_only_here',
    concluded: ['dns', false],
    circumstances: earlier('resolve'),
  },
  {
    name: 'an alert here, fine outside, once',
    seen: join(resolved, connect(null), handshake('ssl_failed_handshake')),
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'an alert here, fine outside, and again half a minute later',
    seen: join(resolved, connect(null), handshake('ssl_failed_handshake')),
    outside: outside(),
    verdict: 'anomaly tls_handshake_fails_only_here',
    concluded: ['http-failure', false],
    circumstances: earlier('tls_handshake'),
  },
  {
    name: 'no response here, one outside, and again half a minute later',
    seen: join(resolved, connect(null), response(silence, { url: 'http://site.example/' })),
    outside: outside(),
    verdict: 'anomaly http_round_trip_fails_only_here',
    concluded: ['http-failure', false],
    circumstances: earlier('http_round_trip'),
  },
  {
    name: 'no response here, nor outside',
    seen: join(resolved, connect(null), response(silence, { url: 'http://site.example/' })),
    outside: outside({ http_request: failing }),
    verdict: 'undetermined fails_outside_too',
    concluded: [false, false],
    circumstances: earlier('http_round_trip'),
  },
  {
    name: 'no such name here, nor outside',
    seen: join(query('dns_nxdomain_error')),
    outside: outside({ dns: { failure: 'dns_name_error', addrs: [] }, http_request: failing }),
    verdict: 'undetermined fails_outside_too',
    concluded: [false, false],
  },
  {
    name: 'an address of a CDN that the helper was not given, certificate valid',
    seen: join(resolved, connect(null), handshake(null), response(200)),
    outside: outside({ dns: { failure: null, addrs: ['22.0.0.1'] } }),
    verdict: 'ok https_response',
    concluded: [false, true],
  },
]
