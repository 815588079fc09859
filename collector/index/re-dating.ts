// Dates measurements anew when a batch brings evidence of the time: tests-spec/data-formats/dating.md. It handles one
// boot at a time, from all that is known of it, so that the result is the same in whatever order batches come; then
// the boots before and after it, as far as anything changes for them.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type BoundMoment,
  type Bounds,
  boundsOn,
  datedWithin,
  evidenceOf,
  known,
  type Moment,
  tighten,
  unbounded,
} from '../../tests-spec/data-formats/dating.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'
import type { IndexedBatch } from './measurement-index.ts'

/** A boot of one probe. */
interface Boot {
  readonly device: string
  readonly boot: string
}

/** The part of a boot that one epoch has records of. */
interface Stretch extends Boot {
  readonly epoch: string
  readonly first_n: number
  readonly last_n: number
  readonly ends_after: number | null
  readonly begins_before: number | null
}

/** The records of a boot that one batch has. */
interface Span {
  readonly boot: string
  readonly first_n: number
  readonly last_n: number
  readonly first_mono: number
  readonly last_mono: number
}

/** A moment of the line, and the bounds that were last noted for it. */
interface KnownMoment extends BoundMoment {
  readonly id: number
  readonly said: Bounds | null
}

/** A moment as a row holds it: SQL has one null, where a moment tells null (not known) from undefined (not slept). */
interface MomentRow {
  readonly mono_ms: number
  readonly suspended_ms: number | null
  readonly is_slept: number
  readonly steps: number
}

interface DatedRow extends MomentRow {
  readonly epoch: string
  readonly n: number
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

/**
 * A century. A larger error means that the date is not known, and numbers that are much larger come back from SQL
 * inexact.
 */
const longestErrorMs = 3.2e12
/** Readings that lie closer than this may have another order by the monotonic clock than on the line. */
const reorderedMs = 5_000

export class ReDating {
  readonly #statements: Readonly<Record<keyof typeof statements, StatementSync>>

