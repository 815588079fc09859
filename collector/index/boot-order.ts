// Which boot of a probe came before which, as the numbers of its records say: dating.md, "What is known". Pure. A probe
// that signs both orders of two boots, or a circle of them, has said nothing: an order that leads back to itself would
// date for ever.

/** The numbers that the records of one boot have in one epoch, without those that were given anew. */
export interface Stretch {
  readonly epoch: string
  readonly boot: string
  readonly first_n: number
  readonly last_n: number
}

export interface Pair {
  readonly earlier: string
  readonly later: string
}

export interface BootOrder {
  /** Neighbours in some epoch, each pair once, without those that contradict others. */
  readonly pairs: readonly Pair[]
  /** Place of each boot in one order that agrees with all pairs. */
  readonly ranks: ReadonlyMap<string, number>
  /** Boots that, by what was signed, came before themselves. */
  readonly contradicted: ReadonlySet<string>
}

export function bootOrder(stretches: readonly Stretch[]): BootOrder {
  const said = neighboursIn(stretches)
  const circles = circlesOf(new Set(stretches.map(({ boot }) => boot)), said)
  const pairs = said.filter(({ earlier, later }) => circles.get(earlier) !== circles.get(later))
  const sizes = new Map<number, number>()
  for (const circle of circles.values()) sizes.set(circle, (sizes.get(circle) ?? 0) + 1)
  const contradicted = new Set(
    [...circles].filter(([, circle]) => (sizes.get(circle) ?? 0) > 1).map(([b]) => b),
  )
  // Circles are found last first: what nothing follows has the lowest number.
  const last = sizes.size - 1
  return { pairs, ranks: new Map([...circles].map(([boot, circle]) => [boot, last - circle])), contradicted }
}

/** Each stretch with the last one that ends before it and the first one that begins after it. */
function neighboursIn(stretches: readonly Stretch[]): Pair[] {
  const epochs = new Map<string, Stretch[]>()
  for (const each of stretches) {
    const known = epochs.get(each.epoch)
    if (known === undefined) epochs.set(each.epoch, [each])
    else known.push(each)
  }
  const pairs = new Map<string, Pair>()
  const add = (earlier: string, later: string) =>
    pairs.set(JSON.stringify([earlier, later]), { earlier, later })
  for (const ofEpoch of epochs.values()) {
    const byEnd = [...ofEpoch].sort((a, b) => a.last_n - b.last_n || compareText(a.boot, b.boot))
    const byBegin = [...ofEpoch].sort((a, b) => a.first_n - b.first_n || compareText(a.boot, b.boot))
    for (const each of ofEpoch) {
      const before = byEnd[firstIndex(byEnd, ({ last_n }) => last_n >= each.first_n) - 1]
      const after = byBegin[firstIndex(byBegin, ({ first_n }) => first_n > each.last_n)]
      if (before !== undefined) add(before.boot, each.boot)
      if (after !== undefined) add(each.boot, after.boot)
    }
  }
  return [...pairs.values()]
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Index of the first element that `holds`, where all behind it do too; the length when there is none. */
function firstIndex<T>(sorted: readonly T[], holds: (each: T) => boolean): number {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (holds(sorted[middle] as T)) to = middle
    else from = middle + 1
  }
  return from
}

/**
 * Strongly connected components, by Tarjan's method, without recursion: a probe may sign a chain of any length.
 *
 * @returns The number of the component of each boot. Components have their numbers in reverse order: a pair leads from
 * a higher number to a lower one, or stays within one.
 */
function circlesOf(boots: ReadonlySet<string>, pairs: readonly Pair[]): Map<string, number> {
  const after = new Map<string, string[]>()
  for (const { earlier, later } of pairs) {
    const known = after.get(earlier)
    if (known === undefined) after.set(earlier, [later])
    else known.push(later)
  }
  const found = new Map<string, { index: number; low: number; next: number }>()
  const circles = new Map<string, number>()
  const open: string[] = []
  let circle = 0
  const enter = (boot: string) => {
    const state = { index: found.size, low: found.size, next: 0 }
    found.set(boot, state)
    open.push(boot)
    return { boot, state }
  }
  for (const root of [...boots].sort(compareText)) {
    if (found.has(root)) continue
    const path = [enter(root)]
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const { boot, state } = top
      const later = after.get(boot)?.[state.next++]
      if (later !== undefined) {
        const seen = found.get(later)
        if (seen === undefined) path.push(enter(later))
        else if (!circles.has(later)) state.low = Math.min(state.low, seen.index)
        continue
      }
      path.pop()
      const above = path.at(-1)
      if (above !== undefined) above.state.low = Math.min(above.state.low, state.low)
      if (state.low !== state.index) continue
      for (let member = open.pop(); member !== undefined; member = open.pop()) {
        circles.set(member, circle)
        if (member === boot) break
      }
      circle++
    }
  }
  return circles
}
