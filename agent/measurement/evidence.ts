// How much of what was seen is kept: everything when it may matter, the outline when a target is as fine as it was
// before. measurement.md, "Evidence", is the page. Pure.

import { createHash } from 'node:crypto'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { DnsQuery, HttpRequest, TlsHandshake } from '../../tests-spec/data-formats/observation.ts'
import { linkCheckName } from '../../tests-spec/nettests/link-check.ts'
import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'

export type EvidenceLevel = 'full' | 'brief'

/** The last word on each target, by `nettest input`. What is not in it was never measured. */
export type History = Readonly<Record<string, LastSeen>>
export interface LastSeen {
  /** Verdict and rule, of the parts too: what changes when anything changes. */
  readonly conclusion: string
  /** Day (UTC) of the last full evidence, `YYYY-MM-DD`. */
  readonly fullOn: string
  /** The last verdict that says something of the target; absent while there was none. */
  readonly state?: VerdictKind | undefined
}

/** Full for whatever is not `ok`, for every change, and for the first of the day; brief for an unchanged `ok`. */
export function evidenceLevel(history: History, measurement: Measurement): EvidenceLevel {
  const last = history[keyOf(measurement)]
  const ok = measurement.test_keys.x_sonde_verdict.verdict === 'ok'
  return ok && last?.conclusion === conclusionOf(measurement) && last.fullOn === dayOf(measurement)
    ? 'brief'
    : 'full'
}

/**
 * Whether this is the first result of its target, or says otherwise than the last one that said something. What is
 * undetermined or explained by the link says nothing of the target: a blackout is two lines, and not two for each.
 */
export function isChange(history: History, measurement: Measurement): boolean {
  const state = stateOf(measurement)
  return state !== null && state !== history[keyOf(measurement)]?.state
}

export function remember(history: History, measurement: Measurement, level: EvidenceLevel): History {
  const key = keyOf(measurement)
  const fullOn = level === 'full' ? dayOf(measurement) : (history[key]?.fullOn ?? '')
  const state = stateOf(measurement) ?? history[key]?.state
  return { ...history, [key]: { conclusion: conclusionOf(measurement), fullOn, state } }
}

/** @returns The measurement as it is kept, which says its own level. */
export function withEvidence(measurement: Measurement, level: EvidenceLevel): Measurement {
  const { test_keys } = measurement
  const marked = { ...measurement, test_keys: { ...test_keys, x_sonde_evidence: level } }
  if (level === 'full') return marked
  return {
    ...marked,
    test_keys: {
      ...marked.test_keys,
      queries: test_keys.queries.map(outlineOf),
      tls_handshakes: test_keys.tls_handshakes.map(chainByDigest),
      requests: test_keys.requests.map(withoutHeaders),
      network_events: [],
      ...withoutBytesIn(test_keys, 'pings'),
      ...withoutBytesIn(test_keys, 'x_sonde_stun_bindings'),
    },
  }
}

/** What an unchanged operation cost is known from the first of the day; the measurement still says what it cost. */
function withoutBytes(observation: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { x_sonde_bytes_received: _received, x_sonde_bytes_sent: _sent, ...rest } = observation
  return rest
}

/** Of a list that some nettests have beside the five. */
function withoutBytesIn(testKeys: Readonly<Record<string, unknown>>, list: string): Record<string, unknown> {
  const { [list]: observations } = testKeys
  return Array.isArray(observations) ? { [list]: observations.map(withoutBytes) } : {}
}

function outlineOf(query: DnsQuery): DnsQuery {
  const {
    raw_response: _raw,
    x_sonde_bytes_received: _received,
    x_sonde_bytes_sent: _sent,
    ...outline
  } = query
  return outline
}

/** A chain is known from the first of the day; its digests say whether it is still the same. */
function chainByDigest(handshake: TlsHandshake): TlsHandshake {
  const digests = handshake.peer_certificates.map(({ data }) =>
    createHash('sha256').update(Buffer.from(data, 'base64')).digest('hex'),
  )
  return { ...handshake, peer_certificates: [], x_sonde_certificates_sha256: digests }
}

function withoutHeaders(request: HttpRequest): HttpRequest {
  const { x_sonde_bytes_received: _received, x_sonde_bytes_sent: _sent, ...outline } = request
  return {
    ...outline,
    request: { ...request.request, headers: {}, headers_list: [] },
    response: { ...request.response, headers: {}, headers_list: [] },
  }
}

function keyOf({ test_name, input }: Measurement): string {
  return `${test_name} ${input ?? ''}`
}

function dayOf({ measurement_start_time }: Measurement): string {
  return measurement_start_time.slice(0, 10)
}

function stateOf({ test_name, test_keys }: Measurement): VerdictKind | null {
  const { verdict } = test_keys.x_sonde_verdict
  return verdict === 'ok' || verdict === 'anomaly' || test_name === linkCheckName ? verdict : null
}

function conclusionOf({ test_keys }: Measurement): string {
  const parts = Object.values(test_keys.x_sonde_parts ?? {})
  return [test_keys.x_sonde_verdict, ...parts]
    .map(({ verdict, rule, how }) => `${verdict} ${rule} ${how}`)
    .join('; ')
}
