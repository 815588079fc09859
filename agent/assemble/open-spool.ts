// The two stores of a state folder: what this probe measured, and what it carries for others.

import { statfsSync } from 'node:fs'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { Config } from '../config.ts'
import type { Identity } from '../platform/identity.ts'
import type { StateFolder } from '../platform/state-folder.ts'
import type { WatchedClock } from '../platform/watched-clock.ts'
import { openSpool, type Spool } from '../spool/spool.ts'
import { Carried } from '../stick/carried.ts'
import { version } from '../version.ts'

/** The spool of this state folder. The caller holds its lock. */
export function openOwnSpool(
  folder: StateFolder,
  config: Config,
  clock: WatchedClock,
  identity: Identity,
  list: TestList,
): Promise<Spool> {
  return openSpool({
    dir: folder.spool,
    clock,
    witness: clock,
    device: identity.device,
    privateKey: identity.privateKey,
    quotaBytes: config.spool_quota_mb * 1_000_000,
    agentVersion: version,
    lists: () => ({ [list.name]: list.version }),
  })
}

/** Other probes' files get what the disk has beyond this probe's whole quota, whether that is used yet or not. */
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
