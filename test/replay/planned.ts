// What a device measures when it follows the agent's plan: the agent's own loop, run through the evening on a clock that jumps from
// start to start. What it finds decides what it looks at next, and is an argument: the timetable, to know what to play; what
// was received, to check that the plan would have been the same.

import { Cuts } from '../../agent/cycle/cuts.ts'
import { runLoop } from '../../agent/cycle/loop.ts'
import { noneWaiting } from '../../agent/cycle/waiting.ts'
import { cronSchedule } from '../../agent/plan/cron-schedule.ts'
import type { Task } from '../../agent/plan/plan-cycle.ts'
import { roundSchedule } from '../../agent/plan/round-schedule.ts'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { link } from '../support/observations.ts'
import { toldAt } from '../support/told-at.ts'
import { type Evening, instantOf, subjectsOf } from './evening.ts'

/** How a device is set up. */
export interface Planned {
  readonly cron: string
  /** `spread` of its configuration. */
  readonly spread: number
  /** `burst` of its configuration. */
  readonly bursts: boolean
  /** In the place of the device's id, which decides what is dealt to which round. */
  readonly seed: string
}

export interface PlannedCycle {
  /** Milliseconds since 1970, to the full minute before it; a second later where another began in that minute. */
  readonly at: number
  readonly entries: readonly TestListEntry[]
}

/** @returns Whether a subject was reached in the cycle that began at `at`; null when it could not be told. */
export type Found = (subject: string, at: number) => boolean | null

/** What a cycle takes when nothing is silent. No cycle of the evening takes longer than the shortest time between two. */
const cycleMs = 10_000
const minuteMs = 60_000

/** All cycles of a device that starts when the evening's devices do, until the evening is over. */
export async function plannedCycles(
  evening: Evening,
  planned: Planned,
  found: Found,
): Promise<PlannedCycle[]> {
  const { cron, spread, bursts, seed } = planned
  const until = instantOf(evening.day, evening.onDuty.until)
  const clock = fakeClock(instantOf(evening.day, evening.onDuty.from))
  const rounds = roundSchedule(cronSchedule(cron, 0, seed), spread)
  const stop = new AbortController()
  const cycles: PlannedCycle[] = []
  const states = new Map<string, boolean>()
  const silent = () => {}
  await runLoop({
    clock,
    log: { info: silent, warn: silent, error: silent },
    planning: () => ({ entries: evening.entries, rounds, campaigns: [], seed, bursts }),
    mayBurst: () => true,
    present: () => toldAt(clock.now()),
    signal: stop.signal,
    async cycle({ round }) {
      const minute = Math.floor(clock.now() / minuteMs) * minuteMs
      const at = Math.max(minute, (cycles.at(-1)?.at ?? 0) + 1_000)
      if (at > until) stop.abort()
      else cycles.push({ at, entries: round.entries })
      const turned = round.entries.filter((entry) => turns(entry, (subject) => found(subject, at), states))
      clock.advance(cycleMs)
      return { ...nothingFound, changes: turned.map(taskOf) }
    },
    deliver: async () => nothingFound.delivery,
    onCycle: async () => {},
    sleep: async (ms) => clock.advance(ms),
  })
  return cycles
}

/** As agent/measurement/evidence.ts has it: the whole or a part turned that was told before. */
function turns(
  entry: TestListEntry,
  found: (subject: string) => boolean | null,
  states: Map<string, boolean>,
): boolean {
  const turned = subjectsOf([entry]).map((subject) => {
    const [before, now] = [states.get(subject), found(subject)]
    if (now !== null) states.set(subject, now)
    return now !== null && before !== undefined && before !== now
  })
  return turned.includes(true)
}

const taskOf = ({ nettest, input, category_code }: TestListEntry): Task => ({
  nettest,
  input,
  categoryCode: category_code,
  resolver: null,
})

const nothingFound = {
  memory: { link: link('up'), history: {}, controls: {}, waiting: noneWaiting, cuts: new Cuts() },
  measurements: 0,
  anomalies: 0,
  bugs: 0,
  changes: [],
  delivery: {
    kind: 'not_due',
    accepted: 0,
    rejected: 0,
    sent: 0,
    received: 0,
    reason: null,
    retryAfterMs: null,
  },
} as const
