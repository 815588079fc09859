// `npm run test:delivery [WORD...]`: prints the table of all cells, or of those whose names hold every word, and ends with 1
// when one of them is not as it should be.

import { whyNoLab } from '../lab/lab.ts'
import { allCells, faultsOf, nameOf, rowOf, runCells, tableHead } from './cells.ts'
import { missingPackage } from './fronts.ts'
import { matrices, type Tried } from './matrix.ts'

const words = process.argv.slice(2)
const why = whyNoLab()
if (why !== null) {
  console.error(`Delivery cannot be tried here: ${why}.`)
  process.exit(77)
}
let faulty = 0
const tried: Tried[] = []
console.log(tableHead)
const wanted = allCells.filter((each) => words.every((word) => nameOf(each).includes(word)))
const cells = wanted.filter((each) => missingPackage(each.front) === null)
for (const missing of new Set(wanted.flatMap(({ front }) => missingPackage(front) ?? [])))
  console.error(`Some fronts were left out: apt-get install ${missing} brings what they need.`)
await runCells(cells, 4, (cell, outcome) => {
  tried.push({ cell, outcome })
  const faults = outcome instanceof Error ? [String(outcome)] : faultsOf(cell, outcome)
  if (!(outcome instanceof Error)) console.log(rowOf(cell, outcome))
  if (faults.length > 0) console.error(`${nameOf(cell)}: ${faults.join('; ')}`)
  if (tried.length % 10 === 0) console.error(`${tried.length} of ${cells.length} cells were tried.`)
  faulty += Number(faults.length > 0)
})
console.log(`\n${matrices(tried.sort((a, b) => cells.indexOf(a.cell) - cells.indexOf(b.cell)))}`)
console.log(`${cells.length - faulty} of ${cells.length} cells are as they should be.`)
process.exit(faulty > 0 || cells.length === 0 ? 1 : 0)
