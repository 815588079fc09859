// The ways to the collector that this probe is enrolled at.

import { randomInt } from 'node:crypto'
import { type Endpoint, endpointId } from '../../tests-spec/protocol/endpoint.ts'
import type { Config } from '../config.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import type { AtomicDisk } from '../platform/atomic-file.ts'
import type { Clock, MachineClocks } from '../platform/clock.ts'
import type { StateFolder } from '../platform/state-folder.ts'
import type { Spool } from '../spool/spool.ts'
import { Uplink } from '../submit/ways/uplink.ts'
import { nothingRemembered, wayMemoryIn } from '../submit/ways/way-memory.ts'

/** Each once, in the order in which they are tried while nothing is known. */
export function endpointsOf({ url, endpoints }: Collector, config: Config): Endpoint[] {
  const ways: Endpoint[] = [{ kind: 'collector', url }, ...config.endpoints, ...endpoints]
  return [...new Map(ways.map((each) => [endpointId(each), each])).values()]
}

/** One that knows nothing of the ways, and keeps nothing: for a command beside an agent. */
export async function openFreshUplink(
  { collectorKeyId, collectorKey }: Collector,
  endpoints: readonly Endpoint[],
  { monotonicMs }: Pick<MachineClocks, 'monotonicMs'>,
): Promise<Uplink> {
  const memory = { read: async () => nothingRemembered, write: async () => {} }
  const now = monotonicMs
  return Uplink.open({ collectorKeyId, collectorKey, endpoints, memory, now, chance: () => 0, spreadMs: 0 })
}

/** The collector is known by its key, whatever its URL is. */
export async function openUplink(
  collector: Collector,
  folder: StateFolder,
  config: Config,
  clock: Clock,
  spool: Spool,
  disk?: AtomicDisk,
): Promise<Uplink> {
  const { collectorKeyId, collectorKey } = collector
  return Uplink.open({
    collectorKeyId,
    collectorKey,
    endpoints: endpointsOf(collector, config),
    memory: wayMemoryIn(folder.upload, disk),
    now: () => clock.monotonicMs(),
    chance: () => randomInt(2 ** 32) / 2 ** 32,
    spreadMs: config.upload_spread_seconds * 1000,
    // One batch is on its way at a time, and it is the first in order.
    maybeOffered: spool
      .pending()
      .slice(0, 1)
      .map(({ id }) => id),
  })
}
