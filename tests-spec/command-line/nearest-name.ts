// Whom somebody meant who mistyped a name.

/**
 * @returns The name that `typed` is most likely meant to be: one that begins with it, or one that few slips of the
 *   finger lead to. null when none is near: a wild guess is worse than none.
 */
export function nearestName(typed: string, names: readonly string[]): string | null {
  if (typed.length > longestTyped) return null
  const begun = names.filter((name) => typed.length >= 3 && name.startsWith(typed))
  if (begun.length === 1) return begun[0] ?? null
  let best: { readonly name: string; readonly slips: number } | null = null
  for (const name of names) {
    const slips = slipsBetween(typed.toLowerCase(), name)
    // Where half of the letters are wrong, any other name is as near.
    const isNear = slips <= Math.ceil(name.length / 3) && slips * 2 < typed.length
    if (isNear && slips < (best?.slips ?? Infinity)) best = { name, slips }
  }
  return best?.name ?? null
}

/** No slip of the finger makes a name this long, and comparing takes time. */
const longestTyped = 100

/** Letters left out, put in, changed, or exchanged with the next (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const exchanged =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : Infinity
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, changed, exchanged))
    }
    ;[before, last] = [last, row]
  }
  return at(last, b.length)
}

function at(row: readonly number[] | undefined, place: number): number {
  return row?.[place] ?? Infinity
}
