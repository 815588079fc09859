// Golden verdicts of web_connectivity, in both directions: what must be found, and what must not be called an anomaly.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { failedStepRules } from '../../tests-spec/nettests/judge-failed-step.ts'
import { connect, cutBySomeone, handshake, join, link, query, response } from '../support/observations.ts'
import { rows as parts } from './address-parts.ts'
import { rows as deadControls } from './dead-controls.ts'
import { rows as doubted } from './doubted-lookups.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'
import { rows as addresses } from './outside-addresses.ts'
import { moved, rows as pages } from './outside-pages.ts'
import { rows as withHelper } from './outside-view.ts'
import { rows as ownFailures } from './own-failures.ts'
import { late, rows as resolvers } from './resolvers.ts'
import { rows as restarts } from './restarts.ts'
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
interface Row extends GoldenRow {
  readonly step: string | null
}

export const rows: readonly Row[] = [
  {
    name: 'reached over TLS',
    seen: join(resolved, connect(null), handshake(null), response(200)),
    verdict: 'ok https_response',
    step: null,
  },
  {
    name: 'an error page of the site itself',
    seen: join(resolved, connect(null), handshake(null), response(503)),
    verdict: 'ok https_response',
    step: null,
  },
  {
    name: 'a captcha page over TLS',
    seen: join(resolved, connect(null), handshake(null), response(403)),
    verdict: 'ok https_response',
    step: null,
  },
  {
    name: 'first address dead, second answers',
    seen: join(
      resolved,
      connect('generic_timeout_error'),
      connect(null, { id: 50_002 }),
      handshake(null, { id: 50_002 }),
      response(200, { id: 50_002 }),
    ),
    verdict: 'ok https_response',
    step: null,
  },
  {
    name: 'a clear-text page',
    seen: join(resolved, connect(null), response(200, { url: 'http://site.example/' })),
    verdict: 'undetermined cleartext_response',
    step: 'http_round_trip',
  },

  // Between one place and a site that may be broken by itself: only with another look.
  ...cutBySomeone.flatMap(([name, step, seen]): Row[] => [
    { name: `${name}: the site may be broken`, seen, verdict: 'undetermined no_outside_view', step },
    {
      name: `${name}, while an address of another resolver's shows the site: this one may be out of date`,
      seen: join(seen, other, reachedElsewhere),
      verdict: 'undetermined no_outside_view',
      step,
    },
    {
      name: `${name}, while another resolver's true answer, behind a forged one, shows the site`,
      seen: join(seen, late(address), reachedElsewhere),
      verdict: `anomaly ${step}_interfered`,
      step,
    },
  ]),
  {
    name: "reset behind a clear-text request, at an address of another resolver's too",
    seen: join(
      resolved,
      connect(null),
      response('connection_reset', { url: 'http://site.example/' }),
      other,
      connect(null, elsewhere),
      handshake(null, elsewhere),
      response('connection_reset', elsewhere),
    ),
    verdict: 'undetermined no_outside_view',
    step: 'http_round_trip',
  },
  {
    name: 'reset behind the ClientHello, answered under a neutral name, reset again: what stands behind one name may be broken',
    seen: cutThrice,
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'reset behind the ClientHello, answered under a neutral name, and then under its own',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      followUp('neutral_name', 'ssl_invalid_hostname'),
      followUp('same_name', null),
    ),
    verdict: 'undetermined passed_again',
    step: 'tls_handshake',
  },

  {
    name: 'connect refused: the site may be down',
    seen: join(resolved, connect('connection_refused')),
    verdict: 'undetermined no_outside_view',
    step: 'connect',
  },
  {
    name: 'connect silent: the site may be down',
    seen: join(resolved, connect('generic_timeout_error')),
    verdict: 'undetermined no_outside_view',
    step: 'connect',
  },
  {
    name: 'handshake silent: loss, a dead host or a censor',
    seen: join(resolved, connect(null), handshake('generic_timeout_error')),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'handshake refused by an alert',
    seen: join(resolved, connect(null), handshake('ssl_failed_handshake')),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'an expired certificate, the clock right',
    seen: join(resolved, connect(null), handshake('ssl_invalid_certificate', { faults: ['expired'] })),
    verdict: 'undetermined certificate_date',
    step: 'tls_handshake',
  },
  {
    name: 'not yet valid, the clock unknown',
    seen: join(resolved, connect(null), handshake('ssl_invalid_certificate', { faults: ['not_yet_valid'] })),
    verdict: 'undetermined local_clock',
    step: 'tls_handshake',
    circumstances: { clock: 'unknown' },
  },
  {
    name: 'expired and of an unknown authority, the clock unknown',
    seen: join(
      resolved,
      connect(null),
      handshake('ssl_invalid_certificate', { faults: ['expired', 'ssl_unknown_authority'] }),
    ),
    verdict: 'undetermined local_clock',
    step: 'tls_handshake',
    circumstances: { clock: 'restored' },
  },

  {
    name: 'a lookup that never left this machine, an address from another resolver',
    seen: join(
      {
        queries: (query('generic_timeout_error').queries ?? []).map((each) => ({
          ...each,
          x_sonde_not_sent: true as const,
        })),
      },
      other,
    ),
    verdict: 'undetermined interrupted',
    step: 'resolve',
  },
  {
    name: 'a host that cuts every handshake, whatever the name: it may just be broken',
    seen: join(
      resolved,
      connect(null),
      handshake('connection_reset'),
      handshake('connection_reset', { tags: ['depth=0', 'classic', 'followup=neutral_name'], id: 50_009 }),
      handshake('connection_reset', { tags: ['depth=0', 'classic', 'followup=same_name'], id: 50_010 }),
    ),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'the name cut here and at a neutral host, which answers to any other name',
    seen: join(cutThrice, movedTo('connection_reset')),
    verdict: 'anomaly server_name_interfered',
    step: 'tls_handshake',
  },
  {
    name: 'the host cuts any name, and the name is cut at a neutral host too',
    seen: join(cutAnyName, movedTo('eof_error')),
    verdict: 'anomaly server_name_interfered',
    step: 'tls_handshake',
  },
  {
    name: 'the name fails at a neutral host that bears the foreign one, and may cut all it does not bear',
    seen: join(cutAnyName, followUp('foreign_name', null), followUp('neutral_address', 'connection_reset')),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'the host alone cuts its name, which passes elsewhere: it may be broken',
    seen: join(cutThrice, movedTo('ssl_failed_handshake')),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'the host cuts any name, and the name passes elsewhere',
    seen: join(cutAnyName, movedTo(null)),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'the name fails at a neutral host that cuts any name foreign to it: nothing is learnt there',
    seen: join(cutAnyName, followUp('foreign_name', 'eof_error'), followUp('neutral_address', 'eof_error')),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'silence under the name here and at a neutral host',
    seen: join(silentThrice, movedTo('generic_timeout_error')),
    verdict: 'anomaly server_name_interfered',
    step: 'tls_handshake',
  },
  {
    name: 'silence under the name here alone, and another name is answered',
    seen: join(silentThrice, movedTo('ssl_invalid_hostname')),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
  {
    name: 'silence under the name here and at a neutral host, with one control lost',
    seen: join(silentThrice, movedTo('generic_timeout_error')),
    verdict: 'undetermined failed_once',
    step: 'tls_handshake',
    circumstances: { link: link('up', 3) },
  },
  {
    name: 'reset, but the controls fail too',
    seen: join(resolved, connect(null), handshake('connection_reset')),
    verdict: 'link_down link_down',
    step: 'tls_handshake',
    circumstances: { link: link('down') },
  },
  {
    name: 'no name resolves and the controls fail',
    seen: join(query('dns_server_misbehaving')),
    verdict: 'link_down link_down',
    step: 'resolve',
    circumstances: { link: link('down') },
  },
  {
    name: 'a portal answers for everyone',
    seen: join(resolved, connect(null), response(302, { url: 'http://site.example/' })),
    verdict: 'link_down link_down',
    step: 'http_round_trip',
    circumstances: { link: link('captive_portal') },
  },
  {
    name: 'the provider answers for everyone: the bundle is used up',
    seen: join(resolved, connect(null), response(302, { url: 'http://site.example/' })),
    verdict: 'link_down link_down',
    step: 'http_round_trip',
    circumstances: { link: link('bundle_exhausted') },
  },
  {
    name: 'reset while only the provider answers',
    seen: join(resolved, connect(null), handshake('connection_reset')),
    verdict: 'link_down link_down',
    step: 'tls_handshake',
    circumstances: { link: link('provider_only') },
  },
  ...resolvers,
  ...deadControls,
  ...doubted,
  {
    name: 'reset, and no control was asked',
    seen: join(resolved, connect(null), handshake('connection_reset')),
    verdict: 'undetermined link_unknown',
    step: 'tls_handshake',
    circumstances: { link: link('unknown') },
  },
  {
    name: 'reached although the controls failed',
    seen: join(resolved, connect(null), handshake(null), response(200)),
    verdict: 'ok https_response',
    step: null,
    circumstances: { link: link('down') },
  },

  {
    name: 'a clear-text answer while no control answers: a gateway speaks for everyone',
    seen: join(resolved, connect(null), response(404, { url: 'http://site.example/' })),
    verdict: 'link_down link_down',
    step: 'http_round_trip',
    circumstances: { link: link('down') },
  },
  {
    name: 'a redirect whose second hop is reset',
    seen: join(
      resolved,
      connect(null, { port: 80 }),
      response(301, { url: 'http://site.example/' }),
      query(address, { tags: ['depth=1', 'classic'] }),
      connect(null, { tags: ['depth=1', 'classic'] }),
      handshake('connection_reset', { tags: ['depth=1', 'classic'] }),
      handshake(null, { tags: ['depth=1', 'classic', 'followup=neutral_name'], id: 50_011 }),
      handshake('connection_reset', { tags: ['depth=1', 'classic', 'followup=same_name'], id: 50_012 }),
      handshake('ssl_invalid_hostname', { tags: ['depth=1', 'followup=foreign_name'], id: 50_013 }),
      handshake('connection_reset', { tags: ['depth=1', 'followup=neutral_address'], id: 50_014 }),
    ),
    verdict: 'anomaly server_name_interfered',
    step: 'tls_handshake',
  },
  {
    name: 'a redirect to HTTPS that is reached',
    seen: join(
      resolved,
      connect(null, { port: 80 }),
      response(301, { url: 'http://site.example/' }),
      query(address, { tags: ['depth=1', 'classic'] }),
      connect(null, { tags: ['depth=1', 'classic'] }),
      handshake(null, { tags: ['depth=1', 'classic'] }),
      response(200, { tags: ['depth=1', 'classic'] }),
    ),
    verdict: 'ok https_response',
    step: null,
  },
  {
    name: 'sent in clear text to a page of somebody else over TLS, as anyone on the path could',
    seen: moved('https://warning.example/'),
    verdict: 'undetermined cleartext_response',
    step: 'http_round_trip',
  },
  {
    name: 'sent in clear text to the same name with www',
    seen: moved('https://www.site.example/'),
    verdict: 'ok https_response',
    step: null,
  },
  ...ownFailures,
  {
    name: 'a request is reset for its own host alone, and no helper was asked: what stands behind one name may be broken',
    seen: join(
      resolved,
      connect(null),
      response('connection_reset', { url: 'http://site.example/' }),
      response(200, {
        url: 'http://neutral.example/',
        tags: ['depth=0', 'classic', 'followup=neutral_request'],
      }),
      response('connection_reset', {
        url: 'http://site.example/',
        tags: ['depth=0', 'classic', 'followup=same_request'],
      }),
    ),
    verdict: 'undetermined no_outside_view',
    step: 'http_round_trip',
  },
  {
    name: 'an IP literal that is reset, and has no name by which to tell',
    seen: join(connect(null), handshake('connection_reset')),
    verdict: 'undetermined no_outside_view',
    step: 'tls_handshake',
  },
]

export const golden: Golden = {
  asked: { input: 'https://site.example/' },
  sharedRules: failedStepRules,
  samples: [
    ...rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
    ...[...withHelper, ...pages, ...addresses, ...restarts, ...parts].map(
      ({ name, seen, outside, circumstances }) => sample(name, seen, circumstances, outside),
    ),
    ...throttled.map(({ name, seen, outside, circumstances }) => sample(name, seen, circumstances, outside)),
  ],
}
