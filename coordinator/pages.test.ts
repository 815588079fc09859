// The two pages for coordinators: every command line in them is one that the program takes, and both give the same.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../test/support/source-tree.ts'
import { readCommandLine } from '../tests-spec/command-line/read-command-line.ts'
import { sondeCoordinator } from './command-line.ts'

const pages = ['docs/coordinator.md', 'docs/coordinateur.md'].map((path) => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}))

/** As a reader types them: lines of their own, and what is between backticks. What the program prints is not one. */
function commandLines(text: string): string[] {
  const lines = [...text.matchAll(/^ *(?:\$ )?sonde-coordinator (.+)$/gm)]
  const inProse = [...text.matchAll(/`(?:sonde-coordinator )((?:help|init|push)\b[^`\n]*)`/g)]
  return [...lines, ...inProse].map(([, words = '']) => words.trim())
}

/** Codes of refusals: the first column of the tables. */
function codes(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => cell.replaceAll('`', '').split(', '))
}

describe('the pages for coordinators', () => {
  it.each(pages)('$path gives command lines that the program takes', ({ text }) => {
    const readings = commandLines(text).map((line) => ({
      line,
      reading: readCommandLine(sondeCoordinator, line.split(' '), {}),
    }))
    expect(readings.length).toBeGreaterThan(20)
    expect(readings.filter(({ reading }) => reading.kind === 'faults')).toEqual([])
    const given = readings.map(({ line }) => line.split(' ')[0])
    for (const name of ['init', 'push', 'status', 'diff', 'withdraw', 'campaign', 'publish', 'recover'])
      expect(given).toContain(name)
  })

  it('give the same command lines and the same codes', () => {
    const [english = '', french = ''] = pages.map(({ text }) => text)
    expect(commandLines(french)).toEqual(commandLines(english))
    expect(codes(french)).toEqual(codes(english))
    expect(codes(english).length).toBeGreaterThan(35)
  })

  it('would see an option that the program does not take', () => {
    const [line = ''] = commandLines('   sonde-coordinator push a.csv --groups bamako\n')
    expect(readCommandLine(sondeCoordinator, line.split(' '), {}).kind).toBe('faults')
  })
})
