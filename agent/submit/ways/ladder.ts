// Which way is tried when: tests-spec/protocol/endpoint.md, "What a probe does with them". Pure: it decides, and
// race.ts connects. Endpoints are known by their ids.

/** One endpoint, as far as it matters for the order. */
export interface Rung {
  readonly id: string
  readonly isRelay: boolean
}

/** What happened on each rung; larger is later, on any scale. */
export interface Past {
  /** Id of the endpoint that last brought a receipt; null when none has, or when it is not in the list any more. */
  readonly lastGood: string | null
  /** By id: when the endpoint last failed, unless it was good after that. */
  readonly failedAt: ReadonlyMap<string, number>
}

/**
 * @returns Ids in the order to try them: the last good one first, then the others as they are listed, then those that
 * failed, the one that failed longest ago first; and relays after all of these, in the same order.
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

/** The values are compared and not subtracted: the difference of two equal infinities is not 0. */
function compare(a: number, b: number): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/**
 * A handshake over EDGE takes 2 s; one that has not finished after twice that time is reason enough to start a second
 * one beside it.
 */
export const staggerMs = 4_000

/** Several endpoints are being connected, and the first that connects wins. */
export interface Race {
  /** Ids that have not begun yet, in order. */
  readonly waiting: readonly string[]
  readonly running: readonly string[]
  readonly winner: string | null
  /** Moment at which the last one began, in milliseconds. */
  readonly startedMs: number
}

export type RaceEvent =
  | { readonly kind: 'connected' | 'failed'; readonly id: string }
  /** Time has passed, until `wakeAtMs` or any other moment. */
  | { readonly kind: 'time' }

export interface RaceStep {
  readonly race: Race
  /** Ids to begin now. */
  readonly start: readonly string[]
  /** Ids to close now: connected or not, they have lost. */
  readonly close: readonly string[]
  /**
   * Moment, in milliseconds, at which to call again if nothing happens before; null when nothing is left to begin.
   */
  readonly wakeAtMs: number | null
}

/** @param nowMs - Clock in milliseconds that never goes back, here and below. */
export function beginRace(ids: readonly string[], nowMs: number): RaceStep {
  return next({ waiting: ids, running: [], winner: null, startedMs: nowMs }, nowMs)
}

export function stepRace(race: Race, event: RaceEvent, nowMs: number): RaceStep {
  if (event.kind === 'time') return next(race, nowMs)
  const running = race.running.filter((id) => id !== event.id)
  if (event.kind === 'failed') return next({ ...race, running }, nowMs)
  // A second endpoint that connects in the same moment has lost.
  if (race.winner !== null)
    return { race: { ...race, running }, start: [], close: [event.id], wakeAtMs: null }
  return {
    race: { ...race, running: [], waiting: [], winner: event.id },
    start: [],
    close: running,
    wakeAtMs: null,
  }
}

/** Whether no endpoint is left that could win. */
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
