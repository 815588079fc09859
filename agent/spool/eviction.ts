// What goes first when there is no room, as whole segments and batches. Pure: the deciding, not the doing. Before any
// of them that holds an anomaly goes, repeats are thinned: repeats.ts.

/** Something that can be given up as a whole to make room. */
export interface Evictable {
  /**
   * What is lost with it: the gravest class of record in it. Quarantined batches are `refused`; a `repeat` is an
   * anomaly in the middle of a row of the same.
   */
  readonly holds: 'refused' | 'diagnostic' | 'routine' | 'repeat' | 'anomaly'
  /** Ascending with age of what it holds, within one value of `holds`: 0 goes before 1. */
  readonly order: number
  readonly bytes: number
}

/**
 * What the collector will never accept goes before what it would; then diagnostics, then routine, then repeats, and no
 * other anomaly while any of these is left: what changed is worth more than what stayed.
 */
const ranks: readonly Evictable['holds'][] = ['refused', 'diagnostic', 'routine', 'repeat', 'anomaly']

/** @returns The next to go; null when nothing may. */
export function nextVictim<T extends Evictable>(candidates: readonly T[]): T | null {
  return candidates.reduce<T | null>(
    (first, each) => (first === null || goesBefore(each, first) ? each : first),
    null,
  )
}

function goesBefore(a: Evictable, b: Evictable): boolean {
  const byRank = ranks.indexOf(a.holds) - ranks.indexOf(b.holds)
  return byRank === 0 ? a.order < b.order : byRank < 0
}

/** How a quota is divided. All in bytes. */
export interface Budget {
  /** Segments of anomalies, diagnostics and the control log. */
  readonly smallSegment: number
  /** Segments of routine records. */
  readonly largeSegment: number
  /** Above this, something has to go. */
  readonly limit: number
  /** Held in a file of its own, to be given back when the file system, not the quota, is full. */
  readonly reserve: number
}

const KiB = 1024
const MiB = 1024 * KiB
/** Below this, segments of one block each would be all there is room for. */
export const minQuotaBytes = MiB
/** One sealed batch, with its envelope. */
const batchBytes = 96 * KiB

/**
 * Between use and quota lies room for one segment of every stream and one batch: sealing, and writing down what was
 * evicted, must work in a full spool.
 *
 * @throws {RangeError} For a quota below `minQuotaBytes`.
 */
export function budgetOf(quotaBytes: number): Budget {
  if (!(quotaBytes >= minQuotaBytes)) {
    throw new RangeError(`Cannot keep a spool in ${quotaBytes} bytes: expected at least ${minQuotaBytes}`)
  }
  // 256 KiB and 1 MiB from a quota of 16 MiB on; smaller in proportion, so that eviction stays a matter of small steps.
  const smallSegment = clamp(quotaBytes / 64, 32 * KiB, 256 * KiB)
  const largeSegment = clamp(quotaBytes / 16, 64 * KiB, MiB)
  return {
    smallSegment,
    largeSegment,
    limit: quotaBytes - (3 * smallSegment + largeSegment + batchBytes),
    reserve: smallSegment + batchBytes,
  }
}

function clamp(bytes: number, least: number, most: number): number {
  const blocks = Math.floor(bytes / 4096) * 4096
  return Math.min(most, Math.max(least, blocks))
}
