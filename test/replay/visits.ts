// Who measures what at which instant: the schedules of a replay, from its timetable. And the evening cut into parts
// that take about as long, so that they can be played side by side. Pure.

import { cronSchedule } from '../../agent/plan/cron-schedule.ts'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import type { IspKey } from '../lab/topology.ts'
import { type Evening, instantOf, interferenceAt, rulesAt } from './evening.ts'
import { type Planned, plannedCycles } from './planned.ts'

/**
 * - `report`: as the people behind the report measured, about daily, and more often once they had noticed.
 * - `base`: every 15 minutes, everything at once.
 * - `spread`: in three rounds, `spread` of the agent's configuration.
 * - `pair`: the same by a second probe, half an interval later; together with the first.
 * - `burst`: in three rounds, and looks every minute or two after a change: the agent's own default.
 */
export type ScheduleKey = 'report' | 'base' | 'spread' | 'pair' | 'burst'

export interface Schedule {
  readonly key: ScheduleKey
  readonly title: string
  /** Longest time between two measurements of a target, in minutes; null where none is promised. */
  readonly everyMinutes: number | null
}

/** The agent's default, `schedule` in docs/configuration.md, without its jitter. */
const baseCron = '*/15 * * * *'

export const schedules: readonly Schedule[] = [
  { key: 'report', title: 'report', everyMinutes: null },
  { key: 'base', title: '15 min', everyMinutes: 15 },
  { key: 'spread', title: 'spread', everyMinutes: 15 },
  { key: 'pair', title: 'two probes', everyMinutes: 15 },
  { key: 'burst', title: 'with burst', everyMinutes: 15 },
]

/**
 * What a target's round is depends on the device's key, and when the first sign of this evening comes depends on that: this
 * one's Twitter is in the round that comes two minutes after its block. planned.test.ts counts how it goes with others.
 */
const seeds = { first: 'mali-2018', second: 'a second probe' }
const spread = 3

/** How the devices of a schedule that follows the agent's plan are set up. */
export const plannedOf: Readonly<Partial<Record<ScheduleKey, Planned>>> = {
  spread: { cron: baseCron, spread, bursts: false, seed: seeds.first },
  pair: { cron: '7-59/15 * * * *', spread, bursts: false, seed: seeds.second },
  burst: { cron: baseCron, spread, bursts: true, seed: seeds.first },
}

/** On the line without interference a burst never begins, and its rounds are those of the spread. */
const plannedDevices: Readonly<Partial<Record<ScheduleKey, readonly IspKey[]>>> = {
  spread: ['o', 'm'],
  pair: ['o'],
  burst: ['o'],
}

/** `both` hangs on both lines, and measures each from its address there. */
export type DeviceKey = IspKey | 'both'

/** One device measuring by one schedule over one line: what tables are made of. */
export interface Series {
  readonly schedule: ScheduleKey
  readonly device: DeviceKey
  readonly isp: IspKey
}

export interface Visit extends Series {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly entries: readonly TestListEntry[]
}

/** Whose measurements a series is made of: two probes know what either has seen. */
export const partsOfSeries = (series: Series): readonly Series[] =>
  series.schedule === 'pair' ? [{ ...series, schedule: 'spread' }, series] : [series]

export const seriesName = ({ schedule, device, isp }: Series) => `${schedule} ${device} ${isp}`

const baseDevices: readonly Omit<Series, 'schedule'>[] = [
  { device: 'o', isp: 'o' },
  { device: 'm', isp: 'm' },
  // First the line that nothing happens on: on the other a cycle may take most of a minute.
  { device: 'both', isp: 'm' },
  { device: 'both', isp: 'o' },
]

/** Every visit of every schedule that can be played, in the order of time. */
export async function visitsOf(evening: Evening): Promise<Visit[]> {
  const reported = evening.visits.map(
    ({ isp, at, entries }): Visit => ({
      schedule: 'report',
      device: isp,
      isp,
      at: instantOf(evening.day, at),
      entries,
    }),
  )
  const onSchedule = baseInstants(evening).flatMap((at) =>
    baseDevices.map((each): Visit => ({ schedule: 'base', ...each, at, entries: evening.entries })),
  )
  const onPlan = await Promise.all(
    schedules.flatMap(({ key }) =>
      (plannedDevices[key] ?? []).map(async (isp) => visitsOnPlan(evening, key, isp)),
    ),
  )
  return [...reported, ...onSchedule, ...onPlan.flat()].sort((a, b) => a.at - b.at)
}

