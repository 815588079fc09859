// Golden verdicts of web_connectivity about a site that was reached while a part of it was not: the whole is `ok`, and the part is said.

import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'
import { outside } from './outside-view.ts'

const [four, otherFour, six] = ['21.0.0.10', '21.0.0.11', '2d00:22::10']
const at = (ip: string, id: number) => ({
  connect: { ip, id },
  behind: { address: ip.includes(':') ? `[${ip}]:443` : `${ip}:443`, id },
})
const reached = (ip: string, id = 50_002) =>
  join(
    connect(null, at(ip, id).connect),
    handshake(null, at(ip, id).behind),
    response(200, at(ip, id).behind),
  )
const dropped = (ip: string) => connect('generic_timeout_error', at(ip, 50_001).connect)
const reset = (ip: string) =>
  join(connect(null, at(ip, 50_001).connect), handshake('connection_reset', at(ip, 50_001).behind))

const foreign = (ip: string) =>
  join(connect(null, at(ip, 50_001).connect), handshake('ssl_unknown_authority', at(ip, 50_001).behind))

const everywhere = outside({
  tcp_connect: Object.fromEntries(
    [`${four}:443`, `${otherFour}:443`, `[${six}]:443`].map((each) => [
      each,
      { status: true, failure: null },
    ]),
  ),
  tls_handshake: Object.fromEntries(
    [`${four}:443`, `${otherFour}:443`, `[${six}]:443`].map((each) => [
      each,
      { server_name: 'site.example', status: true, failure: null },
    ]),
  ),
})
const deadThere = outside({
  tcp_connect: { [`${otherFour}:443`]: { status: false, failure: 'generic_timeout_error' } },
})
const both = { link: { ...link('up'), ipv6: true } }
const before = (name: string, step: 'connect' | 'tls_handshake', how: string): Partial<Circumstances> => ({
  ...both,
  earlier: { step, how, secondsAgo: 31, excused: true, parts: { [name]: { step, how } } },
})

export const rows: readonly (GoldenRow & {
  readonly outside: typeof everywhere
  readonly parts: Readonly<Record<string, string>> | null
})[] = [
  {
    name: 'both families were tried, and one reached',
    seen: join(query([four, six]), connect(null, at(four, 50_001).connect), reached(six)),
    outside: everywhere,
    circumstances: both,
    verdict: 'ok https_response',
    parts: null,
  },
  {
    name: 'IPv4 is reset while IPv6 answers',
    seen: join(query([four, six]), reset(four), reached(six)),
    outside: everywhere,
    circumstances: both,
    verdict: 'ok https_response',
    parts: { ipv4: 'undetermined failed_once' },
  },
  {
    name: 'IPv4 is reset while IPv6 answers, again',
    seen: join(query([four, six]), reset(four), reached(six)),
    outside: everywhere,
    circumstances: before('ipv4', 'tls_handshake', 'connection_reset'),
    verdict: 'ok https_response',
    parts: { ipv4: 'anomaly tls_handshake_interfered' },
  },
  {
    name: 'IPv6 is dropped while IPv4 answers, on a link whose IPv6 works, again',
    seen: join(query([four, six]), dropped(six), reached(four)),
    outside: everywhere,
    circumstances: before('ipv6', 'connect', 'generic_timeout_error'),
    verdict: 'ok https_response',
    parts: { ipv6: 'anomaly connect_fails_only_here' },
  },
  {
    name: 'IPv6 is dropped while IPv4 answers, on a link whose IPv6 no control used',
    seen: join(query([four, six]), dropped(six), reached(four)),
    outside: everywhere,
    circumstances: { link: { ...link('up'), ipv6: false } },
    verdict: 'ok https_response',
    parts: { ipv6: 'undetermined family_unproven' },
  },
  {
    name: 'one address of two is dropped',
    seen: join(query([otherFour, four]), dropped(otherFour), reached(four)),
    outside: everywhere,
    circumstances: both,
    verdict: 'ok https_response',
    parts: { '21.0.0.11:443': 'undetermined failed_once' },
  },
  {
    name: 'one address of two is dropped, again',
    seen: join(query([otherFour, four]), dropped(otherFour), reached(four)),
    outside: everywhere,
    circumstances: before('21.0.0.11:443', 'connect', 'generic_timeout_error'),
    verdict: 'ok https_response',
    parts: { '21.0.0.11:443': 'undetermined one_address_fails' },
  },
  {
    name: 'one address of two shows a certificate of nobody known, where the helper sees a good one, again',
    seen: join(query([otherFour, four]), foreign(otherFour), reached(four)),
    outside: everywhere,
    circumstances: before('21.0.0.11:443', 'tls_handshake', 'ssl_unknown_authority'),
    verdict: 'ok https_response',
    parts: { '21.0.0.11:443': 'anomaly tls_handshake_interfered' },
  },
  {
    name: 'one address of two is dead for everybody',
    seen: join(query([otherFour, four]), dropped(otherFour), reached(four)),
    outside: deadThere,
    circumstances: both,
    verdict: 'ok https_response',
    parts: { '21.0.0.11:443': 'undetermined fails_outside_too' },
  },
]
