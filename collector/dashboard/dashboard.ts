// The page for operators and readers: gathered here from the index; page.ts draws it.

import { board } from '../analysis/board.ts'
import type { MeasurementIndex } from '../index/measurement-index.ts'
import type { Enrolled, ProbeLine } from './content.ts'
import { page } from './page.ts'
import type { Language } from './words.ts'

/** Keeps the page small on a slow link. The gravest results come first, so those that are left out were good. */
const usualTargets = 200
/**
 * Number of results that `?all` shows at most. Test lists have about 2,000 entries; a probe that invents more must
 * not fill the memory.
 */
const maxResults = 10_000

export interface DashboardRequest {
  /** null while there is no index. */
  readonly index: MeasurementIndex | null
  readonly enrolled: readonly Enrolled[]
  /** Number of batches that are received and not in the index yet. */
  readonly behind: number
  readonly language: Language
  /** Whether to show every target. */
  readonly all: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** @returns The whole page. */
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
