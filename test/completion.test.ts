// The completion that both programs print, in the shells it is for: they parse it, and complete by it.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { programs } from '../build/man.ts'
import { completionScript } from '../tests-spec/command-line/completion.ts'
import { temporaryFolder } from './support/processes.ts'

const isThere = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0
const missing = ['bash', 'zsh', 'fish'].filter((shell) => !isThere(shell))
if (missing.length > 0)
  console.error(`\n\n  NO COMPLETION WAS TRIED IN ${missing.join(', ')}: not installed.\n\n`)

const folder = temporaryFolder('completion')
mkdirSync(join(folder, 'a stick'))
writeFileSync(join(folder, 'a file.psb'), '')

function scriptOf(name: string, shell: string): string {
  const program = programs.find((each) => each.name === name)
  if (program === undefined) throw new Error(`There is no program ${name}`)
  const path = join(folder, `${name}.${shell}`)
  writeFileSync(path, completionScript(program, shell))
  return path
}

function run(shell: string, argv: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(shell, argv, { encoding: 'utf8', cwd: folder })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').filter((line) => line !== '')
}

/** What a person may have typed, the last word unfinished, and what it can become. */
const rows: readonly [words: string[], offered: string[]][] = [
  [
    ['sonde', 'st'],
    ['status', 'statut'],
  ],
  [['sonde', '--state', 'status', 'ex'], ['export']],
  [
    ['sonde', 'status', '--'],
    ['--state', '--json', '--help', '--version'],
  ],
  [['sonde', 'export', 'a'], ['a stick']],
  [
    ['sonde', 'verify', 'a'],
    ['a file.psb', 'a stick'],
  ],
  [['sonde', 'run', '--state', 'a'], ['a stick']],
  [['sonde', 'help', 'imp'], ['import-receipts']],
  [['sonde-collector', 'serve', '--log', 'w'], ['warn']],
  [['sonde-collector', 'export', '--verdict', 'an'], ['anomaly']],
  [['sonde-collector', 'export', '--test-name', 'web'], ['web_connectivity']],
  [
    ['sonde-collector', 're'],
    ['recipient', 'revoke', 'rebuild-index', 'retry'],
  ],
  [['sonde-collector', 'completion', 'z'], ['zsh']],
]

describe.each(programs.map(({ name }) => name))('the completion of %s', (name) => {
  it.skipIf(!isThere('bash'))('is a script of bash', () => {
    run('bash', ['-n', scriptOf(name, 'bash')])
  })

  it.skipIf(!isThere('zsh'))('is a script of zsh, which knows whom it completes', () => {
    const path = scriptOf(name, 'zsh')
    run('zsh', ['-n', path])
    const program = `autoload -U compinit && compinit -u -D && source ${path} && print $_comps[${name}]`
    expect(run('zsh', ['-f', '-c', program])).toEqual([`_${name.replace('-', '_')}`])
  })

  it.skipIf(!isThere('fish'))('is a script of fish', () => {
    run('fish', ['-n', scriptOf(name, 'fish')])
  })
})

describe.each(rows)('%j', (words, offered) => {
  const name = words[0] ?? ''

  it.skipIf(!isThere('bash'))(`is completed by bash to ${offered.join(', ')}`, () => {
    const program = `source "$0"
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      ${`_${name.replace('-', '_')}`}
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const found = run('bash', ['--norc', '-c', program, scriptOf(name, 'bash'), ...words])
    expect(found.sort()).toEqual([...offered].sort())
  })

  it.skipIf(!isThere('fish'))(`is completed by fish to ${offered.join(', ')}`, () => {
    const program = `source ${scriptOf(name, 'fish')}; complete -C '${words.join(' ')}'`
    const found = run('fish', ['--no-config', '-c', program]).map((line) => line.split('\t')[0])
    expect(found.map((each) => each?.replace(/\/$/, '').replaceAll('\\', '')).sort()).toEqual(
      [...offered].sort(),
    )
  })
})
