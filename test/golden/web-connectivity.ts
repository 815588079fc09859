// Golden verdicts of web_connectivity, in both directions: what must be found, and what must not be called an anomaly.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { failedStepRules } from '../../tests-spec/nettests/judge-failed-step.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, cutBySomeone, handshake, join, link, query, response } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'
import { rows as withHelper } from './outside-view.ts'
import { rows as throttled } from './throttling.ts'

export const address = ['21.0.0.10']
const resolved = query(address)
export const other = query(address, { engine: 'udp', tags: ['depth=0'], id: 20_001 })
const elsewhere = { tags: ['depth=0'], id: 50_002 }
const reachedElsewhere = join(connect(null, elsewhere), handshake(null, elsewhere), response(200, elsewhere))

const followUp = (tag: string, failure: Failure | null) =>
  handshake(failure, { tags: ['depth=0', `followup=${tag}`], id: 50_011 })
/** At a neutral host that answers to a name as foreign to it. */
const movedTo = (failure: Failure | null) =>
  join(followUp('foreign_name', 'ssl_invalid_hostname'), followUp('neutral_address', failure))
const failedThrice = (failure: Failure, neutral: Failure) =>
  join(
    resolved,
    connect(null),
    handshake(failure),
    followUp('neutral_name', neutral),
    followUp('same_name', failure),
  )
