// What was found, as a page shows it: for each box, fronts down and lines across.

import { type Cell, type Figures, faultsOf } from './cells.ts'
import { lines } from './wires.ts'

export interface Tried {
  readonly cell: Cell
  readonly outcome: Figures | Error
}

/** @returns Markdown: bytes sent against bytes held, and seconds until all was there; a cell that is not as it should be in bold. */
export function matrices(tried: readonly Tried[]): string {
  const names = Object.keys(lines)
  const inOrder = <T>(all: readonly T[]) => [...new Set(all)]
  return inOrder(tried.map(({ cell }) => cell.box))
    .map((box) => {
      const here = tried.filter(({ cell }) => cell.box === box)
      const rows = inOrder(here.map(({ cell }) => cell.front)).map((front) => [
        front,
        ...names.map((line) => cellText(here.find(({ cell }) => cell.front === front && cell.line === line))),
      ])
      return [
        `### ${box === 'none' ? 'No box' : `A box: ${box}`}`,
        '',
        ...[['front', ...names], ['front', ...names].map(() => '---'), ...rows].map(
          (row) => `| ${row.join(' | ')} |`,
        ),
        '',
      ].join('\n')
    })
    .join('\n')
}

function cellText(tried: Tried | undefined): string {
  if (tried === undefined) return ''
  const { cell, outcome } = tried
  if (outcome instanceof Error) return '**did not end**'
  const text = `${(outcome.sent / outcome.backlogBytes).toFixed(2)} · ${outcome.seconds.toFixed(outcome.seconds < 10 ? 1 : 0)} s`
  return faultsOf(cell, outcome).length === 0 ? text : `**${text}**`
}
