// When a target stopped being reached, and when it was reached again, from measurements at instants: a change lies
// between two of them, and more is not known. Pure.

/** What one measurement says of a target at an instant. */
export interface Seen {
  /** Milliseconds since 1970. */
  readonly at: number
  /** null when the measurement does not tell: the link was down, or there was no decision. */
  readonly reached: boolean | null
}

/** The target changed after `after` and not later than `by`. */
export interface Change {
  readonly to: 'failing' | 'reached'
  /** The last time it was seen in the earlier state; null when it never was. */
  readonly after: number | null
  /** The first time it was seen in the new state. */
  readonly by: number
}

/**
 * Measurements that do not tell make the interval wider and never end it.
 *
 * @param seen - Measurements of one target on one network, in any order.
 * @returns Changes in the order of time. A target that was reached all along has none; one that failed from the first
 * measurement on has a change without an `after`.
 */
export function changesOf(seen: readonly Seen[]): Change[] {
  const changes: Change[] = []
  let last: { readonly at: number; readonly reached: boolean } | null = null
  for (const { at, reached } of [...seen].sort((a, b) => a.at - b.at)) {
    if (reached === null) continue
    if (last === null ? !reached : last.reached !== reached)
      changes.push({ to: reached ? 'reached' : 'failing', after: last?.at ?? null, by: at })
    last = { at, reached }
  }
  return changes
}
