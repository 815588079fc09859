// The codes of the logs of both programs, in the three places that speak of them: the catalogue, the lines that log them, and
// the table that says what to do, or what happens next. A code that nothing logs is a promise to the operator who searches
// for it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { logCodes } from '../agent/platform/log.ts'
import { logCodes as collectorCodes } from '../collector/log.ts'
import { filesEndingIn, root, type SourceFile } from './support/source-tree.ts'

const catalogue = Object.keys(logCodes).sort()

/** Codes are only ever written out to be logged; the compiler sees to it that they are in the catalogue. */
function loggedIn(files: readonly SourceFile[]): string[] {
  const codes = files.flatMap(({ text }) => [...text.matchAll(/'(S\d{4})'/g)].map(([, code = '']) => code))
  return [...new Set(codes)].sort()
}

/** From the first column of the table below "Its log": `S1001, S1002`, or `S2101 to S2104`. */
function documentedIn(page: string): string[] {
  const [, section = ''] = /^### Its log$([\s\S]*?)^### /m.exec(page) ?? []
  const cells = [...section.matchAll(/^\| (S\d{4}[^|]*)\|/gm)].map(([, cell = '']) => cell.trim())
  return cells.flatMap((cell) => {
    const range = /^S(\d{4}) to S(\d{4})$/.exec(cell)
    if (range === null) return cell.split(', ')
    const [first, last] = [Number(range[1]), Number(range[2])]
    return Array.from({ length: last - first + 1 }, (_, i) => `S${first + i}`)
  })
}

describe('the codes of the log', () => {
  const sources = filesEndingIn('.ts').filter(
    ({ path }) => path.startsWith('agent/') && !path.endsWith('.test.ts') && path !== 'agent/platform/log.ts',
  )

  it('are all logged somewhere, and nothing else is', () => {
    expect(loggedIn(sources)).toEqual(catalogue)
  })

  it('all stand in the table that says what to do, once and in order, and nothing else does', () => {
    const documented = documentedIn(readFileSync(join(root, 'docs/configuration.md'), 'utf8'))
    expect(documented).toEqual(catalogue)
  })

  it('are begun by a letter and a number that says what they are about', () => {
    expect(catalogue.filter((code) => !/^S[1-7]\d{3}$/.test(code))).toEqual([])
  })
})

/** What the last cell of each row says, by the first: what to do, or that nothing is. */
function adviceIn(page: string, heading: string): [codes: string, advice: string][] {
  const [, section = ''] = new RegExp(`^### ${heading}$([\\s\\S]*?)^### `, 'm').exec(page) ?? []
  const rows = section.split('\n').filter((line) => /^\| [`S]/.test(line))
  return rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim())
    return [cells[1] ?? '', cells.at(-2) ?? '']
  })
}

describe('the table of each program', () => {
  const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')

  it.each(['Its log', "The collector's log"])('says of every code in "%s" what to do', (heading) => {
    const advice = adviceIn(page, heading)
    expect(advice.length).toBeGreaterThan(20)
    expect(advice.filter(([, words]) => words === '')).toEqual([])
  })
})

describe("the codes of the collector's log", () => {
  const catalogue = Object.keys(collectorCodes).sort()
  const sources = filesEndingIn('.ts').filter(
    ({ path }) => path.startsWith('collector/') && !path.endsWith('.test.ts') && path !== 'collector/log.ts',
  )

  it('are all logged somewhere', () => {
    const words = new Set(sources.flatMap(({ text }) => [...text.matchAll(/'([a-z_]+)'/g)].map(([, w]) => w)))
    expect(catalogue.filter((code) => !words.has(code))).toEqual([])
  })

  it('each stand once in the table, and nothing else does', () => {
    const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
    const documented = adviceIn(page, "The collector's log").flatMap(([codes]) =>
      [...codes.matchAll(/`([a-z_]+)`/g)].map(([, code = '']) => code),
    )
    expect(documented.sort()).toEqual(catalogue)
  })
})

describe('the checker', () => {
  it('sees what is logged, and reads a row of one code, of two, and of several', () => {
    expect(
      loggedIn([{ path: 'agent/x.ts', text: "log.info('S1001')\nlog.warn(a ? 'S3901' : 'S3902')" }]),
    ).toEqual(['S1001', 'S3901', 'S3902'])
    const page =
      '### Its log\n\n| code | x |\n| S1001, S1002 | a |\n| S2101 to S2103 | b |\n| S3001 | c |\n\n### Next\n| S9 |\n'
    expect(documentedIn(page)).toEqual(['S1001', 'S1002', 'S2101', 'S2102', 'S2103', 'S3001'])
  })
})
