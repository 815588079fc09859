// A list of a group as a person hands it in: a table of the Citizen Lab's six columns, or JSON as devices get it.

import { readFileSync } from 'node:fs'
import { type GroupList, parseGroupList } from '../../tests-spec/lists/group-list.ts'
import { lintRows } from '../../tests-spec/lists/lint-rows.ts'
import type { ListRow } from '../../tests-spec/lists/list-row.ts'
import { TestListRefused } from '../../tests-spec/lists/test-list.ts'
import { parseStrictJson } from '../../tests-spec/protocol/strict-json.ts'
import { CommandFailed } from '../command-failed.ts'
import { readRowsFile } from './read-rows.ts'

export interface ReadGroupList {
  readonly list: GroupList
  readonly warnings: number
  /** Whether campaigns stand in it: a table says nothing of them, and those that are out go on. */
  readonly saysCampaigns: boolean
}

/**
 * @throws {CommandFailed} `list_errors` when a row has an error; `bad_list`, `not_readable`.
 */
export function readGroupListFile(path: string, group: string): ReadGroupList {
  return /\.json$/i.test(path) ? fromJson(path, group) : fromTable(path, group)
}

function fromTable(path: string, group: string): ReadGroupList {
  const { rows } = readRowsFile(path)
  const warnings = linted(path, rows)
  const list = { v: 1 as const, name: group, entries: rows.map(entryOf), campaigns: [] }
  return { list: checked(list, path), warnings, saysCampaigns: false }
}

function fromJson(path: string, group: string): ReadGroupList {
  let json: unknown
  try {
    json = parseStrictJson(readFileSync(path))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    if (cause instanceof Error && 'code' in cause)
      throw new CommandFailed('not_readable', (words) => words.notReadable(path, why), { cause })
    throw new CommandFailed('bad_list', (words) => words.badJsonList(path, why), { cause })
  }
  const list = checked(json, path)
  if (list.name !== group)
    throw new CommandFailed('bad_list', (words) => words.wrongGroup(path, list.name, group))
  const rows = list.entries.flatMap(({ nettest, input, category_code, notes }, at) =>
    nettest === 'web_connectivity' ? [rowOf(input, category_code, notes ?? '', at + 1)] : [],
  )
  return { list, warnings: linted(path, rows), saysCampaigns: true }
}

/** @returns Number of warnings. */
function linted(path: string, rows: readonly ListRow[]): number {
  const findings = lintRows(rows)
  const errors = findings.filter(({ level }) => level === 'error').length
  if (errors > 0) throw new CommandFailed('list_errors', (words) => words.listErrors(path, errors))
  return findings.length
}

function checked(json: unknown, path: string): GroupList {
  try {
    return parseGroupList(json)
  } catch (cause) {
    if (!(cause instanceof TestListRefused)) throw cause
    throw new CommandFailed('bad_list', (words) => words.badJsonList(path, cause.message), { cause })
  }
}

/** Who wants it measured, and why, is for people to read: it goes along as a note. */
function entryOf({ url, category_code, source, notes }: ListRow): GroupList['entries'][number] {
  const measured = new URL(url.trim())
  // It is never sent.
  measured.hash = ''
  const note = [source.trim(), notes.trim()].filter(Boolean).join('; ')
  const entry = {
    nettest: 'web_connectivity' as const,
    input: measured.href,
    category_code: category_code.trim(),
  }
  return note === '' ? entry : { ...entry, notes: note }
}

function rowOf(url: string, category_code: string, notes: string, line: number): ListRow {
  return {
    url,
    category_code,
    category_description: '',
    date_added: '',
    source: notes || 'json',
    notes,
    line,
  }
}

/** As it is signed: the same list is the same bytes. */
export function contentOfList(list: GroupList): Buffer {
  return Buffer.from(`${JSON.stringify(list, null, 1)}\n`)
}
