// Dates measurements anew when a batch brings evidence of the time: tests-spec/data-formats/dating.md. What a batch
// changes is noted, and worked off in steps of bounded length, so that no probe can make one that lasts: boots in an
// order in which each is dated once from all that those around it say, then the rows of those that have changed. The
// result is the same in whatever order batches come.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type Bounds,
  datedWithin,
  evidenceOf,
  known,
  unbounded,
} from '../../tests-spec/data-formats/dating.ts'
import { BootLine, type Edge, type Evidence, maxEvidence } from './boot-line.ts'
import { bootOrder, type Pair, type Stretch } from './boot-order.ts'
import type { IndexedBatch } from './measurement-index.ts'
import { boundsIn, type MomentRow, momentIn, orNull, rowOf } from './moment-row.ts'
import { type DatedRow, statements } from './re-dating-statements.ts'

/** A boot of one probe, as the index holds it. */
interface BootRow {
  readonly device: string
  readonly boot: string
  readonly ends_after: number | null
  readonly begins_before: number | null
  /** Bounds of its first and its last moment, as they were noted last. */
  readonly first_earliest: number | null
  readonly first_latest: number | null
  readonly last_earliest: number | null
  readonly last_latest: number | null
  readonly first_said: number
  readonly last_said: number
  readonly contradicted: number
  readonly rows_from: number | null
  readonly rows_to: number | null
  readonly rows_epoch: string
  readonly rows_n: number
}

/** `earliest` and `latest` are what was said last; `asked` is 0 before the first time. */
interface EvidenceRow extends MomentRow {
  readonly id: number
  readonly not_before: number | null
  readonly not_after: number | null
  readonly asked: number
  readonly earliest: number | null
  readonly latest: number | null
}

/** The records of a boot that one batch has. */
interface OwnSpan {
  readonly boot: string
  /** Of those whose number says when they were made; null when there are none. */
  readonly first_n: number | null
  readonly last_n: number | null
}

/**
 * A century. A larger error means that the date is not known, and numbers that are much larger come back from SQL
 * inexact.
 */
const longestErrorMs = 3.2e12
/** Rows that are dated in one step: some 5 ms of work. */
const rowsInStep = 500
/** Boots that are dated in one step. */
const bootsInStep = 16
/** Steps that the batch itself waits for: all that an honest one ever needs. */
const stepsAtOnce = 8
/** Of one probe: ten a day for a year. Later boots are dated without their neighbours. */
const maxStretches = 4_096
/** Lines that are kept in memory, and moments on them all: some 20 MB. */
const maxLines = 512
const maxMoments = 131_072

export class ReDating {
  readonly #statements: Readonly<Record<keyof typeof statements, StatementSync>>
  /** The lines that were read last, the latest at the end. */
  readonly #lines = new Map<string, BootLine>()
  /** The probe that the last step was for. */
  #served = ''
  /** Rows of the index that were read, for those who measure. */
  rowsRead = 0

