// Rows of records whose packed size is known beforehand: what fill() takes of them, and how often it packs.

import { describe, expect, it } from 'vitest'
import { seededChance } from '../../../test/support/sample-spool.ts'
import { fill, type Stored } from './fill.ts'

const targetBytes = 60_000

interface Sized extends Stored {
  readonly packedBytes: number
}

async function filled(row: readonly Sized[], isEnough: (count: number) => boolean = () => false) {
  let taken = 0
  let rounds = 0
  const result = await fill<Sized, { readonly payload: Buffer }>({
    targetBytes,
    next: async () => row[taken++] ?? null,
    isEnough: () => isEnough(taken),
    async pack(items) {
      rounds++
      return { payload: Buffer.alloc(packedIn(items)) }
    },
  })
  expect(result.items).toEqual(row.slice(0, result.items.length))
  expect(result.packed.payload).toHaveLength(packedIn(result.items))
  return { count: result.items.length, bytes: result.packed.payload.length, taken, rounds }
}

const packedIn = (items: readonly Sized[]) => items.reduce((sum, { packedBytes }) => sum + packedBytes, 0)
const alike = (count: number, storedBytes: number, packedBytes: number): Sized[] =>
  Array.from({ length: count }, () => ({ storedBytes, packedBytes }))

describe('fill()', () => {
  it.each([
    ['records that pack to a seventh', alike(5_000, 550, 80), 4],
    ['records that do not pack', alike(200, 2_000, 2_000), 1],
    ['records that grow when packed', alike(200, 2_000, 3_000), 4],
    ['the first ones dear, the rest cheap', [...alike(100, 500, 300), ...alike(3_000, 500, 40)], 6],
    ['the first ones cheap, the rest dear', [...alike(400, 500, 40), ...alike(3_000, 500, 400)], 6],
  ])('comes near the target with %s', async (_, row, mostRounds) => {
    const { bytes, rounds } = await filled(row)
    expect(bytes).toBeGreaterThanOrEqual(0.92 * targetBytes)
    expect(bytes).toBeLessThanOrEqual(1.04 * targetBytes)
    expect(rounds).toBeLessThanOrEqual(mostRounds)
  })

  it('takes all there is when that is less than a batch', async () => {
    expect(await filled(alike(100, 550, 80))).toMatchObject({ count: 100, bytes: 8_000 })
    expect(await filled([])).toMatchObject({ count: 0, bytes: 0 })
  })

  it('takes no more than is enough, whatever it packs to', async () => {
    expect(await filled(alike(5_000, 550, 80), (count) => count === 300)).toMatchObject({
      count: 300,
      taken: 300,
    })
  })

  it('takes a record larger than a batch with what goes before it, and nothing behind it', async () => {
    const large = alike(1, 300_000, 250_000)
    for (const before of [0, 1, 50]) {
      const row = [...alike(before, 1_000, 500), ...large, ...alike(200, 1_000, 500)]
      expect(await filled(row)).toMatchObject({ count: before + 1 })
    }
  })

  it('leaves a record larger than a batch to the next one when this one is full without it', async () => {
    const row = [...alike(115, 1_000, 500), ...alike(1, 300_000, 250_000)]
    const { count } = await filled(row)
    expect(count).toBeGreaterThanOrEqual(111)
    expect(count).toBeLessThanOrEqual(115)
  })

  it('takes at least one, passes the target by one at most, and ends, with sizes by chance', async () => {
    const chance = seededChance(12)
    for (let round = 0; round < 300; round++) {
      const row = Array.from({ length: 1 + Math.floor(chance() * 400) }, () => {
        const storedBytes = 1 + Math.floor(chance() ** 4 * 40_000)
        return { storedBytes, packedBytes: 1 + Math.floor(chance() * storedBytes) }
      })
      const { count, bytes } = await filled(row)
      expect(count).toBeGreaterThan(0)
      const last = row[count - 1]?.packedBytes ?? 0
      expect(bytes - last).toBeLessThan(1.04 * targetBytes)
      if (count < row.length) expect(bytes).toBeGreaterThanOrEqual(0.92 * targetBytes)
    }
  })
})
