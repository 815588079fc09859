// Runs cycles, one after the other, until the signal fires: the rounds of the schedule, and looks between them after a change
// (plan/plan.ts decides which and when). There are never two at once: a cycle that outlasts the start of the next round costs
// that start, which is logged; its targets are measured with the round after it. A round that comes due during a look begins
// when the look is over. Batches that could not be uploaded are tried again between cycles and never during one: an upload
// would change what is measured, and the next cycle does not wait for it.

import type { Campaign } from '../../tests-spec/lists/campaign.ts'
import { flapping } from '../plan/burst.ts'
import { nextOf, underWay } from '../plan/campaign-slots.ts'
import { entryKey } from '../plan/kinship.ts'
import {
  afterRound,
  campaignDueMs,
  firstRound,
  lookDueMs,
  lookRound,
  type Now,
  nothingLooked,
  type Planning,
  type Round,
  roundAt,
} from '../plan/plan.ts'
import type { Present } from '../plan/present.ts'
import type { RoundStart } from '../plan/round-schedule.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { CycleReport } from './cycle.ts'
import type { Delivery } from './deliver.ts'

/** One cycle as the loop asks for it. */
export interface Turn {
  readonly round: Round
  /** How often targets that flap have changed within the last hour, by `entryKey`. */
  readonly flapping: ReadonlyMap<string, number>
  /**
   * Gives the milliseconds that the upload may take from the moment of the call.
   * @param changes - How many targets changed their state in the cycle.
   */
  untilNextMs(changes: number): number
}

/** What comes next: when, in milliseconds since 1970, and how many targets it measures, as far as is known. */
export interface Upcoming {
  readonly atMs: number
  readonly targets: number
  /** Campaigns under way, and the next one; null when none is to come. */
  readonly campaigns: { readonly current: readonly Campaign[]; readonly next: Campaign | null }
}

export interface Loop {
  readonly clock: Clock
  readonly log: Log
  /** Asked before each cycle: the list in force may be another than before. */
  planning(): Planning
  /** Whether a cycle of all there is was ordered; once for each. Never unless said. */
  isOrdered?(): boolean
  /** Whether the bytes of closer looks may be spent. */
  mayBurst(): boolean
  /** Between which moments the present one is, as far as campaigns go. */
  present(): Present
  cycle(turn: Turn): Promise<CycleReport>
  /** Tries once more to upload the batches that wait. */
  deliver(untilNextMs: () => number): Promise<Delivery>
  /** Called when a cycle is over, and when an upload between cycles is. */
  onCycle(report: CycleReport, next: Upcoming): Promise<void>
  /** Resolves after `ms` milliseconds, or at once when the signal fires. */
  sleep(ms: number): Promise<void>
  readonly signal: AbortSignal
}

/**
 * A wall clock may jump and a phone may sleep, and timers notice neither: the loop never waits longer than this
 * without reading the clock again. Once a minute costs too little to measure.
 */
const longestSleepMs = 60_000

/**
 * An upload ends this many milliseconds before the next start, which would otherwise be skipped while the upload
 * still closes.
 */
const handoverMs = 2_000

/** After a change the next look begins that long after the one before, with an upload of at least so long in between. */
const looksApartMs = 120_000
const shortestUploadMs = 30_000

/** Starts the first cycle at once: after a power cut, the present state of the network is what matters. */
export async function runLoop(loop: Loop): Promise<void> {
  const run = new Run(loop)
  await run.measure(({ planning, now }) => firstRound(planning, now))
  for (let due = await run.between(); due !== null; due = await run.between()) {
    const start = due
    await run.measure(({ planning, memory, now }) => roundAt(planning, memory, start, now, loop.mayBurst()))
  }
}

interface State {
  readonly planning: Planning
  readonly memory: typeof nothingLooked
  readonly now: Now
}

class Run {
  readonly #loop: Loop
  #memory = nothingLooked
  #planning: Planning
  #report: CycleReport | null = null
  /** When to upload again, on the monotonic clock; infinity when no batch waits or no time was given. */
  #againMs = Number.POSITIVE_INFINITY

