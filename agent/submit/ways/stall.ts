// How long no byte may move before a line counts as dead. Pure. 4 s is right where flows die, 15 s where packets get
// lost, and the network does not tell which it does: the limit doubles with each stall in a row and comes back when
// bytes get through.

/** What one way has shown so far. */
export interface Stalls {
  /** Number of stalls in a row, without progress between them. */
  readonly inARow: number
  /** The longest silence of late that ended with an answer, in milliseconds. */
  readonly survivedMs: number
}

export const noStalls: Stalls = { inARow: 0, survivedMs: 0 }

const leastMs = 4_000
const mostMs = 30_000
/** Factor that leaves room for a link that becomes half as slow again as it has been. */
const margin = 1.5
/**
 * Factor by which a survived silence shrinks with each exchange: a link that was slow this morning is forgotten after
 * about ten.
 */
const forgets = 0.8

/** @returns The longest silence that is waited out, in milliseconds. */
export function silenceLimitMs(rttMs: number, { inARow, survivedMs }: Stalls): number {
  const base = Math.max(leastMs, 4 * rttMs, margin * survivedMs)
  return Math.min(mostMs, base * 2 ** Math.min(inARow, 3))
}

export function afterStall({ inARow, survivedMs }: Stalls): Stalls {
  return { inARow: inARow + 1, survivedMs }
}

/**
 * After the answer to a body. That to a question says nothing of bodies: a way on which every body stalls may answer
 * each question at once.
 *
 * @param silenceMs - The longest silence while waiting for the answer that came, in milliseconds.
 */
export function afterProgress(stalls: Stalls, silenceMs: number): Stalls {
  return { ...afterQuestion(stalls, silenceMs), inARow: 0 }
}

export function afterQuestion({ inARow, survivedMs }: Stalls, silenceMs: number): Stalls {
  return { inARow, survivedMs: Math.round(Math.max(silenceMs, survivedMs * forgets)) }
}
