// The page for operators and readers: gathered here from the index; page.ts draws it.

import { type BoardLimits, board } from '../analysis/board.ts'
import type { MeasurementIndex } from '../index/measurement-index.ts'
import type { Enrolled, ProbeLine } from './content.ts'
import { page } from './page.ts'
import type { Language } from './words.ts'

/**
 * Keeps the page small on a slow link, and what anyone can ask for within bounds: 3,200 cells are 1 MB, 10,000 are 3. The
 * gravest results come first, so those that are left out were good.
 */
const usual: BoardLimits = { targets: 200, networks: 16, cells: 3_200 }
const everything: BoardLimits = { targets: 2_000, networks: 32, cells: 10_000 }
/**
 * Number of results that `?all` shows at most. Test lists have about 2,000 entries; a probe that invents more must
 * not fill the memory.
 */
const maxResults = 10_000
/** Enrolled probes that are shown, those heard of last. */
const maxProbes = 500

export interface DashboardRequest {
  /** null while there is no index. */
  readonly index: MeasurementIndex | null
  readonly enrolled: readonly Enrolled[]
  /** Number of batches that are received and not in the index yet. */
  readonly behind: number
  /** Ids of batches that are not indexed any more. */
  readonly setAside: readonly string[]
  readonly language: Language
  /** Whether to show every target. */
  readonly all: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** @returns The whole page. */
export function dashboard({
  index,
  enrolled,
  behind,
  setAside,
  language,
  all,
  now,
}: DashboardRequest): string {
  const seen = new Map(index?.probes().map((row) => [row.device, row]))
  return page({
    board: index === null ? null : board(index.newest(maxResults), all ? everything : usual),
    probes: enrolled
      .map((probe) => ({ ...probe, seen: seen.get(probe.device) ?? null }))
      .sort((a, b) => lastSignOf(b) - lastSignOf(a))
      .slice(0, maxProbes),
    behind,
    setAside,
    language,
    now,
  })
}

function lastSignOf({ seen, enrolledAt }: ProbeLine): number {
  return seen?.lastReceivedAt ?? enrolledAt
}
