// What is measured next, and when: rounds of the list on the schedule, and closer looks after a change. Pure: the same list,
// seed, clocks and memory give the same plan. The wall clock only says when the schedule's minutes come; how long ago
// something was measured is told by the monotonic clock, so that a clock that is wrong or jumps loses no target.
//
// Looked at is what is in the round, what should have been measured meanwhile and was not (a cycle took too long, the machine
// slept, the entry is new), and now and then what a burst is about: each of them once, so that nothing that was missed
// costs more than one measurement of the whole list.

import type { Campaign } from '../../tests-spec/lists/campaign.ts'
import type { TestListEntry } from '../../tests-spec/lists/test-list.ts'
import { type Burst, burstAfter, lookedAt, nextLook } from './burst.ts'
import { closer, dueOf, slotDueMs, underWay } from './campaign-slots.ts'
import { deal } from './deal.ts'
import { entryKey } from './kinship.ts'
import type { Present } from './present.ts'
import type { RoundSchedule, RoundStart } from './round-schedule.ts'

/** What does not change from cycle to cycle, but with the list. */
export interface Planning {
  readonly entries: readonly TestListEntry[]
  readonly rounds: RoundSchedule
  readonly campaigns: readonly Campaign[]
  /** Of the probe. */
  readonly seed: string
  /** Whether changes are looked at closely. */
  readonly bursts: boolean
}

export interface Now {
  /** Milliseconds since 1970. */
  readonly wallMs: number
  readonly monotonicMs: number
  /** What the time may be: what the wall clock says, where that can be believed. */
  readonly present: Present
}

export interface Memory {
  /** When each target was last begun to be measured, by `entryKey`. Monotonic. Milliseconds. */
  readonly looked: ReadonlyMap<string, number>
  /** null while nothing has changed lately. */
  readonly burst: Burst | null
  /** When the last cycle of each campaign was begun, by its name. Monotonic. */
  readonly campaigns: ReadonlyMap<string, number>
}

/** Of a start: everything is measured first, so nothing need be kept over it. */
export const nothingLooked: Memory = { looked: new Map(), burst: null, campaigns: new Map() }

/** One cycle: what it measures, and what for. */
export interface Round {
  readonly entries: readonly TestListEntry[]
  /** Of the schedule; null for a look between its rounds. */
  readonly start: RoundStart | null
  /** Keys of what is measured because something changed, and would not be otherwise. */
  readonly forBurst: ReadonlySet<string>
  /** Whether what the burst is about is measured. */
  readonly isLook: boolean
  /** Campaigns under way. */
  readonly campaigns: readonly Campaign[]
  /** Names of those whose turn it is. */
  readonly slots: readonly string[]
  /** Whether the network or a collector told the time by which they are. */
  readonly isTold: boolean
  /** Whether it is the last of an interval, after which the whole list was measured. */
  readonly isLast: boolean
}

/** The first cycle after a start: everything, whatever the time. */
export function firstRound({ entries, campaigns }: Planning, now: Pick<Now, 'present'>): Round {
  const ofNow = campaignsAt(campaigns, now)
  return { entries, start: null, forBurst: new Set(), isLook: false, isLast: true, ...ofNow }
}

function campaignsAt(campaigns: readonly Campaign[], { present }: Pick<Now, 'present'>) {
  const ofNow = underWay(campaigns, present)
  return { campaigns: ofNow, slots: ofNow.map(({ name }) => name), isTold: present.isTold }
}

/**
 * @param due - The round that is due, or was before `now`.
 * @param mayBurst - Whether its bytes may be spent.
 */
export function roundAt(
  planning: Planning,
  memory: Memory,
  due: RoundStart,
  now: Now,
  mayBurst: boolean,
): Round {
  const { looked, burst } = memory
  const { entries, rounds, seed } = planning
  const missed = roundsBetween(rounds, due, now.wallMs)
  const roundOf = new Map([...new Set(missed.map(({ of }) => of))].map((of) => [of, deal(entries, of, seed)]))
  const isIn = (key: string) =>
    missed.some(({ index, of }) => of === 1 || roundOf.get(of)?.get(key) === index)
  const start = missed.at(-1) ?? due
  const roundMs = start.intervalMs / start.of
  // Of what was measured in its own round the interval is over in its own round; half a round later it was missed.
  const overdueMs = start.intervalMs + roundMs / 2
  const isOverdue = (key: string) => {
    const at = looked.get(key)
    return at === undefined || now.monotonicMs - at > overdueMs
  }
  const campaigns = closeCampaigns(planning, memory, start.intervalMs, now)
  const own = entries.filter((entry) => {
    const key = entryKey(entry)
    return campaigns.targets.has(key) ? campaigns.due.has(key) : isIn(key) || isOverdue(key)
  })
  const looks = isLookDue(planning, burst, roundMs, now, mayBurst) ? looksOf(planning, burst) : []
  const forBurst = new Set(looks.filter((entry) => !own.includes(entry)).map(entryKey))
  return {
    entries: entries.filter((entry) => own.includes(entry) || forBurst.has(entryKey(entry))),
    start,
    forBurst,
    isLook: looks.length > 0,
    ...campaignsAt(planning.campaigns, now),
    slots: campaigns.slots,
    isLast: start.index === start.of - 1 || own.length === entries.length,
  }
}

