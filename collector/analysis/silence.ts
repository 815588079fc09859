// Whether a probe is silent, by what it does itself and by what its neighbours do: one that comes every quarter of an hour is
// silent after one, one that comes with the power on Mondays is not silent on Sundays, and where a whole network is silent
// it is no probe that failed. Pure.

/** Of one probe. */
export interface Contacts {
  readonly device: string
  /** The network of its newest records; null when it has none. */
  readonly asn: string | null
  /** When its batches came, milliseconds since 1970, newest first. */
  readonly arrivals: readonly number[]
}

/**
 * - `as_usual`: it has been away no longer than it usually is.
 * - `late`: longer than all but one in twenty of its own pauses.
 * - `silent`: more than twice as long as that.
 * - `network_silent`: so are most of its neighbours on its network, in the same way.
 * - `new`: too few pauses to know its habit.
 * - `never`: nothing came from it yet.
 */
export type SilenceState = 'as_usual' | 'late' | 'silent' | 'network_silent' | 'new' | 'never'

export interface Silence {
  readonly device: string
  readonly state: SilenceState
  /** Milliseconds since it was last heard; null when it never was. */
  readonly silentMs: number | null
  /** The pause that all but one in twenty of its own do not exceed; null while that is not known. */
  readonly usualMs: number | null
  /** Neighbours whose habit is known, and how many of them are silent. */
  readonly neighbours: number
  readonly silentNeighbours: number
}

/** What comes within this is one contact: a backlog goes up as many batches. */
const oneContactMs = 5 * 60_000
/** Fewer pauses are no habit. */
const leastPauses = 4

export function silences(probes: readonly Contacts[], now: number): Silence[] {
  const alone = probes.map((probe) => ({ probe, ...judgeAlone(probe, now) }))
  return alone.map(({ probe, state, silentMs, usualMs }) => {
    const near = alone.filter(
      (each) =>
        each.probe !== probe && probe.asn !== null && each.probe.asn === probe.asn && each.usualMs !== null,
    )
    const quiet = near.filter((each) => each.state === 'late' || each.state === 'silent').length
    const isShared = state === 'silent' && quiet > 0 && quiet * 2 >= near.length
    return {
      device: probe.device,
      state: isShared ? 'network_silent' : state,
      silentMs,
      usualMs,
      neighbours: near.length,
      silentNeighbours: quiet,
    }
  })
}

function judgeAlone({ arrivals }: Contacts, now: number): Pick<Silence, 'state' | 'silentMs' | 'usualMs'> {
  const [last] = arrivals
  if (last === undefined) return { state: 'never', silentMs: null, usualMs: null }
  const silentMs = Math.max(0, now - last)
  const usualMs = usualPause(arrivals)
  if (usualMs === null) return { state: 'new', silentMs, usualMs }
  const state = silentMs <= usualMs ? 'as_usual' : silentMs <= 2 * usualMs ? 'late' : 'silent'
  return { state, silentMs, usualMs }
}

function usualPause(arrivals: readonly number[]): number | null {
  const pauses = arrivals
    .slice(1)
    .map((each, at) => (arrivals[at] ?? each) - each)
    .filter((pause) => pause > oneContactMs)
    .sort((a, b) => a - b)
  return pauses.length < leastPauses ? null : (pauses[Math.ceil(pauses.length * 0.95) - 1] ?? null)
}