async function visitsOnPlan(evening: Evening, schedule: ScheduleKey, isp: IspKey): Promise<Visit[]> {
  const planned = plannedOf[schedule]
  if (planned === undefined) return []
  const found = (subject: string, at: number) => interferenceAt(evening, isp, subject, at) === null
  const cycles = await plannedCycles(evening, planned, found)
  return cycles.map((cycle) => ({ schedule, device: isp, isp, ...cycle }))
}

/** By the agent's own reading of its schedule. */
function baseInstants({ day, onDuty }: Evening): number[] {
  const schedule = cronSchedule(baseCron, 0, '')
  const until = instantOf(day, onDuty.until)
  const instants: number[] = []
  for (let at = schedule.next(instantOf(day, onDuty.from) - 1); at <= until; at = schedule.next(at))
    instants.push(at)
  return instants
}

/** Visits that share an instant, and with it a clock and a policy. */
export interface Moment {
  readonly at: number
  readonly visits: readonly Visit[]
}

export function momentsOf(visits: readonly Visit[]): Moment[] {
  const instants = [...new Set(visits.map(({ at }) => at))].sort((a, b) => a - b)
  return instants.map((at) => ({ at, visits: visits.filter((visit) => visit.at === at) }))
}

/**
 * Cuts the evening into at most `count` parts, none longer than it must be.
 *
 * @param costOf - How long a moment takes, in any unit; more than 0.
 * @returns Parts in the order of time. Each has a moment.
 */
export function partsOf(
  moments: readonly Moment[],
  count: number,
  costOf: (moment: Moment) => number,
): Moment[][] {
  const costs = moments.map(costOf)
  const sums = costs.flatMap((_, from) =>
    costs.slice(from).map((_, n) => sum(costs.slice(from, from + n + 1))),
  )
  const least = Math.max(0, ...costs)
  // The longest part is some run of moments: the smallest run that, as a limit, gives few enough parts.
  const limits = sums.filter((each) => each >= least).sort((a, b) => a - b)
  for (const limit of limits) {
    const parts = packed(moments, costs, limit)
    if (parts.length <= count) return parts
  }
  return moments.length === 0 ? [] : [[...moments]]
}

function packed(moments: readonly Moment[], costs: readonly number[], limit: number): Moment[][] {
  const parts: Moment[][] = []
  let room = 0
  for (const [index, moment] of moments.entries()) {
    const cost = costs[index] ?? 0
    const last = parts.at(-1)
    if (last === undefined || cost > room) {
      parts.push([moment])
      room = limit - cost
    } else {
      last.push(moment)
      room -= cost
    }
  }
  return parts
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

/** Seconds that a moment takes, about: most of it is waiting for what does not answer. Decides only how to cut. */
export function secondsOf(evening: Evening, { at, visits }: Moment): number {
  const waits = (['o', 'm'] as const).flatMap((isp) => {
    const measuresWhatsapp = visits.some(
      (visit) => visit.isp === isp && visit.entries.some(({ nettest }) => nettest === 'whatsapp'),
    )
    return measuresWhatsapp ? rulesAt(evening, isp, at).map(waitOf) : []
  })
  return 1 + visits.length + Math.max(0, ...waits)
}

type InForce = ReturnType<typeof rulesAt>

const isSilence = (rule: InForce[number]) => rule.kind === 'address' && rule.action === 'drop'

/**
 * Seconds between a failure and its repeat. Where an address is silent as long as in the field, since the verdict rests
 * on it; elsewhere no verdict does, each being forced by what was sent or by what else was reached.
 */
export function repeatAfterSeconds(rules: InForce): number {
  return rules.some(isSilence) ? 30 : 1
}

/** Silence costs a deadline of 10 seconds, and again for the repeat; a silent handshake is also tried again. */
function waitOf(rule: InForce[number]): number {
  if (rule.kind === 'server_name' && rule.action !== 'reset') return 41
  return isSilence(rule) ? 50 : 0
}
