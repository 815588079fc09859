// Golden verdicts of web_connectivity with a helper, about addresses: whose failure at which address says what of the site.

import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import { failing, outside, type Row, silence } from './outside-view.ts'

/** What the system's resolver gives alone, in a network of no other answer. */
const forged = query(['66.0.0.2'])
const other = query(['21.0.0.10'], { engine: 'udp', tags: ['depth=0'], id: 20_001 })
const named = { engine: 'udp', tags: ['depth=0'], id: 20_001 }
const clear = { url: 'http://site.example/', address: '21.0.0.10:80' }
const elsewhere = { tags: ['depth=0'], id: 50_002 }
const reachedElsewhere = join(connect(null, elsewhere), handshake(null, elsewhere), response(200, elsewhere))
const atFront = { address: '21.0.77.1:443' }
const refused = connect('connection_refused', { ip: '66.0.0.2' })
const deadForAll = outside({
  tcp_connect: {
    '66.0.0.2:443': { status: false, failure: 'connection_refused_error' },
    '21.0.0.10:443': { status: true, failure: null },
  },
  tls_handshake: { '21.0.0.10:443': { server_name: 'site.example', status: true, failure: null } },
})
const again = { earlier: { step: 'connect', how: 'connection_refused', secondsAgo: 31 } } as const
const foreignThere = outside({
  tcp_connect: { '66.0.0.2:443': { status: true, failure: null } },
  tls_handshake: {
    '66.0.0.2:443': { server_name: 'site.example', status: false, failure: 'ssl_invalid_hostname' },
  },
})

const noAnswerBefore = (ipv6: boolean) => ({
  link: { ...link('up'), ipv6 },
  earlier: { step: 'resolve', how: 'dns_no_answer', secondsAgo: 31 } as const,
})

const shownCertificate = (failure: string) =>
  outside({
    tcp_connect: { '21.0.0.10:443': { status: true, failure: null } },
    tls_handshake: { '21.0.0.10:443': { server_name: 'site.example', status: false, failure } },
    http_request: { ...failing, failure },
  })
const atSite = join(query(['21.0.0.10']), connect(null))
const cutBefore = { earlier: { step: 'tls_handshake', how: 'connection_reset', secondsAgo: 31 } } as const

