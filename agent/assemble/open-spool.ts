// Opens the two stores of a state folder: what this probe measured, and the files that it carries for other probes.

import { statfsSync } from 'node:fs'
import type { Config } from '../config.ts'
import type { Identity } from '../platform/identity.ts'
import type { Log, LogCode } from '../platform/log.ts'
import type { StateFolder } from '../platform/state-folder.ts'
import type { WatchedClock } from '../platform/watched-clock.ts'
import type { Speaker } from '../spool/batches/seal.ts'
import type { SpoolEvent } from '../spool/events.ts'
import { type Disk, nodeDisk, openSpool, type Spool } from '../spool/spool.ts'
import { Carried } from '../stick/carried.ts'
import { version } from '../version.ts'

/**
 * The spool of this state folder. The caller holds the folder's lock.
 * @param log - Gets the spool's events; null when nothing is logged.
 * @param speaker - What the probe says of itself; absent where no agent runs.
 * @param keyless - Whether the identity is not the device's own: nothing is sealed then, and no batch is judged.
 * @param disk - The one that the folder is on.
 */
export function openOwnSpool(
  folder: StateFolder,
  config: Config,
  clock: WatchedClock,
  identity: Identity,
  lists: () => Readonly<Record<string, number>>,
  log: Pick<Log, 'info' | 'warn' | 'error'> | null = null,
  keyless = false,
  speaker?: Speaker,
  disk: Disk = nodeDisk,
): Promise<Spool> {
  return openSpool({
    dir: folder.spool,
    clock,
    witness: clock,
    device: identity.device,
    keyless,
    privateKey: identity.privateKey,
    quotaBytes: config.spool_quota_mb * 1_000_000,
    agentVersion: version,
    lists,
    ...(speaker !== undefined && { speaker }),
    tell: (event) => {
      if (log !== null) logEvent(log, event)
    },
    disk,
  })
}

/** How each event is written to the log: counts, and words from closed lists. */
const saidAs: Readonly<Record<SpoolEvent['kind'], readonly ['info' | 'warn' | 'error', LogCode]>> = {
  opened: ['info', 'S3001'],
  records_lost: ['warn', 'S3101'],
  batches_lost: ['warn', 'S3102'],
  epoch_begun: ['warn', 'S3103'],
  carried_over: ['info', 'S3104'],
  evicted: ['warn', 'S3105'],
  reserve_given_back: ['warn', 'S3106'],
  batch_adopted: ['info', 'S3107'],
  batches_kept: ['warn', 'S3109'],
  unread: ['error', 'S3908'],
  sending_from_memory: ['warn', 'S3108'],
}

function logEvent(log: Pick<Log, 'info' | 'warn' | 'error'>, event: SpoolEvent): void {
  const { kind, ...fields } = event
  const [severity, code] = saidAs[kind]
  // The first epoch of a new spool is no reason for a warning.
  const isFirst = event.kind === 'epoch_begun' && event.why === 'new'
  log[isFirst ? 'info' : severity](code, fields)
}

/**
 * Other probes' files get the room that the disk has beyond this probe's whole quota, whether the quota is used up or
 * not.
 */
export function carriedIn(folder: StateFolder, config: Config): Carried {
  const own = config.spool_quota_mb * 1_000_000
  return new Carried({
    dir: folder.carried,
    quotaBytes: config.carry_quota_mb * 1_000_000,
    roomBytes() {
      const { bavail, bsize } = statfsSync(folder.carried)
      return bavail * bsize - own
    },
  })
}
