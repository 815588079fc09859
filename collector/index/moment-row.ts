// Moments and bounds as columns of the index.

import { type Bounds, type Moment, unbounded } from '../../tests-spec/data-formats/dating.ts'

/** A moment as a row holds it: SQL has one null, where a moment tells null (not known) from undefined (not slept). */
export interface MomentRow {
  readonly mono_ms: number
  readonly suspended_ms: number | null
  readonly is_slept: number
  readonly steps: number
}

export function momentIn({ mono_ms, suspended_ms, is_slept, steps }: MomentRow): Moment {
  return { monoMs: mono_ms, suspendedMs: is_slept === 0 ? undefined : suspended_ms, steps }
}

/** The values in the order of the columns: `mono_ms`, `suspended_ms`, `is_slept`, `steps`. */
export function rowOf({ monoMs, suspendedMs, steps }: Moment): [number, number | null, number, number] {
  return [monoMs, suspendedMs ?? null, suspendedMs === undefined ? 0 : 1, steps]
}

/** null stands for what is not known. */
export function boundsIn(earliest: number | null, latest: number | null): Bounds {
  return { earliest: earliest ?? unbounded.earliest, latest: latest ?? unbounded.latest }
}

export function orNull(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
