// A user without a name and without a home, as containers start programs: every command used to end with 70 and a stack. Needs root,
// to become such a user, and says so where it is not.

import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { agentBundle, temporaryFolder } from '../support/processes.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.error('\n\n  NO USER WITHOUT A NAME WAS TRIED: it needs root.\n\n')

const folder = temporaryFolder('homeless')
const program = join(folder, 'sonde.mjs')
copyFileSync(agentBundle, program)
chmodSync(folder, 0o777)
chmodSync(program, 0o755)
afterAll(() => rmSync(folder, { recursive: true }))

function homeless(...args: readonly string[]): Promise<{ code: number | null; err: string }> {
  const user = ['--reuid', '54321', '--regid', '54321', '--clear-groups']
  return new Promise((resolve) => {
    const child = execFile(
      'setpriv',
      [...user, process.execPath, program, ...args],
      { env: { PATH: process.env.PATH } },
      (_error, _out, err) => resolve({ code: child.exitCode, err }),
    )
  })
}

describe.skipIf(!isRoot)('sonde of a user without a name and a home', () => {
  it.each([
    ['status', 64, 'There is no home folder here: say where to keep state with --state DIR'],
    ['once', 64, 'There is no home folder here: say where to keep state with --state DIR'],
    [`verify ${program}`, 64, 'Say whose batches these are'],
    [`status --state ${folder}/none`, 66, 'There is no state folder'],
  ])('%s ends with a sentence', async (line, code, words) => {
    const ended = await homeless(...line.split(' '))
    expect(ended.err).not.toContain('a bug')
    expect(ended.err).toContain(words)
    expect(ended.code, ended.err).toBe(code)
  })
})
