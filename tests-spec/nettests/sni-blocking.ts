// Rules of `sni_blocking`: OONI's ts-024 in version 0.3.0. Whether a name in the ClientHello is enough to break a
// connection, wherever it leads. sni-blocking.md is the page.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { failure, type Observations, type TlsHandshake } from '../data-formats/observation.ts'
import { type FailedStep, tagged } from './failed-step.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest } from './nettest-spec.ts'
import { failedAt, failedLookup } from './system-lookup.ts'
import { type Circumstances, steps, type Verdict } from './verdict.ts'

const nettest = 'sni_blocking'

const rules = [
  'server_hello',
  'foreign_certificate',
  'helper_unverified',
  'helper_unreachable',
  'alert',
  'server_name_interfered',
  'a_control_failed',
  'failed_once',
] as const

/**
 * The handshakes under the neutral name, which is OONI's `control`, and under the one in question; `again` when the latter
 * met silence.
 */
export const sniTags = { control: 'control', target: 'target', again: 'target_again' } as const

const name = v.pipe(v.string(), v.regex(/^(?=.*[a-z])[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/))
const sniBlockingInput = v.pipe(name, v.maxLength(253))

const sniBlockingOptions = v.strictObject({
  /** By default the list's neutral name. */
  control_sni: v.optional(name),
  /** `HOST:PORT` of a server that anyone may connect to; by default port 443 of the neutral name. */
  test_helper_address: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9._-]+:\d{1,5}$/))),
})

const asked = v.looseObject({ sni: v.string(), th_address: v.string() })
const outcome = v.object({
  ...asked.entries,
  agent: v.literal('redirect'),
  failed_operation: v.nullable(v.picklist(steps)),
  failure,
})
type NameOutcome = v.InferOutput<typeof outcome>

/** OONI's conclusions. */
const results = [
  'success.got_server_hello',
  'anomaly.test_helper_unreachable',
  'anomaly.timeout',
  'anomaly.unexpected_failure',
  'interference.reset',
  'interference.closed',
  'interference.invalid_certificate',
  'interference.unknown_authority',
] as const

export const sniBlocking = defineNettest({
  name: nettest,
  version: '0.3.0',
  about: 'whether a name in the ClientHello is enough to break a connection',
  input: sniBlockingInput,
  options: sniBlockingOptions,
  /** Under OONI's names: what was asked for. What became of it takes their place. */
  observations: { control: asked, target: asked },
  /** OONI puts the observations inside `control` and `target`; ours stand in the five lists, under these tags. */
  findings: { control: outcome, target: outcome, result: v.picklist(results) },
  parts: null,
  rules,
  judge({ seen, own, circumstances }) {
    const { lab } = circumstances
    const neutral = attempt(seen, sniTags.control, lab)
    const target = attempt(seen, sniTags.target, lab)
    const again = attempt(seen, sniTags.again, lab)
    return {
      keys: {
        control: outcomeOf(own.control, neutral),
        target: outcomeOf(own.target, target),
        result: resultOf(target.failed?.failure ?? null, neutral.failed?.failure ?? null),
      },
      verdict: judgeAttempts(seen, { neutral, target, again }, circumstances),
      parts: null,
    }
  },
})

function outcomeOf({ sni, th_address }: v.InferOutput<typeof asked>, { failed }: Attempt): NameOutcome {
  const what = { failed_operation: failed?.step ?? null, failure: failed?.failure ?? null }
  return { sni, th_address, agent: 'redirect', ...what }
}

/** OONI's words. A certificate for another name is what the helper answers to a name that is not its own. */
function resultOf(target: Failure | null, neutral: Failure | null): (typeof results)[number] {
  switch (target) {
    case null:
    case 'ssl_invalid_hostname':
      return 'success.got_server_hello'
    case 'connection_refused':
    case 'dns_nxdomain_error':
      return 'anomaly.test_helper_unreachable'
    case 'connection_reset':
      return 'interference.reset'
    case 'eof_error':
      return 'interference.closed'
    case 'generic_timeout_error':
      return neutral === null ? 'anomaly.timeout' : 'anomaly.test_helper_unreachable'
    case 'ssl_invalid_certificate':
      return 'interference.invalid_certificate'
    case 'ssl_unknown_authority':
      return 'interference.unknown_authority'
    default:
      return 'anomaly.unexpected_failure'
  }
}

