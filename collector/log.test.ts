// The catalogue of codes, held to the program that logs them; and the form of a line.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { filesEndingIn } from '../test/support/source-tree.ts'
import { logCodes, openLog } from './log.ts'

it('every code in the catalogue is logged somewhere', () => {
  // That no other is, the compiler says.
  const calls = filesEndingIn('.ts')
    .filter(({ path }) => path.startsWith('collector/') && !path.endsWith('.test.ts'))
    .flatMap(({ text }) => [...text.matchAll(/\blog\.(?:debug|info|warn|error)\(([^,)]*)/g)])
    .map(([, first = '']) => first)
    .join('\n')
  expect(Object.keys(logCodes).filter((code) => !calls.includes(`'${code}'`))).toEqual([])
})

it('docs/configuration.md says of every code what to do', () => {
  const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8')
  const table = page.slice(page.indexOf("### The collector's log"))
  const rows = table.split('\n').filter((line) => line.startsWith('| `'))
  const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map((m) => m[1]))
  expect(Object.keys(logCodes).filter((code) => !named.includes(code))).toEqual([])
})

it('openLog() writes level names, a time that people can read, the code and what it means', () => {
  const lines: string[] = []
  const log = openLog(
    (line) => lines.push(line),
    () => Date.UTC(2018, 6, 29, 20),
    'warn',
  )
  log.info('listening')
  log.warn('payload_faulty', { batch: 'b' })
  log.error('internal', { err: new Error('because') })
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: 'warn',
      time: '2018-07-29T20:00:00.000Z',
      code: 'payload_faulty',
      batch: 'b',
      message: logCodes.payload_faulty,
    },
    expect.objectContaining({ level: 'error', err: expect.objectContaining({ message: 'because' }) }),
  ])
  expect(lines.every((line) => line.endsWith('}\n'))).toBe(true)
})
