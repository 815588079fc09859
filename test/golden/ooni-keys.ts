// OONI's own rules for web_connectivity's keys, in its version 0.5.28: a row for each line of its decision table and of
// its quirks. With what OONI's engine fills for each. The
// rest of its keys is in ooni-lookups.ts and ooni-comparison.ts, the messengers in ooni-service-keys.ts.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { OutsideView } from '../../tests-spec/nettests/outside-view.ts'
import { connect, handshake, join, query, response } from '../support/observations.ts'
import { failing, outside, resolved, silence } from './outside-view.ts'

/** Some of the keys that OONI fills. */
export type Keys = Readonly<Record<string, unknown>>

export interface OoniRow {
  /** A sentence: the line of OONI's rules. */
  readonly line: string
  readonly seen: Observations
  /** null: OONI has no control. */
  readonly outside: OutsideView | null
  /** What OONI's engine fills. */
  readonly ooni: Keys
  /** Where ours are other ones on purpose: which, and the sentence of the page that gives the reason. */
  readonly ours?: { readonly keys: Keys; readonly reason: string }
}

const says = (blocking: unknown, accessible: unknown, failure: Failure | null = null): Keys => ({
  blocking,
  accessible,
  http_experiment_failure: failure,
})
const down = (failure: Failure | null = null) => says(false, false, failure)
const unknown = (failure: Failure | null = null) => says(null, null, failure)

const there = { '21.0.0.10:443': { status: true, failure: null } }
const notThere = { '21.0.0.10:443': { status: false, failure: silence } }
const certified = (status: boolean) => ({
  '21.0.0.10:443': { server_name: 'site.example', status, failure: status ? null : silence },
})
export const page = outside()
const noPage = outside({ http_request: failing })

export const hop = (depth: number) => [`depth=${depth}`, 'classic']
const at = (depth: number, hostname: string) => query(['21.0.0.10'], { tags: hop(depth), hostname })
const clear = (outcome: Failure | number) =>
  join(resolved, connect(null, { port: 80 }), response(outcome, { url: 'http://site.example/' }))

/** An answer with headers and, of a page in clear text, its length and title. */
export function answer(
  code: number,
  {
    headers = {},
    length = 1000,
    title = 'Guardian Project',
    url = 'http://site.example/',
    depth = 0,
  }: {
    readonly headers?: Readonly<Record<string, string>>
    readonly length?: number
    readonly title?: string
    readonly url?: string
    readonly depth?: number
  } = {},
): Partial<Observations> {
  const { requests = [] } = response(code, { url, tags: hop(depth) })
  const list = Object.entries(headers).map(([name, value]): [string, string] => [name, value])
  const more = {
    headers: { ...headers },
    headers_list: list,
    x_sonde_body_length: length,
    x_sonde_title: title,
  }
  return { requests: requests.map((each) => ({ ...each, response: { ...each.response, ...more } })) }
}
export const shown = (over: Parameters<typeof answer>[1] = {}, code = 200) =>
  join(resolved, connect(null, { port: 80 }), answer(code, over))
const headers = { 'X-Request-Id': '1' }
const foreign = { title: 'Blocked notice', length: 10 }

/** A chain in clear text: each hop but the last sends its reader on. */
function chain(length: number, last: Partial<Observations>, back = false): Observations {
  const url = (depth: number) => `http://site.example/${depth === 0 ? '' : depth}`
  const hops = Array.from({ length }, (_, depth) =>
    join(
      at(depth, 'site.example'),
      connect(null, { tags: hop(depth), port: 80 }),
      answer(302, {
        url: url(depth),
        depth,
        headers: { Location: back && depth === length - 1 ? url(0) : url(depth + 1) },
      }),
    ),
  )
  return join(...hops, last)
}
/** The second hop of two, at a host of its own. */
export const second = (...all: readonly Partial<Observations>[]) =>
  join(
    resolved,
    connect(null, { port: 80 }),
    answer(302, { headers: { Location: 'https://other.example/' } }),
    ...all,
  )
const other = at(1, 'other.example')
const otherIp = query(['22.0.0.1'], { tags: hop(1), hostname: 'other.example' })

