// The true time of what a probe recorded under a clock that may have been wrong: dating.md is the page. Pure; anyone
// who has a probe's batches and their receipts gets the same times.
//
// A boot is a line of moments in the order of its own clock. For some of them it is known that they are not before,
// or not after, an instant; between two of them the line itself tells how much time passed, to within its drift. One
// pass forward and one back along the line bound every moment as closely as all evidence together allows.

import type { ClockQuality } from '../nettests/verdict.ts'
import type { Manifest, TimeAnchor } from '../protocol/batch.ts'
import type { RecordTime } from './measurement.ts'

/**
 * By how much the clock of a line may run fast or slow. Crystals of such devices are within 100 ppm; as much again is
 * for heat and for a system that slews.
 */
export const maxDrift = 200e-6

/**
 * By how many milliseconds the length of the line may be wrong, where `suspended_ms` is absent and where it is not.
 */
const readingMs = { awake: 120, slept: 2_000 }
/** Milliseconds: both ends of a comparison are rounded to whole ones. */
const roundingMs = 2

/** A moment of one boot, on its own clock. */
export interface Moment {
  readonly monoMs: number
  /** Milliseconds slept until then; null when the machine cannot tell, undefined when it has not slept. */
  readonly suspendedMs: number | null | undefined
  /** How often the clocks had stepped by then. Two moments with the same number have no step between them. */
  readonly steps: number
}

/** Bounds in milliseconds since 1970, both included; infinite where nothing is known. */
export interface Bounds {
  readonly earliest: number
  readonly latest: number
}

/** A moment and the bounds of its true time. */
export interface BoundMoment extends Moment, Bounds {}

export const unbounded: Bounds = {
  earliest: Number.NEGATIVE_INFINITY,
  latest: Number.POSITIVE_INFINITY,
}

/** When something happened. */
export interface Dated {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The true time is within this many milliseconds of `at`; null when that is not known. */
  readonly errorMs: number | null
}

/** @returns The place of a record on the line of its boot. */
export function momentOf(time: Pick<RecordTime, 'mono_ms' | 'suspended_ms' | 'steps'>): Moment {
  return { monoMs: time.mono_ms, suspendedMs: time.suspended_ms, steps: time.steps ?? 0 }
}

/** What one batch tells of the boot it was sealed in, and the receipt that it must be compared with. */
export interface Evidence {
  readonly moment: BoundMoment
  /** Id of the batch whose receipt proves this. If the receipt has another `at`, the evidence is worth nothing. */
  readonly batch: string
  readonly at: number
}

/**
 * @param id - Id of the batch.
 * @param receivedAt - The `at` of its receipt.
 */
export function evidenceOf(id: string, { time }: Manifest, receivedAt: number): Evidence[] {
  const { notBefore = unbounded.earliest, anchors = [] } = time
  return [
    // No batch is received before it was sealed.
    { moment: known(placed(time), { earliest: notBefore, latest: receivedAt }), batch: id, at: receivedAt },
    ...anchors.flatMap((anchor) =>
      anchorMoments(anchor).map((moment) => ({ moment, batch: anchor.batch, at: anchor.at })),
    ),
  ]
}

/**
 * What one receipt told a probe. It says `at` of a batch that had left, and the probe cannot have it before it was
 * made: this holds also for a receipt that was held back on the way, or given a second time.
 */
export function anchorMoments({ at, sent, received }: TimeAnchor): BoundMoment[] {
  return [
    ...(sent === null ? [] : [known(placed(sent), { ...unbounded, latest: at })]),
    known(placed(received), { ...unbounded, earliest: at }),
  ]
}

function placed({ monoMs, suspendedMs, stepCount = 0 }: TimeAnchor['received']): Moment {
  return { monoMs, suspendedMs, steps: stepCount }
}

/** The bounds of a moment, widened by the possible error of its place on the line. */
export function known(moment: Moment, { earliest, latest }: Bounds): BoundMoment {
  const margin = marginOf(moment)
  return { ...moment, earliest: earliest - margin, latest: latest + margin }
}

function marginOf({ suspendedMs }: Moment): number {
  return suspendedMs === undefined ? readingMs.awake : readingMs.slept
}

/**
 * The order of moments on a line: by all the time that passed, sleep included. The monotonic clock alone would not
 * do: it stands at the same millisecond before a sleep and after it.
 */
export function compareMoments(a: Moment, b: Moment): number {
  if (a.suspendedMs === null && b.suspendedMs === null) return a.steps - b.steps || a.monoMs - b.monoMs
  return lengthOf(a) - lengthOf(b) || a.steps - b.steps
}

