// How much of what was seen is kept: everything when it may matter, the outline when a target is as fine as it was
// before; and how finely times are told. measurement.md, "Evidence", is the page. Pure.

import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import type { HttpRequest, TlsHandshake } from '../../tests-spec/data-formats/observation.ts'
import { nettestNamed } from '../../tests-spec/nettests/all-nettests.ts'
import type { NettestSpec } from '../../tests-spec/nettests/nettest-spec.ts'
import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'

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
  /** The same of each part of it that was ever told. */
  readonly parts?: Readonly<Record<string, VerdictKind>> | undefined
  /** Certificate chains met there, by digest, and the day (UTC) on which each was last kept whole. */
  readonly chains?: Readonly<Record<string, string>> | undefined
}

/** A chain is three quarters of a full measurement, and no compression helps: whole once a week is enough to have it. */
const wholeChainDays = 7
/** Of a target: a CDN has a few, a censor who makes one up each time must not fill the memory. */
const maxChains = 8
/** Of a target: a service has a few groups, and a host an address or two that fail alone. */
const maxParts = 16

/** Decimals of a second. A radio's round trip is a hundred milliseconds, give or take ten. */
const decimals = { full: 4, brief: 3 } as const

/** Full for whatever is not `ok`, for every change, and for the first of the day; brief for an unchanged `ok`. */
export function evidenceLevel(history: History, measurement: Measurement): EvidenceLevel {
  const last = history[keyOf(measurement)]
  const ok = measurement.test_keys.x_sonde_verdict.verdict === 'ok'
  return ok && last?.conclusion === conclusionOf(measurement) && last.fullOn === dayOf(measurement)
    ? 'brief'
    : 'full'
}

/**
 * Whether this is the first result of its target, or says otherwise than the last one that said something, of the whole or of
 * a part that was told before. What is undetermined or explained by the link says nothing of the target: a blackout is two
 * lines, and not two for each.
 */
export function isChange(history: History, measurement: Measurement): boolean {
  const state = stateOf(measurement)
  const last = history[keyOf(measurement)]
  return (state !== null && state !== last?.state) || isPartChanged(last, measurement)
}

/** Whether it is one, and its target had a state before: news, and not only the first that is heard of it. */
export function isTurn(history: History, measurement: Measurement): boolean {
  return history[keyOf(measurement)]?.state !== undefined && isChange(history, measurement)
}

function isPartChanged(last: LastSeen | undefined, measurement: Measurement): boolean {
  return Object.entries(partStates(measurement)).some(([name, state]) => {
    const before = last?.parts?.[name]
    return before !== undefined && before !== state
  })
}

export function remember(history: History, measurement: Measurement, level: EvidenceLevel): History {
  const key = keyOf(measurement)
  const fullOn = level === 'full' ? dayOf(measurement) : (history[key]?.fullOn ?? '')
  const state = stateOf(measurement) ?? history[key]?.state
  const chains = level === 'full' ? chainsKept(history, measurement) : history[key]?.chains
  const told = { ...history[key]?.parts, ...partStates(measurement) }
  const parts = Object.fromEntries(Object.entries(told).slice(-maxParts))
  return { ...history, [key]: { conclusion: conclusionOf(measurement), fullOn, state, parts, chains } }
}

/**
 * @param history - Before this measurement was remembered: chains that it has whole need not be kept whole again.
 * @returns The measurement as it is kept, which says its own level.
 */
export function withEvidence(
  measurement: Measurement,
  level: EvidenceLevel,
  history: History = {},
): Measurement {
  const { test_keys } = measurement
  const isKept = (handshake: TlsHandshake) =>
    level === 'brief' || isKeptWhole(history, measurement, handshake)
  const marked = {
    ...test_keys,
    tls_handshakes: test_keys.tls_handshakes.map((each) => (isKept(each) ? chainByDigest(each) : each)),
    x_sonde_evidence: level,
  }
  const kept = level === 'full' ? marked : outlineOf(marked, nettestNamed(measurement.test_name))
  return {
    ...measurement,
    test_keys: roundTimes(kept, decimals[level]),
    test_runtime: round(measurement.test_runtime, decimals[level]),
  }
}

/** @param spec - undefined for a nettest that this version does not know. */
function outlineOf<Keys extends Measurement['test_keys']>(keys: Keys, spec: NettestSpec | undefined): Keys {
  const { lists = [], keepsBody = false } = spec ?? {}
  return {
    ...keys,
    queries: keys.queries.map(({ raw_response: _dropped, ...query }) => ({
      ...withoutBytes(query),
      // What is left of a TTL says when somebody else asked.
      answers: query.answers?.map((answer) => ({ ...answer, ttl: null })) ?? null,
    })),
    requests: keys.requests.map(keepsBody ? withoutBytes : withoutHeaders),
    network_events: [],
    ...Object.fromEntries(lists.flatMap((list) => withoutBytesIn(keys, list))),
  }
}

