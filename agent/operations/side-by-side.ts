// Work on many things, some at a time, where how many that is may change on the way.

/**
 * Runs `work` on every item, in order.
 *
 * @param width - How many at once, asked before each is taken.
 * @param signal - No more are taken once it has fired; null: all are.
 * @throws What `work` throws, while others may still be under way.
 */
export async function sideBySide<T>(
  items: readonly T[],
  width: () => number,
  signal: AbortSignal | null,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>()
  for (const item of items) {
    while (underWay.size >= width()) await Promise.race(underWay)
    if (signal?.aborted) break
    const one: Promise<void> = work(item).finally(() => underWay.delete(one))
    underWay.add(one)
  }
  await Promise.all(underWay)
}