interface Attempt {
  /** null when it was not made, or ended before a ClientHello. */
  readonly handshake: TlsHandshake | null
  /** null when the handshake ended well. */
  readonly failed: FailedStep | null
}

function attempt(seen: Observations, tag: string, lab: boolean): Attempt {
  const of = tagged(seen, tag)
  const handshake = of.tls_handshakes[0] ?? null
  if (handshake !== null) {
    const { failure: how, transaction_id } = handshake
    return { handshake, failed: how && failedAt('tls_handshake', how, [transaction_id]) }
  }
  const connect = of.tcp_connect[0]
  if (connect !== undefined) {
    const failed = failedAt('connect', connect.status.failure ?? 'interrupted', [connect.transaction_id])
    return { handshake, failed }
  }
  return { handshake, failed: failedLookup(seen, lab) ?? failedAt('resolve', 'interrupted', []) }
}

/**
 * The helper is the same for all names, so what differs between the attempts is the name alone: a helper that is down
 * cannot make one of them fail.
 */
function judgeAttempts(
  seen: Observations,
  { neutral, target, again }: Readonly<Record<'neutral' | 'target' | 'again', Attempt>>,
  circumstances: Circumstances,
): Verdict {
  const because = [...seen.tls_handshakes, ...seen.tcp_connect].map((each) => each.transaction_id)
  const say = (verdict: Verdict['verdict'], rule: (typeof rules)[number], how: string | null): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@1`,
    step: verdict === 'ok' ? null : 'tls_handshake',
    how,
    because: [...new Set(because)],
  })
  const { link } = circumstances
  const judged = judgeFailedStep(
    nettest,
    target.failed ?? failedAt('resolve', 'interrupted', []),
    circumstances,
  )
  if (sentCertificate(target)) {
    // The helper is known by its certificate: without one that holds for the neutral name, nothing is known of it.
    if (isUntrusted(neutral))
      return link.state === 'up' ? say('undetermined', 'helper_unverified', null) : judged
    // Its own chain, for whichever of its names, or one that was not seen under the neutral name.
    if (!isUntrusted(target)) return say('ok', 'server_hello', null)
    return link.state === 'up' ? say('anomaly', 'foreign_certificate', 'ssl_unknown_authority') : judged
  }
  const how = target.failed?.failure ?? 'interrupted'
  if (link.state !== 'up' || how === 'interrupted') return judged
  if (!sentCertificate(neutral)) return say('undetermined', 'helper_unreachable', how)
  if (target.failed?.step !== 'tls_handshake') return say('undetermined', 'helper_unreachable', how)
  // The alert may be the helper's: some refuse names they do not know.
  if (target.handshake?.x_sonde_tls_alert !== undefined) return say('undetermined', 'alert', how)
  if (cut.has(how)) return say('anomaly', 'server_name_interfered', how)
  if (link.controls_ok < link.controls) return say('undetermined', 'a_control_failed', how)
  const second = again.failed
  const silentTwice =
    second?.step === 'tls_handshake' && (silent.has(second.failure) || cut.has(second.failure))
  return silentTwice ? say('anomaly', 'server_name_interfered', how) : say('undetermined', 'failed_once', how)
}

/** What somebody had to send in answer to the name. */
const cut: ReadonlySet<Failure> = new Set(['connection_reset', 'eof_error', 'ssl_not_tls'])
const silent: ReadonlySet<Failure> = new Set(['generic_timeout_error', 'timed_out'])

const certificateFailures: ReadonlySet<Failure> = new Set([
  'ssl_invalid_hostname',
  'ssl_invalid_certificate',
  'ssl_unknown_authority',
])

/** The handshake came as far as a certificate, whatever it is worth. */
function sentCertificate({ handshake }: Attempt): boolean {
  if (handshake === null || handshake.x_sonde_tls_alert !== undefined) return false
  return handshake.failure === null || certificateFailures.has(handshake.failure)
}

function isUntrusted({ handshake }: Attempt): boolean {
  return handshake?.x_sonde_certificate_faults?.includes('ssl_unknown_authority') ?? false
}
