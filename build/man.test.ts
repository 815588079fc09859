// The manual pages and the page of commands: both say what the tables say, and manual readers can read them.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../test/support/processes.ts'
import { allCommands } from '../tests-spec/command-line/command-words.ts'
import { root } from './bundle.ts'
import { withCommands } from './command-page.ts'
import { manPage, programs, writeManPages } from './man.ts'

const edition = { version: '1.2.3', dateMs: Date.UTC(2018, 6, 29) }
const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8')

const isThere = (program: string) => spawnSync(program, ['-V']).error === undefined
const missing = ['man', 'mandoc'].filter((program) => !isThere(program))
if (missing.length > 0)
  console.error(`\n\n  NO MANUAL WAS READ BY ${missing.join(' OR ')}: not installed.\n\n`)

describe.each(programs.map((program) => [program.name, program] as const))('%s(1)', (name, program) => {
  const folder = temporaryFolder('man')
  const path = join(folder, `${name}.1`)

  it('has every command, option, variable and exit code', async () => {
    await writeManPages(folder, edition)
    const text = readFileSync(path, 'utf8')
    expect(text).toBe(manPage(program, edition))
    const shown = text.replaceAll('\\-', '-')
    for (const command of allCommands(program)) {
      expect(shown).toContain(`.SS "${name} ${command.name}`)
      for (const option of command.options) expect(shown).toContain(`--${option.name}`)
    }
    for (const { code } of program.exits) expect(shown).toContain(`.B ${code}\n`)
    const hasState = program.commands.some(({ options }) => options.some(({ name }) => name === 'state'))
    expect(shown.includes('.B SONDE_STATE')).toBe(hasState)
    expect(shown).toContain('"2018-07-29"')
  })

  it.skipIf(!isThere('mandoc'))('is read by mandoc without a word', async () => {
    await writeManPages(folder, edition)
    const { stdout, stderr } = spawnSync('mandoc', ['-T', 'lint', path], { encoding: 'utf8' })
    expect(`${stdout}${stderr}`).toBe('')
  })

  it.skipIf(!isThere('man'))('is read by man without a warning', async () => {
    await writeManPages(folder, edition)
    const env = { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' }
    const { stdout, stderr, status } = spawnSync('man', ['--warnings', '-l', path], { encoding: 'utf8', env })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain(`${name} help [COMMAND]`)
  })
})

describe('docs/configuration.md', () => {
  it('says of the command lines what the tables say; npx tsx build/command-page.ts writes it', () => {
    expect(withCommands(page)).toBe(page)
  })

  it.each(programs.map((program) => [program.name, program] as const))('has all of %s', (name, program) => {
    for (const command of allCommands(program)) {
      expect(page).toContain(`${name} ${command.name}`)
      for (const option of command.options) expect(page).toContain(`--${option.name}`)
    }
  })

  it('is not taken for complete when it lacks a place', () => {
    expect(() => withCommands('nothing')).toThrow('no place for the commands of sonde')
  })
})

describe('the tables', () => {
  it('give an option of one name a value everywhere or nowhere: the reader must know before it knows the command', () => {
    for (const program of programs) {
      const arity = new Map<string, boolean>()
      for (const { name, value } of program.commands.flatMap(({ options }) => options)) {
        expect(arity.get(name) ?? value !== undefined, name).toBe(value !== undefined)
        arity.set(name, value !== undefined)
      }
    }
  })
})