  constructor(loop: Loop) {
    this.#loop = loop
    this.#planning = loop.planning()
  }

  async measure(decide: (state: State) => Round): Promise<void> {
    const { clock, log } = this.#loop
    const planning = this.#loop.planning()
    this.#planning = planning
    const now = this.#now()
    const round = decide({ planning, memory: this.#memory, now })
    const flapped = flapping(this.#memory.burst, now.monotonicMs)
    const untilNextMs = (changes: number) => this.#untilNextMs(now, round.slots, changes)
    const report = await this.#loop.cycle({ round, flapping: flapped, untilNextMs })
    const tookMs = clock.monotonicMs() - now.monotonicMs
    logCycle(log, report, tookMs)
    const changed = report.changes.map(entryKey)
    this.#memory = afterRound(planning, this.#memory, round, changed, now.monotonicMs)
    const flap = [...flapping(this.#memory.burst, now.monotonicMs).keys()]
    if (flap.some((key) => !flapped.has(key))) log.warn('S2004', { targets: flap.length })
    // Measured by the monotonic clock: setting the wall clock during a cycle skips no start.
    const isOfSchedule = round.start !== null || this.#report === null
    if (isOfSchedule && planning.rounds.next(now.wallMs).atMs <= now.wallMs + tookMs) log.info('S2003')
    this.#report = report
    if (report.delivery.kind !== 'not_due') this.#noteUpload(report.delivery)
  }

  /** @returns The round that is due; null when the signal has fired. */
  async between(): Promise<RoundStart | null> {
    const wait = new Wait(this.#loop, this.#planning.rounds)
    await this.#tell(wait)
    for (;;) {
      const what = await wait.until((due) => this.#nextMs(due), this.#againMs)
      if (what === 'stopped') return null
      if (what === 'round') return wait.due
      if (what === 'order') await this.measure(({ planning, now }) => firstRound(planning, now))
      else if (what === 'look') await this.measure((state) => this.#lookRound(wait.due, state))
      else await this.#upload(wait)
      await this.#tell(wait)
    }
  }

  async #upload(wait: Wait): Promise<void> {
    const { clock } = this.#loop
    const until = () => {
      const untilLookMs = this.#nextMs(wait.due) - clock.monotonicMs()
      return Math.min(wait.due.atMs - clock.now(), untilLookMs) - handoverMs
    }
    const delivery = await this.#loop.deliver(until)
    this.#noteUpload(delivery)
    if (this.#report !== null) this.#report = { ...this.#report, delivery }
  }

  #noteUpload({ kind, reason, retryAfterMs }: Delivery): void {
    // What gave way to a look goes on after it, and not only with the next round that uploads.
    const gaveWay = reason === 'interrupted' && this.#memory.burst !== null ? 0 : null
    const waitMs = retryAfterMs ?? gaveWay
    const waits = kind === 'deferred' && waitMs !== null
    this.#againMs = waits ? this.#loop.clock.monotonicMs() + waitMs : Number.POSITIVE_INFINITY
  }

  #untilNextMs(began: Now, slots: readonly string[], changes: number): number {
    const { clock } = this.#loop
    const { rounds, bursts } = this.#planning
    const now = this.#now()
    const soon = rounds.next(began.wallMs)
    const due = soon.atMs > now.wallMs ? soon : rounds.next(now.wallMs)
    const untilRoundMs = due.atMs - now.wallMs - handoverMs
    // What is under way is remembered when it is over: a campaign's next cycle is reckoned from its beginning.
    const begun = new Map([
      ...this.#memory.campaigns,
      ...slots.map((name) => [name, began.monotonicMs] as const),
    ])
    const campaignMs = campaignDueMs(this.#planning, { ...this.#memory, campaigns: begun }, due, now)
    const isBurst = bursts && (changes > 0 || this.#memory.burst !== null)
    const lookMs = isBurst ? began.monotonicMs + looksApartMs : Number.POSITIVE_INFINITY
    const untilLookMs = Math.min(lookMs, campaignMs) - clock.monotonicMs() - handoverMs
    return Math.min(untilRoundMs, Math.max(shortestUploadMs, untilLookMs))
  }

  #lookMs(due: RoundStart): number {
    return this.#loop.mayBurst()
      ? lookDueMs(this.#planning, this.#memory, due, this.#now())
      : Number.POSITIVE_INFINITY
  }

  /** When a look or a campaign is due between rounds, on the monotonic clock. */
  #nextMs(due: RoundStart): number {
    return Math.min(this.#lookMs(due), campaignDueMs(this.#planning, this.#memory, due, this.#now()))
  }

  #lookRound(due: RoundStart, { planning, memory, now }: State): Round {
    return lookRound(planning, memory, due, now, this.#loop.mayBurst())
  }

  async #tell({ due }: Wait): Promise<void> {
    // An upload may have brought another list.
    const planning = this.#loop.planning()
    this.#planning = planning
    const [now, memory] = [this.#now(), this.#memory]
    const lookMs = now.wallMs + (this.#nextMs(due) - now.monotonicMs)
    const atMs = Math.max(now.wallMs, Math.min(lookMs, due.atMs))
    const later = atMs - now.wallMs
    const { leastMs, mostMs, isTold } = now.present
    const then: Now = {
      wallMs: atMs,
      monotonicMs: now.monotonicMs + later,
      present: { leastMs: leastMs + later, mostMs: mostMs + later, isTold },
    }
    const round =
      lookMs < due.atMs
        ? this.#lookRound(due, { planning, memory, now: then })
        : roundAt(planning, memory, due, then, this.#loop.mayBurst())
    const { present } = now
    const campaigns = {
      current: underWay(planning.campaigns, present),
      next: nextOf(planning.campaigns, present),
    }
    if (this.#report !== null)
      await this.#loop.onCycle(this.#report, { atMs, targets: round.entries.length, campaigns })
  }

  #now(): Now {
    const { clock, present } = this.#loop
    return { wallMs: clock.now(), monotonicMs: clock.monotonicMs(), present: present() }
  }
}

/** Logs one line a cycle, at its end, with all that a night of them is read for: how many results, and never which. */
function logCycle(
  log: Log,
  { measurements, anomalies, bugs, memory, delivery }: CycleReport,
  tookMs: number,
): void {
  const { kind: upload, accepted: batches, sent, received } = delivery
  const seconds = Math.round(tookMs / 1000)
  const { state: link } = memory.link
  log.info('S2002', { measurements, anomalies, bugs, seconds, link, upload, batches, sent, received })
}

/** The wait for the next round. When the clock is set back, a new wait begins from the new time. */
class Wait {
  readonly #loop: Loop
  readonly #rounds: Planning['rounds']
  #last: number
  due: RoundStart

  constructor(loop: Loop, rounds: Planning['rounds']) {
    this.#loop = loop
    this.#rounds = rounds
    this.#last = loop.clock.now()
    this.due = rounds.next(this.#last)
  }

  /**
   * @param lookMs - When the next look is due, on the monotonic clock, where this is the next round.
   * @param uploadMs - When the next upload is.
   * @returns What came first.
   */
  async until(
    lookMs: (due: RoundStart) => number,
    uploadMs: number,
  ): Promise<'round' | 'look' | 'upload' | 'order' | 'stopped'> {
    const { clock, sleep, signal } = this.#loop
    while (!signal.aborted) {
      const now = clock.now()
      if (now < this.#last - longestSleepMs) this.due = this.#rounds.next(now)
      this.#last = now
      const untilDueMs = this.due.atMs - now
      if (untilDueMs <= 0) return 'round'
      const monotonicMs = clock.monotonicMs()
      const untilLookMs = lookMs(this.due) - monotonicMs
      if (untilLookMs <= 0) return 'look'
      if (this.#loop.isOrdered?.() ?? false) return 'order'
      const nextMs = Math.min(untilDueMs, untilLookMs)
      const left = uploadMs - monotonicMs
      if (left <= 0 && nextMs > handoverMs) return 'upload'
      await sleep(Math.min(Math.ceil(nextMs), left > 0 ? Math.ceil(left) : nextMs, longestSleepMs))
    }
    return 'stopped'
  }
}
