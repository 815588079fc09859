// OONI's keys are as OONI's rules have them, line for line; where they are not, it is on purpose, and the page says so.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allNettests } from '../../tests-spec/nettests/all-nettests.ts'
import { good } from '../support/observations.ts'
import { rows as compared } from './ooni-comparison.ts'
import { type OoniRow, rows } from './ooni-keys.ts'
import { rows as lookups } from './ooni-lookups.ts'
import { serviceRows } from './ooni-service-keys.ts'

const tables: Readonly<Record<string, readonly OoniRow[]>> = {
  web_connectivity: [...rows, ...lookups, ...compared],
  ...serviceRows,
}

describe.each(Object.entries(tables))("OONI's keys of %s", (nettest, table) => {
  const spec = allNettests.find(({ name }) => name === nettest)
  const page = new URL(`../../tests-spec/nettests/${nettest.replaceAll('_', '-')}.md`, import.meta.url)
  const [, differences = ''] = readFileSync(page, 'utf8').split('## Where this differs from OONI')
  const text = differences.replaceAll(/\s+/g, ' ')

  it('has no line twice', () => {
    expect(new Set(table.map(({ line }) => line)).size).toBe(table.length)
  })

  it.each(table.map((row) => [row.line, row] as const))('%s', (_, { seen, outside, ooni, ours }) => {
    const input = nettest === 'web_connectivity' ? 'https://site.example/' : null
    const keys = spec?.conclude(seen, good, { input, outside: outside ?? undefined }).keys
    expect(keys).toMatchObject(ours?.keys ?? ooni)
    if (ours === undefined) return
    expect(keys).not.toMatchObject(ooni)
    expect(text).toContain(ours.reason)
  })
})
