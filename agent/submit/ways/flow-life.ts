// How old a flow gets on a way. Pure. There are networks that forget every connection after some seconds, without a word:
// what is under way then is lost, and so is the time until it is missed. After two such deaths a flow is ended before.

/** What one way has shown. */
export interface FlowLife {
  /** Age of the last flows that went silent, when something last came over them. Milliseconds, the newest first. */
  readonly deathsMs: readonly number[]
  /** Flows that were ended in time since. */
  readonly cuts: number
}

export const unknownLife: FlowLife = { deathsMs: [], cuts: 0 }

/** Below it, opening flows would take more than they carry. */
const leastMs = 5_000
/** Two deaths that lie further apart are no rule of the network. */
const alike = 1.4
/** What came last before the end came a little before it, and what is under way has to arrive. */
const margin = 0.8
/** So many, and the next is left to itself: the network may have changed. */
const cutsUntilTriedAgain = 12

/** @returns Age in milliseconds from which on nothing more is begun; null while flows die of nothing in particular. */
export function usableMs({ deathsMs }: FlowLife): number | null {
  const [one, other] = deathsMs
  if (one === undefined || other === undefined) return null
  const [first, last] = [Math.min(one, other), Math.max(one, other)]
  return first < leastMs || last > first * alike ? null : first * margin
}

/** @param ageMs - When something last came. */
export function afterDeath({ deathsMs }: FlowLife, ageMs: number): FlowLife {
  return { deathsMs: [ageMs, ...deathsMs].slice(0, 2), cuts: 0 }
}

/** An answer came. A flow that lives longer than those that died takes their rule away. */
export function afterAnswer(life: FlowLife, ageMs: number): FlowLife {
  return life.deathsMs.some((each) => ageMs > each * alike) ? unknownLife : life
}

export function afterCut({ deathsMs, cuts }: FlowLife): FlowLife {
  return cuts + 1 < cutsUntilTriedAgain ? { deathsMs, cuts: cuts + 1 } : unknownLife
}
