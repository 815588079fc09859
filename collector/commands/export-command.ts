// `sonde-collector export`: everything that was measured, or what filters leave, to standard output or into a file. Reads
// index and archive and writes neither, so that it runs beside a collector that serves.

import { existsSync } from 'node:fs'
import type { OptionWords, ValueWords } from '../../tests-spec/command-line/command-words.ts'
import { faultList } from '../../tests-spec/command-line/fault-text.ts'
import type { Given } from '../../tests-spec/command-line/read-command-line.ts'
import { verdictKinds } from '../../tests-spec/nettests/verdict.ts'
import { Archive } from '../archive/archive.ts'
import { readSuspected } from '../archive/suspicions.ts'
import { indexPath } from '../collector.ts'
import { BatchReader, type ExportParts, keptLines, plainLines } from '../export/export-lines.ts'
import { openNetworkTable } from '../export/network-table.ts'
import {
  type ExportFormat,
  expectedInstead,
  exportedNettests,
  maxPerPage,
  readExportRequest,
} from '../export/request.ts'
import { csvHead, csvOf, writeParquetFile } from '../export/tables.ts'
import { type VerdictRow, verdictRows } from '../export/verdict-rows.ts'
import type { MeasurementIndex, SelectedRow } from '../index/measurement-index.ts'
import type { Selection } from '../index/selection.ts'
import { SqliteIndex } from '../index/sqlite-index.ts'
import { CommandFailed } from './command-failed.ts'
import { type Command, type Invocation, stateOption } from './invocation.ts'
import { makeOutputFile } from './output-file.ts'
import { existingState } from './state-folder.ts'
import type { Terminal } from './terminal.ts'

/** A value that the same field of a URL takes. */
const fieldValue = (name: string, field: Parameters<typeof expectedInstead>[0]): ValueWords => ({
  name,
  kind: 'text',
  check: (text) => expectedInstead(field, text),
})
/** Named as in the query of a URL, with hyphens. */
const filters: readonly OptionWords[] = [
  {
    name: 'since',
    value: fieldValue('TIME', 'since'),
    help: 'received from then on: a date, or a time with its zone',
  },
  { name: 'until', value: fieldValue('TIME', 'until'), help: 'received before then' },
  {
    name: 'measured-since',
    value: fieldValue('TIME', 'measured_since'),
    help: 'measured from then on, by the corrected time',
  },
  { name: 'measured-until', value: fieldValue('TIME', 'measured_until'), help: 'measured before then' },
  { name: 'asn', value: fieldValue('ASN', 'asn'), help: 'of one network, such as AS30985' },
  { name: 'test-name', value: { name: 'NETTEST', kind: exportedNettests }, help: 'of one nettest' },
  { name: 'input', value: fieldValue('INPUT', 'input'), help: 'of one target, as in the test list' },
  {
    name: 'verdict',
    value: { name: 'VERDICT', kind: verdictKinds },
    help: 'ok, anomaly, link_down or undetermined',
  },
]

export const asnTableOption: OptionWords = {
  name: 'asn-table',
  value: { name: 'FILE', kind: 'file' },
  variable: 'SONDE_ASN_TABLE',
  help: "whose an address is: an ASN database in MaxMind's format (.mmdb), to fill what probes do not look up",
}

export const exportCommand: Command = {
  name: 'export',
  summary: "print what was measured, in OONI's form or as a table",
  more: "One JSON object a line in OONI's form, unless said otherwise. Runs while the collector serves, and while it does not.",
  operands: [],
  options: [
    stateOption,
    {
      name: 'csv',
      help: 'one row for each verdict and each part of it, as CSV, with an apostrophe before what begins like a formula',
    },
    { name: 'parquet', needs: 'output', help: 'the same rows as Parquet, without apostrophes' },
    { name: 'kept', help: 'records as probes signed them' },
    { name: 'output', value: { name: 'FILE', kind: 'file' }, help: 'into a file that is not there yet' },
    ...filters,
    asnTableOption,
  ],
  run: exportAll,
}

async function exportAll({ given, terminal }: Invocation): Promise<number> {
  const { format, selection } = requestOf(given)
  const output = given.value('output')
  if (output !== null && existsSync(output))
    throw new CommandFailed('bad_usage', `${output} is there already. Name a file that is not.`)
  const state = existingState(given.value('state') ?? '')
  const index = await SqliteIndex.openExisting(indexPath(state))
  index.suspectBy(() => readSuspected(state))
  try {
    const table = given.value('asn-table')
    const networkOf = table === null ? () => null : openNetworkTable(table)
    const leaveOut = (batch: string, n: number) =>
      terminal.err(`Left out: record ${n} of batch ${batch} has no such form; --kept has it\n`)
    const parts = { index, reader: new BatchReader(Archive.openToRead(state)), networkOf, leaveOut }
    let rows = 0
    const counted = (page: readonly SelectedRow[]) => {
      rows += page.length
      if (output !== null) terminal.err(`${rows} measurements\n`)
    }
    if (output === null) await printText(textOf(format, parts, selection, counted), terminal)
    else
      await makeOutputFile(output, async ({ write, writtenBy }) => {
        if (format === 'parquet')
          return writtenBy((path) => writeParquetFile(path, tableRows(index, selection, counted)))
        for await (const piece of textOf(format, parts, selection, counted)) await write(piece)
      })
  } finally {
    index.close()
  }
  return 0
}

function requestOf(given: Given): { readonly format: ExportFormat; readonly selection: Selection } {
  const formats = (['csv', 'parquet', 'kept'] as const).filter((name) => given.has(name))
  if (formats.length > 1)
    throw new CommandFailed('bad_usage', `Say one of --csv, --parquet and --kept, not ${formats.length}.`)
  const said = filters.flatMap(({ name }) => {
    const value = given.value(name)
    return value === null ? [] : [[name.replaceAll('-', '_'), value] as const]
  })
  const fields = { ...Object.fromEntries(said), limit: String(maxPerPage), format: formats[0] ?? 'jsonl' }
  const asked = readExportRequest(fields)
  if (asked.kind === 'read') return asked
  const faults = asked.faults.map(
    (fault) => `--${fault.replace(/^\w+/, (field) => field.replaceAll('_', '-'))}.`,
  )
  throw new CommandFailed('bad_usage', faultList('This cannot be done:', faults))
}

type Counted = (page: readonly SelectedRow[]) => void

/** A page at a time, so that a year of it needs no more memory than a day. */
function* pagesOf(index: MeasurementIndex, selection: Selection, counted: Counted): Generator<SelectedRow[]> {
  for (let after = selection.after; ; ) {
    const page = index.select({ ...selection, after })
    const last = page.at(-1)
    if (last === undefined) return
    counted(page)
    yield page
    after = last
  }
}

function* tableRows(index: MeasurementIndex, selection: Selection, counted: Counted): Generator<VerdictRow> {
  for (const page of pagesOf(index, selection, counted)) yield* page.flatMap(verdictRows)
}

async function* textOf(format: ExportFormat, parts: ExportParts, selection: Selection, counted: Counted) {
  if (format === 'csv') yield csvHead()
  for (const page of pagesOf(parts.index, selection, counted)) {
    if (format === 'csv') yield csvOf(page.flatMap(verdictRows))
    else yield* format === 'kept' ? keptLines(parts, page) : plainLines(parts, page)
  }
}

/** Waits for its reader, and ends when that one has gone: a slow pipe must not fill the memory. */
async function printText(text: AsyncIterable<string>, { out, drained }: Terminal): Promise<void> {
  for await (const piece of text) {
    out(piece)
    if (!(await drained())) return
  }
}
