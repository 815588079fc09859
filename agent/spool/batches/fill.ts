// How many of the records that wait make a batch of the wanted size. A compressor says nothing of its size before its
// end, so packing is tried, and what two tries came to tells how far to go in the third. Of a record it knows nothing
// but its size as stored.

/** Something that can be packed. */
export interface Stored {
  /** Bytes it takes where it is now; what it takes packed goes with that. */
  readonly storedBytes: number
}

/** What a try came to. */
export interface WithPayload {
  readonly payload: Uint8Array
}

export interface Filling<Item extends Stored, Packed extends WithPayload> {
  /** Bytes of a batch, packed. */
  readonly targetBytes: number
  /** The next in the row; null when there is none. */
  next(): Promise<Item | null>
  /** Told of each one taken, in order. Whether no more may be, whatever they pack to. */
  isEnough(item: Item): boolean
  pack(items: readonly Item[]): Promise<Packed>
}

export interface Filled<Item, Packed> {
  /** From the head of the row. What was taken beyond them was too much. */
  readonly items: readonly Item[]
  readonly packed: Packed
}

/** Shares of the target. Between the first and the last another round of packing is not worth its time. */
const share = { least: 0.92, aim: 0.97, most: 1.04 }
/** What packs well at first need not go on to: so many times as much is taken at once, at most. */
const maxGrowth = 3

/** How much of the row was tried, and what it came to. */
interface Try {
  readonly count: number
  readonly storedBytes: number
  readonly packedBytes: number
}

/**
 * Takes from the row what, packed, comes near the target, or all there is.
 *
 * One record may pass the target by its own size, however large: it has to go with something.
 */
export async function fill<Item extends Stored, Packed extends WithPayload>(
  filling: Filling<Item, Packed>,
): Promise<Filled<Item, Packed>> {
  const { least, most } = share
  const row: Item[] = []
  let ended = false
  let low: Try = { count: 0, storedBytes: 0, packedBytes: 0 }
  let high: (Try & { readonly filled: Filled<Item, Packed> }) | null = null
  let wanted = filling.targetBytes
  for (;;) {
    if (high === null) ended = await take(filling, row, wanted)
    const count: number = high === null ? row.length : between(row, wanted, low, high)
    const items = row.slice(0, count)
    const filled = { items, packed: await filling.pack(items) }
    const packedBytes = filled.packed.payload.length
    const tried: Try = { count, storedBytes: storedIn(items), packedBytes }
    const full = packedBytes / filling.targetBytes
    if (full > most && count > low.count + 1) {
      high = { ...tried, filled }
      wanted = further(filling.targetBytes, low, high)
    } else if (full >= least || (high === null && ended)) return filled
    else if (high?.count === count + 1) return high.filled
    else {
      wanted = further(filling.targetBytes, high === null ? low : tried, high ?? tried)
      low = tried
    }
  }
}

/**
 * Takes until what was taken is of `wanted` bytes as stored, one at least.
 * @returns Whether there is no more to be had.
 */
async function take<Item extends Stored>(
  { next, isEnough }: Pick<Filling<Item, WithPayload>, 'next' | 'isEnough'>,
  row: Item[],
  wanted: number,
): Promise<boolean> {
  let stored = storedIn(row)
  do {
    const item = await next()
    if (item === null) return true
    row.push(item)
    stored += item.storedBytes
    if (isEnough(item)) return true
  } while (stored < wanted)
  return false
}

/** @returns How many are of `wanted` bytes as stored; more than `low`, fewer than `high`. */
function between(row: readonly Stored[], wanted: number, low: Try, high: Try): number {
  let stored = low.storedBytes
  let count = low.count
  while (count < high.count - 1 && stored < wanted) stored += row[count++]?.storedBytes ?? 0
  return Math.max(count, low.count + 1)
}

/** @returns Bytes as stored that should pack to the target, if the ratio between two tries holds. */
function further(targetBytes: number, a: Try, b: Try): number {
  const ratio = (b.packedBytes - a.packedBytes) / (b.storedBytes - a.storedBytes)
  const wanted = a.storedBytes + (share.aim * targetBytes - a.packedBytes) / Math.max(ratio, 0.01)
  return Math.min(wanted, b.storedBytes * maxGrowth)
}

function storedIn(items: readonly Stored[]): number {
  return items.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
}