  constructor(database: DatabaseSync) {
    const prepared = Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)] as const)
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, StatementSync>
  }

  /**
   * Takes in the batch's evidence of the time, and dates anew all measurements that it changes. The batch must be
   * indexed already.
   */
  add({ id, manifest, receivedAt }: IndexedBatch): void {
    const { device, epoch, time } = manifest
    const waiting = new Set<string>()
    const ask = (boot: string) => waiting.add(boot)
    for (const { moment, batch, at } of evidenceOf(id, manifest, receivedAt)) {
      const values = [device, time.bootId, ...rowOf(moment), orNull(moment.earliest), orNull(moment.latest)]
      this.#statements.addEvidence.run(...values, batch, at)
    }
    ask(time.bootId)
    const own = this.#all<Span>('spans', receivedAt, id)
    for (const span of own) {
      for (const neighbour of this.#stretch({ device, epoch, ...span })) ask(neighbour)
      ask(span.boot)
    }
    // Boots whose evidence is a receipt of this batch, which could not be compared with it before.
    for (const { boot } of this.#all<Boot>('bootsAwaiting', device, id)) ask(boot)

    for (const boot of waiting) {
      waiting.delete(boot)
      for (const neighbour of this.#dateBoot(
        { device, boot },
        own.find((each) => each.boot === boot) ?? null,
      ))
        ask(neighbour)
    }
  }

  /** @returns Boots that have another neighbour because of the batch. */
  #stretch({ device, boot, epoch, first_n, last_n }: Span & Pick<Stretch, 'device' | 'epoch'>): string[] {
    const before = this.#one<Stretch>('stretch', device, epoch, boot)
    this.#statements.addStretch.run(device, epoch, boot, first_n, last_n)
    const after = this.#one<Stretch>('stretch', device, epoch, boot)
    if (after === undefined) return []
    for (const edge of ['first', 'last'] as const) {
      const row = this.#one<MomentRow>(edge === 'first' ? 'firstRow' : 'lastRow', device, boot, epoch)
      const placed = this.#one<MomentRow>('edge', device, boot, epoch, edge)
      if (row === undefined || (placed !== undefined && isSame(placed, row))) continue
      this.#statements.forgetEdge.run(device, boot, epoch, edge)
      this.#statements.addEdge.run(device, boot, ...rowOf(momentIn(row)), epoch, edge)
    }
    const neighbours = [
      ...(before?.first_n === after.first_n ? [] : [this.#neighbour('previous', after)]),
      ...(before?.last_n === after.last_n ? [] : [this.#neighbour('next', after)]),
    ]
    return neighbours.flatMap((each) => each?.boot ?? [])
  }

  /**
   * @param fresh - Rows that were never dated; null when there are none.
   * @returns Boots that may learn something new from this one.
   */
  #dateBoot({ device, boot }: Boot, fresh: Span | null): string[] {
    const stretches = this.#all<Stretch>('stretches', device, boot)
    const line = tighten([
      ...this.#evidence({ device, boot }),
      ...stretches.flatMap((each) => this.#edges(each)),
    ])
    const [begin, end] = [line[0], line.at(-1)]
    if (begin === undefined || end === undefined) return []
    this.#dateRows({ device, boot }, line, fresh)
    const endsAfter = orNull(boundsOn(line, end).earliest)
    const beginsBefore = orNull(boundsOn(line, begin).latest)
    return stretches.flatMap((each) => {
      if (each.ends_after === endsAfter && each.begins_before === beginsBefore) return []
      this.#statements.setStretch.run(endsAfter, beginsBefore, device, each.epoch, boot)
      return (['previous', 'next'] as const).flatMap((side) => this.#neighbour(side, each)?.boot ?? [])
    })
  }

  #evidence({ device, boot }: Boot): KnownMoment[] {
    type Row = MomentRow &
      Record<'id' | 'asked', number> &
      Record<'not_before' | 'not_after', number | null> &
      Said
    return this.#all<Row>('evidence', device, boot).map((row) => ({
      ...momentIn(row),
      ...boundsIn(row.not_before, row.not_after),
      id: row.id,
      said: saidIn(row),
    }))
  }

  /** The first and the last moment of a stretch, with what the boots before and after it tell about them. */
  #edges(stretch: Stretch): KnownMoment[] {
    type Row = MomentRow & Said & { readonly id: number; readonly edge: 'first' | 'last' }
    const { device, boot, epoch } = stretch
    return this.#all<Row>('edges', device, boot, epoch).map((row) => {
      const { ends_after = null } = (row.edge === 'first' && this.#neighbour('previous', stretch)) || {}
      const { begins_before = null } = (row.edge === 'last' && this.#neighbour('next', stretch)) || {}
      return { ...known(momentIn(row), boundsIn(ends_after, begins_before)), id: row.id, said: saidIn(row) }
    })
  }

  /** Notes the present bounds of each moment, and dates the rows around those moments whose bounds have changed. */
  #dateRows(boot: Boot, line: readonly KnownMoment[], fresh: Span | null): void {
    const changed = line.flatMap(({ id, earliest, latest, said }, place) => {
      if (said?.earliest === earliest && said.latest === latest) return []
      this.#statements.say.run(orNull(earliest), orNull(latest), id)
      return place
    })
    const [first, last] = [changed[0], changed.at(-1)]
    const dated = first === undefined || last === undefined ? [] : around(line, first, last)
    const from = Math.min(...dated, fresh?.first_mono ?? Number.MAX_SAFE_INTEGER)
    const to = Math.max(...dated, fresh?.last_mono ?? 0)
    const targets = new Map<string, SQLInputValue[]>()
    for (const row of this.#all<DatedRow>('rows', boot.device, boot.boot, from, to)) {
      if (!this.#dateRow(boot, row, line) || row.class === 'diagnostic') continue
      targets.set(JSON.stringify([row.test_name, row.input, row.asn]), [row.test_name, row.input, row.asn])
    }
    for (const target of targets.values()) this.#statements.renew.run(...target)
  }

  /** @returns Whether the date of the row has changed. */
  #dateRow({ device }: Boot, row: DatedRow, line: readonly KnownMoment[]): boolean {
    const { earliest, latest } = boundsOn(line, momentIn(row))
    const within = { earliest, latest: Math.min(latest, row.received_at) }
    const { at, errorMs: stated } = datedWithin(within, row.wall_ms, row.clock)
    const errorMs = stated !== null && stated > longestErrorMs ? null : stated
    // A clock that contradicts everything must not lead to a year in the future, and a line of absurd length must not
    // lead to a date before 1970.
    const datedAt = Math.max(0, Math.min(at, row.received_at))
    if (datedAt === row.corrected_at && errorMs === row.error_ms) return false
    this.#statements.date.run(datedAt, errorMs, device, row.epoch, row.n)
    return datedAt !== row.corrected_at
  }

  #neighbour(side: 'previous' | 'next', { device, epoch, first_n, last_n }: Stretch): Stretch | undefined {
    return this.#one<Stretch>(side, device, epoch, side === 'previous' ? first_n : last_n)
  }

  #all<T>(name: keyof typeof statements, ...values: SQLInputValue[]): T[] {
    return this.#statements[name].all(...values) as T[]
  }

  #one<T>(name: keyof typeof statements, ...values: SQLInputValue[]): T | undefined {
    return this.#statements[name].get(...values) as T | undefined
  }
}

/** The range of rows that need another date: between two moments whose bounds are unchanged, no row does. */
function around(line: readonly KnownMoment[], first: number, last: number): [number, number] {
  const from = line[first - 1]?.monoMs ?? 0
  const to = line[last + 1]?.monoMs ?? Number.MAX_SAFE_INTEGER
  return [from - reorderedMs, to + reorderedMs]
}