function lengthOf({ monoMs, suspendedMs }: Moment): number {
  return monoMs + (suspendedMs ?? 0)
}

/**
 * Bounds every moment of one boot by all the others.
 *
 * @param moments - In any order.
 * @returns The same moments, in order. Where `earliest` comes after `latest`, the evidence contradicts itself.
 */
export function tighten<M extends BoundMoment>(moments: readonly M[]): M[] {
  const line = [...moments].sort(compareMoments).map((moment) => ({ ...moment }))
  tightenInPlace(line)
  return line
}

/** A moment whose bounds may be changed. */
export interface LooseMoment extends Moment {
  earliest: number
  latest: number
}

/**
 * As `tighten`, for a long line that is asked again and again.
 * @param line - In order.
 */
export function tightenInPlace(line: readonly LooseMoment[]): void {
  for (let i = 1; i < line.length; i++) {
    const [earlier, next] = [line[i - 1] as LooseMoment, line[i] as LooseMoment]
    const { least, most } = elapsed(earlier, next)
    next.earliest = Math.max(next.earliest, earlier.earliest + least)
    next.latest = Math.min(next.latest, earlier.latest + most)
  }
  for (let i = line.length - 1; i > 0; i--) {
    const [earlier, next] = [line[i - 1] as LooseMoment, line[i] as LooseMoment]
    const { least, most } = elapsed(earlier, next)
    earlier.earliest = Math.max(earlier.earliest, next.earliest - most)
    earlier.latest = Math.min(earlier.latest, next.latest - least)
  }
}

/**
 * @param line - The result of `tighten`.
 * @returns The bounds of a moment of the same boot; the moment need not be on the line.
 */
export function boundsOn(line: readonly BoundMoment[], moment: Moment): Bounds {
  const next = firstAfter(line, moment)
  let bound: BoundMoment = { ...moment, ...unbounded }
  const [left, right] = [line[next - 1], line[next]]
  if (left !== undefined) bound = after(left, bound)
  if (right !== undefined) bound = before(bound, right)
  const margin = marginOf(moment) + roundingMs
  return { earliest: bound.earliest - margin, latest: bound.latest + margin }
}

/** Index of the first moment of `line` that is not before `moment`; its length when all are. */
function firstAfter(line: readonly BoundMoment[], moment: Moment): number {
  let [from, to] = [0, line.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (compareMoments(line[middle] as BoundMoment, moment) < 0) from = middle + 1
    else to = middle
  }
  return from
}

/** `next` with the bounds that follow for it from `earlier`. */
function after<M extends BoundMoment>(earlier: BoundMoment, next: M): M {
  const { least, most } = elapsed(earlier, next)
  return {
    ...next,
    earliest: Math.max(next.earliest, earlier.earliest + least),
    latest: Math.min(next.latest, earlier.latest + most),
  }
}

/** `earlier` with the bounds that follow for it from `next`. */
function before<M extends BoundMoment>(earlier: M, next: BoundMoment): M {
  const { least, most } = elapsed(earlier, next)
  return {
    ...earlier,
    earliest: Math.max(earlier.earliest, next.earliest - most),
    latest: Math.min(earlier.latest, next.latest - least),
  }
}

/** How much true time passed between two moments of a boot, the second not before the first. */
function elapsed(from: Moment, to: Moment): { readonly least: number; readonly most: number } {
  const told = from.suspendedMs !== null && to.suspendedMs !== null
  const length = Math.max(0, told ? lengthOf(to) - lengthOf(from) : to.monoMs - from.monoMs)
  // A step whose cause is not known may have been a sleep of any length.
  const isKnown = told || from.steps === to.steps
  return {
    least: length * (1 - maxDrift),
    most: isKnown ? length * (1 + maxDrift) : Number.POSITIVE_INFINITY,
  }
}

/**
 * Chooses a time within the bounds: the clock's own if the network had set it, otherwise the middle.
 *
 * @param wallMs - Time by the probe's clock.
 * @returns The clock's own time, with an unknown error, where the bounds contradict each other.
 */
export function datedWithin({ earliest, latest }: Bounds, wallMs: number, clock: ClockQuality): Dated {
  if (earliest > latest) return { at: wallMs, errorMs: null }
  const finite = Number.isFinite(earliest) && Number.isFinite(latest)
  const chosen = finite && clock !== 'synced' ? (earliest + latest) / 2 : wallMs
  const at = Math.round(Math.min(Math.max(chosen, earliest), latest))
  return { at, errorMs: finite ? Math.ceil(Math.max(latest - at, at - earliest)) : null }
}
