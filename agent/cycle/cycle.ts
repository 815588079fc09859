// START HERE. One cycle, from the plan to the receipt:
//
//   1. ask the controls whether the link works nettests/link-check
//   2. plan the tasks plan/plan-cycle
//   3. measure each, judge it, and hand it to the spool nettests, measurement, spool
//   4. measure once more, later, what failed the same
//   5. make everything durable spool
//   6. send what waits, forget what is receipted deliver
//
// The stages do not know each other: this file passes values from one to the next. No condition stops a measurement:
// with the link down, the list old or the collector gone, every task is measured all the same.

import { isFailure } from '../../tests-spec/data-formats/failure.ts'
import type { Measurement, SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import { hostOfStep } from '../../tests-spec/nettests/failed-step.ts'
import { throttlingSuspected } from '../../tests-spec/nettests/throttling.ts'
import {
  type EarlierFailure,
  earlierFailure,
  type LinkState,
  type Verdict,
  type VerdictKind,
} from '../../tests-spec/nettests/verdict.ts'
import {
  type FinishedMeasurement,
  recordClass,
  toMeasurement,
  type Vantage,
} from '../measurement/envelope.ts'
import {
  evidenceLevel,
  type History,
  isChange,
  isTurn,
  remember,
  withEvidence,
} from '../measurement/evidence.ts'
import type { ControlMemory } from '../nettests/control-memory.ts'
import { checkLink, type LinkControl } from '../nettests/link-check.ts'
import { sideBySide } from '../operations/side-by-side.ts'
import { planCycle, type Task } from '../plan/plan-cycle.ts'
import { errorWord } from '../platform/error-word.ts'
import type { Log } from '../platform/log.ts'
import { Cuts } from './cuts.ts'
import type { Delivery } from './deliver.ts'
import { type LinkWatch, linkWatch } from './link-watch.ts'
import { type Measuring, measureTask, timed } from './measure-task.ts'
import { OwnTraffic } from './own-traffic.ts'
import { stillWaiting, type WaitingFailures, waitingFirst, waitingFor, waitingKey } from './waiting.ts'

export interface Stages extends Measuring {
  readonly log: Log
  /** Makes this probe's plans differ from those of every other probe. */
  readonly seed: string
  readonly concurrency: number
  /** Controls that are asked beside those of the list: the collector, the provider's own site. */
  readonly ownControls: readonly LinkControl[]
  /** Milliseconds between a failure and its repeat. */
  readonly repeatAfterMs: number
  /** In how many rounds the list is measured, of which this cycle is one: what is scarce in a cycle is shared by them. */
  readonly rounds: number
  /** What the plan says of a target beside its measurement. */
  annotations(nettest: string, input: string | null): Readonly<Record<string, string>>
  vantage(): Promise<Vantage>
  readonly spool: { put(entry: SpoolEntry): Promise<unknown>; flush(): Promise<void> }
  deliver(found: Found): Promise<Delivery>
  /** Resolves after `ms` milliseconds, or at once when the signal fires. */
  sleep(ms: number): Promise<void>
  /** Called after each measurement, in the order in which they end. */
  onMeasurement(measurement: Measurement, done: number, of: number): void
}

/** What a cycle has found when its upload may begin. */
export interface Found {
  readonly link: LinkState
  /** Targets whose state turned, with the link up. */
  readonly changes: readonly Task[]
  /** Whether anything was measured for the first time or otherwise than before, the link included. */
  readonly isNews: boolean
}

export interface CycleReport extends Pick<Found, 'changes'> {
  readonly memory: Memory
  readonly measurements: number
  readonly anomalies: number
  readonly bugs: number
  readonly delivery: Delivery
}

/** What a cycle leaves for the next one. */
export interface Memory {
  readonly link: LinkState
  readonly history: History
  /** Which controls are dead in themselves. */
  readonly controls: ControlMemory
  /** What failed and was not measured again in its own cycle. */
  readonly waiting: WaitingFailures
  /** Where a connection was cut lately: the next cycle may begin a minute later. */
  readonly cuts: Cuts
}

export async function runCycle(stages: Stages, last: Memory): Promise<CycleReport> {
  const cycle = await beginCycle(stages, last)
  const link = watchLink(stages, cycle, last)
  if (stages.list.controls.length > 0) await link.recheck()

  const tasks = waitingFirst(last.waiting, planCycle(stages.list, `${stages.seed} ${cycle.startedMs}`))
  const width = () => (cycle.traffic.isSlow() ? 1 : stages.concurrency)
  await sideBySide(tasks, width, stages.signal, async (task) => {
    const monotonicMs = stages.clock.monotonicMs()
    const earlier = waitingFor(last.waiting, task, { uplink: cycle.uplink, monotonicMs })
    const measured = await measureAndKeep(stages, cycle, link, task, earlier)
    if (measured === null) return
    stages.onMeasurement(measured.measurement, ++cycle.done, tasks.length)
    const { verdict, parts, endedMs } = measured.finished
    const settled = earlier !== null && verdict.verdict === 'anomaly'
    if (
      !settled &&
      [verdict, ...Object.values(parts ?? {})].some((each) => worthRepeating(each, link.current()))
    )
      cycle.failed.push({ task, verdict, parts, endedMs, host: hostOf(measured.finished) })
  })
  const unrepeated = await repeatFailed(stages, cycle, link)
  const waiting = stillWaiting(last.waiting, tasks, unrepeated, stages.clock.monotonicMs())

  await stages.spool.flush()
  await Promise.all(cycle.kept)
  const { measurements, anomalies, bugs, history, controls, cuts, isNews } = cycle
  const changes = [...cycle.changes.values()]
  const delivery = await stages.deliver({ changes, isNews, link: link.current() })
  const memory = { link: link.current(), history, controls, waiting, cuts }
  return { memory, measurements, anomalies, bugs, changes, delivery }
}

/** What a cycle has produced so far. */
interface Cycle {
  readonly startedMs: number
  readonly vantage: Vantage
  /** Of the network at the beginning. */
  readonly uplink: string
  /** Each resolves when the spool has made the measurement durable, or has said that it cannot. */
  readonly kept: Promise<unknown>[]
  measurements: number
  anomalies: number
  bugs: number
  done: number
  /** By `waitingKey`. */
  readonly changes: Map<string, Task>
  isNews: boolean
  /** Tasks that failed with the link up, to be measured once more. */
  readonly failed: FailedTask[]
  history: History
  controls: ControlMemory
  readonly cuts: Cuts
  readonly traffic: OwnTraffic
}

/** What the repeat of a task must know. The observations went to the spool, and would take much memory until then. */
interface FailedTask extends Pick<FinishedMeasurement, 'verdict' | 'parts' | 'endedMs'> {
  readonly task: Task
  /** Whose step failed, in a chain of redirects; null elsewhere. */
  readonly host: string | null
}

const hostOf = ({ observations, verdict }: FinishedMeasurement) =>
  hostOfStep(observations, verdict.because[0])

async function beginCycle({ clock, vantage, uplink }: Stages, last: Memory): Promise<Cycle> {
  const startedMs = clock.now()
  return {
    startedMs,
    vantage: await vantage(),
    uplink: await uplink(),
    kept: [],
    measurements: 0,
    anomalies: 0,
    bugs: 0,
    done: 0,
    changes: new Map(),
    isNews: false,
    failed: [],
    history: last.history,
    controls: last.controls,
    cuts: new Cuts(last.cuts),
    traffic: new OwnTraffic(),
  }
}

/** Asks the controls; keeps the first check of the cycle and every one that found a change. */
function watchLink(stages: Stages, cycle: Cycle, { link: lastLink }: Memory): LinkWatch {
  const { clock, list } = stages
  const neutral = list.controls.map((each) => ({ ...each, role: 'neutral' as const }))
  const controls = [...neutral, ...stages.ownControls]
  return linkWatch(lastLink, async (previous) => {
    const at = new Date(clock.now()).toISOString()
    const { result, timing, stepped } = await timed(clock, () =>
      checkLink(
        stages.context(null, cycle.traffic.isSlow.bind(cycle.traffic)),
        controls,
        previous,
        at,
        cycle.controls,
      ),
    )
    cycle.traffic.note(result.observations)
    cycle.controls = result.memory
    const changed = result.link.state !== previous.state
    if (changed) logLink(stages.log, result.link)
    if (changed || previous === lastLink) {
      const aside = stepped !== null && { x_sonde_clock_stepped: stepped }
      const keys = { x_sonde_controls: result.controls, ...aside }
      const { startedMs: cycleStartedMs } = cycle
      keep(stages, cycle, { ...result, ...timing, cycleStartedMs, keys, input: null, parts: null })
    }
    return result.link
  })
}

/** One bad nettest must not cost the other thirty their results: a bug is logged and counted. */
async function measureAndKeep(
  stages: Stages,
  cycle: Cycle,
  link: LinkWatch,
  task: Task,
  earlier: EarlierFailure | null,
): Promise<{ readonly finished: FinishedMeasurement; readonly measurement: Measurement } | null> {
  try {
    const finished = await measureTask(
      stages,
      { startedMs: cycle.startedMs, link, cuts: cycle.cuts, traffic: cycle.traffic },
      task,
      earlier,
    )
    if (finished === null) return null
    const before = cycle.history
    const measurement = keep(stages, cycle, finished)
    if (finished.link.state === 'up' && isTurn(before, measurement)) cycle.changes.set(waitingKey(task), task)
    return { finished, measurement }
  } catch (error) {
    cycle.bugs += 1
    stages.log.error('S2901', { nettest: task.nettest, bug: whereOf(error) })
    return null
  }
}

/** Which error, and where it was thrown. Its message may hold what was measured, which no log may tell. */
function whereOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no error'
  const { name, message, stack = '' } = error
  const frames = stack.slice(stack.indexOf(message) + message.length).split('\n')
  const places = frames.flatMap((line) => /([\w.-]+:\d+:\d+)\)?$/.exec(line)?.[1] ?? [])
  return [name, ...places.slice(0, 3)].join(' ')
}

