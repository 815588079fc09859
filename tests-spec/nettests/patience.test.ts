// The table of the page and the table of the code have the same figures.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { patience } from './patience.ts'

const page = readFileSync(fileURLToPath(new URL('patience.md', import.meta.url)), 'utf8')

it('the page of the patience has every step of the table, with its milliseconds', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| +([\d,]+) \|/gm)]
  const inPage = rows.map(([, step = '', milliseconds = '']) => [
    step,
    Number(milliseconds.replaceAll(',', '')),
  ])
  expect(Object.fromEntries(inPage)).toEqual(patience)
  expect(inPage.length).toBe(Object.keys(patience).length)
})

it('the parts of what a helper does fit into the whole', () => {
  // The second question waits twice as long.
  expect(3 * patience.helperQueryMs).toBeLessThan(patience.helperLookupMs)
  expect(3 * patience.helperPageConnectMs).toBeLessThanOrEqual(patience.helperPageMs)
  expect(patience.helperPageMs).toBeLessThan(patience.helperAnswerMs)
})
