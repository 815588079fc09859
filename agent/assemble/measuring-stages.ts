// The part of a cycle that measures, as far as it is the same wherever the results go.

import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { Config } from '../config.ts'
import type { Stages } from '../cycle/cycle.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { registryOf } from '../nettests/registry.ts'
import type { Trust } from '../operations/trace.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import { ownAddresses } from '../platform/own-addresses.ts'
import { isSourceGone } from '../platform/source-addresses.ts'
import { systemResolver } from '../platform/system-resolver.ts'
import { contextsOfCycle } from './cycle-contexts.ts'
import { ownControls } from './own-controls.ts'
import { vantageOf } from './vantage.ts'

export interface MeasuringMeans {
  readonly config: Config
  /** null while nothing may be sent. */
  readonly collector: Collector | null
  readonly trust: Trust
  readonly clock: Clock
  readonly wallMs: () => number
  readonly log: Log
  /** Makes this probe's plans differ from those of every other probe. */
  readonly seed: string
  readonly signal: AbortSignal
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** `signal` ends the cycle; that of the process unless said. */
type MeasuringPart = Pick<Stages, 'rounds' | 'annotations'> & { readonly signal?: AbortSignal }

type MeasuringStages = Omit<Stages, 'spool' | 'deliver' | 'onMeasurement'>

/** @returns A function that gives the stages for one cycle of a list, which may be a part of an interval. */
export async function measuringStages(
  means: MeasuringMeans,
): Promise<(list: TestList, part: MeasuringPart) => MeasuringStages> {
  const { config, collector, trust, clock, log, seed, sleep } = means
  let own = await ownAddresses(config.local_address)
  return (list, { rounds, annotations, signal = means.signal }) => ({
    clock,
    log,
    list,
    seed,
    rounds,
    annotations,
    concurrency: config.concurrency,
    ownControls: ownControls(config, collector),
    lab: config.lab,
    repeatAfterMs: config.repeat_after_seconds * 1000,
    nettests: registryOf(list.services),
    context: contextsOfCycle({ ...means, list, rounds, signal, own: () => own }),
    async vantage() {
      // The addresses are read once a cycle: a phone changes networks, and its addresses with them.
      own = await ownAddresses(config.local_address)
      if (own.sources !== null && isSourceGone(own.sources)) log.warn('S2108')
      return vantageOf(config, own, await systemResolver(), trust.name)
    },
    uplink: async () => (await ownAddresses(config.local_address)).uplink,
    signal,
    sleep: (ms) => sleep(ms, signal),
  })
}
