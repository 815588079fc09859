// The index in one SQLite file. Everything in it can be made again, so it gives up durability for speed: after a
// power cut the last inserts may be gone, but the file is whole, and the batches that are missing are found at the
// next start.

import { rm } from 'node:fs/promises'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { readHeartbeat } from '../../tests-spec/data-formats/heartbeat.ts'
import type { BatchId, LostRecords, Manifest } from '../../tests-spec/protocol/batch.ts'
import type { KnownCertificate } from './certificates.ts'
import { IndexUnreadable, reading } from './index-unreadable.ts'
import type {
  IndexedBatch,
  MeasurementIndex,
  NewestRow,
  PayloadState,
  ProbeRow,
  SelectedRow,
} from './measurement-index.ts'
import type { FoundVerdict, MeasurementRow } from './measurement-row.ts'
import { rowOf } from './moment-row.ts'
import { openToRead } from './open-to-read.ts'
import { forItsUserAlone } from './own-file.ts'
import { ReDating } from './re-dating.ts'
import { schema, schemaVersion } from './schema.ts'
import { type Cursor, conditionsOf, type Selection } from './selection.ts'
import { loadSqlite, SqliteMissing } from './sqlite.ts'

/** No honest spool holds so many records; with this limit, sums stay exact for 9 million batches. */
const maxLostPerBatch = 1e9

/** A device has a core list and those of eight groups; a manifest may name thousands. */
const maxLists = 16

function listsText(lists: Readonly<Record<string, number>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(lists).slice(0, maxLists)))
}

/** Deletes an index, with the files that SQLite keeps beside it. */
export async function deleteIndex(path: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
}

export class SqliteIndex implements MeasurementIndex {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #reDating: ReDating
  #version = 0
  #suspected: () => ReadonlyMap<string, number> = () => new Map()
  readonly #statements: Readonly<Record<keyof typeof statements, StatementSync>>

