// The log is read while it is written: through a change of files, with a torn end, and with whatever else lies there.

import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LogReader, parseLogLine } from './log-lines.ts'
import { openLogRing } from './log-ring.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'sonde-lines-'))
const text = (n: number) => `{"n":${n},"pad":"${'x'.repeat(60)}"}`

it('gives both files in order, and then what has come since, each line once', () => {
  const dir = folder()
  const ring = openLogRing(dir, 1000)
  for (let n = 0; n < 15; n++) ring.write(`${text(n)}\n`)
  const reader = new LogReader(dir)
  const read = () => reader.read(false).map((line) => JSON.parse(line).n)
  const first = read()
  expect(first).toEqual(Array.from({ length: first.length }, (_, at) => 15 - first.length + at))
  for (let n = 15; n < 200; n++) {
    ring.write(`${text(n)}\n`)
    if (n % 3 === 0) expect(read()).toEqual(n === 15 ? [15] : [n - 2, n - 1, n])
  }
  reader.close()
  ring.close()
})

it('waits for the rest of a line that is being written, and gives it at the end', () => {
  const dir = folder()
  writeFileSync(join(dir, 'sonde.ndjson'), '{"a":1}\n{"b":')
  const reader = new LogReader(dir)
  expect(reader.read(false)).toEqual(['{"a":1}'])
  appendFileSync(join(dir, 'sonde.ndjson'), '2}\n{"c')
  expect(reader.read(false)).toEqual(['{"b":2}'])
  expect(reader.read(true)).toEqual(['{"c'])
  reader.close()
})

it('reads no more than the end of a file that is larger than any of ours', () => {
  const dir = folder()
  writeFileSync(join(dir, 'sonde.ndjson'), `${text(1)}\n`.repeat(60_000))
  const reader = new LogReader(dir)
  const lines = reader.read(true)
  expect(lines.length).toBeGreaterThan(10_000)
  expect(lines.join('\n').length).toBeLessThanOrEqual(1024 * 1024)
  reader.close()
})

it('finds nothing where nothing is, and what is written later', () => {
  const dir = folder()
  const reader = new LogReader(dir)
  expect(reader.read(false)).toEqual([])
  writeFileSync(join(dir, 'sonde.ndjson'), '{"a":1}\n')
  expect(reader.read(false)).toEqual(['{"a":1}'])
  reader.close()
})

it.each([
  '',
  '{',
  'null',
  '[]',
  '{"time":1}',
  '{"time":"x","level":"info","code":"S1001"}',
  '{"time":"2026-11-28T00:00:00Z"}',
])('parseLogLine() takes %s for no line of the log', (torn) => {
  expect(parseLogLine(torn)).toBeNull()
})