const cutThrice = failedThrice('connection_reset', 'ssl_invalid_hostname')
const cutAnyName = failedThrice('connection_reset', 'connection_reset')
const silentThrice = failedThrice('generic_timeout_error', 'ssl_invalid_hostname')
/** The named resolver's first answer is a bogon; `addresses` came after it. */
const late = (addresses: readonly string[]): Partial<Observations> => ({
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
type Row = readonly [string, Observations, string, string | null, Partial<Circumstances>?]

export const rows: readonly Row[] = [
  [
    'reached over TLS',
    join(resolved, connect(null), handshake(null), response(200)),
    'ok https_response',
    null,
  ],
  [
    'an error page of the site itself',
    join(resolved, connect(null), handshake(null), response(503)),
    'ok https_response',
    null,
  ],
  [
    'a captcha page over TLS',
    join(resolved, connect(null), handshake(null), response(403)),
    'ok https_response',
    null,
  ],
  [
    'first address dead, second answers',
    join(
      resolved,
      connect('generic_timeout_error'),
      connect(null, { id: 50_002 }),
      handshake(null, { id: 50_002 }),
      response(200, { id: 50_002 }),
    ),
    'ok https_response',
    null,
  ],
  [
    'a clear-text page',
    join(resolved, connect(null), response(200, { url: 'http://site.example/' })),
    'undetermined cleartext_response',
    'http_round_trip',
  ],

  // Between one place and a site that may be broken by itself: only with another look.
  ...cutBySomeone.flatMap(([name, step, seen]): Row[] => [
    [`${name}: the site may be broken`, seen, 'undetermined no_outside_view', step],
    [
      `${name}, while an address of another resolver's shows the site`,
      join(seen, other, reachedElsewhere),
      `anomaly ${step}_interfered`,
      step,
    ],
  ]),
  [
    "reset behind a clear-text request, at an address of another resolver's too",
    join(
      resolved,
      connect(null),
      response('connection_reset', { url: 'http://site.example/' }),
      other,
      connect(null, elsewhere),
      handshake(null, elsewhere),
      response('connection_reset', elsewhere),
    ),
    'undetermined no_outside_view',
    'http_round_trip',
  ],
  [
    'reset behind the ClientHello, answered under a neutral name, reset again',
    join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', 'connection_reset'),
    ),
    'anomaly tls_handshake_interfered',
    'tls_handshake',
  ],
  [
    'reset behind the ClientHello, answered under a neutral name, and then under its own',
    join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', null),
    ),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'NXDOMAIN from the system, an address from another resolver',
    join(query('dns_nxdomain_error'), other),
    'anomaly resolvers_disagree',
    'resolve',
  ],
  [
    'NXDOMAIN from the system, reached at the other address',
    join(query('dns_nxdomain_error'), other, reachedElsewhere),
    'anomaly resolvers_disagree',
    'resolve',
  ],
  [
    'only loopback from the system, an address from another',
    join(query(['127.0.0.1']), other),
    'anomaly resolvers_disagree',
    'resolve',
  ],
  [
    'only a bogon, nobody else to ask: some zones hold one',
    join(query(['10.0.0.1'])),
    'undetermined no_outside_view',
    'resolve',
  ],
  [
    'a bogon from both',
    join(query(['127.0.0.1']), query(['127.0.0.1'], { engine: 'udp', tags: ['depth=0'] })),
    'undetermined no_outside_view',
    'resolve',
  ],
  [
    'a bogon from both, and behind the forged answer the true one',
    join(query(['10.0.0.1']), late(['21.0.0.10'])),
    'anomaly resolvers_disagree',
    'resolve',
  ],
  [
    'a bogon from both, and late another bogon',
    join(query(['10.0.0.1']), late(['10.0.0.2'])),
    'undetermined no_outside_view',
    'resolve',
  ],
  [
    'a failure of the resolver, an address from another, once: an answer may be lost',
    join(query('dns_server_misbehaving'), other),
    'undetermined failed_once',
    'resolve',
  ],
  [
    'a failure of the resolver, an address from another, and again half a minute later',
    join(query('dns_server_misbehaving'), other),
    'anomaly resolvers_disagree',
    'resolve',
    { earlier: { step: 'resolve', how: 'dns_server_misbehaving', secondsAgo: 31 } },
  ],
  [
    'no address at once, an address from another',
    join(query('dns_no_answer'), other),
    'anomaly resolvers_disagree',
    'resolve',
  ],
  [
    'no address after the question was put again: the answer for the other family may be lost',
    join(slow(query('dns_no_answer')), other),
    'undetermined failed_once',
    'resolve',
  ],
  [
    'no address after the question was put again, with a control lost, and again half a minute later',
    join(slow(query('dns_no_answer')), other),
    'undetermined a_control_failed',
    'resolve',
    {
      link: link('up', 3),
      earlier: { step: 'resolve', how: 'dns_no_answer', secondsAgo: 31 },
    },
  ],

  [
    'NXDOMAIN from both: the name may be gone',
    join(query('dns_nxdomain_error'), query('dns_nxdomain_error', { engine: 'udp', tags: ['depth=0'] })),
    'undetermined no_outside_view',
    'resolve',
  ],
  [
    'the system resolver silent, and nobody else asked',
    join(query('generic_timeout_error')),
    'undetermined no_outside_view',
    'resolve',
  ],
  [
    'connect refused: the site may be down',
    join(resolved, connect('connection_refused')),
    'undetermined no_outside_view',
    'connect',
  ],
  [
    'connect silent: the site may be down',
    join(resolved, connect('generic_timeout_error')),
    'undetermined no_outside_view',
    'connect',
  ],
  [
    'handshake silent: loss, a dead host or a censor',
    join(resolved, connect(null), handshake('generic_timeout_error')),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'handshake refused by an alert',
    join(resolved, connect(null), handshake('ssl_failed_handshake')),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'an expired certificate, the clock right',
    join(resolved, connect(null), handshake('ssl_invalid_certificate', { faults: ['expired'] })),
    'undetermined certificate_date',
    'tls_handshake',
  ],
  [
    'not yet valid, the clock unknown',
    join(resolved, connect(null), handshake('ssl_invalid_certificate', { faults: ['not_yet_valid'] })),
    'undetermined local_clock',
    'tls_handshake',
    { clock: 'unknown' },
  ],
  [
    'expired and of an unknown authority, the clock unknown',
    join(
      resolved,
      connect(null),
      handshake('ssl_invalid_certificate', { faults: ['expired', 'ssl_unknown_authority'] }),
    ),
    'undetermined local_clock',
    'tls_handshake',
    { clock: 'restored' },
  ],

  [
    'a lookup that never left this machine, an address from another resolver',
    join(
      {
        queries: (query('generic_timeout_error').queries ?? []).map((each) => ({
          ...each,
          x_sonde_not_sent: true as const,
        })),
      },
      other,
    ),
    'undetermined interrupted',
    'resolve',
  ],
  [
    'the system resolver silent, another answers, once: a lost datagram',
    join(query('generic_timeout_error'), other),
    'undetermined failed_once',
    'resolve',
  ],
  [
    'the system resolver silent, another answers, and again half a minute later',
    join(query('generic_timeout_error'), other),
    'anomaly resolvers_disagree',
    'resolve',
    { earlier: { step: 'resolve', how: 'generic_timeout_error', secondsAgo: 31 } },
  ],
  [
    'a host that cuts every handshake, whatever the name: it may just be broken',
    join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      handshake('connection_reset', { tags: ['depth=0', 'classic', 'followup=neutral_name'], id: 50_009 }),
      handshake('connection_reset', { tags: ['depth=0', 'classic', 'followup=same_name'], id: 50_010 }),
    ),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'the name cut here and at a neutral host, which answers to any other name',
    join(cutThrice, movedTo('connection_reset')),
    'anomaly server_name_interfered',
    'tls_handshake',
  ],
  [
    'the host cuts any name, and the name is cut at a neutral host too',
    join(cutAnyName, movedTo('eof_error')),
    'anomaly server_name_interfered',
    'tls_handshake',
  ],
  [
    'the host alone cuts its name, which passes elsewhere: it may be broken',
    join(cutThrice, movedTo('ssl_failed_handshake')),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'the host cuts any name, and the name passes elsewhere',
    join(cutAnyName, movedTo(null)),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'the name fails at a neutral host that cuts any name foreign to it: nothing is learnt there',
    join(cutAnyName, followUp('foreign_name', 'eof_error'), followUp('neutral_address', 'eof_error')),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'silence under the name here and at a neutral host',
    join(silentThrice, movedTo('generic_timeout_error')),
    'anomaly server_name_interfered',
    'tls_handshake',
  ],
  [
    'silence under the name here alone, and another name is answered',
    join(silentThrice, movedTo('ssl_invalid_hostname')),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
  [
    'silence under the name here and at a neutral host, with one control lost',
    join(silentThrice, movedTo('generic_timeout_error')),
    'undetermined a_control_failed',
    'tls_handshake',
    { link: link('up', 3) },
  ],
  [
    'reset, but the controls fail too',
    join(resolved, connect(null), handshake('connection_reset')),
    'link_down link_down',
    'tls_handshake',
    { link: link('down') },
  ],
  [
    'no name resolves and the controls fail',
    join(query('dns_server_misbehaving')),
    'link_down link_down',
    'resolve',
    { link: link('down') },
  ],
  [
    'a portal answers for everyone',
    join(resolved, connect(null), response(302, { url: 'http://site.example/' })),
    'link_down link_down',
    'http_round_trip',
    { link: link('captive_portal') },
  ],
  [
    'the provider answers for everyone: the bundle is used up',
    join(resolved, connect(null), response(302, { url: 'http://site.example/' })),
    'link_down link_down',
    'http_round_trip',
    { link: link('bundle_exhausted') },
  ],
  [
    'reset while only the provider answers',
    join(resolved, connect(null), handshake('connection_reset')),
    'link_down link_down',
    'tls_handshake',
    { link: link('provider_only') },
  ],
  [
    'reset on a link that loses controls',
    join(resolved, connect(null), handshake('connection_reset')),
    'undetermined link_degraded',
    'tls_handshake',
    { link: link('degraded', 2) },
  ],
  [
    'reset, and no control was asked',
    join(resolved, connect(null), handshake('connection_reset')),
    'undetermined link_unknown',
    'tls_handshake',
    { link: link('unknown') },
  ],
  [
    'reached although the controls failed',
    join(resolved, connect(null), handshake(null), response(200)),
    'ok https_response',
    null,
    { link: link('down') },
  ],

  [
    'a clear-text answer while no control answers: a gateway speaks for everyone',
    join(resolved, connect(null), response(404, { url: 'http://site.example/' })),
    'link_down link_down',
    'http_round_trip',
    { link: link('down') },
  ],
  [
    'a redirect whose second hop is reset',
    join(
      resolved,
      connect(null, { port: 80 }),
      response(301, { url: 'http://site.example/' }),
      query(address, { tags: ['depth=1', 'classic'] }),
      connect(null, { tags: ['depth=1', 'classic'] }),
      handshake('connection_reset', { tags: ['depth=1', 'classic'] }),
      handshake(null, { tags: ['depth=1', 'classic', 'followup=neutral_name'], id: 50_011 }),
      handshake('connection_reset', { tags: ['depth=1', 'classic', 'followup=same_name'], id: 50_012 }),
    ),
    'anomaly tls_handshake_interfered',
    'tls_handshake',
  ],
  [
    'a redirect to HTTPS that is reached',
    join(
      resolved,
      connect(null, { port: 80 }),
      response(301, { url: 'http://site.example/' }),
      query(address, { tags: ['depth=1', 'classic'] }),
      connect(null, { tags: ['depth=1', 'classic'] }),
      handshake(null, { tags: ['depth=1', 'classic'] }),
      response(200, { tags: ['depth=1', 'classic'] }),
    ),
    'ok https_response',
    null,
  ],
  [
    'a source address that this machine does not have',
    join(resolved, connect('address_not_available')),
    'undetermined local_failure',
    'connect',
  ],
  [
    'an IP literal that is reset, and has no name by which to tell',
    join(connect(null), handshake('connection_reset')),
    'undetermined no_outside_view',
    'tls_handshake',
  ],
]

export const golden: Golden = {
  asked: { input: 'https://site.example/' },
  sharedRules: failedStepRules,
  samples: [
    ...rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
    ...withHelper.map(([name, seen, outside, , , circumstances]) =>
      sample(name, seen, circumstances, outside),
    ),
    ...throttled.map(([name, seen, outside, , circumstances]) => sample(name, seen, circumstances, outside)),
  ],
}
