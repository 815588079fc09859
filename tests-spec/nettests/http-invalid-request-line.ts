// Rules of `http_invalid_request_line`: OONI's ts-007 in version 0.2.1. Requests that are none are sent to a server that
// echoes bytes; a proxy on the way that thinks it sees HTTP answers in its place. http-invalid-request-line.md is the
// page.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { binaryData, failure, type Observations } from '../data-formats/observation.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { failedAt } from './system-lookup.ts'
import type { Circumstances, Verdict } from './verdict.ts'

export const invalidRequestLineName = 'http_invalid_request_line'
export const invalidRequestLineVersion = '0.2.1'

/** Its own rules; a failed step has those of judge-failed-step.ts. */
export const invalidRequestLineRules = [
  'no_helper',
  'echoed',
  'answer_changed',
  'some_reset',
  'incomplete',
  'helper_unreachable',
] as const

export const invalidRequestLineOptions = v.strictObject({
  /** `IP:PORT` of a TCP echo server, IPv6 in brackets. Without one nothing is measured. */
  helper: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => parseHelper(text) !== null, 'expected IP:PORT'),
    ),
  ),
})

/** @returns null when `text` is no address and port. */
export function parseHelper(text: string): { readonly ip: string; readonly port: number } | null {
  const [, bare, bracketed, port] = /^(?:([\d.]+)|\[([0-9a-f:.]+)\]):(\d{1,5})$/.exec(text) ?? []
  const ip = bare ?? bracketed
  if (ip === undefined || !v.safeParse(v.pipe(v.string(), v.ip()), ip).success) return null
  return Number(port) >= 1 && Number(port) <= 65535 ? { ip, port: Number(port) } : null
}

/** What the nettest adds to the five lists, all OONI's, in the order of sending. Empty without a helper. */
export const invalidRequestLineObservations = v.looseObject({
  sent: v.array(v.string()),
  /** Up to a limit, without addresses. */
  received: v.array(v.union([v.string(), binaryData])),
  /** null where reading ended at the deadline, as it does with an echo server, which never closes. */
  failure_list: v.array(failure),
  /** As in the options; absent when none was given. */
  x_sonde_helper: v.optional(v.string()),
})

/** What the rules add. */
const invalidRequestLineFindings = v.object({
  /** By OONI's rule: anything but the same bytes, nothing at all included. */
  tampering_list: v.array(v.boolean()),
  tampering: v.boolean(),
})
export type InvalidRequestLineKeys = Readonly<v.InferOutput<typeof invalidRequestLineFindings>>

export const invalidRequestLineTestKeys = v.object({
  ...invalidRequestLineObservations.entries,
  ...invalidRequestLineFindings.entries,
})

export function invalidRequestLineKeys(seen: Observations): InvalidRequestLineKeys {
  const list = exchangesIn(seen).map(({ kind }) => kind !== 'echoed' && kind !== 'not_connected')
  return { tampering_list: list, tampering: list.includes(true) }
}

interface Exchange {
  /** `incomplete`: the beginning of what was sent, or nothing. */
  readonly kind: 'echoed' | 'changed' | 'reset' | 'incomplete' | 'not_connected'
  readonly failure: Failure | null
  readonly transaction: number
}

function exchangesIn(seen: Observations): Exchange[] {
  const { sent, received, failure_list } = v.parse(invalidRequestLineObservations, seen)
  return sent.map((text, index) => {
    const connect = seen.tcp_connect[index]
    const failed = failure_list[index] ?? null
    const kind =
      connect?.status.success === true ? kindOf(text, received[index] ?? '', failed) : 'not_connected'
    return { kind, failure: failed, transaction: connect?.transaction_id ?? 0 }
  })
}

function kindOf(
  sent: string,
  received: string | v.InferOutput<typeof binaryData>,
  failed: Failure | null,
): Exchange['kind'] {
  if (received === sent) return 'echoed'
  if (typeof received !== 'string' || !sent.startsWith(received)) return 'changed'
  return failed === 'connection_reset' ? 'reset' : 'incomplete'
}

export function judgeInvalidRequestLine(seen: Observations, circumstances: Circumstances): Verdict {
  const exchanges = exchangesIn(seen)
  const of = (kind: Exchange['kind']) => exchanges.filter((each) => each.kind === kind)
  const say = (
    verdict: Verdict['verdict'],
    rule: (typeof invalidRequestLineRules)[number],
    on: readonly Exchange[],
    how: string | null,
  ): Verdict => ({
    verdict,
    rule: `${invalidRequestLineName}/${rule}@1`,
    step: on.length === 0 || how === null ? null : 'http_round_trip',
    how,
    because: on.map((each) => each.transaction),
  })
  if (exchanges.length === 0) return say('undetermined', 'no_helper', [], null)
  if (of('echoed').length === exchanges.length) return say('ok', 'echoed', exchanges, null)

  const first = exchanges.find((each) => each.kind !== 'echoed')
  const step = first?.kind === 'not_connected' ? 'connect' : 'http_round_trip'
  const failed = failedAt(step, first?.failure ?? 'generic_timeout_error', [first?.transaction ?? 0])
  if (circumstances.link.state !== 'up' || first?.failure === 'interrupted') {
    return judgeFailedStep(invalidRequestLineName, failed, circumstances)
  }
  // The helper answers with what it is sent, and with nothing else.
  if (of('changed').length > 0) return say('anomaly', 'answer_changed', of('changed'), 'changed')
  // Only the bytes differ between the five: a helper that is down cannot pick some of them.
  if (of('reset').length > 0 && of('echoed').length > 0) {
    return say('anomaly', 'some_reset', of('reset'), 'connection_reset')
  }
  if (of('echoed').length > 0)
    return say('undetermined', 'incomplete', of('incomplete'), 'generic_timeout_error')
  return say('undetermined', 'helper_unreachable', exchanges, failed.failure)
}
