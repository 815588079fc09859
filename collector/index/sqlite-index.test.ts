// The index in a real SQLite file. Under a Node.js without node:sqlite, this file runs itself again under one that
// has it, so that these tests run on every machine.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isModern, testUnderModernNode } from '../../build/modern-node.ts'
import {
  malitel,
  resetInTls,
  SampleProbe,
  sampleMeasurement,
  sampleNoon,
} from '../../test/support/sample-probe.ts'
import { type BatchId, batchId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { Attempts } from '../archive/attempts.ts'
import { certificatesIn } from './certificates.ts'
import { lockFolder } from './folder-lock.ts'
import { type BatchToIndex, Indexer } from './indexer.ts'
import type { IndexedBatch } from './measurement-index.ts'
import { type MeasurementRow, measurementRow } from './measurement-row.ts'
import { type Cursor, everything, readCursor, type Selection, writeCursor } from './selection.ts'
import { SqliteIndex } from './sqlite-index.ts'

const modern = isModern(process.versions.node)
const minute = 60_000

it.runIf(!modern)('these tests pass under a Node.js with node:sqlite', { timeout: 120_000 }, () => {
  const { status, output } = testUnderModernNode(import.meta.url)
  expect(output).toMatch(/Tests +\d\d passed/)
  expect({ status, output }).toMatchObject({ status: 0 })
})

it.runIf(!modern)('SqliteIndex.open() says which Node.js it needs', async () => {
  await expect(SqliteIndex.open(':memory:')).rejects.toMatchObject({ code: 'node_too_old' })
})

describe.runIf(modern)('SqliteIndex', () => {
  let folder: string
  let path: string
  let index: SqliteIndex
  const probe = new SampleProbe()

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sonde-index-'))
    path = join(folder, 'index.sqlite')
    index = await SqliteIndex.open(path)
  })
  afterEach(async () => {
    index.close()
    await rm(folder, { recursive: true })
  })

  const idOf = (name: string): BatchId => v.parse(batchId, sha256Hex(Buffer.from(name)))
  const batch = (seq: number, more: Partial<IndexedBatch['manifest']> = {}): IndexedBatch => ({
    id: idOf(`${seq} ${JSON.stringify(more)}`),
    manifest: { ...probe.after(null, []).manifest, seq, ...more },
    receivedAt: sampleNoon + seq * minute,
  })
  const row = (
    n: number,
    asked: Parameters<typeof sampleMeasurement>[0] = {},
    kind = 'routine',
  ): MeasurementRow => {
    const time = { clock: 'synced', boot: 'boot-1', mono_ms: 1, wall_ms: asked.at ?? sampleNoon }
    const read = measurementRow({ n, class: kind, time, measurement: sampleMeasurement(asked) })
    if (read === null) throw new Error('A sample is a row')
    return read
  }
  const readable = { fault: null, unreadable: 0 }

  it('shows the newest result of each target on each network, anomalies first', () => {
    index.addMeasurements(batch(1), [
      row(0, { input: 'https://a.test/' }),
      row(1, { input: 'https://a.test/', network: malitel, verdict: resetInTls }),
      row(2, { input: null, testName: 'whatsapp', parts: { web: resetInTls } }),
    ])
    expect(
      index.newest(10).map(({ testName, input, asn, found }) => [testName, input, asn, found.verdict]),
    ).toEqual([
      ['web_connectivity', 'https://a.test/', 'AS64501', 'anomaly'],
      ['web_connectivity', 'https://a.test/', 'AS64500', 'ok'],
      ['whatsapp', null, 'AS64500', 'ok'],
    ])
    expect(index.newest(10)[2]?.parts).toMatchObject({ web: { verdict: 'anomaly', step: 'tls_handshake' } })
    expect(index.newest(1)).toHaveLength(1)
  })

  it('keeps the newer of two results, in whatever order they come', () => {
    const [early, late] = [
      row(0, { at: sampleNoon - minute, verdict: resetInTls }),
      row(1, { at: sampleNoon }),
    ]
    index.addMeasurements(batch(5), [late])
    index.addMeasurements(batch(6), [early])
    expect(index.newest(10)).toMatchObject([{ found: { verdict: 'ok' }, startedAt: sampleNoon }])
  })

  it('does not let a clock that is years ahead keep its place', () => {
    index.addMeasurements(batch(1), [row(0, { at: Date.UTC(2099, 0), verdict: resetInTls })])
    index.addMeasurements(batch(2), [row(1, { at: sampleNoon + 2 * minute })])
    expect(index.newest(10)).toMatchObject([{ found: { verdict: 'ok' } }])
  })

  it('does not show what a probe says of itself as a result', () => {
    index.addMeasurements(batch(1), [row(0, { testName: 'link_check' }, 'diagnostic')])
    expect(index.newest(10)).toEqual([])
    expect(index.select({ ...everything, limit: 10 })).toHaveLength(1)
  })

  it('has a measurement once, by device, epoch and number', () => {
    const first = batch(1)
    index.addMeasurements(first, [row(0), row(1)])
    index.addMeasurements(batch(2), [row(1, { verdict: resetInTls })])
    expect(index.select({ ...everything, limit: 10 })).toMatchObject([
      { batch: first.id, n: 0 },
      { batch: first.id, n: 1 },
    ])
    expect(index.newest(10)).toMatchObject([{ found: { verdict: 'ok' } }])
  })

  it('selects measurements by when they were received, in that order', () => {
    for (const seq of [3, 1, 2]) index.addMeasurements(batch(seq), [row(2 * seq), row(2 * seq + 1)])
    const numbers = (selection: Partial<Selection>) =>
      index.select({ ...everything, ...selection }).map(({ n }) => n)
    expect(numbers({})).toEqual([2, 3, 4, 5, 6, 7])
    expect(numbers({ receivedSince: sampleNoon + 3 * minute })).toEqual([6, 7])
    expect(numbers({ receivedUntil: sampleNoon + 3 * minute })).toEqual([2, 3, 4, 5])
  })

  it('selects by network, nettest, target, verdict and corrected time, and goes on behind a cursor', () => {
    index.addMeasurements(batch(1), [
      row(0),
      row(1, { verdict: resetInTls }),
      row(2, { input: 'https://other.test/' }),
    ])
    index.addMeasurements(batch(2), [row(3, { network: malitel }), row(4, { testName: 'whatsapp' })])
    const numbers = (selection: Partial<Selection>) =>
      index.select({ ...everything, ...selection }).map(({ n }) => n)
    expect(numbers({ verdict: 'anomaly' })).toEqual([1])
    expect(numbers({ input: 'https://other.test/' })).toEqual([2])
    expect(numbers({ asn: malitel.asn })).toEqual([3])
    expect(numbers({ testName: 'whatsapp' })).toEqual([4])
    expect(numbers({ measuredSince: sampleNoon + 1 })).toEqual([])
    expect(numbers({ measuredUntil: sampleNoon + 1, limit: 2 })).toEqual([0, 1])
    const pages: number[][] = []
    for (let after: Cursor | null = null; pages.length < 9; ) {
      const page = index.select({ ...everything, limit: 2, after })
      const last = page.at(-1)
      if (last === undefined) break
      pages.push(page.map(({ n }) => n))
      after = readCursor(writeCursor(last))
    }
    expect(pages).toEqual([[0, 1], [2, 3], [4]])
    expect(readCursor('x')).toBeNull()
  })

  it('keeps a certificate that any record holds whole, by its digest', () => {
    const der = Buffer.from('a certificate')
    const line = {
      measurement: {
        test_keys: { tls_handshakes: [{ peer_certificates: [{ data: der.toString('base64') }] }] },
      },
    }
    const [known] = certificatesIn(line)
    index.addCertificates(certificatesIn(line))
    index.addCertificates(certificatesIn(line))
    expect(Buffer.from(index.certificate(known?.sha256 ?? '') ?? [])).toEqual(der)
    expect(index.certificate('0'.repeat(64))).toBeNull()
    expect(
      certificatesIn({ measurement: { test_keys: { tls_handshakes: [null, { peer_certificates: 'x' }] } } }),
    ).toEqual([])
  })

  it('sums up each probe over its epochs, and shows its last batch', () => {
    const lost = [
      {
        ranges: [
          [3, 7],
          [9, 9],
        ] as [number, number][],
        reason: 'evicted' as const,
      },
    ]
    index.addBatch(batch(0), readable)
    index.addBatch(batch(4, { lost }), readable)
    index.addBatch(batch(4, { lost }), readable)
    const time = { ...batch(0).manifest.time, src: 'none' as const, uncMs: null }
    const backlog = { records: 12, batches: 3 }
    index.addBatch(batch(6, { epoch: 'fedcba9876543210fe', time, backlog }), {
      fault: 'too_long',
      unreadable: 2,
    })
    expect(index.probes()).toEqual([
      {
        device: probe.device,
        heartbeat: null,
        epoch: 'fedcba9876543210fe',
        seq: 6,
        lastReceivedAt: sampleNoon + 6 * minute,
        clockSource: 'none',
        clockUncertaintyMs: null,
        agentVersion: '1.2.3',
        lists: {},
        backlogRecords: 12,
        backlogBatches: 3,
        batches: 3,
        missing: 3 + 6,
        lost: 6,
        faulty: 1,
        contradicted: 0,
      },
    ])
  })

  it('stays readable when probes claim absurd numbers', () => {
    const most = Number.MAX_SAFE_INTEGER
    const lost = [
      {
        ranges: [
          [0, most],
          [9, 3],
        ] as [number, number][],
        reason: 'torn' as const,
      },
    ]
    index.addBatch(batch(1, { seq: most - 1, lost }), readable)
    index.addMeasurements(batch(1), [{ ...row(0), n: most, bytes: 2e12 }])
    expect(index.probes()).toMatchObject([{ seq: most - 1, lost: 1e9 }])
    expect(index.select({ ...everything, limit: 1 })).toMatchObject([{ n: most }])
  })

  it('still has what it had when it is opened again, and knows which batches are in', async () => {
    index.addMeasurements(batch(1), [row(0)])
    expect(index.holds(batch(1).id)).toBe(false)
    index.addBatch(batch(1), readable)
    index.close()
    index = await SqliteIndex.open(path)
    expect(index.holds(batch(1).id)).toBe(true)
    expect(index.newest(10)).toHaveLength(1)
  })

  it('begins empty when the file is no database', async () => {
    index.addBatch(batch(1), readable)
    index.close()
    await rm(`${path}-wal`, { force: true })
    await writeFile(path, 'this is not a database, however long it may be'.repeat(100))
    index = await SqliteIndex.open(path)
    expect(index.probes()).toEqual([])
  })

  describe('Indexer', () => {
    const content = (seq: number, records: unknown[], fault: string | null = null): BatchToIndex => ({
      ...batch(seq),
      fault,
      records,
    })
    const record = (n: number, changes: object = {}) => ({
      n,
      class: 'routine',
      time: { clock: 'synced', boot: 'boot-1', mono_ms: 1, wall_ms: sampleNoon },
      measurement: { ...sampleMeasurement({ input: `https://${n}.test/` }), ...changes },
    })
    const logged: unknown[] = []
    const log = {
      warn: (code: string, fields?: object) => logged.push({ code, ...fields }),
      error: (code: string, fields?: object) => logged.push({ code, ...fields }),
    } as never
    const indexerOver = (batches: readonly BatchToIndex[], underWay = () => 0) => {
      const read = async (id: BatchId) => batches.find((each) => each.id === id) ?? null
      return new Indexer({
        index,
        read,
        intakeUnderWay: underWay,
        log,
        attempts: Attempts.open(folder),
        quietMs: 0,
      })
    }
    beforeEach(() => {
      logged.length = 0
    })

    it('adds what it is offered, once, and says how far behind it is', async () => {
      const batches = [content(0, [record(0), record(1)]), content(1, [record(2)])]
      const indexer = indexerOver(batches)
      for (const { id } of [...batches, ...batches]) indexer.offer(id)
      expect(indexer.behind).toBe(2)
      await indexer.settled()
      expect(indexer.behind).toBe(0)
      expect(index.probes()).toMatchObject([{ batches: 2 }])
      expect(index.select({ ...everything, limit: 10 })).toHaveLength(3)
    })

    it('adds the records it can read, and counts those it cannot', async () => {
      const bad = [undefined, null, 7, 'text', [], {}, { n: 1 }, record(-1), record(0.5), record(2 ** 60)]
      const worse = [
        record(50, { measurement_start_time: '2018-99-99 00:00:00' }),
        record(51, { input: 'x'.repeat(3_000) }),
        record(52, { probe_asn: 'Orange' }),
        record(53, { test_keys: {} }),
      ]
      const one = content(0, [...bad, record(1), ...worse, record(2)])
      const indexer = indexerOver([one])
      indexer.offer(one.id)
      await indexer.settled()
      expect(index.select({ ...everything, limit: 10 }).map(({ n }) => n)).toEqual([1, 2])
      expect(logged).toMatchObject([
        { code: 'payload_faulty', batch: one.id, unreadable: bad.length + worse.length },
      ])
    })

    it('knows results of a probe that knows more than we do', async () => {
      const verdict = {
        verdict: 'anomaly',
        rule: 'later/rule@9',
        step: 'quic_handshake',
        how: 'new_failure',
        because: [],
      }
      const later = record(1, {
        test_keys: { ...sampleMeasurement().test_keys, x_sonde_verdict: verdict, x_sonde_parts: 7 },
      })
      const one = content(0, [later])
      const indexer = indexerOver([one])
      indexer.offer(one.id)
      await indexer.settled()
      expect(index.newest(1)).toMatchObject([
        { found: { step: 'quic_handshake', how: 'new_failure' }, parts: null },
      ])
    })

    it('marks a batch whose payload lies', async () => {
      const one = content(0, [], 'too_long')
      const indexer = indexerOver([one])
      indexer.offer(one.id)
      await indexer.settled()
      expect(index.probes()).toMatchObject([{ batches: 1, faulty: 1 }])
      expect(logged).toMatchObject([{ code: 'payload_faulty', fault: 'too_long' }])
    })

    it('goes on after a batch that the disk does not give, and leaves it for the next start', async () => {
      const good = content(1, [record(0)])
      const read = async (id: BatchId) => {
        if (id !== good.id) throw Object.assign(new Error('rotten sector'), { code: 'EIO' })
        return good
      }
      const indexer = new Indexer({
        index,
        read,
        intakeUnderWay: () => 0,
        log,
        attempts: Attempts.open(folder),
        quietMs: 0,
      })
      indexer.offer(idOf('rotten'))
      indexer.offer(good.id)
      await indexer.settled()
      expect(index.holds(good.id)).toBe(true)
      expect(index.holds(idOf('rotten'))).toBe(false)
      expect(logged).toMatchObject([{ code: 'index_failed' }])
    })

    it('tries a batch that failed once more, alone and behind all others, then sets it aside', async () => {
      const good = content(1, [record(0)])
      const bad = idOf('bad')
      const tried: string[] = []
      const read = async (id: BatchId) => {
        tried.push(id === bad ? 'bad' : 'good')
        if (id === bad) throw new Error('it is too odd')
        return good
      }
      const parts = { index, read, intakeUnderWay: () => 0, log, quietMs: 0 }
      const indexer = new Indexer({ ...parts, attempts: Attempts.open(folder) })
      indexer.offer(bad)
      indexer.offer(good.id)
      await indexer.settled()
      expect(index.holds(good.id)).toBe(true)
      await indexer.allTried()
      expect(tried).toEqual(['bad', 'good', 'bad'])
      expect(logged.map((each) => (each as { code: string }).code)).toEqual([
        'index_failed',
        'index_failed',
        'batch_set_aside',
      ])
      const next = new Indexer({ ...parts, attempts: Attempts.open(folder) })
      next.offer(bad)
      await next.allTried()
      expect(tried).toHaveLength(3)
      Attempts.open(folder).done(bad)
      const after = new Indexer({ ...parts, attempts: Attempts.open(folder) })
      after.offer(bad)
      await after.allTried()
      expect(tried).toHaveLength(5)
    })

    it('does a batch again that it was stopped in', async () => {
      const one = content(
        0,
        Array.from({ length: 500 }, (_, n) => record(n)),
      )
      const stopped = indexerOver([one])
      stopped.offer(one.id)
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      await stopped.stop()
      expect(index.holds(one.id)).toBe(false)
      const next = indexerOver([one])
      next.offer(one.id)
      await next.settled()
      expect(index.select({ ...everything, limit: 1_000 })).toHaveLength(500)
      expect(index.probes()).toMatchObject([{ batches: 1 }])
    })

    it('gives way while batches come in, and still gets on', async () => {
      const one = content(
        0,
        Array.from({ length: 120 }, (_, n) => record(n)),
      )
      const indexer = indexerOver([one], () => 1)
      indexer.offer(one.id)
      await indexer.settledWithin(0)
      expect(indexer.behind).toBe(1)
      await indexer.settled()
      expect(index.select({ ...everything, limit: 1_000 })).toHaveLength(120)
    })
  })

  it('lockFolder() lets one process have a folder, and the next when it is done', () => {
    const lock = lockFolder(folder)
    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'state_in_use' }))
    lock.release()
    lockFolder(folder).release()
  })

  it('warns of nothing when node:sqlite is loaded, and lets other warnings through', async () => {
    const warnings: string[] = []
    const hear = (warning: Error) => warnings.push(warning.message)
    process.on('warning', hear)
    ;(await SqliteIndex.open(':memory:')).close()
    process.emitWarning('something else')
    await new Promise(setImmediate)
    process.off('warning', hear)
    expect(warnings).toEqual(['something else'])
  })
})
