// The status of a device that is well: it has uploaded, and measures again in 13 minutes.

import type { Status } from '../../agent/health/status.ts'
import { link } from './observations.ts'

export const sampleStatus = (now: number): Status => ({
  v: 1,
  version: '1.2.3',
  device: '0123456789abcdef0123456789abcdef',
  collector: 'https://collector.example',
  written_at: now,
  clock: 'synced',
  list: { name: 'core', version: 1, entries: 33 },
  link: link('up'),
  last_cycle: { finished_at: now - 120_000, measurements: 34, anomalies: 0, bugs: 0 },
  next_cycle_at: now + 780_000,
  spool: {
    unsealed: 0,
    pending_batches: 0,
    pending_bytes: 0,
    quarantined: 0,
    lost: 0,
    oldest_at: null,
    disk_bytes: 1000,
    health: 'ok',
  },
  upload: null,
  log_lines_dropped: 0,
})
