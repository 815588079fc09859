// Batches get through behind real fronts, over bad lines and past rude boxes: everything arrives once, and little is sent
// twice. Few cells here, all of them in the deep tests. Says loudly what it cannot try.

import { afterAll, describe, expect, it } from 'vitest'
import { whyNoLab } from '../lab/lab.ts'
import { allCells, faultsOf, fewCells, nameOf, rowOf, runCell, tableHead } from './cells.ts'
import { missingPackage } from './fronts.ts'

const why = whyNoLab()
if (why !== null) console.error(`\n\n  DELIVERY WAS NOT TRIED: ${why}.\n\n`)
const isDeep = process.env.SONDE_DEEP === '1'
const cells = isDeep ? allCells : fewCells
const missing = new Set(cells.flatMap(({ front }) => missingPackage(front) ?? []))
if (missing.size > 0)
  console.error(
    `\n\n  DELIVERY WAS NOT TRIED BEHIND ALL FRONTS: apt-get install ${[...missing].join(' ')} brings what it needs.\n\n`,
  )
const rows: string[] = []

describe.skipIf(why !== null)('delivery', () => {
  // A slow line is mostly waited for, so cells are tried side by side.
  for (const cell of cells.filter(({ front }) => missingPackage(front) === null)) {
    it.concurrent(
      nameOf(cell),
      async () => {
        const figures = await runCell(cell)
        rows.push(rowOf(cell, figures))
        expect(faultsOf(cell, figures)).toEqual([])
      },
      // They wait for each other, so the last ends when all have.
      isDeep ? 5_400_000 : 300_000,
    )
  }
  afterAll(() => {
    console.log([tableHead, ...rows].join('\n'))
    expect(rows.length).toBeGreaterThan(0)
  })
})
