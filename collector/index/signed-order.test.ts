// What a probe signs of the order of its boots, by the numbers of its records, and what the index makes of it. Under a
// Node.js without node:sqlite this file runs itself again under one that has it.

import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { isModern, testUnderModernNode } from '../../build/modern-node.ts'
import { cases, seed } from '../../test/support/fuzzing.ts'
import { SampleProbe, sampleMeasurement } from '../../test/support/sample-probe.ts'
import { batchId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { bootOrder } from './boot-order.ts'
import type { IndexedBatch } from './measurement-index.ts'
import { type MeasurementRow, measurementRow } from './measurement-row.ts'
import { everything } from './selection.ts'
import { SqliteIndex } from './sqlite-index.ts'

const modern = isModern(process.versions.node)
const hour = 3_600_000
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

async function indexOf(sent: readonly Sent[]): Promise<SqliteIndex> {
  const index = await SqliteIndex.open(':memory:')
  for (const each of sent) take(index, each)
  return index
}

function take(index: SqliteIndex, { batch, rows }: Sent): void {
  index.addMeasurements(batch, rows)
  index.addBatch(batch, { fault: null, unreadable: 0 })
}

const dates = (index: SqliteIndex) => index.select({ ...everything, limit: 10_000 })

describe('bootOrder()', () => {
  const stretch = (epoch: string, boot: string, first_n: number, last_n: number) => ({
    epoch,
    boot,
    first_n,
    last_n,
  })
  it.each([
    ['one after the other', [stretch('1', 'a', 0, 4), stretch('1', 'b', 5, 9)], ['a b'], []],
    ['boots whose numbers interleave', [stretch('1', 'a', 0, 6), stretch('1', 'b', 5, 9)], [], []],
    [
      'the same order in two epochs',
      [stretch('1', 'a', 0, 4), stretch('1', 'b', 5, 9), stretch('2', 'a', 0, 0), stretch('2', 'b', 7, 9)],
      ['a b'],
      [],
    ],
    [
      'both orders',
      [stretch('1', 'a', 0, 4), stretch('1', 'b', 5, 9), stretch('2', 'b', 0, 0), stretch('2', 'a', 7, 9)],
      [],
      ['a', 'b'],
    ],
    [
      'a circle beside an order',
      [
        ...[
          stretch('1', 'a', 0, 0),
          stretch('1', 'b', 1, 1),
          stretch('1', 'c', 2, 2),
          stretch('1', 'd', 3, 3),
        ],
        ...[stretch('2', 'c', 0, 0), stretch('2', 'b', 1, 1)],
      ],
      ['a b', 'c d'],
      ['b', 'c'],
    ],
  ])('knows %s', (_, stretches, pairs, contradicted) => {
    const order = bootOrder(stretches)
    expect(order.pairs.map(({ earlier, later }) => `${earlier} ${later}`).sort()).toEqual(pairs)
    expect([...order.contradicted].sort()).toEqual(contradicted)
    for (const { earlier, later } of order.pairs)
      expect(order.ranks.get(earlier)).toBeLessThan(order.ranks.get(later) ?? -1)
  })
})

describe.runIf(modern)('what a probe signs of the order of its boots', () => {
  const device = new SampleProbe()
  let seq = 0
  interface Signed {
    readonly epoch?: number
    readonly sealedIn?: string
    readonly notBefore?: number | undefined
    readonly receivedAt?: number
    readonly rows: readonly (readonly [n: number, boot: string, mono: number, carried?: true])[]
  }
  const signed = ({ epoch = 1, sealedIn = 'sealer', notBefore, receivedAt = noon, rows }: Signed): Sent => {
    const { manifest } = device.after(null, [])
    const id = v.parse(batchId, sha256Hex(Buffer.from(`signed ${seq}`)))
    const time = { wall: 1, bootId: sealedIn, monoMs: 5_000, src: 'none', uncMs: null } as const
    const whole = {
      ...manifest,
      epoch: String(epoch).padStart(18, '0'),
      seq: seq++,
      time: { ...time, ...(notBefore === undefined ? {} : { notBefore }) },
    }
    return {
      batch: { id, manifest: whole, receivedAt },
      rows: rows.flatMap(([n, boot, mono_ms, carried]) => {
        const time = { clock: 'unknown', boot, mono_ms, wall_ms: 1 }
        const measurement = sampleMeasurement({ input: `https://${boot}.test/` })
        return measurementRow({ n, class: 'routine', carried, time, measurement }) ?? []
      }),
    }
  }
  const finish = (index: SqliteIndex): number => {
    let steps = 1
    while (index.goOnDating()) steps++
    return steps
  }
  const contradicted = (index: SqliteIndex, sent: readonly Sent[]): string[] =>
    sent.flatMap(({ batch, rows }) => {
      index.addMeasurements(batch, rows)
      return index.addBatch(batch, { fault: null, unreadable: 0 })
    })

  it.each<[string, Signed[], string[]]>([
    [
      'both orders of two boots',
      [
        {
          epoch: 1,
          sealedIn: 'a',
          notBefore: noon - day,
          rows: [
            [0, 'a', 0],
            [1, 'a', hour],
            [2, 'b', 0],
            [3, 'b', hour],
          ],
        },
        {
          epoch: 2,
          rows: [
            [0, 'b', 10],
            [1, 'b', hour],
            [2, 'a', 10],
            [3, 'a', hour],
          ],
        },
      ],
      ['a', 'b'],
    ],
    [
      'a circle of three',
      [
        {
          epoch: 1,
          sealedIn: 'a',
          notBefore: noon - day,
          rows: [
            [0, 'a', 0],
            [1, 'a', hour],
            [2, 'b', 0],
            [3, 'b', hour],
          ],
        },
        {
          epoch: 2,
          rows: [
            [0, 'b', 10],
            [1, 'b', hour],
            [2, 'c', 10],
            [3, 'c', hour],
          ],
        },
        {
          epoch: 3,
          rows: [
            [0, 'c', 10],
            [1, 'c', hour],
            [2, 'a', 10],
            [3, 'a', hour],
            [4, 'd', 0],
          ],
        },
      ],
      ['a', 'b', 'c'],
    ],
  ])('may be %s: they are named, dated without it, and in an end of time', async (_, said, boots) => {
    const index = await SqliteIndex.open(':memory:')
    expect(contradicted(index, said.map(signed)).sort()).toEqual(boots)
    expect(finish(index)).toBeLessThan(5)
    expect(index.probes()).toMatchObject([{ contradicted: boots.length }])
    for (const { correctedAt } of dates(index)) expect(correctedAt).toBeLessThanOrEqual(noon)
  })

  it('is not taken from numbers that were given anew', async () => {
    // Records of boot a, a reboot, anomalies of boot b, one batch delivered, the control folder lost: the spool takes
    // over what is left by kind, anomalies first.
    const sent = [
      signed({
        epoch: 1,
        sealedIn: 'b',
        rows: [
          [0, 'a', 0],
          [1, 'a', hour],
          [2, 'b', 10_000],
        ],
      }),
      signed({
        epoch: 2,
        sealedIn: 'b',
        rows: [
          [0, 'b', 20_000, true],
          [1, 'a', 20_000, true],
          [2, 'b', hour],
        ],
      }),
    ]
    const index = await SqliteIndex.open(':memory:')
    expect(contradicted(index, sent)).toEqual([])
    finish(index)
    expect(dates(index)).toHaveLength(6)
  })

  it('comes to the same whatever it is and in whatever order it arrives', async () => {
    const row = fc.tuple(fc.nat(30), fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(2 * hour))
    const one = fc.record({
      epoch: fc.integer({ min: 1, max: 3 }),
      sealedIn: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      notBefore: fc.option(fc.integer({ min: noon - 10 * day, max: noon }), { nil: undefined }),
      receivedAt: fc.integer({ min: noon - day, max: noon }),
      rows: fc.array(row, { maxLength: 6 }),
    })
    const property = fc.asyncProperty(
      fc.array(one, { maxLength: 12 }),
      fc.infiniteStream(fc.nat()),
      async (all, keys) => {
        // No number twice: the first to come would count.
        const taken = new Set<string>()
        const sent = all.map((each) => {
          const rows = each.rows.filter(([n]) => {
            const key = `${each.epoch} ${n}`
            return !taken.has(key) && taken.add(key)
          })
          return signed({ ...each, rows })
        })
        const one = await indexOf(sent)
        const keyed = sent.map((each) => ({ each, key: keys.next().value })).sort((a, b) => a.key - b.key)
        const other = await indexOf(keyed.map(({ each }) => each))
        finish(one)
        finish(other)
        const of = (index: SqliteIndex) =>
          index
            .select({ ...everything, limit: 1_000 })
            .map(({ epoch, n, correctedAt, errorMs }) => `${epoch} ${n} ${correctedAt} ${errorMs}`)
            .sort()
        expect(of(other)).toEqual(of(one))
        one.close()
        other.close()
      },
    )
    await fc.assert(property, { numRuns: cases(150, 3_000), seed })
  })

  it('costs a bounded step at a time, however many boots one batch names', async () => {
    const index = await SqliteIndex.open(':memory:')
    const rows = Array.from({ length: 3_000 }, (_, n) => [n, `boot-${n}`, n % 7] as const)
    const [sent] = [signed({ rows })]
    if (sent === undefined) throw new Error('One was signed')
    index.addMeasurements(sent.batch, sent.rows)
    index.addBatch(sent.batch, { fault: null, unreadable: 0 })
    let most = 0
    for (let before = index.rowsReadForDating; index.goOnDating(); before = index.rowsReadForDating)
      most = Math.max(most, index.rowsReadForDating - before)
    expect(most).toBeLessThan(4_000)
    // The first boot of all now lies later: everything after it hears of it, once.
    const late = signed({ sealedIn: 'boot-0', notBefore: noon - day, rows: [] })
    const before = index.rowsReadForDating
    take(index, late)
    const steps = finish(index)
    expect(steps).toBeLessThan(1_000)
    expect(index.rowsReadForDating - before).toBeLessThan(100_000)
  })
})
