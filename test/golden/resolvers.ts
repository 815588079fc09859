// Golden verdicts of web_connectivity about lookups: what one resolver says, and what another one.

import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { connect, handshake, join, link, query, response } from '../support/observations.ts'
import type { GoldenRow } from './golden.ts'

const address = ['21.0.0.10']
const resolved = query(address)
const other = query(address, { engine: 'udp', tags: ['depth=0'], id: 20_001 })
const goneElsewhere = query('dns_nxdomain_error', { engine: 'udp', tags: ['depth=0'], id: 20_001 })
const elsewhere = { tags: ['depth=0'], id: 50_002 }
const reachedElsewhere = join(connect(null, elsewhere), handshake(null, elsewhere), response(200, elsewhere))
/** The named resolver's first answer is a bogon; `addresses` came after it. */
export const late = (addresses: readonly string[]): Partial<Observations> => ({
  queries: (query(['10.0.0.1'], { engine: 'udp', tags: ['depth=0'], id: 20_001 }).queries ?? []).map(
    (each) => ({
      ...each,
      x_sonde_late_replies: [{ t: 0.3, raw: '', addresses: [...addresses] }],
    }),
  ),
})
/** As when a C library has asked twice. */
const slow = ({ queries = [] }: Partial<Observations>) => ({
  queries: queries.map((each) => ({ ...each, t: each.t0 + 5.1 })),
})

export const rows: readonly (GoldenRow & { readonly step: string })[] = [
  {
    name: 'NXDOMAIN from the system, an address from another resolver',
    seen: join(query('dns_nxdomain_error'), other),
    verdict: 'undetermined failed_once',
    step: 'resolve',
  },
  {
    name: 'NXDOMAIN from the system, an address from another resolver, where nobody is, again',
    seen: join(query('dns_nxdomain_error'), other, connect('connection_refused', elsewhere)),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
    circumstances: { earlier: { step: 'resolve', how: 'dns_nxdomain_error', secondsAgo: 31 } },
  },
  {
    name: 'NXDOMAIN from the system, reached at the other address',
    seen: join(query('dns_nxdomain_error'), other, reachedElsewhere),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'only loopback from the system, an address from another',
    seen: join(query(['127.0.0.1']), other),
    verdict: 'undetermined failed_once',
    step: 'resolve',
  },
  {
    name: 'only loopback from the system, reached at the address of another',
    seen: join(query(['127.0.0.1']), other, reachedElsewhere),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'a private address from the system, and no such name from another: it is invented where there is none',
    seen: join(query(['10.0.0.1']), goneElsewhere),
    verdict: 'undetermined name_gone',
    step: 'resolve',
  },
  {
    name: 'only a bogon, nobody else to ask: some zones hold one',
    seen: join(query(['10.0.0.1'])),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
  },
  {
    name: 'a bogon from both',
    seen: join(query(['127.0.0.1']), query(['127.0.0.1'], { engine: 'udp', tags: ['depth=0'] })),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
  },
  {
    name: 'a bogon from both, and behind the forged answer the true one',
    seen: join(query(['10.0.0.1']), late(['21.0.0.10'])),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'a bogon from both, and late another bogon',
    seen: join(query(['10.0.0.1']), late(['10.0.0.2'])),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
  },
  {
    name: 'a failure of the resolver, an address from another, once: an answer may be lost',
    seen: join(query('dns_server_misbehaving'), other),
    verdict: 'undetermined failed_once',
    step: 'resolve',
  },
  {
    name: 'a failure of the resolver, reached at the address of another, and again half a minute later: a server of the zone may be gone',
    seen: join(query('dns_server_misbehaving'), other, reachedElsewhere),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
    circumstances: { earlier: { step: 'resolve', how: 'dns_server_misbehaving', secondsAgo: 31 } },
  },
  {
    name: 'no address at once, reached at the address of another',
    seen: join(query('dns_no_answer'), other, reachedElsewhere),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
  },
  {
    name: 'no address after the question was put again: the answer for the other family may be lost',
    seen: join(slow(query('dns_no_answer')), other),
    verdict: 'undetermined failed_once',
    step: 'resolve',
  },
  {
    name: 'no address after the question was put again, with a control lost, and again half a minute later',
    seen: join(slow(query('dns_no_answer')), other),
    verdict: 'undetermined a_control_failed',
    step: 'resolve',
    circumstances: {
      link: link('up', 3),
      earlier: { step: 'resolve', how: 'dns_no_answer', secondsAgo: 31 },
    },
  },
  {
    name: 'NXDOMAIN from both: the name may be gone',
    seen: join(
      query('dns_nxdomain_error'),
      query('dns_nxdomain_error', { engine: 'udp', tags: ['depth=0'] }),
    ),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
  },
  {
    name: 'the system resolver silent, and nobody else asked',
    seen: join(query('generic_timeout_error')),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
  },
  {
    name: 'the system resolver silent, another answers, once: a lost datagram',
    seen: join(query('generic_timeout_error'), other),
    verdict: 'undetermined failed_once',
    step: 'resolve',
  },
  {
    name: 'the system resolver silent, reached at the address of another, and again half a minute later',
    seen: join(query('generic_timeout_error'), other, reachedElsewhere),
    verdict: 'anomaly resolvers_disagree',
    step: 'resolve',
    circumstances: { earlier: { step: 'resolve', how: 'generic_timeout_error', secondsAgo: 31 } },
  },
  {
    name: 'the system resolver silent, another has an address where nobody is, and again half a minute later',
    seen: join(query('generic_timeout_error'), other, connect('connection_refused', elsewhere)),
    verdict: 'undetermined no_outside_view',
    step: 'resolve',
    circumstances: { earlier: { step: 'resolve', how: 'generic_timeout_error', secondsAgo: 31 } },
  },
  {
    name: 'an address with a foreign certificate from the system, and no such name from another',
    seen: join(resolved, goneElsewhere, connect(null), handshake('ssl_invalid_hostname')),
    verdict: 'undetermined name_gone',
    step: 'tls_handshake',
  },
]
