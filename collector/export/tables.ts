// Rows of verdicts as CSV (RFC 4180) and as Parquet. What probes wrote is a stranger's text: a spreadsheet must not take it for
// a formula.

import { stringify } from 'csv-stringify/sync'
import { fileWriter, parquetWriteBuffer, parquetWriteRows } from 'hyparquet-writer'
import { type Column, columns, type VerdictRow } from './verdict-rows.ts'

/** The line of names, which begins a file. */
export function csvHead(): string {
  return stringify([[...columns]])
}

export function csvOf(rows: readonly VerdictRow[]): string {
  return stringify(
    rows.map((row) => columns.map((column) => row[column])),
    {
      escape_formulas: true,
      cast: { date: (date) => date.toISOString(), object: () => '' },
    },
  )
}

const types: Readonly<Partial<Record<Column, 'TIMESTAMP' | 'DOUBLE'>>> = {
  measured_at: 'TIMESTAMP',
  received_at: 'TIMESTAMP',
  error_ms: 'DOUBLE',
}
/** Of a group: small enough to make and to read on a small machine. */
const rowGroupSize = 50_000

const parquetColumns = columns.map((name) => ({
  name,
  type: types[name] ?? ('STRING' as const),
  nullable: true,
}))

/** Writes rows into a file as they come, in place of what is in it: one group of them is in memory. */
export async function writeParquetFile(path: string, rows: Iterable<VerdictRow>): Promise<void> {
  await parquetWriteRows({
    writer: fileWriter(path),
    rows: rows as Iterable<Record<string, unknown>>,
    columns: parquetColumns,
    rowGroupSize,
  })
}

/** A whole file. */
export function parquetOf(rows: readonly VerdictRow[]): Buffer {
  const columnData = parquetColumns.map((column) => ({
    ...column,
    data: rows.map((row) => row[column.name]),
  }))
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize }))
}