const decision: readonly OoniRow[] = [
  {
    line: 'a final response over TLS, without control',
    seen: join(resolved, connect(null), handshake(null), response(403)),
    outside: null,
    ooni: says(false, true),
  },
  {
    line: 'a final response over TLS, which the helper did not get',
    seen: join(resolved, connect(null), handshake(null), response(503)),
    outside: noPage,
    ooni: says(false, true),
  },
  { line: 'a page in clear text, without control', seen: shown({ headers }), outside: null, ooni: unknown() },
  {
    line: 'a page in clear text that matches',
    seen: shown({ headers }),
    outside: page,
    ooni: says(false, true),
  },
  {
    line: 'a page in clear text that does not match',
    seen: shown(foreign),
    outside: page,
    ooni: says('http-diff', false),
  },
  {
    line: 'quirk: a page in clear text, and the helper got none: nothing is compared, which is no match',
    seen: shown({ headers }),
    outside: noPage,
    ooni: { ...says('http-diff', false), body_proportion: 0, title_match: null, headers_match: null },
  },
  { line: 'no response, without control', seen: clear(silence), outside: null, ooni: unknown(silence) },
  { line: 'no response, nor for the helper', seen: clear(silence), outside: noPage, ooni: down(silence) },
  {
    line: 'no response, while the helper got one',
    seen: clear('connection_reset'),
    outside: page,
    ooni: says('http-failure', false, 'connection_reset'),
  },
  {
    line: 'a failed handshake, without control',
    seen: join(resolved, connect(null), handshake('connection_reset')),
    outside: null,
    ooni: unknown('connection_reset'),
  },
  {
    line: 'a failed handshake, which failed for the helper too',
    seen: join(resolved, connect(null), handshake('ssl_unknown_authority')),
    outside: outside({ tls_handshake: certified(false) }),
    ooni: down('ssl_unknown_authority'),
  },
  {
    line: 'a failed handshake, which the helper made',
    seen: join(resolved, connect(null), handshake('connection_reset')),
    outside: page,
    ooni: says('http-failure', false, 'connection_reset'),
  },
  {
    line: 'a failed handshake that the helper did not try',
    seen: join(resolved, connect(null), handshake(silence)),
    outside: outside({ tls_handshake: {} }),
    ooni: says('http-failure', false, silence),
  },
  {
    line: 'a failed connect, without control',
    seen: join(resolved, connect(silence)),
    outside: null,
    ooni: unknown(silence),
  },
  {
    line: 'a failed connect, which failed for the helper too',
    seen: join(resolved, connect(silence)),
    outside: outside({ tcp_connect: notThere, http_request: failing }),
    ooni: down(silence),
  },
  {
    line: 'a failed connect, which the helper made',
    seen: join(resolved, connect('connection_refused')),
    outside: page,
    ooni: says('tcp_ip', false, 'connection_refused'),
  },
  {
    line: 'a failed connect that the helper did not try',
    seen: join(resolved, connect(silence)),
    outside: outside({ tcp_connect: {} }),
    ooni: says('http-failure', false, silence),
  },
  {
    line: 'quirk: a failed lookup, without any control, is accessible',
    seen: join(query('dns_nxdomain_error')),
    outside: null,
    ooni: { ...says(false, true, 'dns_nxdomain_error'), dns_consistency: null },
  },
  {
    line: 'a failed lookup, which failed for the helper too',
    seen: join(query('dns_nxdomain_error')),
    outside: outside({ dns: { failure: 'dns_name_error', addrs: [] }, http_request: failing }),
    ooni: { ...down('dns_nxdomain_error'), dns_experiment_failure: 'dns_nxdomain_error' },
  },
  {
    line: 'no address here, none outside: nothing is said to have failed',
    seen: join(query('dns_no_answer')),
    outside: outside({ dns: { failure: null, addrs: [] }, http_request: failing }),
    ooni: { ...down(), dns_experiment_failure: 'dns_no_answer' },
  },
  {
    line: 'a failed lookup, while the helper has addresses',
    seen: join(query('dns_nxdomain_error')),
    outside: page,
    ooni: { ...says('dns', false, 'dns_nxdomain_error'), dns_consistency: 'inconsistent' },
  },
  {
    line: 'a failed lookup behind a redirect, of which the helper says nothing',
    seen: second(query('dns_nxdomain_error', { tags: hop(1), hostname: 'other.example' })),
    outside: page,
    ooni: says('dns', false, 'dns_nxdomain_error'),
  },
  {
    line: 'loopback here, an address outside',
    seen: join(query(['127.0.0.1'])),
    outside: page,
    ooni: says('dns', false),
  },
  {
    line: 'loopback on both sides',
    seen: join(query(['127.0.0.1'])),
    outside: outside({ dns: { failure: null, addrs: ['127.0.0.1'] }, http_request: failing }),
    ooni: down(),
  },
  {
    line: 'loopback, without control: nothing matches',
    seen: join(query(['127.0.0.1'])),
    outside: null,
    ooni: unknown(),
  },
  {
    line: 'a private address here, which the helper does not try',
    seen: join(query(['10.0.0.1'])),
    outside: page,
    ooni: says('dns', false, silence),
    ours: {
      keys: says('dns', false),
      reason: 'OONI contacts private addresses other than loopback; we contact none.',
    },
  },
  {
    line: 'a redirect in clear text that is not followed: nothing matches',
    seen: shown({ headers: {} }, 302),
    outside: page,
    ooni: unknown(),
  },
  {
    line: 'a redirect over TLS that is not followed: nothing matches',
    seen: join(
      resolved,
      connect(null),
      handshake(null),
      answer(302, { url: 'https://site.example/', headers: { Location: 'app://site' } }),
    ),
    outside: page,
    ooni: unknown(),
  },
  {
    line: 'a redirect over TLS to the same host, behind which is a page',
    seen: join(
      resolved,
      connect(null),
      handshake(null),
      answer(302, { url: 'https://site.example/', headers: { Location: '/home' } }),
    ),
    outside: page,
    ooni: says(false, true),
  },
]