function isSame(a: MomentRow, b: MomentRow): boolean {
  return String(rowOf(momentIn(a))) === String(rowOf(momentIn(b)))
}

interface Said {
  readonly asked: number
  readonly earliest: number | null
  readonly latest: number | null
}

function saidIn({ asked, earliest, latest }: Said): Bounds | null {
  return asked === 0 ? null : boundsIn(earliest, latest)
}

function boundsIn(earliest: number | null, latest: number | null): Bounds {
  return { earliest: earliest ?? unbounded.earliest, latest: latest ?? unbounded.latest }
}

function orNull(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

function momentIn({ mono_ms, suspended_ms, is_slept, steps }: MomentRow): Moment {
  return { monoMs: mono_ms, suspendedMs: is_slept === 0 ? undefined : suspended_ms, steps }
}

/** The values in the order of the columns: `mono_ms`, `suspended_ms`, `is_slept`, `steps`. */
export function rowOf({ monoMs, suspendedMs, steps }: Moment): [number, number | null, number, number] {
  return [monoMs, suspendedMs ?? null, suspendedMs === undefined ? 0 : 1, steps]
}

const statements = {
  addEvidence: `
    insert into moments (device, boot, mono_ms, suspended_ms, is_slept, steps, not_before, not_after, batch, at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,

  // A probe's evidence does not count for another probe's batch, nor when the receipt said something else.
  evidence: `
    select m.id as id, m.mono_ms as mono_ms, m.suspended_ms as suspended_ms, m.is_slept as is_slept,
      m.steps as steps, m.not_before as not_before, m.not_after as not_after, m.asked as asked,
      m.earliest as earliest, m.latest as latest
    from moments m join batches b on b.id = m.batch and b.device = m.device and b.received_at = m.at
    where m.device = ? and m.boot = ? and m.edge is null`,

  spans: `
    select boot, min(n) as first_n, max(n) as last_n, min(mono_ms) as first_mono, max(mono_ms) as last_mono
    from measurements where received_at = ? and batch = ? group by boot order by boot`,
  bootsAwaiting: 'select distinct boot from moments where device = ? and batch = ?',

  stretch: 'select * from boots where device = ? and epoch = ? and boot = ?',
  stretches: 'select * from boots where device = ? and boot = ? order by epoch',
  addStretch: `
    insert into boots (device, epoch, boot, first_n, last_n) values (?, ?, ?, ?, ?)
    on conflict (device, epoch, boot) do update
    set first_n = min(first_n, excluded.first_n), last_n = max(last_n, excluded.last_n)`,
  setStretch: `
    update boots set ends_after = ?, begins_before = ? where device = ? and epoch = ? and boot = ?`,
  previous: `
    select * from boots where device = ? and epoch = ? and last_n < ? order by last_n desc limit 1`,
  next: `
    select * from boots where device = ? and epoch = ? and first_n > ? order by first_n limit 1`,

  firstRow: `
    select mono_ms, suspended_ms, is_slept, steps from measurements
    where device = ? and boot = ? and epoch = ? order by mono_ms, steps limit 1`,
  lastRow: `
    select mono_ms, suspended_ms, is_slept, steps from measurements
    where device = ? and boot = ? and epoch = ? order by mono_ms desc, steps desc limit 1`,
  edges: 'select * from moments where device = ? and boot = ? and epoch = ? and edge is not null',
  edge: 'select * from moments where device = ? and boot = ? and epoch = ? and edge = ?',
  forgetEdge: 'delete from moments where device = ? and boot = ? and epoch = ? and edge = ?',
  addEdge: `
    insert into moments (device, boot, mono_ms, suspended_ms, is_slept, steps, epoch, edge)
    values (?, ?, ?, ?, ?, ?, ?, ?)`,

  say: 'update moments set asked = 1, earliest = ?, latest = ? where id = ?',
  rows: `
    select epoch, n, class, test_name, input, asn, mono_ms, suspended_ms, is_slept, steps, wall_ms, clock,
      received_at, corrected_at, error_ms
    from measurements where device = ? and boot = ? and mono_ms between ? and ?`,
  date: 'update measurements set corrected_at = ?, error_ms = ? where device = ? and epoch = ? and n = ?',

  renew: `
    insert into newest (test_name, input, asn, dated_at, device, epoch, n)
    select test_name, input, asn, corrected_at, device, epoch, n from measurements
    where test_name = ? and input is ? and asn = ? and class <> 'diagnostic'
    order by corrected_at desc, received_at desc, device desc, epoch desc, n desc limit 1
    on conflict (test_name, ifnull(input, ''), asn) do update
    set dated_at = excluded.dated_at, device = excluded.device, epoch = excluded.epoch, n = excluded.n`,
} as const