  private constructor(database: DatabaseSync, path: string) {
    this.#database = database
    this.#path = path
    const prepared = Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)] as const)
    this.#reDating = new ReDating(database)
    this.#statements = Object.fromEntries(prepared) as Record<keyof typeof statements, StatementSync>
  }

  /**
   * Opens an index, or makes an empty one. One that is damaged or of another version is deleted and replaced by an
   * empty one.
   *
   * @throws {SqliteMissing} Before Node.js 22.13.
   * @throws SQLite's error when even an empty index cannot be made.
   */
  static async open(path: string): Promise<SqliteIndex> {
    const { DatabaseSync } = loadSqlite()
    try {
      if (path !== ':memory:') forItsUserAlone(path)
      return new SqliteIndex(prepare(new DatabaseSync(path)), path)
    } catch {
      // It is safe to delete: the archive has everything that was in it.
      await deleteIndex(path)
      forItsUserAlone(path)
      return new SqliteIndex(prepare(new DatabaseSync(path)), path)
    }
  }

  /**
   * Opens an index to read it, beside whoever writes it. Makes, mends and deletes nothing.
   * @throws {IndexUnreadable} When there is none that this version can read.
   * @throws {SqliteMissing} Before Node.js 22.13.
   */
  static async openExisting(path: string): Promise<SqliteIndex> {
    try {
      const database = openToRead(path)
      const version = database.prepare('pragma user_version').get()?.user_version
      if (version !== schemaVersion) throw new Error(`it has schema ${version}, expected ${schemaVersion}`)
      return new SqliteIndex(database, path)
    } catch (cause) {
      if (cause instanceof IndexUnreadable || cause instanceof SqliteMissing) throw cause
      throw new IndexUnreadable(path, cause, 'Start the collector once, or give rebuild-index')
    }
  }

  holds(id: BatchId): boolean {
    return this.#statements.holds.get(id) !== undefined
  }

  addMeasurements({ id, manifest, receivedAt }: IndexedBatch, rows: readonly MeasurementRow[]): void {
    const { device, epoch } = manifest
    this.#atOnce(() => {
      for (const row of rows) {
        const { found } = row
        // No measurement was made after it was received: with a clock that is ahead, it would stay the newest for
        // years.
        const datedAt = Math.min(row.wallMs, receivedAt)
        const { changes } = this.#statements.addMeasurement.run(
          ...[device, epoch, row.n, id, row.class, row.testName, row.input, row.startedAt, row.clock],
          ...[row.boot, ...rowOf(row.moment), row.isCarried ? 1 : 0],
          ...[row.wallMs, datedAt, found.verdict, found.rule, found.step, found.how],
          ...[row.parts === null ? null : JSON.stringify(row.parts)],
          ...[row.asn, row.cc, row.networkName, row.runtimeSeconds, row.bytes, receivedAt],
        )
        // A diagnostic is about the probe itself, and no result for a target.
        if (changes === 0 || row.class === 'diagnostic') continue
        this.#statements.addNewest.run(row.testName, row.input, row.asn, datedAt, device, epoch, row.n)
      }
    })
  }

  addBatch(batch: IndexedBatch, { fault, unreadable }: PayloadState): readonly string[] {
    const { id, manifest, receivedAt } = batch
    const { device, epoch, seq, time, agent, lost, backlog, lists } = manifest
    const said = readHeartbeat(manifest.heartbeat)
    return this.#atOnce(() => {
      const values: SQLInputValue[] = [id, device, epoch, seq, receivedAt, time.src, time.uncMs]
      const { changes } = this.#statements.addBatch.run(
        ...[...values, agent.version, listsText(lists), backlog?.records ?? null, backlog?.batches ?? null],
        ...[fault, unreadable],
        ...[said === null ? null : JSON.stringify(said), isSpeaking(manifest) ? 1 : 0],
      )
      if (changes === 0) return []
      this.#statements.addToEpoch.run(device, epoch, seq, countLost(lost), fault === null ? 0 : 1)
      return this.#reDating.add(batch)
    })
  }

  goOnDating(): boolean {
    return this.#atOnce(() => this.#reDating.step())
  }

  /** Rows that dating has read so far, for those who measure. */
  get rowsReadForDating(): number {
    return this.#reDating.rowsRead
  }

  probes(): ProbeRow[] {
    const rows = reading(this.#path, () => this.#statements.probes.all())
    return rows.map(({ heartbeat, ...row }) => ({
      ...row,
      lists: JSON.parse(String(row.lists)),
      heartbeat: heartbeat === null ? null : readHeartbeat(JSON.parse(String(heartbeat))),
    })) as unknown as ProbeRow[]
  }

  arrivals(device: string, most: number, since = 0): number[] {
    const rows = reading(this.#path, () => this.#statements.arrivals.all(device, since, most))
    return rows.map(({ at }) => Number(at))
  }

  speakingBatches(device: string, most: number): { id: BatchId; receivedAt: number }[] {
    const rows = reading(this.#path, () => this.#statements.speakingBatches.all(device, most))
    return rows as unknown as { id: BatchId; receivedAt: number }[]
  }

  networkOf(device: string): string | null {
    const row = reading(this.#path, () => this.#statements.networkOf.get(device))
    return row === undefined ? null : String(row.asn)
  }

  newest(limit: number): NewestRow[] {
    const rows = reading(this.#path, () => bounded(this.#statements.newest.iterate(limit)))
    return rows.map(this.#shown()) as unknown as NewestRow[]
  }

  suspectBy(suspected: () => ReadonlyMap<string, number>): void {
    this.#suspected = suspected
  }

  #shown() {
    const suspected = this.#suspected()
    return (row: Readonly<Record<string, unknown>>) => ({
      ...withVerdict(row),
      isSuspect: Number(row.receivedAt) >= (suspected.get(String(row.device)) ?? Number.POSITIVE_INFINITY),
    })
  }

  get version(): number {
    return this.#version
  }

  select(selection: Selection): SelectedRow[] {
    const { where, values } = conditionsOf(selection)
    const sql = `${selected} where ${where} order by received_at, batch, n limit ?`
    // There are only a few hundred different statements, and SQLite keeps those it has prepared.
    const rows = reading(this.#path, () =>
      bounded(this.#database.prepare(sql).iterate(...values, selection.limit)),
    )
    return rows.map(this.#shown()) as unknown as SelectedRow[]
  }

  lastOf(selection: Selection): Cursor | null {
    const { where, values } = conditionsOf(selection)
    const sql = `select received_at as receivedAt, batch, n from measurements where ${where}
      order by received_at, batch, n limit 1 offset ?`
    const row = reading(this.#path, () => this.#database.prepare(sql).get(...values, selection.limit - 1))
    return (row as Cursor | undefined) ?? null
  }

  addCertificates(certificates: readonly KnownCertificate[]): void {
    if (certificates.length === 0) return
    this.#atOnce(() => {
      for (const { sha256, der } of certificates) this.#statements.addCertificate.run(sha256, der)
    })
  }

  certificate(sha256: string): Uint8Array | null {
    const row = reading(this.#path, () => this.#statements.certificate.get(sha256))
    return (row?.der as Uint8Array | undefined) ?? null
  }

  close(): void {
    this.#database.close()
  }

  #atOnce<T>(work: () => T): T {
    this.#database.exec('begin')
    try {
      const done = work()
      this.#database.exec('commit')
      this.#version++
      return done
    } catch (error) {
      this.#reDating.forget()
      this.#database.exec('rollback')
      throw error
    }
  }
}

/**
 * Characters of the texts that one question is answered with. Usual rows have some 300; those of a probe that fills
 * every column have 5,000.
 */
const maxAnswerChars = 4_000_000

/** As many rows as the room for texts allows, one at least. */
function bounded(rows: Iterable<unknown>): Readonly<Record<string, unknown>>[] {
  const taken: Readonly<Record<string, unknown>>[] = []
  let chars = 0
  for (const row of rows as Iterable<Readonly<Record<string, unknown>>>) {
    for (const value of Object.values(row)) if (typeof value === 'string') chars += value.length
    if (chars > maxAnswerChars && taken.length > 0) break
    taken.push(row)
  }
  return taken
}

/** A row whose columns of the verdict are put together, with its parts unchanged. */
function withVerdict(row: Readonly<Record<string, unknown>>) {
  const { verdict, rule, step, how, parts, ...rest } = row
  const found = { verdict, rule, step, how } as FoundVerdict
  return { ...rest, found, parts: parts === null ? null : JSON.parse(String(parts)) }
}

function prepare(database: DatabaseSync): DatabaseSync {
  try {
    // WAL and NORMAL: no flush for each commit, and still never a broken file.
    database.exec('pragma journal_mode = wal; pragma synchronous = normal')
    const version = database.prepare('pragma user_version').get()?.user_version
    if (version !== 0 && version !== schemaVersion) throw new Error(`Index has schema ${version}`)
    database.exec(`${schema}; pragma user_version = ${schemaVersion}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Whether it says more than a heartbeat. */
function isSpeaking({ answers, log }: Manifest): boolean {
  return answers !== undefined || log !== undefined
}

function countLost(lost: readonly LostRecords[]): number {
  const records = lost
    .flatMap((each) => each.ranges)
    .reduce((sum, [first, last]) => sum + Math.max(0, last - first + 1), 0)
  return Math.min(records, maxLostPerBatch)
}

const selected = `
    select batch, device, epoch, n, test_name as testName, input, cc, asn, network_name as networkName,
      started_at as startedAt, clock, verdict, rule, step, how, parts,
      received_at as receivedAt, corrected_at as correctedAt, error_ms as errorMs
    from measurements`

const statements = {
  holds: 'select 1 from batches where id = ?',

  addMeasurement: `
    insert into measurements (device, epoch, n, batch, class, test_name, input, started_at, clock, boot, mono_ms,
      suspended_ms, is_slept, steps, carried, wall_ms, corrected_at, verdict, rule, step, how, parts, asn, cc, network_name,
      runtime, bytes, received_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do nothing`,

  addNewest: `
    insert into newest (test_name, input, asn, dated_at, device, epoch, n) values (?, ?, ?, ?, ?, ?, ?)
    on conflict (test_name, ifnull(input, ''), asn) do update
    set dated_at = excluded.dated_at, device = excluded.device, epoch = excluded.epoch, n = excluded.n
    where excluded.dated_at >= newest.dated_at`,

  addBatch: `
    insert into batches (id, device, epoch, seq, received_at, clock_source, clock_uncertainty_ms, agent_version,
      lists, backlog_records, backlog_batches, payload_fault, unreadable, heartbeat, speaks)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict do nothing`,

  addToEpoch: `
    insert into epochs (device, epoch, batches, highest_seq, lost, faulty) values (?, ?, 1, ?, ?, ?)
    on conflict (device, epoch) do update
    set batches = epochs.batches + 1,
      highest_seq = case when excluded.highest_seq > epochs.highest_seq
        then excluded.highest_seq else epochs.highest_seq end,
      lost = epochs.lost + excluded.lost, faulty = epochs.faulty + excluded.faulty`,

  probes: `
    select e.device as device, b.epoch as epoch, b.seq as seq, b.received_at as lastReceivedAt,
      b.clock_source as clockSource, b.clock_uncertainty_ms as clockUncertaintyMs, b.agent_version as agentVersion,
      b.lists as lists, b.backlog_records as backlogRecords, b.backlog_batches as backlogBatches,
      b.heartbeat as heartbeat,
      e.batches as batches, e.missing as missing, e.lost as lost, e.faulty as faulty,
      (select count(*) from boots where device = e.device and contradicted = 1) as contradicted
    from (
      select device, sum(batches) as batches, min(sum(highest_seq + 1 - batches), 9007199254740991) as missing,
        min(sum(lost), 9007199254740991) as lost, sum(faulty) as faulty
      from epochs group by device
    ) e
    join batches b on b.id = (
      select id from batches where device = e.device order by received_at desc, seq desc limit 1
    )
    order by e.device`,

  arrivals: `
    select received_at as at from batches where device = ? and received_at >= ? order by received_at desc limit ?`,

  speakingBatches: `
    select id, received_at as receivedAt from batches where device = ? and speaks = 1
    order by received_at desc, seq desc limit ?`,

  networkOf: `
    select asn from (
      select asn from measurements where device = ?1 and epoch = (
        select epoch from batches where device = ?1 order by received_at desc, seq desc limit 1
      ) order by n desc limit 200
    )
    group by asn order by count(*) desc, asn limit 1`,

  newest: `
    select m.test_name as testName, m.input as input, m.asn as asn, m.network_name as networkName,
      m.verdict as verdict, m.rule as rule, m.step as step, m.how as how, m.parts as parts,
      m.started_at as startedAt, m.clock as clock, m.corrected_at as correctedAt, m.error_ms as errorMs,
      m.received_at as receivedAt, m.device as device
    from newest w join measurements m on m.device = w.device and m.epoch = w.epoch and m.n = w.n
    order by case m.verdict when 'anomaly' then 0 when 'undetermined' then 1 when 'link_down' then 2 else 3 end,
      m.test_name, m.input, m.asn
    limit ?`,

  addCertificate: 'insert into certificates (sha256, der) values (?, ?) on conflict do nothing',

  certificate: 'select der from certificates where sha256 = ?',
} as const
