// Dates in the index, from batches of a probe with wrong clocks, in whatever order they come. Under a Node.js without
// node:sqlite this file runs itself again under one that has it.

import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { isModern, testUnderModernNode } from '../../build/modern-node.ts'
import { cases, seed } from '../../test/support/fuzzing.ts'
import { SampleProbe, sampleMeasurement } from '../../test/support/sample-probe.ts'
import { batchId, type Manifest, sha256Hex, type TimeAnchor } from '../../tests-spec/protocol/batch.ts'
import type { IndexedBatch, MeasurementPlace } from './measurement-index.ts'
import { type MeasurementRow, measurementRow } from './measurement-row.ts'
import { everything } from './selection.ts'
import { SqliteIndex } from './sqlite-index.ts'

const modern = isModern(process.versions.node)
const second = 1_000
const hour = 3_600 * second
const day = 24 * hour
const noon = Date.UTC(2018, 6, 29, 12)

it.runIf(!modern)('these tests pass under a Node.js with node:sqlite', { timeout: 120_000 }, () => {
  const { status, output } = testUnderModernNode(import.meta.url)
  expect(output).toMatch(/Tests +\d+ passed/)
  expect({ status, output }).toMatchObject({ status: 0 })
})

interface Sent {
  readonly batch: IndexedBatch
  readonly rows: readonly MeasurementRow[]
}

/**
 * A probe whose clock starts in 1970 at each boot, and drifts. The true time of each measurement is kept beside it,
 * by number.
 */
class Field {
  readonly #probe = new SampleProbe()
  readonly truth = new Map<number, number>()
  readonly sent: Sent[] = []
  now = noon
  #boot = 0
  #mono = 0
  #drift = 0
  #n = 0
  #seq = 0
  #rows: MeasurementRow[] = []
  #anchors: TimeAnchor[] = []

  boot(drift: number): void {
    this.#boot++
    this.#mono = 10_000
    this.#drift = drift
    this.#anchors = []
  }

  pass(ms: number): void {
    this.now += ms
    this.#mono += ms / (1 + this.#drift)
  }

