// `sonde-coordinator import FILE --out FILE`: a list of the Citizen Lab, made ready for devices: what would refuse it is left
// out, and so is what needs a consent that nobody here was asked for. Each row keeps where it is from.

import { writeFileSync } from 'node:fs'
import { stringify } from 'csv-stringify/sync'
import { lintRows } from '../../tests-spec/lists/lint-rows.ts'
import { type ListRow, listColumns } from '../../tests-spec/lists/list-row.ts'
import { CommandFailed } from '../command-failed.ts'
import { readRowsFile } from '../lists/read-rows.ts'
import { type Command, jsonOption, listFile } from './invocation.ts'

/** As its licence asks. */
const attribution = 'Citizen Lab and contributors, CC BY-NC-SA 4.0'

export const importCommand: Command = {
  name: 'import',
  summary: 'make a list of the Citizen Lab ready for devices',
  more: 'Leaves out what lint calls an error. Their lists are under CC BY-NC-SA 4.0: each row says so in "source".',
  operands: [listFile],
  options: [
    {
      name: 'out',
      value: { name: 'FILE', kind: 'file' },
      required: true,
      help: 'the list that is written; must not be there',
    },
    { name: 'with-consent', help: 'keep what is measured only where a host has agreed to its category' },
    jsonOption,
  ],
  exits: [],
  async run({ given, terminal }) {
    const [path = ''] = given.operands
    const out = given.value('out') ?? ''
    const { rows } = readRowsFile(path)
    const faults = new Map<number, string>()
    for (const { line, level, code } of lintRows(rows))
      if (level === 'error' || (code === 'consent' && !given.has('with-consent'))) faults.set(line, code)
    const taken = rows.filter(({ line }) => !faults.has(line)).map(attributed)
    write(out, stringify([[...listColumns], ...taken.map((row) => listColumns.map((name) => row[name]))]))
    const leftOut = counted([...faults.values()])
    if (given.has('json'))
      terminal.out(`${JSON.stringify({ rows: rows.length, taken: taken.length, leftOut }, null, 2)}\n`)
    else {
      terminal.out(`${taken.length} of ${rows.length} rows are in ${out}.\n`)
      for (const [code, count] of Object.entries(leftOut)) terminal.out(`  left out: ${count} ${code}\n`)
    }
    return 0
  },
}

function attributed(row: ListRow): ListRow {
  const source = row.source.trim()
  return {
    ...row,
    source: source.includes(attribution) ? source : [source, attribution].filter(Boolean).join('; '),
  }
}

function counted(codes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const code of [...codes].sort()) counts[code] = (counts[code] ?? 0) + 1
  return counts
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' })
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
      throw new CommandFailed('output_exists', `${path} is there already: name another with --out FILE.`, {
        cause,
      })
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed('output_not_made', `Cannot write ${path}: ${why}.`, { cause })
  }
}