/** A cycle between rounds: of the campaigns that are due, with what the burst is about; of the burst alone when none is. */
export function lookRound(
  planning: Planning,
  memory: Memory,
  due: RoundStart,
  now: Now,
  mayBurst: boolean,
): Round {
  const { intervalMs, of } = due
  const campaigns = closeCampaigns(planning, memory, intervalMs, now)
  const isLook = isLookDue(planning, memory.burst, intervalMs / of, now, mayBurst)
  const looks = isLook || campaigns.slots.length === 0 ? looksOf(planning, memory.burst) : []
  const forBurst = new Set(looks.map(entryKey).filter((key) => !campaigns.due.has(key)))
  const entries = planning.entries.filter((entry) => {
    const key = entryKey(entry)
    return campaigns.due.has(key) || forBurst.has(key)
  })
  const { slots } = campaigns
  const ofNow = { ...campaignsAt(planning.campaigns, now), slots }
  // Where the list is not spread no round brings the results along soon.
  const isLast = slots.length > 0 && of === 1
  return { entries, start: null, forBurst, isLook: looks.length > 0, isLast, ...ofNow }
}

/** Of campaigns that are measured more often than rounds: all their targets, and those whose turn it is, by `entryKey`. */
function closeCampaigns({ campaigns, seed }: Planning, memory: Memory, intervalMs: number, now: Now) {
  const close = closer(underWay(campaigns, now.present), intervalMs)
  const due = dueOf(close, memory.campaigns, now, seed)
  const keysOf = (some: readonly Campaign[]) => new Set(some.flatMap(({ entries }) => entries.map(entryKey)))
  return { targets: keysOf(close), due: keysOf(due), slots: due.map(({ name }) => name) }
}

/**
 * When a campaign is due between rounds, by the monotonic clock; infinity when none is. A round that comes shortly before takes it
 * along.
 */
export function campaignDueMs(
  { campaigns, seed }: Planning,
  memory: Memory,
  due: RoundStart,
  now: Now,
): number {
  const close = closer(campaigns, due.intervalMs)
  const roundMs = now.monotonicMs + (due.atMs - now.wallMs)
  const isTakenAlong = (each: Campaign) =>
    dueOf([each], memory.campaigns, { ...now, monotonicMs: roundMs }, seed).length > 0
  const dueMs = close
    .map((each) => ({ each, atMs: slotDueMs(each, memory.campaigns.get(each.name), now, seed) }))
    .filter(({ each, atMs }) => atMs < roundMs || !isTakenAlong(each))
    .map(({ atMs }) => atMs)
  return Math.min(Number.POSITIVE_INFINITY, ...dueMs)
}

/** @returns Those due until `nowMs`; of one interval at most, after which they would come again. */
function roundsBetween(rounds: RoundSchedule, due: RoundStart, nowMs: number): RoundStart[] {
  const all = [due]
  for (let next = rounds.next(due.atMs); next.atMs <= nowMs; next = rounds.next(next.atMs)) {
    all.push(next)
    if (next.atMs - due.atMs >= due.intervalMs) break
  }
  return all
}

const looksOf = ({ entries, seed }: Planning, burst: Burst | null) =>
  burst === null ? [] : lookedAt(entries, burst, `${seed} ${burst.lookedMs}`)

function isLookDue(
  { bursts, seed }: Planning,
  burst: Burst | null,
  roundMs: number,
  { monotonicMs }: Now,
  mayBurst: boolean,
): boolean {
  if (!bursts || burst === null || !mayBurst) return false
  const next = nextLook(burst, roundMs, monotonicMs, seed)
  return next.kind === 'with_rounds' || (next.kind === 'between' && monotonicMs >= next.leastMs)
}

/**
 * When the next look between rounds is due, by the monotonic clock; infinity when none is. A round that comes while it may
 * be waited for takes it along.
 *
 * @param due - The next round of the schedule.
 */
export function lookDueMs(planning: Planning, { burst }: Memory, due: RoundStart, now: Now): number {
  if (!planning.bursts || burst === null) return Number.POSITIVE_INFINITY
  const next = nextLook(burst, due.intervalMs / due.of, now.monotonicMs, planning.seed)
  if (next.kind !== 'between' || looksOf(planning, burst).length === 0) return Number.POSITIVE_INFINITY
  const roundMs = now.monotonicMs + (due.atMs - now.wallMs)
  const isTakenAlong = roundMs >= next.leastMs && roundMs <= next.mostMs
  return isTakenAlong ? Number.POSITIVE_INFINITY : next.atMs
}

/**
 * @param changed - Keys of the targets whose state changed in the round.
 * @param begunMs - When it began, by the monotonic clock.
 */
export function afterRound(
  { entries, campaigns, bursts }: Planning,
  memory: Memory,
  round: Round,
  changed: readonly string[],
  begunMs: number,
): Memory {
  const listed = new Set(entries.map(entryKey))
  const measured = round.entries.map((entry) => [entryKey(entry), begunMs] as const)
  const looked = new Map([...memory.looked, ...measured].filter(([key]) => listed.has(key)))
  const burst = bursts ? burstAfter(memory.burst, changed, begunMs, round.isLook) : null
  const known = new Set(campaigns.map(({ name }) => name))
  const begun = [...memory.campaigns, ...round.slots.map((name) => [name, begunMs] as const)]
  return { looked, burst, campaigns: new Map(begun.filter(([name]) => known.has(name))) }
}
