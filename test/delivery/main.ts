// `npm run test:delivery [WORD...]`: prints the table of all cells, or of those whose names hold every word, and ends with 1
// when one of them is not as it should be.

import { whyNoLab } from '../lab/lab.ts'
import { allCells, faultsOf, nameOf, rowOf, runCell, tableHead } from './cells.ts'
import { missingPackage } from './fronts.ts'

const words = process.argv.slice(2)
const why = whyNoLab()
if (why !== null) {
  console.error(`Delivery cannot be tried here: ${why}.`)
  process.exit(77)
}
let faulty = 0
console.log(tableHead)
for (const cell of allCells.filter((each) => words.every((word) => nameOf(each).includes(word)))) {
  const missing = missingPackage(cell.front)
  if (missing !== null) {
    console.error(`${nameOf(cell)} was left out: apt-get install ${missing} brings what it needs.`)
    continue
  }
  try {
    const figures = await runCell(cell)
    console.log(rowOf(cell, figures))
    const faults = faultsOf(cell, figures)
    if (faults.length > 0) console.error(`${nameOf(cell)}: ${faults.join('; ')}`)
    faulty += Number(faults.length > 0)
  } catch (error) {
    console.error(String(error))
    faulty += 1
  }
}
process.exit(faulty > 0 ? 1 : 0)
