// Golden verdicts of web_connectivity for pages in clear text, beside the one that a helper got.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { DnsQuery, Observations } from '../../tests-spec/data-formats/observation.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import { failing, outside, type Row, resolved } from './outside-view.ts'

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

const turnedAway = (code: number, server: string) =>
  page({ code, length: 300, title: 'Access denied', headers: { Server: server } })

interface Content {
  readonly length: number
  readonly title: string
  readonly headers: Record<string, string>
}
const own: Content = {
  length: 1000,
  title: 'Guardian Project',
  headers: { Server: 'nginx', 'X-Request-Id': '2' },
}
const foreign: Content = { length: 300, title: 'Site bloqué', headers: { Server: 'filter' } }

/** A redirect in clear text to another place, which answers there over verified TLS. */
export function moved(url: string, content: Content = own): Observations {
  const there = { tags: ['depth=1', 'classic'], id: 50_002 }
  const last = response(200, { ...there, url })
  return join(
    resolved,
    connect(null, { port: 80 }),
    response(302, { url: 'http://site.example/' }),
    query(['21.0.0.10'], there),
    connect(null, there),
    handshake(null, there),
    filled(last, content),
  )
}

function filled(
  { requests = [] }: Partial<Observations>,
  { length, title, headers }: Content,
): Partial<Observations> {
  return {
    requests: requests.map((each) => ({
      ...each,
      response: { ...each.response, headers, x_sonde_body_length: length, x_sonde_title: title },
    })),
  }
}
const again = { tags: ['classic', 'depth=0', 'followup=same_request'], id: 40_002 }

/** From the verified site on to a host of this country. */
function regional(failure: Failure): Observations {
  const there = { tags: ['depth=1', 'classic'], id: 50_002 }
  const name = { ...query(['21.0.0.10'], there).queries?.[0], hostname: 'site.test' } as DnsQuery
  return join(
    resolved,
    connect(null),
    handshake(null),
    response(302),
    { queries: [name] },
    connect(null, there),
    handshake(failure, there),
  )
}

const ledTo = (...hosts: string[]) =>
  outside({ http_request: { ...outside().http_request, x_sonde_hosts: ['site.example', ...hosts] } })

const cutThenForeign = join(
  resolved,
  connect(null, { port: 80 }),
  response('connection_reset', { url: 'http://site.example/' }),
  filled(response(200, { url: 'http://site.example/', ...again }), foreign),
)

