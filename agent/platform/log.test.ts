// The log is bounded on disk, has stable codes, and is never a reason to stop.

import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openLog } from './log.ts'
import { openLogRing } from './log-ring.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'sonde-log-'))

it('openLogRing() never takes more than two files of the given size', () => {
  const dir = folder()
  const ring = openLogRing(dir, 1000)
  for (let n = 0; n < 500; n++) ring.write(`${JSON.stringify({ n, text: 'x'.repeat(n % 90) })}\n`)
  ring.close()
  const sizes = ['sonde.ndjson', 'sonde.1.ndjson'].map((name) => statSync(join(dir, name)).size)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1000)
  expect(readFileSync(join(dir, 'sonde.ndjson'), 'utf8')).toContain('"n":499')
})

it('openLogRing() counts what it could not write, and writes again when the folder is back', () => {
  const dir = folder()
  rmSync(dir, { recursive: true })
  const ring = openLogRing(dir, 1000)
  ring.write('lost\n')
  expect(ring.dropped()).toBe(1)
})

it.each([
  ['renamed', (path: string) => renameSync(path, `${path}.old`)],
  ['removed', (path: string) => rmSync(path)],
])(
  'openLogRing() begins the file anew that others have %s: it used to go on into the nameless one',
  (_, change) => {
    const dir = folder()
    const ring = openLogRing(dir)
    ring.write('one\n')
    change(join(dir, 'sonde.ndjson'))
    ring.write('two\n')
    ring.close()
    expect(readFileSync(join(dir, 'sonde.ndjson'), 'utf8')).toBe('two\n')
    expect(ring.dropped()).toBe(0)
  },
)

it('openLogRing() begins a line of its own after one that a power cut tore: both used to be one that nobody could read', () => {
  const dir = folder()
  writeFileSync(join(dir, 'sonde.ndjson'), '{"code":"S1001"}\n{"code":"S20')
  const ring = openLogRing(dir)
  ring.write('{"code":"S1003"}\n')
  ring.close()
  expect(readFileSync(join(dir, 'sonde.ndjson'), 'utf8').split('\n')).toEqual([
    '{"code":"S1001"}',
    '{"code":"S20',
    '{"code":"S1003"}',
    '',
  ])
})

it('openLog() writes NDJSON with code, level, time and fields', () => {
  const dir = folder()
  const ring = openLogRing(dir)
  const log = openLog(ring, null, () => Date.parse('2018-07-29T17:43:00Z'))
  log.warn('S4101', { reason: 'unreachable' })
  ring.close()
  expect(JSON.parse(readFileSync(join(dir, 'sonde.ndjson'), 'utf8'))).toEqual({
    level: 'warn',
    time: '2018-07-29T17:43:00.000Z',
    code: 'S4101',
    reason: 'unreachable',
    message: 'Upload put off; it is tried again by itself',
  })
})

it('openLog() says the same to a terminal in one readable line', () => {
  const lines: string[] = []
  const log = openLog(
    openLogRing(folder()),
    (line) => lines.push(line),
    () => Date.parse('2018-07-29T17:43:00Z'),
    'warn',
  )
  log.info('S2002')
  log.warn('S4101', { reason: 'unreachable' })
  expect(lines).toEqual([
    '17:43:00  warn   S4101  Upload put off; it is tried again by itself  (reason=unreachable)',
  ])
})
