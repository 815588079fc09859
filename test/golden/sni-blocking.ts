// Golden verdicts of sni_blocking: one server, two names.

import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import { connect, handshake, join, link, query } from '../support/observations.ts'
import { type Golden, type GoldenRow, sample } from './golden.ts'

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

interface Row extends GoldenRow {
  /** OONI's conclusion. */
  readonly result: string
}
const got = 'success.got_server_hello'
export const rows: readonly Row[] = [
  {
    name: "the helper's own certificate under either name",
    seen: seen(helper, fine, otherName),
    verdict: 'ok server_hello',
    result: got,
  },
  {
    name: 'a helper that has a certificate for the name',
    seen: seen(helper, fine, fine),
    verdict: 'ok server_hello',
    result: got,
  },
  {
    name: 'reset under the name, not under the neutral one',
    seen: seen(helper, fine, reset),
    verdict: 'anomaly server_name_interfered',
    result: 'interference.reset',
  },
  {
    name: 'closed under the name',
    seen: seen(helper, fine, { failure: 'eof_error' }),
    verdict: 'anomaly server_name_interfered',
    result: 'interference.closed',
  },
  {
    name: 'plain HTTP in answer to the name',
    seen: seen(helper, fine, { failure: 'ssl_not_tls' }),
    verdict: 'anomaly server_name_interfered',
    result: 'anomaly.unexpected_failure',
  },
  {
    name: 'silence under the name, twice',
    seen: seen(helper, fine, silence, silence),
    verdict: 'anomaly server_name_interfered',
    result: 'anomaly.timeout',
  },
  {
    name: 'silence, then a reset',
    seen: seen(helper, fine, silence, reset),
    verdict: 'anomaly server_name_interfered',
    result: 'anomaly.timeout',
  },
  {
    name: 'silence once: a lost packet',
    seen: seen(helper, fine, silence, otherName),
    verdict: 'undetermined failed_once',
    result: 'anomaly.timeout',
  },
  {
    name: 'silence twice with a control of the link lost',
    seen: seen(helper, fine, silence, silence),
    verdict: 'undetermined a_control_failed',
    result: 'anomaly.timeout',
    circumstances: { link: link('up', 3) },
  },
  {
    name: 'the neutral name met silence too',
    seen: seen(helper, silence, silence, silence),
    verdict: 'undetermined helper_unreachable',
    result: 'anomaly.test_helper_unreachable',
  },
  {
    name: 'the neutral name was reset too',
    seen: seen(helper, reset, reset),
    verdict: 'undetermined helper_unreachable',
    result: 'interference.reset',
  },
  {
    name: 'the helper refuses connections',
    seen: seen(
      helper,
      { failure: 'connection_refused', at: 'connect' },
      { failure: 'connection_refused', at: 'connect' },
    ),
    verdict: 'undetermined helper_unreachable',
    result: 'anomaly.test_helper_unreachable',
  },
  {
    name: 'the second connect failed: no name was sent',
    seen: seen(helper, fine, { failure: 'connection_refused', at: 'connect' }),
    verdict: 'undetermined helper_unreachable',
    result: 'anomaly.test_helper_unreachable',
  },
  {
    name: 'an alert: the helper may refuse names it does not know',
    seen: seen(helper, fine, { failure: 'ssl_failed_handshake', alert: 40 }),
    verdict: 'undetermined alert',
    result: 'anomaly.unexpected_failure',
  },
  {
    name: 'unrecognized_name, which OONI counts as an answer',
    seen: seen(helper, fine, { failure: 'ssl_invalid_hostname', alert: 112 }),
    verdict: 'undetermined alert',
    result: got,
  },
  {
    name: 'a forged certificate under the name',
    seen: seen(helper, fine, forged),
    verdict: 'anomaly foreign_certificate',
    result: 'interference.unknown_authority',
  },
  {
    name: 'a forged certificate for another name',
    seen: seen(helper, fine, forgedForAnother),
    verdict: 'anomaly foreign_certificate',
    result: got,
  },
  {
    name: 'a helper with a certificate of its own making under both names',
    seen: seen(helper, forgedForAnother, forgedForAnother),
    verdict: 'undetermined helper_unverified',
    result: got,
  },
  {
    name: 'a clock in 1970, which makes both certificates invalid',
    seen: seen(
      helper,
      { failure: 'ssl_invalid_certificate', faults: ['not_yet_valid'] },
      { failure: 'ssl_invalid_certificate', faults: ['not_yet_valid'] },
    ),
    verdict: 'ok server_hello',
    result: 'interference.invalid_certificate',
  },
  {
    name: 'reset under the name over a dead link',
    seen: seen(helper, fine, reset),
    verdict: 'link_down link_down',
    result: 'interference.reset',
    circumstances: { link: link('down') },
  },
  {
    name: 'a forged certificate behind a portal',
    seen: seen(helper, forged, forged),
    verdict: 'link_down link_down',
    result: 'interference.unknown_authority',
    circumstances: { link: link('captive_portal') },
  },
  {
    name: 'an agent that was stopped',
    seen: seen(helper, fine, { failure: 'interrupted' }),
    verdict: 'undetermined interrupted',
    result: 'anomaly.unexpected_failure',
  },
  {
    name: 'a helper without an address',
    seen: seen(query('dns_nxdomain_error', { tags: ['classic'] })),
    verdict: 'undetermined helper_unreachable',
    result: 'anomaly.test_helper_unreachable',
  },
]

export const golden: Golden = {
  asked: { input: 'site.example' },
  samples: rows.map(({ name, seen, circumstances }) => sample(name, seen, circumstances)),
}