/** What an unchanged operation cost is known from the first of the day; the measurement still says what it cost. */
function withoutBytes<T extends object>(observation: T): T {
  const { x_sonde_bytes_received: _received, x_sonde_bytes_sent: _sent, ...rest } = observation as T & Costs
  return rest as unknown as T
}

interface Costs {
  readonly x_sonde_bytes_received?: number
  readonly x_sonde_bytes_sent?: number
}

function withoutBytesIn(testKeys: Readonly<Record<string, unknown>>, list: string): [string, unknown][] {
  const { [list]: observations } = testKeys
  return Array.isArray(observations) ? [[list, observations.map(withoutBytes)]] : []
}

/** A chain is known from when it was first met; its digests say whether it is still the same. */
function chainByDigest(handshake: TlsHandshake): TlsHandshake {
  const digests = handshake.peer_certificates.map(({ data }) => sha256Hex(Buffer.from(data, 'base64')))
  return { ...handshake, peer_certificates: [], x_sonde_certificates_sha256: digests }
}

/** Nobody makes another chain with the same 128 bits. */
function nameOfChain({ peer_certificates }: TlsHandshake): string {
  return sha256Hex(Buffer.from(peer_certificates.map(({ data }) => data).join())).slice(0, 32)
}

function isKeptWhole(history: History, measurement: Measurement, handshake: TlsHandshake): boolean {
  // A chain that did not verify is what the finding rests on: whoever holds this one record must be able to check it.
  if (handshake.peer_certificates.length === 0 || handshake.failure !== null) return false
  const keptOn = history[keyOf(measurement)]?.chains?.[nameOfChain(handshake)]
  if (keptOn === undefined) return false
  // A clock that was set back makes days that are to come: those say nothing.
  const days = (Date.parse(dayOf(measurement)) - Date.parse(keptOn)) / 86_400_000
  return days >= 0 && days < wholeChainDays
}

/** @returns What is known of the target's chains once `measurement` is kept in full; the newest, when there are many. */
function chainsKept(history: History, measurement: Measurement): LastSeen['chains'] {
  const met = measurement.test_keys.tls_handshakes.filter(
    (each) => each.peer_certificates.length > 0 && !isKeptWhole(history, measurement, each),
  )
  const before = history[keyOf(measurement)]?.chains
  if (met.length === 0) return before
  const fresh = Object.fromEntries(met.map((each) => [nameOfChain(each), dayOf(measurement)]))
  const older = Object.entries(before ?? {}).filter(([name]) => !(name in fresh))
  return Object.fromEntries([...older, ...Object.entries(fresh)].slice(-maxChains))
}

const timeFields: ReadonlySet<string> = new Set(['t0', 't', 'x_sonde_body_seconds'])

/** Rounds every time of an operation, wherever a nettest keeps it. Order in time is preserved: equal is the worst. */
function roundTimes<T>(value: T, places: number): T {
  if (Array.isArray(value)) return value.map((each) => roundTimes(each, places)) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, each]) => [
    name,
    typeof each === 'number' && timeFields.has(name) ? round(each, places) : roundTimes(each, places),
  ])
  return Object.fromEntries(entries) as T
}

function round(seconds: number, places: number): number {
  return Number(seconds.toFixed(places))
}

function withoutHeaders(request: HttpRequest): HttpRequest {
  return {
    ...withoutBytes(request),
    request: { ...request.request, headers: {}, headers_list: [] },
    response: { ...request.response, headers: {}, headers_list: [] },
  }
}

const keyOf = ({ test_name, input }: Measurement) => historyKey(test_name, input)

export function historyKey(nettest: string, input: string | null): string {
  return `${nettest} ${input ?? ''}`
}

function dayOf({ measurement_start_time }: Measurement): string {
  return measurement_start_time.slice(0, 10)
}

function stateOf({ test_name, test_keys }: Measurement): VerdictKind | null {
  const { verdict } = test_keys.x_sonde_verdict
  const ofLink = nettestNamed(test_name)?.subject === 'link'
  return verdict === 'ok' || verdict === 'anomaly' || ofLink ? verdict : null
}

/** Of the parts of which something is said. */
function partStates({ test_keys }: Measurement): Readonly<Record<string, VerdictKind>> {
  const parts = Object.entries(test_keys.x_sonde_parts ?? {}).map(
    ([name, { verdict }]) => [name, verdict] as const,
  )
  return Object.fromEntries(parts.filter(([, verdict]) => verdict === 'ok' || verdict === 'anomaly'))
}

function conclusionOf({ test_keys }: Measurement): string {
  const parts = Object.values(test_keys.x_sonde_parts ?? {})
  return [test_keys.x_sonde_verdict, ...parts]
    .map(({ verdict, rule, how }) => `${verdict} ${rule} ${how}`)
    .join('; ')
}
