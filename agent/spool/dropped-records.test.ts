import { describe, expect, it } from 'vitest'
import { DroppedRecords } from './dropped-records.ts'
import type { RangeSet } from './ledger/ranges.ts'

/** A ledger that gives numbers from 100 on, and keeps what it is told is lost. */
function ledgerOf() {
  const noted: number[][] = []
  let next = 100
  return {
    noted,
    takeNumber: () => next++,
    async lose(_: 'disk_full', numbers: RangeSet) {
      noted.push(numbers.list().flat())
    },
  }
}

describe('DroppedRecords', () => {
  it('names each once, those without a number under a new one', async () => {
    const [dropped, ledger] = [new DroppedRecords(), ledgerOf()]
    for (const n of [3, null, 4, null]) dropped.add(n)
    expect(dropped.count).toBe(4)
    await dropped.settle(ledger)
    expect(ledger.noted).toEqual([[3, 4, 100, 101]])
    expect(dropped.count).toBe(0)
  })

  it('gives all of them new numbers when the old ones were of another epoch', async () => {
    const [dropped, ledger] = [new DroppedRecords(), ledgerOf()]
    for (const n of [3, 4, null]) dropped.add(n)
    dropped.forgetNumbers()
    await dropped.settle(ledger)
    expect(ledger.noted).toEqual([[100, 102]])
  })

  it('holds them while the ledger cannot be written, and what is dropped meanwhile', async () => {
    const [dropped, ledger] = [new DroppedRecords(), ledgerOf()]
    dropped.add(3)
    const sick = {
      ...ledger,
      async lose() {
        dropped.add(9)
        throw new Error('EIO')
      },
    }
    await expect(dropped.settle(sick)).rejects.toThrow('EIO')
    expect(dropped.count).toBe(2)
    await dropped.settle(ledger)
    expect(ledger.noted).toEqual([[3, 3, 9, 9]])
  })
})
