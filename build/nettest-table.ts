// The table of nettests in tests-spec/README.md, from all-nettests.ts. `npm run schemas` writes it with the schemas.

import { fileURLToPath } from 'node:url'
import { allNettests } from '../tests-spec/nettests/all-nettests.ts'
import type { NettestSpec } from '../tests-spec/nettests/nettest-spec.ts'

export const readmePath = fileURLToPath(new URL('../tests-spec/README.md', import.meta.url))

/** Name of the page, the samples and the other files of a nettest: its own name with hyphens. */
export const fileNameOf = ({ name }: Pick<NettestSpec, 'name'>) => name.replaceAll('_', '-')

const heading = '## Nettests\n'

/**
 * @returns The text with the table in its section, in place of the earlier one.
 * @throws {Error} If there is no such section, or none after it.
 */
export function withNettestTable(readme: string): string {
  const [before, section, ...more] = readme.split(heading)
  const end = section?.indexOf('\n## ') ?? -1
  if (before === undefined || section === undefined || more.length > 0 || end < 0) {
    throw new Error('Cannot write the table of nettests: expected a section "Nettests" and another after it')
  }
  return `${before}${heading}\n${nettestTable()}\n${section.slice(end)}`
}

function nettestTable(): string {
  const rows = allNettests.map((spec) => [
    `[\`${spec.name}\`](nettests/${fileNameOf(spec)}.md)`,
    spec.version,
    spec.about,
  ])
  const all = [['nettest', 'version', 'what it is about'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const [head = [], ...body] = all
  return [head, widths.map((width) => '-'.repeat(width)), ...body].map(line).join('\n')
}