/** The helper has another address. */
export const inconsistent = { dns: { failure: null, addrs: ['22.0.0.1'] } }
const modifier: readonly OoniRow[] = [
  {
    line: 'an inconsistent lookup takes the place of another blame',
    seen: join(resolved, connect('connection_refused')),
    outside: outside(inconsistent),
    ooni: says('dns', false, 'connection_refused'),
  },
  {
    line: 'and of a site that is down',
    seen: join(resolved, connect(silence)),
    outside: outside({ ...inconsistent, tcp_connect: notThere, http_request: failing }),
    ooni: says('dns', false, silence),
  },
  {
    line: 'and of what cannot be told',
    seen: shown({ headers: {} }, 302),
    outside: outside(inconsistent),
    ooni: says('dns', false),
  },
  {
    line: 'and of no page that was reached',
    seen: shown({ headers }),
    outside: outside(inconsistent),
    ooni: { ...says(false, true), dns_consistency: 'inconsistent' },
  },
]

const order: readonly OoniRow[] = [
  {
    line: 'the deepest hop decides: six redirects, and a page that matches',
    seen: chain(
      6,
      join(at(6, 'site.example'), answer(200, { headers, url: 'http://site.example/6', depth: 6 })),
    ),
    outside: page,
    ooni: says(false, true),
  },
  {
    line: 'six redirects, and another page',
    seen: chain(
      6,
      join(at(6, 'site.example'), answer(200, { ...foreign, url: 'http://site.example/6', depth: 6 })),
    ),
    outside: page,
    ooni: says('http-diff', false),
  },
  {
    line: 'six redirects, and no response at the last',
    seen: chain(
      6,
      join(at(6, 'site.example'), response(silence, { url: 'http://site.example/6', tags: hop(6) })),
    ),
    outside: page,
    ooni: says('http-failure', false, silence),
  },
  {
    line: 'six redirects, and no response at the last, nor for the helper',
    seen: chain(
      6,
      join(at(6, 'site.example'), response(silence, { url: 'http://site.example/6', tags: hop(6) })),
    ),
    outside: noPage,
    ooni: down(silence),
  },
  {
    line: 'ten redirects and one more, while the helper got a page',
    seen: chain(11, {}),
    outside: page,
    ooni: says('http-failure', false, 'unknown_failure: stopped after too many redirects'),
  },
  {
    line: 'redirects in a circle, for the helper too',
    seen: chain(2, {}, true),
    outside: noPage,
    ooni: down('unknown_failure: stopped after too many redirects'),
  },
  {
    line: 'a redirect to a place without a host',
    seen: shown({ headers: { Location: 'http:///' } }, 302),
    outside: page,
    ooni: says('http-failure', false, 'http_invalid_redirect_location_host'),
  },
  {
    line: 'a box that resets the second hop, while the helper got a page',
    seen: second(other, connect(null, { tags: hop(1) }), handshake('connection_reset', { tags: hop(1) })),
    outside: page,
    ooni: says('http-failure', false, 'connection_reset'),
  },
  {
    line: 'quirk: a second hop that is reset is blocked with any control, also where the helper got no page',
    seen: second(
      otherIp,
      connect(null, { tags: hop(1), ip: '22.0.0.1' }),
      handshake('connection_reset', { tags: hop(1), address: '22.0.0.1:443' }),
    ),
    outside: noPage,
    ooni: says('http-failure', false, 'connection_reset'),
  },
  {
    line: 'quirk: a second hop that is silent, where the helper got no page',
    seen: second(otherIp, connect(silence, { tags: hop(1), ip: '22.0.0.1' })),
    outside: noPage,
    ooni: says('http-failure', false, silence),
  },
  {
    line: 'quirk: a second hop without a name, where the helper got no page',
    seen: second(query('dns_nxdomain_error', { tags: hop(1), hostname: 'other.example' })),
    outside: noPage,
    ooni: says('dns', false, 'dns_nxdomain_error'),
  },
  {
    line: 'a second hop that is reset, without control',
    seen: second(other, connect(null, { tags: hop(1) }), handshake('connection_reset', { tags: hop(1) })),
    outside: null,
    ooni: unknown('connection_reset'),
  },
  {
    line: 'HTTP before TLS: one address failed its handshake, another answered',
    seen: join(
      query(['21.0.0.10', '21.0.0.11']),
      connect(null),
      handshake('connection_reset'),
      connect(null, { ip: '21.0.0.11', id: 50_002 }),
      handshake(null, { address: '21.0.0.11:443', id: 50_002 }),
      response(200, { address: '21.0.0.11:443', id: 50_002 }),
    ),
    outside: page,
    ooni: says(false, true),
  },
  {
    line: 'failures by their words: refused before silent',
    seen: join(
      query(['21.0.0.10', '21.0.0.11']),
      connect(silence, { ip: '21.0.0.11', id: 50_002 }),
      connect('connection_refused'),
    ),
    outside: outside({ tcp_connect: { ...there, '21.0.0.11:443': { status: false, failure: silence } } }),
    ooni: says('tcp_ip', false, 'connection_refused'),
  },
  {
    line: 'of two like failures the newest',
    seen: join(
      query(['21.0.0.10', '21.0.0.11']),
      connect(silence),
      connect(silence, { ip: '21.0.0.11', id: 50_002 }),
    ),
    outside: outside({ tcp_connect: { ...there, '21.0.0.11:443': { status: false, failure: silence } } }),
    ooni: down(silence),
  },
  {
    line: 'addresses that only another resolver gave do not count',
    seen: join(
      query('dns_nxdomain_error'),
      query(['21.0.0.10'], { engine: 'udp', tags: ['depth=0'], id: 20_001 }),
      connect(null, { tags: ['depth=0'] }),
      handshake(null, { tags: ['depth=0'] }),
      response(200, { tags: ['depth=0'] }),
    ),
    outside: page,
    ooni: says('dns', false, 'dns_nxdomain_error'),
  },
  {
    line: 'addresses of unknown origin count: those of a URL without a name',
    seen: join(connect(silence)),
    outside: outside({ dns: { failure: null, addrs: [] } }),
    ooni: { ...says('tcp_ip', false, silence), dns_consistency: null },
  },
  {
    line: 'an address of a family that the link lacks',
    seen: join(query(['2d00:22::10']), connect('network_unreachable', { ip: '2d00:22::10' })),
    outside: outside({
      tcp_connect: { '[2d00:22::10]:443': { status: true, failure: null } },
      dns: { failure: null, addrs: ['2d00:22::10'] },
    }),
    ooni: says('tcp_ip', false, 'network_unreachable'),
    ours: {
      keys: unknown(),
      reason: 'A name that only has addresses of a family that the link lacks is null, and not blocked.',
    },
  },
  {
    line: 'a 303 is neither followed nor final',
    seen: join(
      shown({ headers: { Location: '/1' } }, 303),
      at(1, 'site.example'),
      answer(200, { headers, url: 'http://site.example/1', depth: 1 }),
    ),
    outside: page,
    ooni: unknown(),
    ours: {
      keys: says(false, true),
      reason: 'OONI does not follow a 303; we do, as browsers and its helper do.',
    },
  },
]

export const rows: readonly OoniRow[] = [...decision, ...modifier, ...order]
