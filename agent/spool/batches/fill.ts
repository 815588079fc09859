// How many of the waiting records make a batch of the wanted size. A compressor does not say how large its output
// will be before it has finished, so packing is tried, and the sizes of two tries tell how far to go in the third. Of
// a record, this file knows nothing but its size as stored.

/** Something that can be packed. */
export interface Stored {
  /** Bytes that the item takes where it is now; its size once packed is roughly in proportion. */
  readonly storedBytes: number
}

/** Result of one try to pack. */
export interface WithPayload {
  readonly payload: Uint8Array
}

export interface Filling<Item extends Stored, Packed extends WithPayload> {
  /** Bytes that the packed batch should have. */
  readonly targetBytes: number
  /** Gives the next item of the row; null when there are no more. */
  next(): Promise<Item | null>
  /**
   * Called with each item that is taken, in order.
   * @returns Whether the batch may take no more items, however small they pack.
   */
  isEnough(item: Item): boolean
  pack(items: readonly Item[]): Promise<Packed>
}

export interface Filled<Item, Packed> {
  /** Items from the head of the row. Those that were taken beyond them made the batch too large. */
  readonly items: readonly Item[]
  readonly packed: Packed
}

/**
 * Shares of the target size. A result between `least` and `most` is good enough: another round of packing is not
 * worth its time.
 */
const share = { least: 0.92, aim: 0.97, most: 1.04 }
/** When the first try packs to far less than the target, the next one takes at most this many times as much. */
const maxGrowth = 3

/** How much of the row was tried, and to how many bytes it packed. */
interface Try {
  readonly count: number
  readonly storedBytes: number
  readonly packedBytes: number
}

/**
 * Takes items from the head of the row until their packed size is near the target, or the row is empty.
 *
 * A single item may be larger than the target, however large it is: it has to go with some batch.
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
 * Takes items until those taken are of `wanted` bytes as stored, and at least one.
 * @returns Whether the row is empty.
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

/** @returns How many items are of `wanted` bytes as stored; more than `low` has, fewer than `high` has. */
function between(row: readonly Stored[], wanted: number, low: Try, high: Try): number {
  let stored = low.storedBytes
  let count = low.count
  while (count < high.count - 1 && stored < wanted) stored += row[count++]?.storedBytes ?? 0
  return Math.max(count, low.count + 1)
}

/** @returns How many bytes as stored should pack to the target, if the ratio between two tries holds. */
function further(targetBytes: number, a: Try, b: Try): number {
  const ratio = (b.packedBytes - a.packedBytes) / (b.storedBytes - a.storedBytes)
  const wanted = a.storedBytes + (share.aim * targetBytes - a.packedBytes) / Math.max(ratio, 0.01)
  return Math.min(wanted, b.storedBytes * maxGrowth)
}

function storedIn(items: readonly Stored[]): number {
  return items.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
}
