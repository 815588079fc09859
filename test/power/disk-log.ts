// What reached the disk, in order, and what a power cut at any instant leaves of it. Pure: fuse-disk.ts records,
// recording.ts replays.

/** One thing the disk saw, or the program said, at its place in the order of all. */
export type Entry =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  /** The disk was told to make everything before this durable, and has answered that it is. */
  | { readonly kind: 'flush' }
  /** The program's own words, a part of a line or several: what it had told somebody when the power went. */
  | { readonly kind: 'said'; readonly text: string }

/**
 * How a disk loses what was not flushed.
 *   ordered   nothing: every write that was issued is there
 *   cache     a volatile cache: each write since the last flush is there or is not, by chance
 *   torn      the same by sectors, so that one write may be there in part
 */
export const models = ['ordered', 'cache', 'torn'] as const
export type Model = (typeof models)[number]

/** What a disk writes whole or not at all. */
const sectorBytes = 512

/**
 * @param base - The disk before the first entry.
 * @param at - How many entries had happened when the power went.
 * @returns The disk as it is found afterwards.
 */
export function diskAfterCut(
  base: Buffer,
  log: readonly Entry[],
  at: number,
  model: Model,
  chance: () => number,
): Buffer {
  const image = Buffer.from(base)
  const before = log.slice(0, at)
  const flushed = before.findLastIndex(({ kind }) => kind === 'flush')
  for (const [i, entry] of before.entries()) {
    if (entry.kind !== 'write') continue
    const { offset, bytes } = entry
    if (i < flushed || model === 'ordered') {
      bytes.copy(image, offset)
      continue
    }
    const step = model === 'torn' ? sectorBytes : bytes.length
    for (let from = 0; from < bytes.length; from += step) {
      if (chance() < 0.5) bytes.copy(image, offset + from, from, from + step)
    }
  }
  return image
}

/** @returns The whole lines the program had said by then, parsed. */
export function saidUntil(log: readonly Entry[], at: number): unknown[] {
  const text = log.slice(0, at).flatMap((entry) => (entry.kind === 'said' ? [entry.text] : []))
  const lines = text.join('').split('\n')
  // The last is empty, or was cut short: nobody heard it.
  return lines.slice(0, -1).map((line) => JSON.parse(line))
}

/**
 * Instants to cut at. Every other one directly follows something the program said, where it has promised the most
 * and the disk had the least time to keep it.
 */
export function instants(log: readonly Entry[], count: number, chance: () => number): number[] {
  const spoken = log.flatMap(({ kind }, i) => (kind === 'said' ? [i + 1] : []))
  return Array.from({ length: count }, (_, i) => {
    const afterWord = spoken[Math.floor(chance() * spoken.length)]
    const anywhere = Math.floor(chance() * (log.length + 1))
    return i % 2 === 0 && afterWord !== undefined ? afterWord : anywhere
  })
}
