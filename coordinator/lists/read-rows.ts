// Reads a list as people keep it, and as spreadsheets save it: tests-spec/lists/list-rows.md.

import { readFileSync, statSync } from 'node:fs'
import { CsvError, parse } from 'csv-parse/sync'
import { quoted } from '../../tests-spec/command-line/quoted.ts'
import { type ListColumn, type ListRow, listColumns } from '../../tests-spec/lists/list-row.ts'
import { CommandFailed } from '../command-failed.ts'

const maxBytes = 4 * 1024 * 1024
const needed: readonly ListColumn[] = ['url', 'category_code']

export interface ReadRows {
  readonly rows: readonly ListRow[]
  /** Names of columns that are not read. */
  readonly unknownColumns: readonly string[]
}

/** @throws {CommandFailed} `not_readable`, `bad_list`. */
export function readRowsFile(path: string): ReadRows {
  return readRows(textOf(path), path)
}

/** @throws {CommandFailed} `bad_list`. */
export function readRows(text: string, path: string): ReadRows {
  const records = recordsOf(text, path)
  const [head, ...body] = records
  if (head === undefined)
    throw new CommandFailed('bad_list', `${path} is empty: its first line names the columns.`)
  const names = head.cells.map((name) => name.trim().toLowerCase())
  for (const name of needed)
    if (!names.includes(name))
      throw new CommandFailed(
        'bad_list',
        `${path} has no column ${quoted(name)}: its first line names the columns (${listColumns.join(', ')}).`,
      )
  const twice = names.find((name, at) => name !== '' && names.indexOf(name) !== at)
  if (twice !== undefined)
    throw new CommandFailed('bad_list', `${path} has two columns ${quoted(twice)}: take one of them out.`)
  const rows = body.map(({ cells, line }) => {
    const cell = (name: ListColumn) => cells[names.indexOf(name)] ?? ''
    const entries = listColumns.map((name) => [name, cell(name)] as const)
    return { ...(Object.fromEntries(entries) as Record<ListColumn, string>), line }
  })
  const unknownColumns = names.filter((name) => name !== '' && !listColumns.some((each) => each === name))
  return { rows, unknownColumns }
}

interface CsvRecord {
  readonly cells: readonly string[]
  readonly line: number
}

function recordsOf(text: string, path: string): CsvRecord[] {
  try {
    const records = parse(text, {
      bom: true,
      delimiter: delimiterOf(text),
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { record: string[]; info: { lines: number } }[]
    return records
      .map(({ record, info }) => ({ cells: record, line: info.lines }))
      .filter(({ cells }) => cells.some((cell) => cell !== ''))
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    const line = 'lines' in cause ? ` in line ${String(cause.lines)}` : ''
    throw new CommandFailed(
      'bad_list',
      `${path} is no CSV${line}: ${cause.message}. Look for a stray quotation mark.`,
      {
        cause,
      },
    )
  }
}

/** Spreadsheets write semicolons where the comma is for decimals. The first line has names alone, and tells. */
function delimiterOf(text: string): string {
  const head = /^[^\r\n]*/.exec(text.replace(/^\ufeff/, ''))?.[0] ?? ''
  const count = (delimiter: string) => head.split(delimiter).length
  return [',', ';', '\t'].reduce((best, each) => (count(each) > count(best) ? each : best))
}

function textOf(path: string): string {
  try {
    if (statSync(path).size > maxBytes)
      throw new CommandFailed('bad_list', `${path} has more than 4 MB: no list is as long.`)
    const bytes = readFileSync(path)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    if (cause instanceof CommandFailed) throw cause
    if (cause instanceof TypeError)
      throw new CommandFailed('bad_list', `${path} is not in UTF-8: save it again as "CSV UTF-8".`, { cause })
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed('not_readable', `Cannot read ${path}: ${why}.`, { cause })
  }
}
