// Rules of `http_invalid_request_line`: OONI's ts-007 in version 0.2.1. Requests that are none are sent to a server that
// echoes bytes; a proxy on the way that thinks it sees HTTP answers in its place. http-invalid-request-line.md is the
// page.

import * as v from 'valibot'
import type { Failure } from '../data-formats/failure.ts'
import { binaryData, failure, type Observations } from '../data-formats/observation.ts'
import { judgeFailedStep } from './judge-failed-step.ts'
import { defineNettest, noInput } from './nettest-spec.ts'
import { failedAt } from './system-lookup.ts'
import type { Circumstances, Verdict } from './verdict.ts'

const nettest = 'http_invalid_request_line'

const rules = [
  'no_helper',
  'echoed',
  'answer_changed',
  'some_reset',
  'incomplete',
  'helper_unreachable',
] as const

const invalidRequestLineOptions = v.strictObject({
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

/** OONI's, in the order of sending. Empty without a helper. */
export const invalidRequestLineObservations = {
  sent: v.array(v.string()),
  /** Up to a limit, without addresses. */
  received: v.array(v.union([v.string(), binaryData])),
  /** null where reading ended at the deadline, as it does with an echo server, which never closes. */
  failure_list: v.array(failure),
  /** As in the options; absent when none was given. */
  x_sonde_helper: v.optional(v.string()),
}

export const invalidRequestLine = defineNettest({
  name: nettest,
  version: '0.2.1',
  about: 'a proxy that answers for an echo server',
  input: noInput,
  options: invalidRequestLineOptions,
  observations: invalidRequestLineObservations,
  findings: {
    /** By OONI's rule: anything but the same bytes, nothing at all included. */
    tampering_list: v.array(v.boolean()),
    tampering: v.boolean(),
  },
  parts: null,
  rules,
  judge({ seen, own, circumstances }) {
    const echoes = echoesIn(seen, own)
    const list = echoes.map(({ kind }) => kind !== 'echoed' && kind !== 'not_connected')
    return {
      keys: { tampering_list: list, tampering: list.includes(true) },
      verdict: judgeEchoes(echoes, circumstances),
      parts: null,
    }
  },
})

/** What came back of one line. */
interface Echo {
  /** `incomplete`: the beginning of what was sent, or nothing. */
  readonly kind: 'echoed' | 'changed' | 'reset' | 'incomplete' | 'not_connected'
  readonly failure: Failure | null
  readonly transaction: number
}

function echoesIn(
  seen: Observations,
  {
    sent,
    received,
    failure_list,
  }: v.InferOutput<v.ObjectSchema<typeof invalidRequestLineObservations, undefined>>,
): Echo[] {
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
): Echo['kind'] {
  if (received === sent) return 'echoed'
  if (typeof received !== 'string' || !sent.startsWith(received)) return 'changed'
  return failed === 'connection_reset' ? 'reset' : 'incomplete'
}

function judgeEchoes(echoes: readonly Echo[], circumstances: Circumstances): Verdict {
  const of = (kind: Echo['kind']) => echoes.filter((each) => each.kind === kind)
  const say = (
    verdict: Verdict['verdict'],
    rule: (typeof rules)[number],
    on: readonly Echo[],
    how: string | null,
  ): Verdict => ({
    verdict,
    rule: `${nettest}/${rule}@1`,
    step: on.length === 0 || how === null ? null : 'http_round_trip',
    how,
    because: on.map((each) => each.transaction),
  })
  if (echoes.length === 0) return say('undetermined', 'no_helper', [], null)
  if (of('echoed').length === echoes.length) return say('ok', 'echoed', echoes, null)

  const first = echoes.find((each) => each.kind !== 'echoed')
  const step = first?.kind === 'not_connected' ? 'connect' : 'http_round_trip'
  const failed = failedAt(step, first?.failure ?? 'generic_timeout_error', [first?.transaction ?? 0])
  if (circumstances.link.state !== 'up' || first?.failure === 'interrupted') {
    return judgeFailedStep(nettest, failed, circumstances)
  }
  // The helper answers with what it is sent, and with nothing else.
  if (of('changed').length > 0) return say('anomaly', 'answer_changed', of('changed'), 'changed')
  // Only the bytes differ between the five: a helper that is down cannot pick some of them.
  if (of('reset').length > 0 && of('echoed').length > 0) {
    return say('anomaly', 'some_reset', of('reset'), 'connection_reset')
  }
  if (of('echoed').length > 0)
    return say('undetermined', 'incomplete', of('incomplete'), 'generic_timeout_error')
  return say('undetermined', 'helper_unreachable', echoes, failed.failure)
}