  constructor(database: DatabaseSync) {
    const prepared = Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)] as const)
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, StatementSync>
  }

  /**
   * Takes in the batch's evidence of the time, and dates what it changes as far as a few steps go; `step()` does the
   * rest. The batch must be indexed already.
   *
   * @returns Boots that, because of this batch, come before themselves.
   */
  add(batch: IndexedBatch): readonly string[] {
    const { id, manifest, receivedAt } = batch
    const { device, epoch } = manifest
    const boots = new Set(this.#takeEvidence(batch))
    let isOrderChanged = false
    for (const { boot, first_n, last_n } of this.#all<OwnSpan>('spans', receivedAt, id)) {
      boots.add(boot)
      this.#noteBoot(device, boot)
      if (first_n === null || last_n === null) continue
      if (this.#extend(device, { epoch, boot, first_n, last_n })) isOrderChanged = true
    }
    for (const boot of boots) this.#statements.ask.run(forward | backward, device, boot)
    const contradicted = isOrderChanged ? this.#order(device) : []
    this.#statements.askRows.run(id)
    for (let left = stepsAtOnce; left > 0 && this.#stepOf(device); left--);
    return contradicted
  }

  /** Does a little of what is still to be dated, for one probe after the other. @returns Whether there was anything. */
  step(): boolean {
    const device = this.#nextAfter(this.#served) ?? this.#nextAfter('')
    if (device === null) return false
    this.#served = device
    return this.#stepOf(device)
  }

  /** Forgets what is in memory: the database may hold less. */
  forget(): void {
    this.#lines.clear()
  }

  #nextAfter(device: string): string | null {
    const found = (['askedBoots', 'askedRanges', 'askedBatches'] as const).flatMap(
      (name) => this.#one<{ device: string }>(name, device)?.device ?? [],
    )
    return found.sort()[0] ?? null
  }

  /** @returns Boots of which something new is known. */
  #takeEvidence({ id, manifest, receivedAt }: IndexedBatch): string[] {
    const { device, time } = manifest
    const awaited = this.#all<EvidenceRow & { boot: string }>('awaited', device, id, receivedAt)
    for (const row of awaited) this.#onLine(device, row.boot, evidenceIn(row))
    this.#noteBoot(device, time.bootId)
    for (const { moment, batch, at } of evidenceOf(id, manifest, receivedAt)) {
      const values = [device, time.bootId, ...rowOf(moment), orNull(moment.earliest), orNull(moment.latest)]
      const { lastInsertRowid } = this.#statements.addEvidence.run(...values, batch, at)
      // What is said of a receipt counts once it is known what the receipt said.
      if (this.#one('counts', device, batch, at) === undefined) continue
      this.#onLine(device, time.bootId, {
        ...moment,
        kind: 'evidence',
        id: Number(lastInsertRowid),
        said: null,
      })
    }
    return [time.bootId, ...awaited.map(({ boot }) => boot)]
  }

  /** Puts evidence on a line that is in memory; any other is read with it, when it is asked for. */
  #onLine(device: string, boot: string, evidence: Evidence): void {
    this.#lines.get(JSON.stringify([device, boot]))?.add(evidence)
  }

  #noteBoot(device: string, boot: string): void {
    this.#statements.addBoot.run(device, boot)
    for (const edge of ['first', 'last'] as const) {
      const row = this.#one<MomentRow>(edge === 'first' ? 'firstRow' : 'lastRow', device, boot)
      const placed = this.#one<MomentRow>('edge', device, boot, edge)
      if (
        row === undefined ||
        (placed !== undefined && String(rowOf(momentIn(placed))) === String(rowOf(momentIn(row))))
      )
        continue
      this.#statements.setEdge.run(device, boot, edge, ...rowOf(momentIn(row)))
      this.#statements[edge === 'first' ? 'unsayFirst' : 'unsayLast'].run(device, boot)
    }
  }

  /** @returns Whether the order of the boots may be another because of it. */
  #extend(device: string, { epoch, boot, first_n, last_n }: Stretch): boolean {
    const before = this.#one<Stretch>('stretch', device, epoch, boot)
    if (before === undefined) {
      const { count } = this.#one<{ count: number }>('countStretches', device) ?? { count: 0 }
      if (count >= maxStretches) return false
      this.#statements.addStretch.run(device, epoch, boot, first_n, last_n)
      return true
    }
    const first = Math.min(before.first_n, first_n)
    const last = Math.max(before.last_n, last_n)
    if (first === before.first_n && last === before.last_n) return false
    this.#statements.setStretch.run(first, last, device, epoch, boot)
    // Another one that ends, or begins, in between has lain on one side until now.
    return (
      this.#one('endsWithin', device, epoch, first, before.first_n) !== undefined ||
      this.#one('beginsWithin', device, epoch, before.last_n, last) !== undefined
    )
  }

  /** Notes the order of all boots of a probe anew. @returns Those that contradict it, and did not before. */
  #order(device: string): string[] {
    const { pairs, ranks, contradicted } = bootOrder(this.#all<Stretch>('stretches', device))
    for (const [boot, rank] of ranks) this.#statements.rank.run(rank, device, boot, rank)
    const held = new Map(this.#all<Pair>('pairs', device).map((pair) => [JSON.stringify(pair), pair]))
    const changed: Pair[] = []
    for (const pair of pairs.map(({ earlier, later }) => ({ earlier, later }))) {
      if (held.delete(JSON.stringify(pair))) continue
      this.#statements.addPair.run(device, pair.earlier, pair.later)
      changed.push(pair)
    }
    for (const pair of held.values()) {
      this.#statements.removePair.run(device, pair.earlier, pair.later)
      changed.push(pair)
    }
    for (const { earlier, later } of changed) {
      this.#statements.ask.run(forward, device, later)
      this.#statements.ask.run(backward, device, earlier)
    }
    return [...contradicted].filter((boot) => this.#statements.contradict.run(device, boot).changes > 0)
  }

  /**
   * What boots say of those after them is worked off first, from the first boot on, then what they say of those before
   * them, from the last: each is dated twice at most, however they are linked.
   */
  #stepOf(device: string): boolean {
    for (let left = bootsInStep; left > 0; left--) {
      const boot = this.#one<BootRow>('askedForward', device) ?? this.#one<BootRow>('askedBackward', device)
      if (boot === undefined) break
      this.#dateBoot(boot)
      if (left === 1) return true
    }
    return this.#dateNewRows(device) || this.#dateChangedRows(device)
  }

  #dateBoot(row: BootRow): void {
    const { device, boot } = row
    const line = this.#lineOf(device, boot)
    const { evidence, edges, changed } = line.settle(this.#edges(row))
    for (const { id, said } of evidence)
      this.#statements.say.run(orNull(said?.earliest ?? -Infinity), orNull(said?.latest ?? Infinity), id)
    const [first = unbounded, last = unbounded] = edges
    const endsAfter = orNull(line.ends.endsAfter)
    const beginsBefore = orNull(line.ends.beginsBefore)
    const said = [first.earliest, first.latest, last.earliest, last.latest].map(orNull)
    this.#statements.dated.run(endsAfter, beginsBefore, ...said, device, boot)
    if (changed !== null) {
      const [from, to] = [clamped(changed.from), clamped(changed.to)]
      this.#statements.askRange.run(from, from, to, to, device, boot)
    }
    if (endsAfter !== row.ends_after) this.#statements.askLater.run(device, device, boot)
    if (beginsBefore !== row.begins_before) this.#statements.askEarlier.run(device, device, boot)
  }

  /** The line by which rows are dated, also where it was not in memory any more. */
  #settledLine(device: string, boot: string): BootLine {
    const line = this.#lineOf(device, boot)
    const row = line.isSettled ? undefined : this.#one<BootRow>('boot', device, boot)
    if (row !== undefined) line.settle(this.#edges(row))
    return line
  }

  #lineOf(device: string, boot: string): BootLine {
    const key = JSON.stringify([device, boot])
    const known = this.#lines.get(key)
    if (known !== undefined) return known
    const rows = this.#all<EvidenceRow>('evidence', device, boot, maxEvidence)
    const line = new BootLine(rows.map(evidenceIn))
    this.#lines.set(key, line)
    let moments = 0
    for (const each of this.#lines.values()) moments += each.size
    for (const [oldest, each] of this.#lines) {
      if ((moments <= maxMoments && this.#lines.size <= maxLines) || oldest === key) break
      moments -= each.size
      this.#lines.delete(oldest)
    }
    return line
  }

  /** The first and the last moment of a boot, with what the boots before and after it tell about them. */
  #edges(row: BootRow): Edge[] {
    const { device, boot } = row
    const isSaid = { first: row.first_said === 1, last: row.last_said === 1 }
    return (['first', 'last'] as const).flatMap((edge) => {
      const placed = this.#one<MomentRow>('edge', device, boot, edge)
      if (placed === undefined) return []
      const { at } = this.#one<{ at: number | null }>(
        edge === 'first' ? 'toldByEarlier' : 'toldByLater',
        device,
        boot,
      ) ?? { at: null }
      const bounds = edge === 'first' ? boundsIn(at, null) : boundsIn(null, at)
      const said =
        edge === 'first'
          ? boundsIn(row.first_earliest, row.first_latest)
          : boundsIn(row.last_earliest, row.last_latest)
      return { ...known(momentIn(placed), bounds), kind: 'edge' as const, said: isSaid[edge] ? said : null }
    })
  }

  /** Rows of a batch that were never dated. @returns Whether there may be more to do. */
  #dateNewRows(device: string): boolean {
    const batch = this.#one<{ id: string; received_at: number; rows_after: number }>('newRows', device)
    if (batch === undefined) return false
    const rows = this.#all<DatedRow>('rowsOfBatch', batch.received_at, batch.id, batch.rows_after, rowsInStep)
    this.#dateRows(device, rows)
    const last = rows.at(-1)
    this.#statements.newRowsDone.run(rows.length < rowsInStep || last === undefined ? null : last.n, batch.id)
    return true
  }

  /** Rows whose boot's line has changed. @returns Whether there may be more to do. */
  #dateChangedRows(device: string): boolean {
    let dated = 0
    for (let left = bootsInStep; left > 0 && dated < rowsInStep; left--) {
      const row = this.#one<BootRow>('changedRows', device)
      if (row === undefined || row.rows_from === null || row.rows_to === null) break
      const { boot, rows_from, rows_to, rows_epoch, rows_n } = row
      const most = rowsInStep - dated
      const rows = this.#all<DatedRow>('rows', device, boot, rows_from, rows_epoch, rows_n, rows_to, most)
      this.#dateRows(device, rows)
      const last = rows.at(-1)
      if (last === undefined || rows.length < most)
        this.#statements.rowsDone.run(null, null, '', -1, device, boot)
      else this.#statements.rowsDone.run(last.mono_ms, rows_to, last.epoch, last.n, device, boot)
      // A boot without rows counts as well.
      dated += rows.length + 1
    }
    return dated > 0
  }

  #dateRows(device: string, rows: readonly DatedRow[]): void {
    const targets = new Map<string, SQLInputValue[]>()
    let of = ''
    let line: BootLine | null = null
    for (const row of rows) {
      if (line === null || of !== row.boot) {
        line = this.#settledLine(device, row.boot)
        of = row.boot
      }
      if (!this.#dateRow(device, row, line.boundsOf(momentIn(row))) || row.class === 'diagnostic') continue
      targets.set(JSON.stringify([row.test_name, row.input, row.asn]), [row.test_name, row.input, row.asn])
    }
    for (const target of targets.values()) this.#statements.renew.run(...target)
  }

  /** @returns Whether the date of the row has changed. */
  #dateRow(device: string, row: DatedRow, { earliest, latest }: Bounds): boolean {
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

  #all<T>(name: keyof typeof statements, ...values: SQLInputValue[]): T[] {
    const rows = this.#statements[name].all(...values) as T[]
    this.rowsRead += rows.length
    return rows
  }

  #one<T>(name: keyof typeof statements, ...values: SQLInputValue[]): T | undefined {
    this.rowsRead++
    return this.#statements[name].get(...values) as T | undefined
  }
}

/** Bits of `asked`: what a boot takes from those before it, and from those after it, is to be taken anew. */
const forward = 1
const backward = 2

function clamped(ms: number): number {
  return Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, ms))
}

function evidenceIn(row: EvidenceRow): Evidence {
  const { asked, earliest, latest } = row
  return {
    ...momentIn(row),
    ...boundsIn(row.not_before, row.not_after),
    kind: 'evidence',
    id: row.id,
    said: asked === 0 ? null : boundsIn(earliest, latest),
  }
}
