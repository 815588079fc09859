// Connects to several endpoints, a few seconds apart, and gives the first line that is open. ladder.ts decides.

import { cut, type DialFailed, type Line } from '../transports/dial.ts'
import { NoAnswer } from '../transports/no-answer.ts'
import { beginRace, isLost, type RaceEvent, type RaceStep, stepRace } from './ladder.ts'

export interface Racing {
  /**
   * Connects to the endpoint with this id.
   * @throws {DialFailed} Also when the signal ends it.
   */
  dial(id: string, signal: AbortSignal): Promise<Line>
  /** Called for each attempt that failed, those that lost the race included, with the bytes that it cost. */
  failed(id: string, failure: DialFailed): void
  /** Clock in milliseconds that never goes back. */
  readonly now: () => number
  readonly signal: AbortSignal
}

/**
 * @param ids - In the order to try them.
 * @returns The winner, which the caller closes; null when all have failed or the signal fired. No other line is open
 * then.
 */
export function race(ids: readonly string[], racing: Racing): Promise<{ id: string; line: Line } | null> {
  const { now, signal } = racing
  return new Promise((resolve) => {
    const running = new Map<string, AbortController>()
    let timer: NodeJS.Timeout | undefined
    let step = beginRace(ids, now())

    const settle = (result: { id: string; line: Line } | null) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', interrupt)
      resolve(result)
    }
    const interrupt = () => {
      for (const each of running.values()) each.abort(new NoAnswer('interrupted'))
      settle(null)
    }
    const take = (event: RaceEvent) => {
      step = stepRace(step.race, event, now())
      act(step)
    }
    const act = ({ start, close, wakeAtMs, race }: RaceStep) => {
      for (const id of close) running.get(id)?.abort(new NoAnswer('lost_race'))
      for (const id of start) run(id)
      clearTimeout(timer)
      // One millisecond is added, because timers fire up to one millisecond early.
      if (wakeAtMs !== null) timer = setTimeout(() => take({ kind: 'time' }), wakeAtMs - now() + 1)
      if (isLost(race)) settle(null)
    }
    const run = (id: string) => {
      const give = new AbortController()
      running.set(id, give)
      racing.dial(id, AbortSignal.any([signal, give.signal])).then(
        (line) => {
          running.delete(id)
          if (signal.aborted) return cut(line.raw)
          take({ kind: 'connected', id })
          if (step.race.winner === id) settle({ id, line })
          else cut(line.raw)
        },
        (failure: DialFailed) => {
          running.delete(id)
          racing.failed(id, failure)
          if (!signal.aborted && step.race.winner === null) take({ kind: 'failed', id })
        },
      )
    }
    if (signal.aborted) return settle(null)
    signal.addEventListener('abort', interrupt, { once: true })
    act(step)
  })
}