export const rows: readonly Row[] = [
  {
    name: 'a handshake is cut where a helper is shown a certificate without its intermediate, again',
    seen: join(atSite, handshake('connection_reset')),
    outside: shownCertificate('ssl_unknown_authority'),
    verdict: 'anomaly tls_handshake_interfered',
    circumstances: cutBefore,
    concluded: [false, false],
  },
  {
    name: "a handshake is cut where a helper is shown somebody else's certificate, again",
    seen: join(atSite, handshake('connection_reset')),
    outside: shownCertificate('ssl_invalid_hostname'),
    verdict: 'undetermined fails_outside_too',
    circumstances: cutBefore,
    concluded: [false, false],
  },
  {
    name: 'a certificate is without its intermediate, here and at a helper, again',
    seen: join(atSite, handshake('ssl_unknown_authority')),
    outside: shownCertificate('ssl_unknown_authority'),
    verdict: 'undetermined fails_outside_too',
    circumstances: { earlier: { step: 'tls_handshake', how: 'ssl_unknown_authority', secondsAgo: 31 } },
    concluded: [false, false],
  },
  {
    name: "an address of the system's resolver alone is dead for everyone, and another's showed the site",
    seen: join(forged, refused, other, reachedElsewhere),
    outside: deadForAll,
    verdict: 'undetermined failed_once',
    concluded: ['dns', false],
  },
  {
    name: "an address of the system's resolver alone is dead for everyone, and another's showed the site, again",
    seen: join(forged, refused, other, reachedElsewhere),
    outside: deadForAll,
    verdict: 'anomaly resolvers_disagree',
    circumstances: again,
    concluded: ['dns', false],
  },
  {
    name: "an address of the system's resolver alone is dead for everyone, another's showed the site, and advertisers are in its network, again",
    seen: join(
      forged,
      refused,
      other,
      reachedElsewhere,
      query(['21.0.9.9'], {
        tags: ['depth=0', 'followup=filtered_name'],
        hostname: 'ads-0.example',
        id: 10_011,
      }),
    ),
    outside: deadForAll,
    verdict: 'anomaly resolvers_disagree',
    circumstances: again,
    concluded: ['dns', false],
  },
  {
    name: 'an address in the network of another answer is dead for everyone, and that one showed the site, again',
    seen: join(
      query(['21.0.77.1']),
      connect('connection_refused', { ip: '21.0.77.1' }),
      other,
      reachedElsewhere,
    ),
    outside: outside({ tcp_connect: { '21.0.77.1:443': { status: false, failure: 'connect_error' } } }),
    verdict: 'undetermined no_outside_view',
    circumstances: again,
    concluded: ['dns', false],
  },
  {
    name: 'an address that the other resolver gives too is dead for everyone, and one that the helper has showed the site, again',
    seen: join(
      query(['21.0.77.1']),
      connect('connection_refused', { ip: '21.0.77.1' }),
      query(['21.0.77.1'], { engine: 'udp', tags: ['depth=0'], id: 20_001 }),
      reachedElsewhere,
    ),
    outside: outside({ tcp_connect: { '21.0.77.1:443': { status: false, failure: 'connect_error' } } }),
    verdict: 'undetermined fails_outside_too',
    circumstances: again,
    concluded: ['dns', false],
  },
  {
    name: "an address of the system's resolver alone is dead for everyone, and so is the site",
    seen: join(forged, refused, other, connect('connection_refused', elsewhere)),
    outside: { ...deadForAll, http_request: failing },
    verdict: 'undetermined fails_outside_too',
    circumstances: again,
    concluded: ['dns', false],
  },
  {
    name: "an address of the system's resolver alone has a foreign certificate for everyone, and another's showed the site",
    seen: join(
      forged,
      connect(null, { ip: '66.0.0.2' }),
      handshake('ssl_invalid_hostname', { address: '66.0.0.2:443' }),
      other,
      reachedElsewhere,
    ),
    outside: foreignThere,
    verdict: 'anomaly tls_handshake_interfered',
    concluded: ['dns', false],
  },
  {
    name: 'an address in the network of another answer has a foreign certificate for everyone, and that one showed the site',
    seen: join(
      query(['21.0.77.1']),
      connect(null, { ip: '21.0.77.1' }),
      handshake('ssl_invalid_hostname', atFront),
      other,
      reachedElsewhere,
    ),
    outside: outside({
      tls_handshake: {
        '21.0.77.1:443': { server_name: 'site.example', status: false, failure: 'ssl_invalid_hostname' },
      },
    }),
    verdict: 'undetermined no_outside_view',
    concluded: ['dns', false],
  },
  {
    name: "an address of the system's resolver alone refuses, and the helper finds no such name",
    seen: join(forged, refused),
    outside: outside({
      dns: { failure: 'dns_name_error', addrs: [] },
      tcp_connect: { '66.0.0.2:443': { status: true, failure: null } },
      http_request: failing,
    }),
    verdict: 'undetermined fails_outside_too',
    circumstances: again,
    concluded: ['dns', false],
  },
  {
    name: 'a private address, where another resolver finds no such name and the helper finds one',
    seen: join(
      query(['10.0.0.1']),
      query('dns_nxdomain_error', { engine: 'udp', tags: ['depth=0'], id: 20_001 }),
    ),
    outside: outside(),
    verdict: 'anomaly resolve_interfered',
    concluded: ['dns', false],
  },
  {
    name: "the site's own address has a foreign certificate for everyone",
    seen: join(query(['21.0.0.10']), connect(null), handshake('ssl_invalid_hostname')),
    outside: outside({
      tls_handshake: {
        '21.0.0.10:443': { server_name: 'site.example', status: false, failure: 'ssl_invalid_hostname' },
      },
    }),
    verdict: 'undetermined fails_outside_too',
    concluded: [false, false],
  },
  {
    name: 'a request is silent at a front that the helper does not have, and answered at another, again',
    seen: join(
      query(['21.0.77.1']),
      connect(null, { ip: '21.0.77.1' }),
      handshake(null, atFront),
      response(silence, atFront),
      other,
      reachedElsewhere,
    ),
    outside: outside(),
    verdict: 'undetermined no_outside_view',
    circumstances: { earlier: { step: 'http_round_trip', how: silence, secondsAgo: 31 } },
    concluded: ['http-failure', false],
  },
  {
    name: 'a request is silent at a front that the helper does not have, and at the one it has, again',
    seen: join(
      query(['21.0.77.1']),
      connect(null, { ip: '21.0.77.1' }),
      handshake(null, atFront),
      response(silence, atFront),
      other,
      connect(null, elsewhere),
      handshake(null, elsewhere),
      response(silence, elsewhere),
    ),
    outside: outside(),
    verdict: 'anomaly http_round_trip_fails_only_here',
    circumstances: { earlier: { step: 'http_round_trip', how: silence, secondsAgo: 31 } },
    concluded: ['http-failure', false],
  },
  {
    name: 'a request is cut, while the helper got past the host, and its chain broke behind a redirect',
    seen: join(query(['21.0.0.10']), connect(null), response('connection_reset', clear)),
    outside: outside({ http_request: { ...failing, x_sonde_hosts: ['site.example', 'gone.example'] } }),
    verdict: 'anomaly http_round_trip_interfered',
    circumstances: { earlier: { step: 'http_round_trip', how: 'connection_reset', secondsAgo: 31 } },
    concluded: [false, false],
  },
  {
    name: 'a request is cut, and the helper got no answer from the host either',
    seen: join(query(['21.0.0.10']), connect(null), response('connection_reset', clear)),
    outside: outside({ http_request: failing }),
    verdict: 'undetermined fails_outside_too',
    circumstances: { earlier: { step: 'http_round_trip', how: 'connection_reset', secondsAgo: 31 } },
    concluded: [false, false],
  },
  ...[true, false].map(
    (filtered): Row => ({
      name: `no such name from both resolvers, ${filtered ? 'as of advertisers' : 'while advertisers have addresses'}, and the helper finds one, again`,
      seen: join(
        query('dns_nxdomain_error'),
        query('dns_nxdomain_error', named),
        ...['ads-0.example', 'ads-1.example'].flatMap((hostname, i) => {
          const tags = ['depth=0', 'followup=filtered_name']
          const of = filtered ? 'dns_nxdomain_error' : ['21.0.9.9']
          return [
            query(of, { tags, hostname, id: 10_011 + i }),
            ...(filtered ? [query(of, { ...named, tags, hostname, id: 20_011 + i })] : []),
          ]
        }),
      ),
      outside: outside(),
      verdict: filtered ? 'undetermined filtered_in_house' : 'anomaly resolve_fails_only_here',
      circumstances: { earlier: { step: 'resolve', how: 'dns_nxdomain_error', secondsAgo: 31 } },
      concluded: ['dns', false],
    }),
  ),
  {
    name: 'the resolver of the provider fails, another has the site, and so has the helper, again',
    seen: join(query('dns_server_misbehaving'), other, reachedElsewhere),
    outside: outside(),
    verdict: 'anomaly resolvers_disagree',
    circumstances: { earlier: { step: 'resolve', how: 'dns_server_misbehaving', secondsAgo: 31 } },
    concluded: ['dns', false],
  },
  {
    name: 'no address, of a name that has IPv6 alone, on a link without it, again',
    seen: join(query('dns_no_answer')),
    outside: outside({ dns: { failure: null, addrs: ['2d00:22::10'] } }),
    verdict: 'undetermined no_outside_view',
    circumstances: noAnswerBefore(false),
    concluded: ['dns', false],
  },
  {
    name: 'no address, of a name that has IPv6 alone, on a link that has it, again',
    seen: join(query('dns_no_answer')),
    outside: outside({ dns: { failure: null, addrs: ['2d00:22::10'] } }),
    verdict: 'anomaly resolve_fails_only_here',
    circumstances: noAnswerBefore(true),
    concluded: ['dns', false],
  },
]
