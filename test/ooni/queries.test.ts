// docs/data.md: every block of it, as it is written, against a real collector that a real agent sent to. What the system does
// not have, which is mostly DuckDB and pandas, is left out visibly; `npm run ooni` brings them.

import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/processes.ts'
import { root } from '../support/source-tree.ts'
import { type Laboratory, openLaboratory } from './laboratory.ts'

const page = readFileSync(join(root, 'docs', 'data.md'), 'utf8')
const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text: text.trim(),
}))

const runs = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
const has = {
  curl: runs('curl', '--version'),
  jq: runs('jq', '--version'),
  duckdb: runs('python3', '-c', 'import duckdb'),
  pandas: runs('python3', '-c', 'import pandas, pyarrow'),
}

/** How a block is run, and what must be there. */
function howToRun({ language, text }: (typeof blocks)[number]): {
  readonly command: readonly [string, ...string[]]
  readonly needs: readonly (keyof typeof has)[]
} {
  switch (language) {
    case 'sh':
      return { command: ['sh', '-euc', text], needs: text.includes('jq') ? ['curl', 'jq'] : ['curl'] }
    case 'sql':
      return {
        command: ['python3', '-c', 'import duckdb, sys; print(duckdb.sql(sys.argv[1]))', text],
        needs: ['curl', 'duckdb'],
      }
    case 'python':
      return { command: ['python3', '-c', text], needs: ['curl', 'pandas'] }
    default:
      throw new Error(`docs/data.md has a block of ${language}, which nothing here runs`)
  }
}

const folder = temporaryFolder('queries')
let laboratory: Laboratory | null = null

beforeAll(async () => {
  if (has.curl) laboratory = await openLaboratory()
})
afterAll(async () => {
  await laboratory?.close()
  rmSync(folder, { recursive: true })
})

function run([command, ...args]: readonly [string, ...string[]]): Promise<{ out: string; err: string }> {
  const env = { ...process.env, COLLECTOR: laboratory?.collector.url ?? '' }
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: folder, env }, (error, out, err) =>
      error === null
        ? resolve({ out, err })
        : reject(new Error(`${command} ended with ${error.code}: ${err}`)),
    )
  })
}

describe('a block of docs/data.md', () => {
  for (const block of blocks) {
    const { command, needs } = howToRun(block)
    const missing = needs.filter((name) => !has[name])
    const name = `${block.language}: ${block.text.slice(0, 100)}`
    it.skipIf(missing.length > 0)(missing.length > 0 ? `${name} (without ${missing})` : name, async () => {
      const { out, err } = await run(command)
      expect(err).toBe('')
      // What fetches writes a file; what asks prints an answer.
      const saysSomething =
        block.language === 'sql' || block.text.includes('print(') || block.text.startsWith('jq')
      if (saysSomething) expect(out.trim().split('\n').length).toBeGreaterThan(1)
    })
  }
})

describe('the files that these write', () => {
  const lines = (file: string) => readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean)

  it.skipIf(!has.curl)('page by page is as much as at once, and in the same order', () => {
    expect(lines('all.jsonl').length).toBeGreaterThan(25)
    expect(lines('all.jsonl')).toEqual(lines('measurements.jsonl'))
  })

  it.skipIf(!has.curl)('a verdict has a row for each measurement', () => {
    const uids = new Set(
      lines('verdicts.csv')
        .slice(1)
        .map((line) => line.split(',')[0]),
    )
    expect([...uids]).toEqual(lines('measurements.jsonl').map((line) => JSON.parse(line).measurement_uid))
  })

  it.skipIf(!has.curl || !has.duckdb)('CSV and Parquet say the same', async () => {
    const differing = (a: string, b: string) =>
      `SELECT count(*) FROM (SELECT measurement_uid, part, verdict, rule, target, clock FROM '${a}' EXCEPT ALL SELECT measurement_uid, part, verdict, rule, target, clock FROM '${b}')`
    const ask = (sql: string) =>
      run(['python3', '-c', 'import duckdb, sys; print(duckdb.sql(sys.argv[1]).fetchall()[0][0])', sql])
    expect((await ask(differing('verdicts.csv', 'verdicts.parquet'))).out.trim()).toBe('0')
    expect((await ask(differing('verdicts.parquet', 'verdicts.csv'))).out.trim()).toBe('0')
  })
})
