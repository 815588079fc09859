// What a finished cycle writes to status.json, beside the facts that stay the same for a whole run.

import type { TestList } from '../../tests-spec/lists/test-list.ts'
import type { CycleReport } from '../cycle/cycle.ts'
import type { Upcoming } from '../cycle/loop.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import type { Status } from '../health/status.ts'
import { type History, historyKey } from '../measurement/evidence.ts'
import type { Identity } from '../platform/identity.ts'
import type { ProcessName } from '../platform/running-process.ts'
import type { Spool } from '../spool/spool.ts'
import type { Uplink } from '../submit/ways/uplink.ts'
import { version } from '../version.ts'
import type { Lists } from './open-lists.ts'

export interface Facts {
  readonly identity: Identity
  readonly collector: Collector | null
  readonly list: TestList
  readonly lists: Lists['status']
  readonly campaigns: Upcoming['campaigns']
  readonly spool: Spool
  readonly clock: string
  /** How the last attempt ended; null before the first. */
  readonly upload: Status['upload']
  readonly logLinesDropped: number
  readonly uplink: Uplink | null
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly process: ProcessName
  readonly power: Status['power']
}

export function statusOf(report: CycleReport, nextStartMs: number | null, now: number, facts: Facts): Status {
  const stats = facts.spool.stats()
  return {
    v: 1,
    version,
    device: facts.identity.device,
    collector: facts.collector?.url ?? null,
    written_at: now,
    clock: facts.clock,
    list: { name: facts.list.name, version: facts.list.version, entries: facts.list.entries.length },
    ...(facts.lists !== null && { lists: facts.lists }),
    campaigns: {
      current: facts.campaigns.current.map(({ name, toMs }) => ({ name, until: toMs })),
      next: nextOf(facts.campaigns.next),
    },
    link: report.memory.link,
    last_cycle: {
      finished_at: now,
      measurements: report.measurements,
      anomalies: report.anomalies,
      bugs: report.bugs,
    },
    anomalous: anomalousIn(facts.list, report.memory.history),
    next_cycle_at: nextStartMs,
    spool: {
      unsealed: stats.unsealed,
      pending_batches: stats.pendingBatches,
      pending_bytes: stats.pendingBytes,
      quarantined: stats.quarantined,
      lost: stats.lost,
      oldest_at: stats.oldestWallMs,
      disk_bytes: stats.diskBytes,
      health: stats.health,
      unread: stats.unread && { ...stats.unread },
      in_memory: stats.inMemory,
      written_bytes: stats.bytesWritten,
      flushes: stats.flushes,
    },
    started_at: facts.startedAt,
    agent: { pid: facts.process.pid, boot_id: facts.process.boot, start: facts.process.start },
    ...(facts.power !== undefined && { power: facts.power }),
    upload: facts.upload,
    ways: (facts.uplink?.counts ?? []).map(({ lastFailure, ...way }) => ({
      ...way,
      last_failure: lastFailure,
    })),
    log_lines_dropped: facts.logLinesDropped,
  }
}

const nextOf = (next: Upcoming['campaigns']['next']) =>
  next === null ? null : { name: next.name, from: next.fromMs }

/** A cycle may be a part of the list: how many targets of the whole of it showed an anomaly when they last said something. */
function anomalousIn({ entries }: TestList, history: History): number {
  const keys = new Set(entries.map(({ nettest, input }) => historyKey(nettest, input)))
  return [...keys].filter((key) => history[key]?.state === 'anomaly').length
}
