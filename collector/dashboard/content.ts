// What the page shows: dashboard.ts gathers it, page.ts draws it.

import type { Board } from '../analysis/board.ts'
import type { ProbeRow } from '../index/measurement-index.ts'
import type { Language } from './words.ts'

/** A probe that is enrolled, whether it ever sent a batch or not. */
export interface Enrolled {
  readonly device: string
  /** Milliseconds since 1970. */
  readonly enrolledAt: number
}

export interface DashboardContent {
  /** null when there is no index. */
  readonly board: Board | null
  readonly probes: readonly ProbeLine[]
  readonly behind: number
  readonly setAside: readonly string[]
  readonly language: Language
  readonly now: number
}

export interface ProbeLine extends Enrolled {
  /** null for a probe of which nothing was received. */
  readonly seen: ProbeRow | null
}