export const rows: readonly Row[] = [
  {
    name: 'sent in clear text to a page of somebody else, which is as well certified as any',
    seen: moved('https://warning.example/', foreign),
    outside: ledTo(),
    verdict: 'anomaly foreign_page',
    // To OONI whatever came over TLS is the site.
    concluded: [false, true],
  },
  {
    name: 'sent in clear text to another host, where the page is that of the helper',
    seen: moved('https://other.example/'),
    outside: ledTo(),
    verdict: 'ok same_page_outside',
    concluded: [false, true],
  },
  {
    name: 'sent in clear text to a host to which the helper was sent as well, with a page for this country',
    seen: moved('https://other.example/', foreign),
    outside: ledTo('other.example'),
    verdict: 'ok https_response',
    concluded: [false, true],
  },
  {
    name: "sent in clear text to the site's front in this country, while the helper stayed",
    seen: moved('https://site.test/', foreign),
    outside: ledTo(),
    verdict: 'undetermined page_differs',
    concluded: [false, true],
  },
  {
    name: 'sent in clear text to a page of somebody else, while the helper got none',
    seen: moved('https://warning.example/', foreign),
    outside: outside({ http_request: failing }),
    verdict: 'undetermined cleartext_response',
    concluded: [false, true],
  },
  {
    name: 'cut, and answered with a page of somebody else when it was asked again: a host that restarts does both',
    seen: cutThenForeign,
    outside: outside(),
    verdict: 'undetermined failed_once',
    concluded: ['http-failure', false],
  },
  {
    name: 'cut, and answered with a page of somebody else when it was asked again, and so half a minute later',
    seen: cutThenForeign,
    outside: outside(),
    circumstances: { earlier: { step: 'http_round_trip', how: 'connection_reset', secondsAgo: 31 } },
    verdict: 'anomaly http_round_trip_interfered',
    concluded: ['http-failure', false],
  },
  {
    name: 'cut, and answered with the page when it was asked again',
    seen: join(
      resolved,
      connect(null, { port: 80 }),
      response('connection_reset', { url: 'http://site.example/' }),
      filled(response(200, { url: 'http://site.example/', ...again }), own),
    ),
    outside: outside(),
    verdict: 'undetermined passed_again',
    concluded: ['http-failure', false],
  },
  {
    name: 'sent over TLS to a host of this country, which is broken, while the helper was sent elsewhere',
    seen: regional('ssl_invalid_hostname'),
    outside: ledTo(),
    verdict: 'undetermined no_outside_view',
    concluded: ['http-failure', false],
  },
  {
    name: 'sent over TLS to a host whose certificate is wrong here alone',
    seen: regional('ssl_invalid_hostname'),
    outside: ledTo('site.test'),
    verdict: 'anomaly tls_handshake_interfered',
    concluded: ['http-failure', false],
  },
  {
    name: 'a redirect that leads nowhere, where the helper got a page',
    seen: page({ code: 302, length: 0, title: '', headers: { Server: 'filter' } }),
    outside: outside(),
    verdict: 'anomaly foreign_page',
    concluded: [null, null],
  },
  {
    name: 'a redirect that leads nowhere, for the helper too',
    seen: page({ code: 302, length: 0, title: '', headers: { Server: 'filter' } }),
    outside: outside({ http_request: failing }),
    verdict: 'undetermined cleartext_response',
    concluded: [null, null],
  },
  {
    name: 'the clear-text page the helper got',
    seen: page({}),
    outside: outside(),
    verdict: 'ok same_page_outside',
    concluded: [false, true],
  },
  {
    name: "a block page with the site's status, and headers that everyone sends",
    seen: page({
      length: 300,
      title: 'Accès refusé',
      headers: {
        Server: 'filter',
        Connection: 'close',
        'Content-Length': '300',
        'Transfer-Encoding': 'chunked',
      },
    }),
    outside: outside({
      http_request: {
        ...outside().http_request,
        headers: {
          Server: 'nginx',
          Connection: 'close',
          'Content-Length': '1000',
          'Transfer-Encoding': 'chunked',
        },
      },
    }),
    verdict: 'anomaly foreign_page',
    concluded: [false, true],
  },
  {
    name: 'a block page whose title has no long word, as that of the site has none',
    seen: page({ length: 300, title: 'Stop', headers: { Server: 'filter' } }),
    outside: outside({
      http_request: { ...outside().http_request, title: 'News', headers: { Server: 'nginx' } },
    }),
    verdict: 'anomaly foreign_page',
    concluded: [false, true],
  },
  {
    name: 'a block page of about the length of the site',
    seen: page({ length: 900, title: 'Site bloqué', headers: { Server: 'filter' } }),
    outside: outside({ http_request: { ...outside().http_request, headers: { Server: 'nginx' } } }),
    verdict: 'anomaly foreign_page',
    concluded: [false, true],
  },
  {
    name: 'the site at another length, under its own title',
    seen: page({ length: 300, headers: { Server: 'edge' } }),
    outside: outside({ http_request: { ...outside().http_request, headers: { Server: 'nginx' } } }),
    verdict: 'ok same_page_outside',
    concluded: [false, true],
  },
  {
    name: 'the site in another language, with a header of its own',
    seen: page({ length: 300, title: 'Accueil', headers: { Server: 'edge', 'X-Request-Id': '3' } }),
    outside: outside({
      http_request: { ...outside().http_request, headers: { Server: 'nginx', 'X-Request-Id': '2' } },
    }),
    verdict: 'undetermined page_differs',
    concluded: [false, true],
  },
  {
    name: 'a block page with status 200 and a server of its own',
    seen: page({ length: 300, title: 'Accès refusé', headers: { Server: 'filter' } }),
    outside: outside(),
    verdict: 'anomaly foreign_page',
    concluded: ['http-diff', false],
  },
  {
    name: 'a captcha of the same server',
    seen: page({ code: 403, length: 300, title: 'Just a moment', headers: { Server: 'nginx' } }),
    outside: outside(),
    verdict: 'undetermined page_differs',
    concluded: ['http-diff', false],
  },
  {
    name: 'a captcha of a CDN that names the single machine',
    seen: page({ code: 403, length: 300, title: 'Just a moment', headers: { Server: 'nginx (bko/7EC7)' } }),
    outside: outside(),
    verdict: 'undetermined page_differs',
    concluded: ['http-diff', false],
  },
  {
    name: 'a block page of a server of another version',
    seen: page({ length: 300, title: 'Accès refusé', headers: { Server: 'nginx/1.2 (Debian)' } }),
    outside: outside(),
    verdict: 'anomaly foreign_page',
    concluded: ['http-diff', false],
  },
  {
    name: "a block page from a server that is called as every other is, the site's included",
    seen: page({ length: 300, title: 'Accès refusé', headers: { Server: 'nginx' } }),
    outside: outside(),
    verdict: 'anomaly foreign_page',
    concluded: ['http-diff', false],
  },
  {
    name: 'a page for this country from a server of a name that few have',
    seen: page({ length: 300, title: 'Accueil', headers: { Server: 'ATS/9.2' } }),
    outside: outside({ http_request: { ...outside().http_request, headers: { Server: 'ATS/9.2' } } }),
    verdict: 'undetermined page_differs',
    concluded: ['http-diff', false],
  },
  {
    name: 'turned away by a content network under its own name, at an address that the helper knows',
    seen: turnedAway(403, 'AkamaiGHost'),
    outside: outside(),
    verdict: 'undetermined page_differs',
    concluded: ['http-diff', false],
  },
  {
    name: 'turned away by a content network under its own name, at an address that the helper does not know',
    seen: turnedAway(403, 'AkamaiGHost'),
    outside: outside({ dns: { failure: null, addrs: ['21.0.0.99'] } }),
    verdict: 'anomaly foreign_page',
    concluded: ['dns', false],
  },
  {
    name: 'another page in the name of a content network, which turns nobody away',
    seen: turnedAway(200, 'AkamaiGHost'),
    outside: outside(),
    verdict: 'anomaly foreign_page',
    concluded: ['http-diff', false],
  },
  {
    name: 'turned away by a server of no content network',
    seen: turnedAway(403, 'filter'),
    outside: outside(),
    verdict: 'anomaly foreign_page',
    concluded: ['http-diff', false],
  },
  {
    name: "a server's own failure, which passes",
    seen: page({ code: 502, length: 150, title: '502 Bad Gateway', headers: { Server: 'nginx' } }),
    outside: outside({ http_request: { ...outside().http_request, headers: { Server: 'cache' } } }),
    verdict: 'undetermined page_differs',
    concluded: ['http-diff', false],
  },
  {
    name: 'a page while the helper was turned away',
    seen: page({ headers: {}, title: 'x' }),
    outside: outside({ http_request: { ...failing, failure: null, status_code: 403, body_length: 5 } }),
    verdict: 'undetermined page_differs',
    concluded: ['http-diff', false],
  },
  {
    name: 'a block page, as the helper saw another, while only the provider answers',
    seen: page({ length: 300, title: 'Accès refusé', headers: { Server: 'filter' } }),
    outside: outside(),
    verdict: 'link_down link_down',
    concluded: ['http-diff', false],
    circumstances: { link: link('provider_only') },
  },
  {
    name: 'a block page on a link that loses controls',
    seen: page({ length: 300, title: 'Accès refusé', headers: { Server: 'filter' } }),
    outside: outside(),
    verdict: 'undetermined link_degraded',
    concluded: ['http-diff', false],
    circumstances: { link: link('degraded', 2) },
  },
  {
    name: 'a page that the helper could not fetch',
    seen: page({}),
    outside: outside({ http_request: failing }),
    verdict: 'undetermined cleartext_response',
    concluded: ['http-diff', false],
  },
]
