// Golden verdicts of web_connectivity with a helper's view, and OONI's conclusion from the same two views beside each.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import type { Circumstances, Step } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'

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

const failing = {
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

/** A clear-text page with what is compared. */
export function page(over: {
  code?: number
  length?: number
  title?: string
  headers?: Record<string, string>
}): Observations {
  const {
    code = 200,
    length = 1000,
    title = 'Guardian Project',
    headers = { Server: 'nginx', 'X-Request-Id': '2' },
  } = over
  const seen = join(resolved, connect(null, { port: 80 }), response(code, { url: 'http://site.example/' }))
  return {
    ...seen,
    requests: seen.requests.map((each) => ({
      ...each,
      response: { ...each.response, headers, x_sonde_body_length: length, x_sonde_title: title },
    })),
  }
}

export const silence = 'generic_timeout_error'
const overIpv6 = { ip: '2d00:22::10' }
const onlyOverIpv6 = query(['2d00:22::10'])
const reachedOverIpv6 = outside({
  tcp_connect: { '[2d00:22::10]:443': { status: true, failure: null } },
  tls_handshake: { '[2d00:22::10]:443': { server_name: 'site.example', status: true, failure: null } },
  dns: { failure: null, addrs: ['2d00:22::10'] },
})
const followUp = (tag: string, failure: Failure | null) => {
  const tags = ['depth=0', 'classic', `followup=${tag}`]
  return join(connect(null, { tags, id: 50_009 }), handshake(failure, { tags, id: 50_009 }))
}
const earlier = (step: Step, secondsAgo = 31) => ({ earlier: { step, how: silence, secondsAgo } })

type Row = readonly [string, Observations, OutsideView, string, Conclusion, Partial<Circumstances>?]
type Conclusion = readonly [blocking: unknown, accessible: unknown]

export const rows: readonly Row[] = [
  [
    'connect silent here, fine outside, once',
    join(resolved, connect(silence)),
    outside(),
    'undetermined failed_once',
    ['tcp_ip', false],
  ],
  [
    'connect silent here, fine outside, and again half a minute later',
    join(resolved, connect(silence)),
    outside(),
    'anomaly connect_fails_only_here',
    ['tcp_ip', false],
    earlier('connect'),
  ],
  [
    'again, but only seconds later',
    join(resolved, connect(silence)),
    outside(),
    'undetermined failed_once',
    ['tcp_ip', false],
    earlier('connect', 5),
  ],
  [
    'earlier it failed at another step',
    join(resolved, connect(silence)),
    outside(),
    'undetermined failed_once',
    ['tcp_ip', false],
    earlier('resolve'),
  ],
  [
    'silent twice with one control lost: that is loss',
    join(resolved, connect(silence)),
    outside(),
    'undetermined a_control_failed',
    ['tcp_ip', false],
    { ...earlier('connect'), link: link('up', 3) },
  ],
  [
    'silent outside too: the site is down',
    join(resolved, connect(silence)),
    siteDown,
    'undetermined fails_outside_too',
    [false, false],
    earlier('connect'),
  ],
  [
    'the helper did not try this address',
    join(resolved, connect(silence)),
    outside({ tcp_connect: {} }),
    'undetermined no_outside_view',
    ['http-failure', false],
  ],
  [
    'silent twice over IPv6 alone, and no control shows that IPv6 works here',
    join(onlyOverIpv6, connect(silence, overIpv6)),
    reachedOverIpv6,
    'undetermined family_unproven',
    ['tcp_ip', false],
    earlier('connect'),
  ],
  [
    'silent twice over IPv6 alone, on a link whose IPv6 works',
    join(onlyOverIpv6, connect(silence, overIpv6)),
    reachedOverIpv6,
    'anomaly connect_fails_only_here',
    ['tcp_ip', false],
    { ...earlier('connect'), link: { ...link('up'), ipv6: true } },
  ],
  [
    'silent twice over both, over IPv4 outside too, and IPv6 does not work here',
    join(
      query(['21.0.0.10', '2d00:22::10']),
      connect(silence),
      connect(silence, { ...overIpv6, id: 50_002 }),
    ),
    { ...reachedOverIpv6, tcp_connect: { ...reachedOverIpv6.tcp_connect, ...siteDown.tcp_connect } },
    'undetermined fails_outside_too',
    [false, false],
    { ...earlier('connect'), link: { ...link('up'), ipv6: false } },
  ],
  [
    'silent twice over both, fine outside: IPv4 alone is enough',
    join(
      query(['21.0.0.10', '2d00:22::10']),
      connect(silence),
      connect(silence, { ...overIpv6, id: 50_002 }),
    ),
    outside(),
    'anomaly connect_fails_only_here',
    ['tcp_ip', false],
    { ...earlier('connect'), link: { ...link('up'), ipv6: false } },
  ],
  [
    'no response twice over both, one outside: IPv4 alone is enough',
    join(
      query(['21.0.0.10', '2d00:22::10']),
      connect(null),
      connect(null, { ...overIpv6, id: 50_002 }),
      response(silence, { url: 'http://site.example/', address: '[2d00:22::10]:80', id: 50_002 }),
      response(silence, { url: 'http://site.example/' }),
    ),
    outside(),
    'anomaly http_round_trip_fails_only_here',
    ['http-failure', false],
    { ...earlier('http_round_trip'), link: { ...link('up'), ipv6: true } },
  ],
  [
    'a handshake over IPv6 silent twice: large packets may be lost on the way',
    join(onlyOverIpv6, connect(null, overIpv6), handshake(silence, { address: '[2d00:22::10]:443' })),
    reachedOverIpv6,
    'undetermined family_unproven',
    ['http-failure', false],
    { ...earlier('tls_handshake'), link: { ...link('up'), ipv6: true } },
  ],
  [
    'a handshake over IPv6 reset, fine outside',
    join(
      onlyOverIpv6,
      connect(null, overIpv6),
      handshake('connection_reset', { address: '[2d00:22::10]:443' }),
    ),
    reachedOverIpv6,
    'anomaly tls_handshake_interfered',
    ['http-failure', false],
  ],
  [
    'a bogon here, and a bogon outside: the zone holds it',
    join(query(['127.0.0.1'])),
    outside({ dns: { failure: null, addrs: ['127.0.0.1'] }, http_request: failing }),
    'undetermined fails_outside_too',
    ['dns', false],
  ],
  [
    'a bogon here, an address outside',
    join(query(['127.0.0.1'])),
    outside(),
    'anomaly resolve_interfered',
    ['dns', false],
  ],
  [
    'a certificate nobody trusts, outside neither',
    join(resolved, connect(null), handshake('ssl_unknown_authority')),
    siteDown,
    'undetermined fails_outside_too',
    [false, false],
  ],
  [
    'a certificate nobody trusts, fine outside',
    join(resolved, connect(null), handshake('ssl_unknown_authority')),
    outside(),
    'anomaly tls_handshake_interfered',
    ['http-failure', false],
  ],
  [
    'handshake silent, answered under a neutral name, silent again',
    join(
      resolved,
      connect(null),
      handshake(silence),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', silence),
    ),
    outside(),
    'anomaly server_name_interfered',
    ['http-failure', false],
  ],
  [
    'handshake silent, answered under a neutral name, then answered: a lost packet',
    join(
      resolved,
      connect(null),
      handshake(silence),
      followUp('neutral_name', null),
      followUp('same_name', null),
    ),
    outside(),
    'undetermined failed_once',
    ['http-failure', false],
  ],
  [
    'handshake silent, and under a neutral name too',
    join(
      resolved,
      connect(null),
      handshake(silence),
      followUp('neutral_name', silence),
      followUp('same_name', silence),
    ),
    outside(),
    'undetermined failed_once',
    ['http-failure', false],
  ],
  [
    'no such name here, the name is fine outside',
    join(query('dns_nxdomain_error')),
    outside(),
    'undetermined failed_once',
    ['dns', false],
  ],
  [
    'no such name here, the name is fine outside, and again half a minute later',
    join(query('dns_nxdomain_error')),
    outside(),
    'anomaly resolve_fails_only_here',
    ['dns', false],
    earlier('resolve'),
  ],
  [
    'an alert here, fine outside, once',
    join(resolved, connect(null), handshake('ssl_failed_handshake')),
    outside(),
    'undetermined failed_once',
    ['http-failure', false],
  ],
  [
    'an alert here, fine outside, and again half a minute later',
    join(resolved, connect(null), handshake('ssl_failed_handshake')),
    outside(),
    'anomaly tls_handshake_fails_only_here',
    ['http-failure', false],
    earlier('tls_handshake'),
  ],
  [
    'no response here, one outside, and again half a minute later',
    join(resolved, connect(null), response(silence, { url: 'http://site.example/' })),
    outside(),
    'anomaly http_round_trip_fails_only_here',
    ['http-failure', false],
    earlier('http_round_trip'),
  ],
  [
    'no response here, nor outside',
    join(resolved, connect(null), response(silence, { url: 'http://site.example/' })),
    outside({ http_request: failing }),
    'undetermined fails_outside_too',
    [false, false],
    earlier('http_round_trip'),
  ],
  [
    'no such name here, nor outside',
    join(query('dns_nxdomain_error')),
    outside({ dns: { failure: 'dns_name_error', addrs: [] }, http_request: failing }),
    'undetermined fails_outside_too',
    [false, false],
  ],
  [
    'an address of a CDN that the helper was not given, certificate valid',
    join(resolved, connect(null), handshake(null), response(200)),
    outside({ dns: { failure: null, addrs: ['22.0.0.1'] } }),
    'ok https_response',
    [false, true],
  ],
  ['the clear-text page the helper got', page({}), outside(), 'ok same_page_outside', [false, true]],
  [
    'a block page with status 200 and a server of its own',
    page({ length: 300, title: 'Accès refusé', headers: { Server: 'filter' } }),
    outside(),
    'anomaly foreign_page',
    ['http-diff', false],
  ],
  [
    'a captcha of the same server',
    page({ code: 403, length: 300, title: 'Just a moment', headers: { Server: 'nginx' } }),
    outside(),
    'undetermined page_differs',
    ['http-diff', false],
  ],
  [
    'a captcha of a CDN that names the single machine',
    page({ code: 403, length: 300, title: 'Just a moment', headers: { Server: 'nginx (bko/7EC7)' } }),
    outside(),
    'undetermined page_differs',
    ['http-diff', false],
  ],
  [
    'a block page of a server of another version',
    page({ length: 300, title: 'Accès refusé', headers: { Server: 'nginx/1.2 (Debian)' } }),
    outside(),
    'anomaly foreign_page',
    ['http-diff', false],
  ],
  [
    'a page while the helper was turned away',
    page({ headers: {}, title: 'x' }),
    outside({ http_request: { ...failing, failure: null, status_code: 403, body_length: 5 } }),
    'undetermined page_differs',
    ['http-diff', false],
  ],
  [
    'a block page, as the helper saw another, while only the provider answers',
    page({ length: 300, title: 'Accès refusé', headers: { Server: 'filter' } }),
    outside(),
    'link_down link_down',
    ['http-diff', false],
    { link: link('provider_only') },
  ],
  [
    'a block page on a link that loses controls',
    page({ length: 300, title: 'Accès refusé', headers: { Server: 'filter' } }),
    outside(),
    'undetermined link_degraded',
    ['http-diff', false],
    { link: link('degraded', 2) },
  ],
  [
    'a page that the helper could not fetch',
    page({}),
    outside({ http_request: failing }),
    'undetermined cleartext_response',
    [null, null],
  ],
]
