// `sonde-coordinator lint FILE`: what is wrong with a list, before it goes to devices.

import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import { type Finding, lintRows } from '../../tests-spec/lists/lint-rows.ts'
import { readRowsFile } from '../lists/read-rows.ts'
import { type Command, jsonOption, listFile } from './invocation.ts'

export const lintCommand: Command = {
  name: 'lint',
  summary: 'say what is wrong with a list',
  more: 'An error would refuse the list; a warning may be meant.',
  operands: [listFile],
  options: [jsonOption],
  exits: [{ code: 1, meaning: 'the list has errors' }],
  async run({ given, terminal }) {
    const [path = ''] = given.operands
    const { rows, unknownColumns } = readRowsFile(path)
    const findings = lintRows(rows)
    const errors = findings.filter(({ level }) => level === 'error').length
    const warnings = findings.length - errors
    if (given.has('json'))
      terminal.out(
        `${JSON.stringify({ rows: rows.length, errors, warnings, unknownColumns, findings }, null, 2)}\n`,
      )
    else {
      for (const finding of findings) terminal.out(lineOf(path, finding, terminal.columns))
      for (const name of unknownColumns) terminal.err(`Column "${name}" is not read.\n`)
      terminal.out(`${rows.length} rows: ${errors} errors, ${warnings} warnings.\n`)
    }
    return errors > 0 ? 1 : 0
  },
}

function lineOf(path: string, { line, level, code, words }: Finding, columns: number): string {
  const indented = wrapWords(words, Math.max(20, columns - 4)).replace(/^/gm, '    ')
  return `${path}:${line}: ${level}: ${code}\n${indented}\n`
}
