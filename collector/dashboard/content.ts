// What the page shows: gathered by dashboard.ts, drawn by page.ts.

import type { Board } from '../analysis/board.ts'
import type { ProbeRow } from '../index/measurement-index.ts'
import type { Language } from './words.ts'

/** A probe that is enrolled, whether it ever sent anything or not. */
export interface Enrolled {
  readonly device: string
  /** Milliseconds since 1970. */
  readonly enrolledAt: number
}

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