/** Timers fire up to a millisecond early, and a repeat after 29.999 s would not count as one after 30 s. */
const timerSlackMs = 2

/** Which of several is repeated first: of what is `ok` only a part failed. */
const gravity: Readonly<Record<VerdictKind, number>> = { anomaly: 3, undetermined: 2, link_down: 1, ok: 0 }

/** What a server has sent after a page that was given up stands in a slow line's queue for as long as that. */
const quietMs = 15_000

/** Bytes are expensive: repeating the gravest few failures is enough to know whether they are only momentary. */
const maxRepeats = 8

/**
 * Measures the tasks once more that failed with the link up, after a wait that is long enough for momentary trouble
 * of the network to pass.
 *
 * @returns The others, for the next cycle, and those about which too many were asked before them.
 */
async function repeatFailed(stages: Stages, cycle: Cycle, link: LinkWatch): Promise<WaitingFailures> {
  const all = [...cycle.failed].sort((a, b) => gravity[b.verdict.verdict] - gravity[a.verdict.verdict])
  const most = Math.ceil(maxRepeats / stages.rounds)
  const chosen = all.slice(0, most)
  const unasked: FailedTask[] = []
  const due = Math.max(...chosen.map((each) => each.endedMs)) + stages.repeatAfterMs
  if (chosen.length > 0)
    await stages.sleep(Math.max(0, Math.ceil(due - stages.clock.monotonicMs()) + timerSlackMs))
  const width = () => (cycle.traffic.isSlow() ? 1 : stages.concurrency)
  let repeated = 0
  await sideBySide(chosen, width, stages.signal, async ({ task, verdict, parts, endedMs, host }) => {
    if (repeated++ > 0 && cycle.traffic.isSlow()) await stages.sleep(quietMs)
    const secondsAgo = Math.floor((stages.clock.monotonicMs() - endedMs) / 1000)
    const earlier = earlierFailure(verdict, parts, secondsAgo, host)
    if (earlier === null) return
    const measured = await measureAndKeep(stages, cycle, link, task, earlier)
    if (measured === null) return
    stages.onMeasurement(measured.measurement, cycle.done, cycle.done)
    const { finished } = measured
    if (finished.isUnasked && finished.verdict.verdict === 'undetermined')
      unasked.push({ ...finished, task, host: hostOf(finished) })
  })
  return waitingOf([...all.slice(most), ...unasked], cycle.uplink)
}

