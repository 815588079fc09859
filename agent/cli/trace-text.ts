// One measurement as a readable trace: a line for the verdict, then a line an operation in the order they began.

import { safeText } from '../../tests-spec/command-line/safe-text.ts'
import { paddedEnd } from '../../tests-spec/command-line/text-width.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { addressesIn } from '../../tests-spec/nettests/failed-step.ts'
import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'

interface Line {
  readonly t0: number
  readonly t: number
  readonly operation: string
  readonly target: string
  readonly outcome: string
  readonly failed: boolean
}

/** SGR numbers, as in result-table.ts. */
const colours: Readonly<Record<VerdictKind, number>> = {
  ok: 32,
  anomaly: 31,
  link_down: 90,
  undetermined: 33,
}

/** Names in answers, in redirects and in certificates are as long as their servers like. */
const maxChars = 400

/** @param columns - Below 80 each operation takes two lines. */
export function traceText(measurement: Measurement, columns: number, colour: boolean): string {
  const { verdict, rule, step, how } = measurement.test_keys.x_sonde_verdict
  const paint = (text: string, code: number) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const why = step === null ? rule : `${rule}: ${step} ${how}`
  const lines = linesOf(measurement)
    .map((line) => ({
      ...line,
      target: safeText(line.target, maxChars),
      outcome: safeText(line.outcome, maxChars),
    }))
    .sort((a, b) => a.t0 - b.t0 || a.t - b.t)
    .map((line) => {
      const time = `${line.t0.toFixed(3).padStart(8)} s ${`${Math.round((line.t - line.t0) * 1000)} ms`.padStart(8)}`
      const outcome = line.failed ? paint(line.outcome, 31) : line.outcome
      const head = `${time}  ${line.operation.padEnd(15)}`
      return columns >= 80
        ? `${head} ${paddedEnd(line.target, 28)} ${outcome}`
        : `${head.trimEnd()}\n    ${line.target}\n    ${outcome}`
    })
  const repeat = measurement.test_keys.x_sonde_earlier === undefined ? '' : ' (measured again)'
  const title = `${measurement.input ?? measurement.test_name}${repeat}`
  const head = `${safeText(title, maxChars)}\n  ${paint(verdict, colours[verdict])}  ${safeText(why, maxChars)}`
  return [head, ...lines].join('\n')
}

function linesOf({ test_keys }: Measurement): Line[] {
  return [
    ...test_keys.queries.map((each) => ({
      ...each,
      operation: 'resolve',
      target: `${each.hostname} ${each.query_type} ${each.resolver_address || 'system'}`,
      outcome: each.failure ?? addressesIn(each).join(' '),
      failed: each.failure !== null,
    })),
    ...test_keys.tcp_connect.map((each) => ({
      ...each,
      operation: 'connect',
      target: each.ip.includes(':') ? `[${each.ip}]:${each.port}` : `${each.ip}:${each.port}`,
      outcome: each.status.failure ?? 'ok',
      failed: each.status.failure !== null,
    })),
    ...test_keys.tls_handshakes.map((each) => ({
      ...each,
      operation: 'tls_handshake',
      target: `${each.address} ${each.server_name}`,
      outcome:
        each.failure ?? `${each.tls_version} ${each.cipher_suite} ${each.negotiated_protocol}`.trimEnd(),
      failed: each.failure !== null,
    })),
    ...test_keys.requests.map((each) => ({
      ...each,
      operation: 'http_round_trip',
      target: `${each.request.method} ${each.request.url}`,
      outcome: each.failure ?? `${each.response.code}`,
      failed: each.failure !== null,
    })),
  ]
}
