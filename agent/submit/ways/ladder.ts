// Which way is tried when: tests-spec/protocol/endpoint.md, "What a probe does with them". Pure: deciding is here,
// connecting in race.ts. Endpoints are known by their ids.

/** One endpoint, as far as the order goes. */
export interface Rung {
  readonly id: string
  readonly isRelay: boolean
}

/** What happened on each rung; larger is later, any scale. */
export interface Past {
  /** What last brought a receipt; null when nothing has, or what has is gone from the list. */
  readonly lastGood: string | null
  /** When each that failed did so last, since it was last good. */
  readonly failedAt: ReadonlyMap<string, number>
}

/**
 * @returns Ids in the order to try them: the last good one, the others as they are listed, those that failed after
 *   them, the one that failed longest ago first; and relays after all that, in the same order.
 */
export function climbingOrder(rungs: readonly Rung[], { lastGood, failedAt }: Past): string[] {
  const failure = ({ id }: Rung) => failedAt.get(id) ?? Number.NEGATIVE_INFINITY
  const good = (rung: Rung) => (rung.id === lastGood && !failedAt.has(rung.id) ? 0 : 1)
  return rungs
    .map((rung, place) => ({ rung, place }))
    .sort(
      (a, b) =>
        Number(a.rung.isRelay) - Number(b.rung.isRelay) ||
        good(a.rung) - good(b.rung) ||
        compare(failure(a.rung), failure(b.rung)) ||
        a.place - b.place,
    )
    .map(({ rung }) => rung.id)
}

/** Infinities are equal to themselves, which their difference is not. */
function compare(a: number, b: number): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** A handshake over EDGE takes 2 s; one that has not come after twice that is worth a second iron in the fire. */
export const staggerMs = 4_000

/** Several ways are being connected, and the first wins. */
export interface Race {
  /** Not begun yet, in order. */
  readonly waiting: readonly string[]
  readonly running: readonly string[]
  readonly winner: string | null
  /** When the last one began. */
  readonly startedMs: number
}

export type RaceEvent =
  | { readonly kind: 'connected' | 'failed'; readonly id: string }
  /** Time has passed, to `wakeAtMs` or any other moment. */
  | { readonly kind: 'time' }

export interface RaceStep {
  readonly race: Race
  /** To begin now. */
  readonly start: readonly string[]
  /** To close now: connected or not, they have lost. */
  readonly close: readonly string[]
  /** When to come again if nothing happens before; null when nothing is left to begin. */
  readonly wakeAtMs: number | null
}

/** @param nowMs - Milliseconds that only grow, here and below. */
export function beginRace(ids: readonly string[], nowMs: number): RaceStep {
  return next({ waiting: ids, running: [], winner: null, startedMs: nowMs }, nowMs)
}

export function stepRace(race: Race, event: RaceEvent, nowMs: number): RaceStep {
  if (event.kind === 'time') return next(race, nowMs)
  const running = race.running.filter((id) => id !== event.id)
  if (event.kind === 'failed') return next({ ...race, running }, nowMs)
  // A second one that connects in the same breath has lost.
  if (race.winner !== null)
    return { race: { ...race, running }, start: [], close: [event.id], wakeAtMs: null }
  return {
    race: { ...race, running: [], waiting: [], winner: event.id },
    start: [],
    close: running,
    wakeAtMs: null,
  }
}

/** Nothing is left that could win. */
export function isLost({ waiting, running, winner }: Race): boolean {
  return winner === null && waiting.length + running.length === 0
}

function next(race: Race, nowMs: number): RaceStep {
  const [first, ...waiting] = race.waiting
  const due = race.running.length === 0 || nowMs - race.startedMs >= staggerMs
  if (race.winner !== null || first === undefined) return { race, start: [], close: [], wakeAtMs: null }
  if (!due) return { race, start: [], close: [], wakeAtMs: race.startedMs + staggerMs }
  return {
    race: { waiting, running: [...race.running, first], winner: null, startedMs: nowMs },
    start: [first],
    close: [],
    wakeAtMs: waiting.length === 0 ? null : nowMs + staggerMs,
  }
}
