// What goes first when there is no room, as whole segments and batches. Pure: it decides, and does nothing. Before
// any of them that holds an anomaly goes, repeats are thinned: repeats.ts.

/** Something that can be given up as a whole to make room. */
export interface Evictable {
  /**
   * The gravest class of record that is lost with it. Quarantined batches are `refused`; a `repeat` is an anomaly in
   * the middle of a row of equal ones.
   */
  readonly holds: 'refused' | 'diagnostic' | 'routine' | 'repeat' | 'anomaly'
  /** Order of age among candidates with the same `holds`, oldest first: 0 goes before 1. */
  readonly order: number
  readonly bytes: number
}

/**
 * A batch that the collector will never accept goes before one that it would; then diagnostics, then routine, then
 * repeats, and no other anomaly while any of these is left: what changed is worth more than what stayed.
 */
const ranks: readonly Evictable['holds'][] = ['refused', 'diagnostic', 'routine', 'repeat', 'anomaly']

/** @returns The candidate that goes next; null when none may go. */
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
  /** Size of a segment of anomalies, of diagnostics or of the control log. */
  readonly smallSegment: number
  /** Size of a segment of routine records. */
  readonly largeSegment: number
  /** When the files take more than this, something has to go. */
  readonly limit: number
  /** Held in a file of its own, to be given back when the file system is full while the quota is not. */
  readonly reserve: number
}

const KiB = 1024
const MiB = 1024 * KiB
/** With a smaller quota, there would be room only for segments of one block each. */
export const minQuotaBytes = MiB
/** Bytes of one sealed batch, with its envelope. */
const batchBytes = 96 * KiB

/**
 * Keeps room free between use and quota, for one segment of every stream and one batch: sealing, and noting what was
 * evicted, must work in a full spool.
 *
 * @throws {RangeError} For a quota below `minQuotaBytes`.
 */
export function budgetOf(quotaBytes: number): Budget {
  if (!(quotaBytes >= minQuotaBytes)) {
    throw new RangeError(`Cannot keep a spool in ${quotaBytes} bytes: expected at least ${minQuotaBytes}`)
  }
  // Segments have 256 KiB and 1 MiB from a quota of 16 MiB on; below it they shrink in proportion, so that eviction
  // frees room in small steps.
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
