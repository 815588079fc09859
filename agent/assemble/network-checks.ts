// What of the network works at this moment, asked once, for a person who looks for a fault: the controls, both kinds of resolvers,
// and each way to the collector by itself. Needs no lock, writes nothing, and keeps nothing.

import type { TestList } from '../../tests-spec/lists/test-list.ts'
import { patience } from '../../tests-spec/nettests/patience.ts'
import { type LinkState, unknownLink } from '../../tests-spec/nettests/verdict.ts'
import { transportOf } from '../../tests-spec/protocol/endpoint.ts'
import type { Config } from '../config.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { checkLink } from '../nettests/link-check.ts'
import { resolveDns } from '../operations/resolve-dns.ts'
import { resolveSystem } from '../operations/resolve-system.ts'
import type { Trace } from '../operations/trace.ts'
import { makeTrust } from '../operations/trust.ts'
import { type MachineClocks, measurementClock, systemClock } from '../platform/clock.ts'
import { ownAddresses } from '../platform/own-addresses.ts'
import { contextsOfCycle } from './cycle-contexts.ts'
import { readCas } from './named-files.ts'
import { endpointsOf, openFreshUplink } from './open-uplink.ts'
import { ownControls } from './own-controls.ts'

export interface NetworkAround {
  readonly config: Config
  readonly collector: Collector | null
  readonly list: TestList
  readonly machine: MachineClocks
  readonly signal: AbortSignal
}

/** As long as a measurement waits for it. */
const lookup = { transactionId: 1, tags: [], timeoutMs: patience.lookupMs }

async function traceOf({ config, signal }: NetworkAround) {
  const own = await ownAddresses(config.local_address)
  const trust = makeTrust({ extraCa: readCas(config) })
  const clock = systemClock()
  const trace: Trace = { clock: measurementClock(clock), sources: own.sources, trust, signal }
  return { own, trust, clock, trace }
}

export async function linkNow(around: NetworkAround): Promise<LinkState> {
  const { config, collector, list, machine, signal } = around
  const { own, trust, clock } = await traceOf(around)
  const means = { config, collector, list, rounds: 1, trust, signal, clock, wallMs: machine.wallMs }
  const context = contextsOfCycle({ ...means, own: () => own })(null, () => false)
  const neutral = list.controls.map((each) => ({ ...each, role: 'neutral' as const }))
  const at = new Date(machine.wallMs()).toISOString()
  const controls = [...neutral, ...ownControls(config, collector)]
  return (await checkLink(context, controls, unknownLink, at)).link
}

/** @returns Why the name of a control could not be looked up; null when it could, or when there is nothing to ask. */
export async function resolversNow(
  around: NetworkAround,
): Promise<{ readonly system: string | null; readonly direct: string | null }> {
  const { config, list } = around
  const { trace } = await traceOf(around)
  const host = list.controls[0] === undefined ? null : new URL(list.controls[0].url).hostname
  const resolver = (config.resolvers ?? list.resolvers)[0]
  if (host === null) return { system: null, direct: null }
  const [system, direct] = await Promise.all([
    resolveSystem(trace, host, lookup),
    resolver === undefined ? null : resolveDns(trace, resolver, host, 'A', { ...lookup, lateReplyMs: 0 }),
  ])
  return { system: system.failure, direct: direct?.failure ?? null }
}

export interface WayNow {
  readonly transport: string
  readonly isOpen: boolean
}

/** Whether each way connects, as far as the collector: its handshake, and the pin where there is one. Nothing is sent. */
export async function waysNow({ config, collector, machine, signal }: NetworkAround): Promise<WayNow[]> {
  if (collector === null) return []
  return Promise.all(
    endpointsOf(collector, config).map(async (endpoint) => {
      const uplink = await openFreshUplink(collector, [endpoint], machine)
      const way = await uplink.climb(new Set(), signal)
      way?.close()
      return { transport: transportOf(endpoint), isOpen: way !== null }
    }),
  )
}
