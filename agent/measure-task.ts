// One task: observe, look at the link again if it failed, and judge. What may excuse a failure is gathered here: a link
// that died meanwhile, a network that changed under it, a clock that cannot be believed, how it failed before.

import type { TestList } from '../tests-spec/lists/test-list.ts'
import {
  type EarlierFailure,
  type LinkState,
  onChangedUplink,
  type Verdict,
} from '../tests-spec/nettests/verdict.ts'
import { type LinkWatch, worseOf } from './link-watch.ts'
import type { Finished } from './measurement/envelope.ts'
import type { Conclusion, Nettest, NettestContext } from './nettests/nettest.ts'
import type { Task } from './plan/plan-cycle.ts'
import type { Clock } from './platform/clock.ts'

/** What measuring one task needs. */
export interface Measuring {
  readonly clock: Clock
  readonly list: TestList
  readonly lab: boolean
  readonly nettests: Readonly<Record<Task['nettest'], Nettest>>
  /** A fresh context for one measurement. */
  context(resolver: number | null): NettestContext
  /** Changes when the network does. */
  uplink(): Promise<string>
  readonly signal: AbortSignal
}

export interface Measured {
  readonly finished: Omit<Finished, 'cycleStartedMs'>
  /** Monotonic, when the measurement ended. */
  readonly endedMs: number
}

/**
 * @param earlier - How the task failed before in this cycle; null the first time.
 * @returns null when the agent was stopped meanwhile: what was cut short says nothing about the network.
 * @throws What a bug in the nettest throws.
 */
export async function measureTask(
  measuring: Measuring,
  link: LinkWatch,
  task: Task,
  earlier: EarlierFailure | null,
): Promise<Measured | null> {
  const { clock, list, lab } = measuring
  const nettest = measuring.nettests[task.nettest]
  const linkBefore = link.current()
  const uplinkBefore = await measuring.uplink()
  const { result: seen, timing } = await timed(clock, () =>
    nettest.measure(measuring.context(task.resolver), task.input, task.options),
  )
  const endedMs = clock.monotonicMs()
  if (measuring.signal.aborted) return null
  const uplinkChanged = uplinkBefore !== (await measuring.uplink())

  const circumstances = { clock: clock.quality(), lab, earlier }
  const judge = (state: LinkState) =>
    nettest.conclude(seen.observations, { ...circumstances, link: state }, seen.control, task.input)
  const failed = judge(linkBefore).verdict.verdict !== 'ok' && list.controls.length > 0
  const state = failed ? worseOf(linkBefore, await link.recheck()) : linkBefore
  const { verdict, keys, parts } = uplinkChanged ? excused(judge(state)) : judge(state)
  const aside = {
    ...(earlier !== null && { x_sonde_earlier: earlier }),
    ...(uplinkChanged && { x_sonde_uplink_changed: true }),
  }
  const { name, version } = nettest
  const { observations, bytes } = seen
  const document = { name, version, input: task.input, observations, bytes, keys: { ...keys, ...aside } }
  return { finished: { ...document, ...timing, verdict, parts, link: state }, endedMs }
}

function excused({ keys, verdict, parts }: Conclusion): Conclusion {
  const each = (all: Readonly<Record<string, Verdict>>) =>
    Object.fromEntries(Object.entries(all).map(([name, part]) => [name, onChangedUplink(part)]))
  return { keys, verdict: onChangedUplink(verdict), parts: parts === null ? null : each(parts) }
}

/** Runs `work`, and says when it began by the wall clock and how long it took by the other. */
export async function timed<T>(clock: Clock, work: () => Promise<T>) {
  const startedMs = clock.now()
  const start = clock.monotonicMs()
  const result = await work()
  return { result, timing: { startedMs, runtimeSeconds: (clock.monotonicMs() - start) / 1000 } }
}
