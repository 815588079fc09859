// The page for operators and readers: what the index knows, gathered here; what it looks like is page.ts.

import { board } from '../analysis/board.ts'
import type { MeasurementIndex } from '../index/measurement-index.ts'
import type { Enrolled, ProbeLine } from './content.ts'
import { page } from './page.ts'
import type { Language } from './words.ts'

/** Keeps the page small on a slow link. The gravest come first, so what is left out is what went well. */
const usualTargets = 200
/** What `?all` shows at most. Test lists have about 2,000 entries; a probe that invents more fills no memory. */
const maxResults = 10_000

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