function waitingOf(unrepeated: readonly FailedTask[], uplink: string): WaitingFailures {
  const entries = unrepeated.flatMap(({ task, verdict, parts, endedMs, host }) => {
    const failed = earlierFailure(verdict, parts, 0, host)
    return failed === null ? [] : [[waitingKey(task), { failed, endedMs }] as const]
  })
  return { uplink, tasks: new Map(entries) }
}

/**
 * Whether a second measurement may settle the verdict. A page that differs, or a wrong date, is the same half a
 * minute later.
 */
function worthRepeating({ verdict, rule, step, how }: Verdict, link: LinkState): boolean {
  const isSettled = link.state !== 'up' && !(link.state === 'degraded' && rule.includes('/failed_once@'))
  if (isSettled || step === null || how === null) return false
  const mayPass = isFailure(how) || how === throttlingSuspected
  return verdict === 'anomaly' || (verdict === 'undetermined' && mayPass)
}

/** Gives a measurement to the spool. The next one need not wait for the disk, which commits in groups. */
function keep(stages: Stages, cycle: Cycle, finished: FinishedMeasurement): Measurement {
  const { log, spool } = stages
  const annotations = { ...cycle.vantage.annotations, ...stages.annotations(finished.name, finished.input) }
  const whole = toMeasurement(finished, { ...cycle.vantage, annotations })
  const level = evidenceLevel(cycle.history, whole)
  const changed = isChange(cycle.history, whole)
  const measurement = withEvidence(whole, level, cycle.history)
  cycle.history = remember(cycle.history, whole, level)
  const entry = {
    class: recordClass(finished.name, finished.verdict, changed),
    time: finished.began,
    measurement,
  }
  if (changed) cycle.isNews = true
  cycle.measurements += 1
  if (finished.verdict.verdict === 'anomaly') cycle.anomalies += 1
  cycle.kept.push(spool.put(entry).catch((error) => logRefusal(log, error)))
  return measurement
}

/**
 * While the disk refuses, the spool keeps a measurement in memory and writes it later; it is lost only if that fails.
 */
function logRefusal(log: Log, error: unknown): void {
  const inMemory = error instanceof Error && 'code' in error && error.code === 'in_memory'
  log.error(inMemory ? 'S3901' : 'S3902', { error: errorWord(error) })
}

function logLink(log: Log, link: LinkState): void {
  const fields = { controls_ok: link.controls_ok, controls: link.controls }
  if (link.state === 'up') log.info('S2101', fields)
  else if (link.state === 'captive_portal') log.warn('S2103', fields)
  else if (link.state === 'degraded') log.warn('S2104', fields)
  else if (link.state === 'bundle_exhausted') log.warn('S2105', fields)
  else if (link.state === 'provider_only') log.warn('S2106', fields)
  else if (link.state === 'unknown') log.warn('S2107', fields)
  else log.warn('S2102', fields)
}
