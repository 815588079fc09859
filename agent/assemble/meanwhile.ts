// While the state folder cannot be used yet: measuring goes on, into memory, and what was measured is handed over once the folder
// is there. Nothing is made in its place: a second device under a mount that comes late would keep what nobody finds again.

import type { SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import { unknownLink } from '../../tests-spec/nettests/verdict.ts'
import { Cuts } from '../cycle/cuts.ts'
import { type Memory, runCycle } from '../cycle/cycle.ts'
import type { Delivery } from '../cycle/deliver.ts'
import { runLoop } from '../cycle/loop.ts'
import { noneWaiting } from '../cycle/waiting.ts'
import { makeTrust } from '../operations/trust.ts'
import { cronSchedule } from '../plan/cron-schedule.ts'
import { presentOf } from '../plan/present.ts'
import { roundSchedule } from '../plan/round-schedule.ts'
import { makeIdentity } from '../platform/identity.ts'
import { openLog } from '../platform/log.ts'
import type { LogRing } from '../platform/log-ring.ts'
import { WatchedClock } from '../platform/watched-clock.ts'
import { currentDictionary, deflateBody, inflateBody } from '../spool/log/dictionary.ts'
import { buildDateMs } from '../version.ts'
import { everything, type Surroundings } from './assemble.ts'
import { measuringStages } from './measuring-stages.ts'
import { readCas, readTestList } from './named-files.ts'

/** A few megabytes: packed, a result takes some kilobytes at most. */
const maxResults = 2_000
/** Milliseconds between two looks at the folder. */
const lookEveryMs = 5_000

export interface Meanwhile {
  /** Oldest first. */
  readonly entries: readonly SpoolEntry[]
  /** Results that there was no room for: the oldest. */
  readonly dropped: number
}

/**
 * Measures on the schedule until the folder can be used, or the signal fires.
 * @param why - Asked now and then: what is waited for, in a word; null once the folder can be used.
 */
export async function measureMeanwhile(
  { config, machine, signal, sleep, terminal }: Omit<Surroundings, 'folder'>,
  why: () => string | null,
): Promise<Meanwhile> {
  const log = openLog(nowhere, terminal, machine.wallMs, config.log_level)
  log.warn('S3905', { waits_for: why() ?? 'nothing' })
  const clock = new WatchedClock(machine, {
    buildDateMs,
    memory: null,
    remember: () => {},
    log: (level, code, fields) => log[level](code, fields),
  })
  const seed = makeIdentity().device
  const trust = makeTrust({ extraCa: readCas(config) })
  const list = readTestList(config)
  const means = { config, collector: null, trust, clock, wallMs: machine.wallMs, log, seed, signal, sleep }
  const stagesFor = await measuringStages(means)
  const packed: Buffer[] = []
  let dropped = 0
  const spool = {
    async put(entry: SpoolEntry) {
      packed.push(deflateBody(JSON.stringify(entry), currentDictionary))
      if (packed.length > maxResults) dropped += packed.splice(0, 1).length
    },
    async flush() {},
  }
  const arrived = new AbortController()
  let memory: Memory = {
    link: unknownLink,
    history: {},
    controls: {},
    waiting: noneWaiting,
    cuts: new Cuts(),
  }
  const schedule = cronSchedule(config.schedule, config.jitter_seconds, seed)
  await runLoop({
    clock,
    log,
    planning: () => ({
      entries: list.entries,
      rounds: roundSchedule(schedule, 1),
      campaigns: [],
      seed,
      bursts: false,
    }),
    mayBurst: () => false,
    present: () => presentOf(clock.now(), clock.quality(), clock.bounds()),
    signal: AbortSignal.any([signal, arrived.signal]),
    async sleep(ms) {
      for (let left = ms; left > 0 && !signal.aborted && !arrived.signal.aborted; left -= lookEveryMs) {
        if (why() === null) arrived.abort()
        else await sleep(Math.min(left, lookEveryMs))
      }
    },
    async cycle() {
      const report = await runCycle(
        { ...stagesFor(list, everything), spool, deliver: async () => undelivered, onMeasurement: () => {} },
        memory,
      )
      memory = { ...memory, ...report.memory }
      return report
    },
    deliver: async () => undelivered,
    async onCycle() {},
  })
  const entries = packed.map((each) => JSON.parse(inflateBody(each, currentDictionary).toString('utf8')))
  return { entries, dropped }
}

const undelivered: Delivery = {
  kind: 'not_enrolled',
  accepted: 0,
  rejected: 0,
  sent: 0,
  received: 0,
  reason: null,
  retryAfterMs: null,
}

/** The log's files are in the folder that is waited for. */
export const nowhere: LogRing = { write: () => {}, dropped: () => 0, close: () => {} }
