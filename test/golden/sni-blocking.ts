// Golden verdicts of sni_blocking: one server, two names.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { Circumstances } from '../../tests-spec/nettests/verdict.ts'
import { connect, handshake, join, link, query } from '../support/observations.ts'
import { type Golden, sample } from './golden.ts'

export const helper = query(['21.0.0.10'], { tags: ['classic'], hostname: 'neutral.example' })

interface Made {
  readonly failure: Failure | null
  readonly at?: 'connect'
  readonly faults?: string[]
  readonly alert?: number
}

function shake(tag: string, { failure, at, faults = [], alert }: Made): Observations {
  const options = { tags: [tag], id: tag === 'control' ? 50_001 : tag === 'target' ? 50_002 : 50_003 }
  if (at === 'connect') return join(connect(failure, options))
  const made = join(connect(null, options), handshake(failure, { ...options, faults }))
  if (alert === undefined) return made
  return {
    ...made,
    tls_handshakes: made.tls_handshakes.map((each) => ({ ...each, x_sonde_tls_alert: alert })),
  }
}

export function seen(
  lookup: Partial<Observations>,
  control?: Made,
  target?: Made,
  again?: Made,
): Observations {
  const attempts = { control, target, target_again: again }
  const made = Object.entries(attempts).flatMap(([tag, each]) =>
    each === undefined ? [] : [shake(tag, each)],
  )
  const th_address = 'neutral.example:443'
  return {
    ...join(lookup, ...made),
    control: { sni: 'neutral.example', th_address },
    target: { sni: 'site.example', th_address },
  }
}

export const fine: Made = { failure: null }
const otherName: Made = { failure: 'ssl_invalid_hostname', faults: ['ssl_invalid_hostname'] }
const forged: Made = { failure: 'ssl_unknown_authority', faults: ['ssl_unknown_authority'] }
const forgedForAnother: Made = {
  failure: 'ssl_invalid_hostname',
  faults: ['ssl_invalid_hostname', 'ssl_unknown_authority'],
}
const silence: Made = { failure: 'generic_timeout_error' }
export const reset: Made = { failure: 'connection_reset' }

type Row = readonly [string, Observations, string, string, Partial<Circumstances>?]
const got = 'success.got_server_hello'
export const rows: readonly Row[] = [
  ["the helper's own certificate under either name", seen(helper, fine, otherName), 'ok server_hello', got],
  ['a helper that has a certificate for the name', seen(helper, fine, fine), 'ok server_hello', got],
  [
    'reset under the name, not under the neutral one',
    seen(helper, fine, reset),
    'anomaly server_name_interfered',
    'interference.reset',
  ],
  [
    'closed under the name',
    seen(helper, fine, { failure: 'eof_error' }),
    'anomaly server_name_interfered',
    'interference.closed',
  ],
  [
    'plain HTTP in answer to the name',
    seen(helper, fine, { failure: 'ssl_not_tls' }),
    'anomaly server_name_interfered',
    'anomaly.unexpected_failure',
  ],
  [
    'silence under the name, twice',
    seen(helper, fine, silence, silence),
    'anomaly server_name_interfered',
    'anomaly.timeout',
  ],
  [
    'silence, then a reset',
    seen(helper, fine, silence, reset),
    'anomaly server_name_interfered',
    'anomaly.timeout',
  ],
  [
    'silence once: a lost packet',
    seen(helper, fine, silence, otherName),
    'undetermined failed_once',
    'anomaly.timeout',
  ],
  [
    'silence twice with a control of the link lost',
    seen(helper, fine, silence, silence),
    'undetermined a_control_failed',
    'anomaly.timeout',
    { link: link('up', 3) },
  ],
  [
    'the neutral name met silence too',
    seen(helper, silence, silence, silence),
    'undetermined helper_unreachable',
    'anomaly.test_helper_unreachable',
  ],
  [
    'the neutral name was reset too',
    seen(helper, reset, reset),
    'undetermined helper_unreachable',
    'interference.reset',
  ],
  [
    'the helper refuses connections',
    seen(
      helper,
      { failure: 'connection_refused', at: 'connect' },
      { failure: 'connection_refused', at: 'connect' },
    ),
    'undetermined helper_unreachable',
    'anomaly.test_helper_unreachable',
  ],
  [
    'the second connect failed: no name was sent',
    seen(helper, fine, { failure: 'connection_refused', at: 'connect' }),
    'undetermined helper_unreachable',
    'anomaly.test_helper_unreachable',
  ],
  [
    'an alert: the helper may refuse names it does not know',
    seen(helper, fine, { failure: 'ssl_failed_handshake', alert: 40 }),
    'undetermined alert',
    'anomaly.unexpected_failure',
  ],
  [
    'unrecognized_name, which OONI counts as an answer',
    seen(helper, fine, { failure: 'ssl_invalid_hostname', alert: 112 }),
    'undetermined alert',
    got,
  ],
  [
    'a forged certificate under the name',
    seen(helper, fine, forged),
    'anomaly foreign_certificate',
    'interference.unknown_authority',
  ],
  [
    'a forged certificate for another name',
    seen(helper, fine, forgedForAnother),
    'anomaly foreign_certificate',
    got,
  ],
  [
    'a helper with a certificate of its own making under both names',
    seen(helper, forgedForAnother, forgedForAnother),
    'undetermined helper_unverified',
    got,
  ],
  [
    'a clock in 1970, which makes both certificates invalid',
    seen(
      helper,
      { failure: 'ssl_invalid_certificate', faults: ['not_yet_valid'] },
      { failure: 'ssl_invalid_certificate', faults: ['not_yet_valid'] },
    ),
    'ok server_hello',
    'interference.invalid_certificate',
  ],
  [
    'reset under the name over a dead link',
    seen(helper, fine, reset),
    'link_down link_down',
    'interference.reset',
    { link: link('down') },
  ],
  [
    'a forged certificate behind a portal',
    seen(helper, forged, forged),
    'link_down link_down',
    'interference.unknown_authority',
    { link: link('captive_portal') },
  ],
  [
    'an agent that was stopped',
    seen(helper, fine, { failure: 'interrupted' }),
    'undetermined interrupted',
    'anomaly.unexpected_failure',
  ],
  [
    'a helper without an address',
    seen(query('dns_nxdomain_error', { tags: ['classic'] })),
    'undetermined helper_unreachable',
    'anomaly.test_helper_unreachable',
  ],
]

export const golden: Golden = {
  asked: { input: 'site.example' },
  samples: rows.map(([name, seen, , , circumstances]) => sample(name, seen, circumstances)),
}
