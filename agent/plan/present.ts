// Between which moments the present one lies, as far as campaigns go: tests-spec/lists/campaigns.md, "What time it is". A clock that
// nobody told the time stood still with the power, and is behind by as long; a battery that died puts it into 1970. Pure.

import type { Bounds } from '../../tests-spec/data-formats/dating.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'

export interface Present {
  /** Milliseconds since 1970. */
  readonly leastMs: number
  readonly mostMs: number
  /** Whether the network or a collector told the time. */
  readonly isTold: boolean
}

const dayMs = 86_400_000
/** Power fails for hours, and for a day; longer than two nights no device is without it that measures anything. */
const plausibleMs = 2 * dayMs
const wrongMs = 14 * dayMs
/** No device was off for longer and starts with what it had. */
const longestOffMs = 400 * dayMs

/** @param bounds - What is certain of the true time. */
export function presentOf(wallMs: number, quality: ClockQuality, { earliest, latest }: Bounds): Present {
  if (quality === 'synced' || quality === 'receipt') {
    const ms = Math.min(Math.max(wallMs, earliest), latest)
    return { leastMs: ms, mostMs: ms, isTold: true }
  }
  const isWrong = wallMs < earliest || wallMs > Math.min(latest, earliest + longestOffMs)
  const leastMs = isWrong ? earliest : wallMs
  return { leastMs, mostMs: leastMs + (isWrong ? wrongMs : plausibleMs), isTold: false }
}
