// How long a flow lives on a way. Pure. Some networks forget every connection after some seconds, and tell neither
// end: the bytes under way are lost, and so is the time until their loss is noticed. After two such deaths, the agent
// ends a flow before it reaches that age.

/** What one way has shown so far. */
export interface FlowLife {
  /**
   * For the last flows that went silent: the age in milliseconds at which the last byte came over each, the newest
   * first.
   */
  readonly deathsMs: readonly number[]
  /** Number of flows that the agent has ended in time since then. */
  readonly cuts: number
}

export const unknownLife: FlowLife = { deathsMs: [], cuts: 0 }

/** Below this age limit, opening flows would take more time than they are used for. */
const leastMs = 5_000
/** Two deaths at ages that differ by more than this factor are not a rule of the network. */
const alike = 1.4
/** The last byte came a little before the flow died, and the bytes that are under way still have to arrive. */
const margin = 0.8
/** After this many flows that were ended in time, the next one is left to itself: the network may have changed. */
const cutsUntilTriedAgain = 12

/**
 * @returns Age of a flow, in milliseconds, from which no new request is begun; null while no age is known at which
 * flows die.
 */
export function usableMs({ deathsMs }: FlowLife): number | null {
  const [one, other] = deathsMs
  if (one === undefined || other === undefined) return null
  const [first, last] = [Math.min(one, other), Math.max(one, other)]
  return first < leastMs || last > first * alike ? null : first * margin
}

/** @param ageMs - Age of the flow when the last byte came, in milliseconds. */
export function afterDeath({ deathsMs }: FlowLife, ageMs: number): FlowLife {
  return { deathsMs: [ageMs, ...deathsMs].slice(0, 2), cuts: 0 }
}

/**
 * Takes note of an answer. A flow that lives longer than those that died disproves the rule that their deaths
 * suggested.
 */
export function afterAnswer(life: FlowLife, ageMs: number): FlowLife {
  return life.deathsMs.some((each) => ageMs > each * alike) ? unknownLife : life
}

export function afterCut({ deathsMs, cuts }: FlowLife): FlowLife {
  return cuts + 1 < cutsUntilTriedAgain ? { deathsMs, cuts: cuts + 1 } : unknownLife
}
