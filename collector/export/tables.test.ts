import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetReadObjects } from 'hyparquet'
import { afterAll, describe, expect, it } from 'vitest'
import type { SelectedRow } from '../index/measurement-index.ts'
import { csvHead, csvOf, parquetOf, writeParquetFile } from './tables.ts'
import { columns, verdictRows } from './verdict-rows.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonde-tables-'))
afterAll(() => rmSync(folder, { recursive: true }))

const found = {
  verdict: 'anomaly',
  rule: 'whatsapp/web_alone_fails@2',
  step: 'connect',
  how: 'generic_timeout_error',
} as const
const row: SelectedRow = {
  ...{ batch: 'b'.repeat(64) as SelectedRow['batch'], device: 'd'.repeat(32), epoch: 'e', n: 7 },
  ...{ testName: 'whatsapp', input: null, cc: 'ML', asn: 'AS30985', networkName: 'Orange, "Mali"' },
  ...{ startedAt: Date.UTC(2018, 6, 29, 20), clock: 'synced', found, isSuspect: false },
  parts: { web: found, endpoints: { verdict: 'ok', rule: 'whatsapp/reached@1', step: null, how: null } },
  ...{ receivedAt: Date.UTC(2018, 6, 29, 22), correctedAt: Date.UTC(2018, 6, 29, 20, 0, 1), errorMs: 400 },
}

describe('verdictRows()', () => {
  it('has the whole, then each part, under one identity', () => {
    const rows = verdictRows(row)
    expect(rows.map(({ part, verdict }) => [part, verdict])).toEqual([
      [null, 'anomaly'],
      ['web', 'anomaly'],
      ['endpoints', 'ok'],
    ])
    expect(new Set(rows.map((each) => each.measurement_uid)).size).toBe(1)
    expect(rows[0]?.measurement_uid).toMatch(/^20180729200000\.000007_ML_whatsapp_[0-9a-f]{16}$/)
    for (const each of rows) expect(Object.keys(each).sort()).toEqual([...columns].sort())
  })
})

describe('csvOf()', () => {
  it('is RFC 4180: quoted where it must be, times in ISO 8601, nothing for null', () => {
    const [head, first] = `${csvHead()}${csvOf(verdictRows(row))}`.split('\n')
    expect(head).toBe(columns.join(','))
    expect(first).toContain(
      '2018-07-29T20:00:01.000Z,400,ML,AS30985,"Orange, ""Mali""",whatsapp,,,anomaly,connect',
    )
  })

  it('gives a spreadsheet no formula that a stranger wrote', () => {
    const how = '=HYPERLINK("http://evil.test/")'
    const text = csvOf(verdictRows({ ...row, input: '@cmd', found: { ...found, how } }))
    expect(text).toContain(`"'=HYPERLINK(""http://evil.test/"")"`)
    expect(text).toContain("'@cmd")
  })
})

describe('parquet', () => {
  it('is read back as the rows that were written, from an answer and from a file', async () => {
    const rows = Array.from({ length: 300 }, (_, n) => verdictRows({ ...row, n })).flat()
    const path = join(folder, 'rows.parquet')
    await writeParquetFile(path, rows)
    for (const bytes of [parquetOf(rows), readFileSync(path)]) {
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
      const read = await parquetReadObjects({ file })
      expect(read).toEqual(rows)
    }
  })

  it('is a file without rows when there are none', async () => {
    const bytes = parquetOf([])
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer
    expect(await parquetReadObjects({ file })).toEqual([])
  })
})
