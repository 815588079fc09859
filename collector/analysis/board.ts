// Puts the newest results into a table of targets by networks, so that a reader sees at a glance what fails on one
// network and not on another. Pure.

import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'

/** A verdict as it is shown: the rule is only for readers who open the measurement. */
export interface ShownVerdict {
  readonly verdict: VerdictKind
  /** null when no single step decided. */
  readonly step: string | null
  readonly how: string | null
}

/** The newest result for one target on one network. */
export interface Result {
  readonly testName: string
  /** null for a nettest that takes no input. */
  readonly input: string | null
  readonly asn: string
  readonly networkName: string
  readonly found: ShownVerdict
  readonly parts: Readonly<Record<string, ShownVerdict>> | null
  /** Milliseconds since 1970 by the probe's clock, right or wrong. */
  readonly startedAt: number
  readonly clock: string
  /** Whether it came after its device was stolen, or its key copied; not unless said. */
  readonly isSuspect?: boolean
  /**
   * The same moment, corrected as well as possible. `errorMs`: by how many milliseconds it may be wrong; null when
   * that is not known.
   */
  readonly correctedAt: number
  readonly errorMs: number | null
  /** Milliseconds since 1970 by the collector's clock. */
  readonly receivedAt: number
  readonly device: string
}

export interface Network {
  readonly asn: string
  readonly name: string
  /** Number of targets by verdict, those that are not shown included. */
  readonly counts: Readonly<Record<VerdictKind, number>>
}

export interface Target {
  readonly testName: string
  readonly input: string | null
  /** One result for each network of the board, in its order; null where this target was not measured. */
  readonly results: readonly (Result | null)[]
  /** Names of the services that were looked at one by one, on any network. */
  readonly parts: readonly string[]
}

export interface Board {
  /** Those with the most results, by number. */
  readonly networks: readonly Network[]
  /** Number of networks that are left out. */
  readonly hiddenNetworks: number
  /** Targets, the gravest first, then by name. */
  readonly targets: readonly Target[]
  /** Number of targets that are left out to keep the page small; none of them is graver than those shown. */
  readonly hidden: number
}

/** Of one target over all networks. No nettest has more. */
const maxParts = 8

/** An anomaly comes first, then what could not be decided, then what a dead link explains. */
const gravity: Readonly<Record<VerdictKind, number>> = { anomaly: 0, undetermined: 1, link_down: 2, ok: 3 }

/**
 * By how many milliseconds a clock that was set may be ahead of ours before its dates are doubted. The value is a
 * guess: NTP is far more precise.
 */
const toleratedAheadMs = 5 * 60_000

export interface BoardLimits {
  readonly targets: number
  readonly networks: number
  /** Of rows by networks, where a part of a target is a row of its own. At least one target is shown. */
  readonly cells: number
}

export function board(results: readonly Result[], most: BoardLimits): Board {
  const byAsn = groupBy(results, (result) => result.asn)
  const bySize = [...byAsn].sort(([, a], [, b]) => b.length - a.length).map(([asn]) => asn)
  const asns = bySize.slice(0, most.networks).sort((a, b) => Number(a.slice(2)) - Number(b.slice(2)))
  const networks = asns.map((asn) => networkOf(asn, byAsn.get(asn) ?? []))
  const isShown = new Set(asns)
  const byTarget = groupBy(
    results.filter(({ asn }) => isShown.has(asn)),
    (result) => `${result.testName} ${result.input ?? ''}`,
  )
  const collator = new Intl.Collator('en')
  const sorted = [...byTarget.values()]
    .map((ofTarget) => ({ ofTarget, gravity: gravityOf(ofTarget), name: nameOf(ofTarget) }))
    .sort((a, b) => a.gravity - b.gravity || collator.compare(a.name, b.name))
  const targets: Target[] = []
  let cells = 0
  for (const { ofTarget } of sorted) {
    if (targets.length >= most.targets) break
    const target = targetOf(ofTarget, asns)
    cells += asns.length * (1 + target.parts.length)
    if (cells > most.cells && targets.length > 0) break
    targets.push(target)
  }
  return {
    networks,
    hiddenNetworks: byAsn.size - asns.length,
    targets,
    hidden: sorted.length - targets.length,
  }
}

/** When a measurement was made, as it is shown. */
export interface ShownDate {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Milliseconds of error; null where it tells a reader nothing, or is not known. */
  readonly withinMs: number | null
  /** What the probe's clock said, if that is certainly wrong; otherwise null. */
  readonly byProbe: number | null
}

/** Dates are shown to the minute: a smaller error does not show. */
const shownFromMs = 60_000

/** @returns The corrected date if the probe's own is certainly wrong; otherwise its own. */
export function shownDate({ startedAt, correctedAt, errorMs, clock }: Result): ShownDate {
  const isWrong = errorMs !== null && Math.abs(correctedAt - startedAt) > errorMs + shownFromMs
  if (isWrong) return { at: correctedAt, withinMs: errorMs, byProbe: startedAt }
  const withinMs = errorMs === null || errorMs < shownFromMs || clock === 'synced' ? null : errorMs
  return { at: withinMs === null ? startedAt : correctedAt, withinMs, byProbe: null }
}

/**
 * @returns Whether the probe's clock gives reason to doubt the date of measurement. The date of receipt is certain.
 */
export function isDateDoubtful({ clock, startedAt, receivedAt, errorMs }: Result): boolean {
  return errorMs === null && (clock === 'unknown' || startedAt > receivedAt + toleratedAheadMs)
}

function networkOf(asn: string, results: readonly Result[]): Network {
  const counts: Record<VerdictKind, number> = { ok: 0, anomaly: 0, link_down: 0, undetermined: 0 }
  for (const { found } of results) counts[found.verdict]++
  // Networks get renamed; the name from the probe that sent last counts.
  const newest = results.reduce((a, b) => (b.receivedAt > a.receivedAt ? b : a))
  return { asn, name: newest.networkName, counts }
}

function targetOf(results: readonly Result[], asns: readonly string[]): Target {
  const first = firstOf(results)
  return {
    testName: first.testName,
    input: first.input,
    results: asns.map((asn) => results.find((result) => result.asn === asn) ?? null),
    parts: [...new Set(results.flatMap(({ parts }) => Object.keys(parts ?? {})))].slice(0, maxParts),
  }
}

function gravityOf(results: readonly Result[]): number {
  return Math.min(...results.map(({ found }) => gravity[found.verdict]))
}

/** Services that have a nettest of their own come before the addresses of a list. */
function nameOf(results: readonly Result[]): string {
  const { testName, input } = firstOf(results)
  return input === null ? ` ${testName}` : `${input} ${testName}`
}

function groupBy(results: readonly Result[], keyOf: (result: Result) => string): Map<string, Result[]> {
  const groups = new Map<string, Result[]>()
  for (const result of results) {
    const group = groups.get(keyOf(result))
    if (group === undefined) groups.set(keyOf(result), [result])
    else group.push(result)
  }
  return groups
}

function firstOf(results: readonly Result[]): Result {
  const [first] = results
  if (first === undefined) throw new Error('A group has at least one result')
  return first
}
