// What dating anew asks of the index: re-dating.ts says why, schema.ts what the columns are.

import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'
import type { MomentRow } from './moment-row.ts'

export interface DatedRow extends MomentRow {
  readonly epoch: string
  readonly n: number
  readonly boot: string
  readonly class: string
  readonly test_name: string
  readonly input: string | null
  readonly asn: string
  readonly wall_ms: number
  readonly clock: ClockQuality
  readonly received_at: number
  readonly corrected_at: number
  readonly error_ms: number | null
}

const datedRow = `epoch, n, boot, class, test_name, input, asn, mono_ms, suspended_ms, is_slept, steps, wall_ms, clock,
      received_at, corrected_at, error_ms`

export const statements = {
  addEvidence: `
    insert into moments (device, boot, mono_ms, suspended_ms, is_slept, steps, not_before, not_after, batch, at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  // A probe's evidence does not count for another probe's batch, nor when the receipt said something else.
  evidence: `
    select m.id as id, m.mono_ms as mono_ms, m.suspended_ms as suspended_ms, m.is_slept as is_slept,
      m.steps as steps, m.not_before as not_before, m.not_after as not_after, m.asked as asked,
      m.earliest as earliest, m.latest as latest
    from moments m join batches b on b.id = m.batch and b.device = m.device and b.received_at = m.at
    where m.device = ? and m.boot = ? order by m.id limit ?`,
  counts: 'select 1 from batches where device = ? and id = ? and received_at = ?',
  awaited: `
    select id, boot, mono_ms, suspended_ms, is_slept, steps, not_before, not_after, asked, earliest, latest
    from moments
    where device = ? and batch = ? and at = ?`,
  say: 'update moments set asked = 1, earliest = ?, latest = ? where id = ?',

  spans: `
    select boot, min(case carried when 0 then n end) as first_n, max(case carried when 0 then n end) as last_n
    from measurements where received_at = ? and batch = ? group by boot order by boot`,
  addBoot: 'insert into boots (device, boot) values (?, ?) on conflict do nothing',
  firstRow: `
    select mono_ms, suspended_ms, is_slept, steps from measurements
    where device = ? and boot = ? order by mono_ms, epoch, n limit 1`,
  lastRow: `
    select mono_ms, suspended_ms, is_slept, steps from measurements
    where device = ? and boot = ? order by mono_ms desc, epoch desc, n desc limit 1`,
  edge: 'select mono_ms, suspended_ms, is_slept, steps from edges where device = ? and boot = ? and edge = ?',
  setEdge: `
    insert into edges (device, boot, edge, mono_ms, suspended_ms, is_slept, steps) values (?, ?, ?, ?, ?, ?, ?)
    on conflict (device, boot, edge) do update set mono_ms = excluded.mono_ms,
      suspended_ms = excluded.suspended_ms, is_slept = excluded.is_slept, steps = excluded.steps`,
  unsayFirst: 'update boots set first_said = 0 where device = ? and boot = ?',
  unsayLast: 'update boots set last_said = 0 where device = ? and boot = ?',

  stretch: 'select epoch, boot, first_n, last_n from stretches where device = ? and epoch = ? and boot = ?',
  stretches: 'select epoch, boot, first_n, last_n from stretches where device = ? order by epoch, boot',
  countStretches: 'select count(*) as count from stretches where device = ?',
  addStretch: 'insert into stretches (device, epoch, boot, first_n, last_n) values (?, ?, ?, ?, ?)',
  setStretch: 'update stretches set first_n = ?, last_n = ? where device = ? and epoch = ? and boot = ?',
  endsWithin: `
    select 1 from stretches where device = ? and epoch = ? and last_n >= ? and last_n < ? limit 1`,
  beginsWithin: `
    select 1 from stretches where device = ? and epoch = ? and first_n > ? and first_n <= ? limit 1`,

  pairs: 'select earlier, later from boot_pairs where device = ?',
  addPair: 'insert into boot_pairs (device, earlier, later) values (?, ?, ?) on conflict do nothing',
  removePair: 'delete from boot_pairs where device = ? and earlier = ? and later = ?',
  rank: 'update boots set rank = ? where device = ? and boot = ? and rank <> ?',
  contradict: 'update boots set contradicted = 1 where device = ? and boot = ? and contradicted = 0',
  toldByEarlier: `
    select max(b.ends_after) as at from boot_pairs p join boots b on b.device = p.device and b.boot = p.earlier
    where p.device = ? and p.later = ?`,
  toldByLater: `
    select min(b.begins_before) as at from boot_pairs p join boots b on b.device = p.device and b.boot = p.later
    where p.device = ? and p.earlier = ?`,

  ask: 'update boots set asked = asked | ? where device = ? and boot = ?',
  askLater: `
    update boots set asked = asked | 1
    where device = ? and boot in (select later from boot_pairs where device = ? and earlier = ?)`,
  askEarlier: `
    update boots set asked = asked | 2
    where device = ? and boot in (select earlier from boot_pairs where device = ? and later = ?)`,
  boot: 'select * from boots where device = ? and boot = ?',
  askedBoots: 'select device from boots where asked > 0 and device > ? order by device limit 1',
  askedRanges: 'select device from boots where rows_from is not null and device > ? order by device limit 1',
  askedBatches:
    'select device from batches where rows_after is not null and device > ? order by device limit 1',
  askedForward: 'select * from boots where (asked & 1) = 1 and device = ? order by rank limit 1',
  askedBackward: 'select * from boots where asked > 0 and device = ? order by rank desc limit 1',
  dated: `
    update boots set asked = 0, first_said = 1, last_said = 1, ends_after = ?, begins_before = ?, first_earliest = ?,
      first_latest = ?, last_earliest = ?, last_latest = ?
    where device = ? and boot = ?`,
  // What is changed while rows are being dated begins again from the first of both.
  askRange: `
    update boots set rows_from = min(ifnull(rows_from, ?), ?), rows_to = max(ifnull(rows_to, ?), ?),
      rows_epoch = '', rows_n = -1
    where device = ? and boot = ?`,

  askRows: 'update batches set rows_after = -1 where id = ?',
  newRows:
    'select id, received_at, rows_after from batches where rows_after is not null and device = ? limit 1',
  rowsOfBatch: `
    select ${datedRow} from measurements where received_at = ? and batch = ? and n > ? order by n limit ?`,
  newRowsDone: 'update batches set rows_after = ? where id = ?',
  changedRows: 'select * from boots where rows_from is not null and device = ? limit 1',
  rows: `
    select ${datedRow} from measurements
    where device = ? and boot = ? and (mono_ms, epoch, n) > (?, ?, ?) and mono_ms <= ?
    order by mono_ms, epoch, n limit ?`,
  rowsDone: `
    update boots set rows_from = ?, rows_to = ?, rows_epoch = ?, rows_n = ? where device = ? and boot = ?`,
  date: 'update measurements set corrected_at = ?, error_ms = ? where device = ? and epoch = ? and n = ?',

  renew: `
    insert into newest (test_name, input, asn, dated_at, device, epoch, n)
    select test_name, input, asn, corrected_at, device, epoch, n from measurements
    where test_name = ? and input is ? and asn = ? and class <> 'diagnostic'
    order by corrected_at desc, received_at desc, device desc, epoch desc, n desc limit 1
    on conflict (test_name, ifnull(input, ''), asn) do update
    set dated_at = excluded.dated_at, device = excluded.device, epoch = excluded.epoch, n = excluded.n`,
} as const