  measure(input = `https://${this.#n}.test/`, verdict?: Parameters<typeof sampleMeasurement>[0]): void {
    const mono = Math.round(this.#mono)
    const wall = Math.min(mono, Date.UTC(2099, 0))
    const time = { clock: 'unknown', boot: this.#name, mono_ms: mono, wall_ms: wall }
    const measurement = sampleMeasurement({ input, at: wall, ...verdict })
    const row = measurementRow({ n: this.#n, class: 'routine', time, measurement })
    if (row === null) throw new Error('A sample is a row')
    this.#rows.push(row)
    this.truth.set(this.#n++, this.now)
  }

  /** Seals the measurements that wait, and sends them over a link that takes `ms` in each direction. */
  upload(ms: number, change: (manifest: Manifest) => Manifest = (m) => m): Sent {
    return this.send(this.seal(change), ms)
  }

  seal(
    change: (manifest: Manifest) => Manifest = (m) => m,
  ): Omit<IndexedBatch, 'receivedAt'> & Pick<Sent, 'rows'> {
    const mono = Math.round(this.#mono)
    const { manifest } = this.#probe.after(null, [])
    const seq = this.#seq++
    const anchors = this.#anchors.splice(0)
    const time = { wall: mono, bootId: this.#name, monoMs: mono, src: 'none', uncMs: null, anchors } as const
    const id = v.parse(batchId, sha256Hex(Buffer.from(`${this.#probe.device} ${seq}`)))
    const whole = change({ ...manifest, seq, time: { ...time, anchors: [...anchors] } })
    return { id, manifest: whole, rows: this.#rows.splice(0) }
  }

  /** For a batch that another boot sealed, it is not known when it first left the probe. */
  send({ rows, ...sealed }: ReturnType<Field['seal']>, ms: number): Sent {
    const sent = sealed.manifest.time.bootId === this.#name ? { monoMs: Math.floor(this.#mono) } : null
    this.pass(ms)
    const receivedAt = Math.floor(this.now)
    this.pass(ms)
    const anchor = { batch: sealed.id, at: receivedAt, sent, received: { monoMs: Math.ceil(this.#mono) } }
    this.#anchors.push(anchor)
    const done = { batch: { ...sealed, receivedAt }, rows }
    this.sent.push(done)
    return done
  }

  get #name(): string {
    return `boot-${this.#boot}`
  }
}

async function indexOf(sent: readonly Sent[]): Promise<SqliteIndex> {
  const index = await SqliteIndex.open(':memory:')
  for (const each of sent) take(index, each)
  return index
}

function take(index: SqliteIndex, { batch, rows }: Sent): void {
  index.addMeasurements(batch, rows)
  index.addBatch(batch, { fault: null, unreadable: 0 })
}

const dates = (index: SqliteIndex) =>
  index
    .select({ ...everything, limit: 10_000 })
    .map(({ n, correctedAt, errorMs }: MeasurementPlace) => ({ n, correctedAt, errorMs }))
    .sort((a, b) => a.n - b.n)

describe.runIf(modern)('dating anew', () => {
  it('a month without a way out, by the receipt that the next batch tells of', async () => {
    const field = new Field()
    field.boot(150e-6)
    for (let n = 0; n < 30; n++) {
      field.measure()
      field.pass(day)
    }
    const index = await indexOf([field.upload(400)])
    // The measurement was made before it was received: more is not known yet.
    expect(dates(index)[0]).toMatchObject({ errorMs: null })
    field.pass(15 * 60 * second)
    take(index, field.upload(400))
    for (const { n, correctedAt, errorMs } of dates(index)) {
      const off = Math.abs(correctedAt - (field.truth.get(n) ?? 0))
      expect(off).toBeLessThanOrEqual(errorMs ?? -1)
      expect(errorMs).toBeLessThan((30 - n) * day * 2e-4 + 2 * second)
    }
  })

  it('what the probe signed stays as it was', async () => {
    const field = new Field()
    field.boot(0)
    field.measure('https://a.test/')
    const index = await indexOf([field.upload(100), field.upload(100)])
    expect(index.newest(1)).toMatchObject([
      { startedAt: 10_000, clock: 'unknown', errorMs: expect.any(Number) },
    ])
    expect(index.newest(1)[0]?.correctedAt).toBeGreaterThan(noon - second)
  })

  it('the newest result is the newest by the corrected date', async () => {
    const field = new Field()
    field.boot(0)
    field.pass(10 * day)
    field.measure('https://a.test/', { testName: 'earlier' })
    field.measure('https://b.test/')
    const before = field.upload(100)
    // The next boot begins in 1970 again, so its clock is behind that of the boot before.
    field.pass(hour)
    field.boot(0)
    field.measure('https://b.test/', { parts: {} })
    const index = await indexOf([before, field.upload(100), field.upload(100)])
    const newest = index.newest(10).find(({ input }) => input === 'https://b.test/')
    expect(newest?.startedAt).toBe(10_000)
    expect(newest?.correctedAt).toBeGreaterThan(noon + 10 * day)
  })

  it('a boot that no receipt reached lies between its neighbours', async () => {
    const field = new Field()
    field.boot(0)
    field.measure()
    const first = [field.upload(100), field.upload(100)]
    field.pass(hour)
    field.boot(0)
    field.pass(hour)
    field.measure()
    field.pass(hour)
    field.boot(0)
    field.measure()
    const last = [field.upload(100), field.upload(100)]
    const dark = dates(await indexOf([...first, ...last]))[1]
    expect(Math.abs((dark?.correctedAt ?? 0) - (field.truth.get(1) ?? 0))).toBeLessThanOrEqual(
      dark?.errorMs ?? -1,
    )
    expect(dark?.errorMs).toBeLessThan(1.5 * hour + 5 * second)
  })

  it('what is said of a receipt counts once the batch is here that it was given for', async () => {
    const field = new Field()
    field.boot(0)
    // The batch only names a loss: it has no record of its boot that needs a date.
    const sealed = field.seal()
    field.boot(0)
    field.measure()
    const old = field.send(sealed, 100)
    const next = field.upload(100)
    const index = await indexOf([next])
    expect(dates(index)).toMatchObject([{ n: 0, errorMs: null }])
    take(index, old)
    expect(dates(index)).toEqual(dates(await indexOf([old, next])))
    expect(dates(index)[0]).toMatchObject({ errorMs: expect.any(Number) })
  })

  it.each<[string, (anchor: TimeAnchor) => TimeAnchor]>([
    ['the receipt said another time', (anchor) => ({ ...anchor, at: anchor.at + 1 })],
    ['there is no such batch', (anchor) => ({ ...anchor, batch: v.parse(batchId, 'f'.repeat(64)) })],
  ])('what a probe says of a receipt counts for nothing when %s', async (_, lie) => {
    const field = new Field()
    field.boot(0)
    field.measure()
    field.upload(100)
    field.upload(
      100,
      (manifest) =>
        ({
          ...manifest,
          time: { ...manifest.time, anchors: manifest.time.anchors?.map(lie) },
        }) as Manifest,
    )
    expect(dates(await indexOf(field.sent))).toMatchObject([{ errorMs: null }])
  })

  it('what contradicts itself is dated by nothing, and never after it was received', async () => {
    const field = new Field()
    field.boot(0)
    field.measure()
    const notBefore = noon + 100 * day
    field.upload(100, (manifest) => ({ ...manifest, time: { ...manifest.time, notBefore } }))
    expect(dates(await indexOf(field.sent))).toEqual([{ n: 0, correctedAt: 10_000, errorMs: null }])
  })

  it('stays readable when a probe claims absurd times', async () => {
    const field = new Field()
    field.boot(0)
    field.measure()
    field.pass(2 ** 53 - 100_000)
    field.now = noon
    field.measure()
    field.upload(100, (manifest) => ({
      ...manifest,
      time: { ...manifest.time, suspendedMs: 1 - 2 ** 53, notBefore: 2 ** 53 - 1 },
    }))
    field.upload(100)
    for (const { correctedAt, errorMs } of dates(await indexOf(field.sent))) {
      expect(new Date(correctedAt).getTime()).toBeLessThanOrEqual(field.now)
      expect(correctedAt).toBeGreaterThanOrEqual(0)
      expect(errorMs ?? 0).toBeLessThan(3.3e12)
    }
    const row = (time: object) =>
      measurementRow({
        n: 0,
        class: 'routine',
        time: { clock: 'unknown', boot: 'b', ...time },
        measurement: sampleMeasurement(),
      })
    expect(row({ mono_ms: 1, wall_ms: 1 })).not.toBeNull()
    for (const bad of [
      { mono_ms: 1, wall_ms: -1 },
      { mono_ms: 1, wall_ms: 9e15 },
      { mono_ms: 0.5, wall_ms: 1 },
      { wall_ms: 1 },
      { mono_ms: 2 ** 53, wall_ms: 1 },
      { mono_ms: 1, wall_ms: 1, steps: -1 },
      { mono_ms: 1, wall_ms: 1, suspended_ms: 'no' },
    ])
      expect(row(bad)).toBeNull()
  })

  it('costs the same for each batch of a boot, however many came before', async () => {
    const field = new Field()
    field.boot(50e-6)
    const index = await SqliteIndex.open(':memory:')
    const read: number[] = []
    for (let n = 0; n < 1_500; n++) {
      field.pass(15 * 60 * second)
      field.measure('https://a.test/')
      field.measure('https://b.test/')
      const before = index.rowsReadForDating
      take(index, field.upload(1 + (n % 7) * 100))
      while (index.goOnDating());
      read.push(index.rowsReadForDating - before)
    }
    const mean = (from: number) => read.slice(from, from + 100).reduce((sum, each) => sum + each, 0) / 100
    expect(mean(1_400)).toBeLessThan(1.2 * mean(100))
    expect(Math.max(...read)).toBeLessThan(10 * mean(100))
  })

  it('has the truth within what it states, and says the same whatever the order of arrival', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 3 * day }) }),
      fc.record({ do: fc.constant('measure' as const) }),
      fc.record({ do: fc.constant('upload' as const), ms: fc.integer({ min: 1, max: 20 * second }) }),
      fc.record({
        do: fc.constant('boot' as const),
        drift: fc.double({ min: -2e-4, max: 2e-4, noNaN: true }),
      }),
    )
    const life = fc.array(step, { maxLength: 60, size: 'max' })
    let [bounded, total] = [0, 0]
    const property = fc.asyncProperty(life, fc.infiniteStream(fc.nat()), async (steps, keys) => {
      const field = new Field()
      field.boot(0)
      for (const each of steps) {
        if (each.do === 'pass') field.pass(each.ms)
        else if (each.do === 'measure') field.measure()
        else if (each.do === 'upload') field.upload(each.ms)
        else field.boot(each.drift)
      }
      const index = await indexOf(field.sent)
      const said = dates(index)
      for (const { n, correctedAt, errorMs } of said) {
        total++
        if (errorMs === null) continue
        bounded++
        expect(Math.abs(correctedAt - (field.truth.get(n) ?? 0))).toBeLessThanOrEqual(errorMs)
      }
      const shuffled = field.sent
        .map((each) => ({ each, key: keys.next().value }))
        .sort((a, b) => a.key - b.key)
        .map(({ each }) => each)
      const other = await indexOf(shuffled)
      expect(dates(other)).toEqual(said)
      const newest = (of: SqliteIndex) => of.newest(100).map(({ input, correctedAt }) => [input, correctedAt])
      expect(newest(other)).toEqual(newest(index))
      other.close()
      index.close()
    })
    await fc.assert(property, { numRuns: cases(60, 1_500), seed })
    expect(bounded / total).toBeGreaterThan(0.2)
  })
})
