// The page for operators and readers: what the index knows, gathered here; what it looks like is page.ts.

import { type Board, board } from '../analysis/board.ts'
import type { MeasurementIndex, ProbeRow } from '../index/measurement-index.ts'
import { page } from './page.ts'
import type { Language } from './words.ts'

/** Keeps the page small on a slow link. The gravest come first, so what is left out is what went well. */
const usualTargets = 200
/** What `?all` shows at most. Test lists have about 2,000 entries; a probe that invents more fills no memory. */
const maxResults = 10_000

/** A probe that is enrolled, whether it ever sent anything or not. */
export interface Enrolled {
  readonly device: string
  /** Milliseconds since 1970. */
  readonly enrolledAt: number
}

export interface DashboardRequest {
  /** null while there is none. */
  readonly index: MeasurementIndex | null
  readonly enrolled: readonly Enrolled[]
  /** Batches that are received and not in the index yet. */
  readonly behind: number
  readonly language: Language
  /** Whether to show every target. */
  readonly all: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** What the page shows. */
export interface DashboardContent {
  /** null when there is no index to ask. */
  readonly board: Board | null
  readonly probes: readonly ProbeLine[]
  readonly behind: number
  readonly language: Language
  readonly now: number
}

export interface ProbeLine extends Enrolled {
  /** null for a probe nothing was received from. */
  readonly seen: ProbeRow | null
}

/** @returns The page, whole. */
export function dashboard({ index, enrolled, behind, language, all, now }: DashboardRequest): string {
  const seen = new Map(index?.probes().map((row) => [row.device, row]))
  return page({
    board: index === null ? null : board(index.newest(maxResults), all ? maxResults : usualTargets),
    probes: enrolled
      .map((probe) => ({ ...probe, seen: seen.get(probe.device) ?? null }))
      .sort((a, b) => lastSignOf(b) - lastSignOf(a)),
    behind,
    language,
    now,
  })
}

function lastSignOf({ seen, enrolledAt }: ProbeLine): number {
  return seen?.lastReceivedAt ?? enrolledAt
}
