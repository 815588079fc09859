// How long nothing may move before a line is taken for dead. Pure. 4 s is right where flows die, 15 s where packets do,
// and nobody says which it is: the limit doubles with each stall in a row and comes back when something gets through.

/** What one way has shown so far. */
export interface Stalls {
  /** In a row, without progress between them. */
  readonly inARow: number
  /** The longest silence lately that ended well, in milliseconds. */
  readonly survivedMs: number
}

export const noStalls: Stalls = { inARow: 0, survivedMs: 0 }

const leastMs = 4_000
const mostMs = 30_000
/** Room for a link that is half as slow again as it has been. */
const margin = 1.5
/** A link that was slow this morning is forgotten after about ten exchanges. */
const forgets = 0.8

/** @returns Milliseconds. */
export function silenceLimitMs(rttMs: number, { inARow, survivedMs }: Stalls): number {
  const base = Math.max(leastMs, 4 * rttMs, margin * survivedMs)
  return Math.min(mostMs, base * 2 ** Math.min(inARow, 3))
}

export function afterStall({ inARow, survivedMs }: Stalls): Stalls {
  return { inARow: inARow + 1, survivedMs }
}

/** @param silenceMs - The longest silence while waiting for the answer that came. */
export function afterProgress({ survivedMs }: Stalls, silenceMs: number): Stalls {
  return { inARow: 0, survivedMs: Math.max(silenceMs, survivedMs * forgets) }
}
