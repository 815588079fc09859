// One task: observes, looks at the link again if the task failed, and judges. This file gathers what may excuse a
// failure: a link that died meanwhile, a network that changed under it, a clock that cannot be believed, how the task
// failed before.

import type { ClockStep } from '../../tests-spec/data-formats/measurement.ts'
import type { Observations } from '../../tests-spec/data-formats/observation.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import {
  type Disturbance,
  type EarlierFailure,
  type LinkState,
  onDisturbance,
  type Verdict,
} from '../../tests-spec/nettests/verdict.ts'
import type { FinishedMeasurement } from '../measurement/envelope.ts'
import type { Conclusion, Nettest, NettestContext } from '../nettests/nettest.ts'
import type { Task } from '../plan/plan-cycle.ts'
import { type Clock, recordTime } from '../platform/clock.ts'
import type { Cuts } from './cuts.ts'
import { type LinkWatch, worseOf } from './link-watch.ts'
import type { OwnTraffic } from './own-traffic.ts'
import { waitingKey } from './waiting.ts'

/** What measuring one task needs. */
export interface Measuring {
  readonly clock: Clock
  readonly list: TestList
  readonly lab: boolean
  readonly nettests: Readonly<Record<Task['nettest'], Nettest>>
  /**
   * @param isLineSlow - Whether things are to be asked one after the other, from now on.
   * @returns A new context for one measurement.
   */
  context(resolver: number | null, isLineSlow: () => boolean): NettestContext
  /** @returns A text that changes when the network does. */
  uplink(): Promise<string>
  readonly signal: AbortSignal
}

/** The cycle that a task is measured in. */
export interface EnclosingCycle {
  /** Start by the wall clock, in milliseconds since 1970. */
  readonly startedMs: number
  readonly link: LinkWatch
  readonly cuts: Cuts
  readonly traffic: OwnTraffic
}

/**
 * @param earlier - How the task failed before, in this cycle or, unrepeated, in the one before; null when it did not.
 * @returns null when the agent was stopped meanwhile: a measurement that was cut short says nothing about the
 * network.
 * @throws Any error that a bug in the nettest throws.
 */
export async function measureTask(
  measuring: Measuring,
  { startedMs: cycleStartedMs, link, cuts, traffic }: EnclosingCycle,
  task: Task,
  earlier: EarlierFailure | null,
): Promise<FinishedMeasurement | null> {
  const { clock, list, lab } = measuring
  const nettest = measuring.nettests[task.nettest]
  const linkBefore = link.current()
  const uplinkBefore = await measuring.uplink()
  const presence = traffic.begin()
  const {
    result: seen,
    timing,
    stepped,
  } = await timed(clock, () => {
    const context = measuring.context(task.resolver, () => traffic.isSlow())
    return nettest.measure(context, task.input, task.options).finally(() => presence.end())
  })
  traffic.note(seen.observations)
  if (measuring.signal.aborted) return null
  const uplinkChanged = uplinkBefore !== (await measuring.uplink())
  const circumstances = { clock: clock.quality(), lab, earlier }
  const judge = (state: LinkState) =>
    nettest.conclude(seen.observations, { ...circumstances, link: state }, { ...seen, input: task.input })
  const first = judge(linkBefore)
  const isReached = [first.verdict, ...Object.values(first.parts ?? {})].every(
    ({ verdict }) => verdict === 'ok',
  )
  const failed = !isReached && list.controls.length > 0
  const linkAfter = failed ? await link.recheck() : linkBefore
  const state = worseOf(linkBefore, linkAfter)
  const conclusion = judge(state)
  const key = waitingKey(task)
  const { runtimeSeconds, endedMs } = timing
  const span = { startedMs: endedMs - runtimeSeconds * 1000, endedMs }
  const afterCut =
    conclusion.verdict.verdict === 'ok' ? null : cuts.secondsSince(key, seen.observations, span)
  cuts.note(key, seen.observations, conclusion.verdict, endedMs)
  const crowded = presence.wasCrowded(hostsIn(seen.observations) > pageHosts)
  const disturbed =
    disturbance(uplinkChanged, stepped) ??
    (afterCut === null ? null : 'after_a_cut') ??
    (crowded ? 'own_traffic' : null)
  const { verdict, keys, parts } = disturbed === null ? conclusion : excused(conclusion, disturbed)
  const aside = {
    ...(earlier !== null && { x_sonde_earlier: earlier }),
    ...(uplinkChanged && { x_sonde_uplink_changed: true }),
    ...(afterCut !== null && { x_sonde_after_cut_seconds: afterCut }),
    ...(crowded && { x_sonde_own_traffic: true }),
    ...(stepped !== null && { x_sonde_clock_stepped: stepped }),
    ...(linkAfter.state !== linkBefore.state && {
      x_sonde_link_states: { before: linkBefore.state, after: linkAfter.state },
    }),
  }
  const { name, version } = nettest
  const { observations, bytes } = seen
  const document = { name, version, input: task.input, observations, bytes, keys: { ...keys, ...aside } }
  const unasked = seen.isUnasked && { isUnasked: seen.isUnasked }
  return { ...document, cycleStartedMs, ...timing, verdict, parts, link: state, ...unasked }
}

/** A page has two addresses asked at once; more are asked by nettests that ask several things. */
const pageHosts = 2
const hostsIn = ({ tcp_connect }: Observations) => new Set(tcp_connect.map(({ ip }) => ip)).size

function disturbance(uplinkChanged: boolean, stepped: ClockStep | null): Disturbance | null {
  if (uplinkChanged) return 'uplink_changed'
  if (stepped === null) return null
  return stepped.suspended_ms !== null && stepped.suspended_ms > 0 ? 'suspended' : 'clock_stepped'
}

function excused({ keys, verdict, parts }: Conclusion, disturbed: Disturbance): Conclusion {
  const each = (all: Readonly<Record<string, Verdict>>) =>
    Object.fromEntries(Object.entries(all).map(([name, part]) => [name, onDisturbance(part, disturbed)]))
  return { keys, verdict: onDisturbance(verdict, disturbed), parts: parts === null ? null : each(parts) }
}

type Timing = Pick<FinishedMeasurement, 'began' | 'startedMs' | 'runtimeSeconds' | 'endedMs'>

/**
 * Runs `work`, and returns when it began, how long it took by the monotonic clock, and whether the clocks stepped.
 */
export async function timed<T>(
  clock: Clock,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly timing: Timing; readonly stepped: ClockStep | null }> {
  const began = recordTime(clock)
  const [before, suspendedBefore, startedMs] = [clock.steps(), clock.suspendedMs(), clock.now()]
  const start = clock.monotonicMs()
  const result = await work()
  const endedMs = clock.monotonicMs()
  const runtimeSeconds = (endedMs - start) / 1000
  const after = clock.steps()
  const suspended = clock.suspendedMs()
  const slept = suspended === null ? null : (suspended ?? 0) - (suspendedBefore ?? 0)
  const stepped =
    after.count === before.count
      ? null
      : { delta_ms: Math.round(after.deltaMs - before.deltaMs), suspended_ms: slept }
  return { result, timing: { began, startedMs, runtimeSeconds, endedMs }, stepped }
}
