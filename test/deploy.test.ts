// The files people install by hand, held to what the pages and the benchmarks say of them.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { v8Flags } from '../build/v8-flags.ts'
import { root } from './support/source-tree.ts'

const unit = join(root, 'deploy/raspberry-pi/sonde.service')
const bootFolder = join(root, 'deploy/termux/boot')
const bootScript = join(bootFolder, 'sonde')

const flagsIn = (path: string) =>
  /\bnode (--[^"/]*?)(?:\\\n\s*)?["/]/.exec(readFileSync(path, 'utf8'))?.[1]?.trim().split(/\s+/)

describe('deploy/', () => {
  it.each([unit, bootScript])('starts the agent with the V8 flags that were measured: %s', (path) => {
    expect(flagsIn(path)).toEqual(v8Flags)
  })

  it('puts exactly one executable file where Termux:Boot looks: a folder there hides what follows', () => {
    expect(readdirSync(bootFolder)).toEqual(['sonde'])
    expect(statSync(bootScript).mode & 0o111).not.toBe(0)
  })

  it('replaces the shell of the boot script by the agent, so that one process stays', () => {
    const { status, stderr } = spawnSync('sh', ['-n', bootScript], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const commands = readFileSync(bootScript, 'utf8').replaceAll('\\\n', '').trim().split('\n')
    expect(commands.at(-1)).toMatch(/^exec node /)
  })

  it('holds the phone awake, then starts the agent on the state folder of its user', () => {
    const home = mkdtempSync(join(tmpdir(), 'sonde-termux-'))
    onTestFinished(() => rmSync(home, { recursive: true }))
    const install = (path: string, text: string) => {
      mkdirSync(dirname(join(home, path)), { recursive: true })
      writeFileSync(join(home, path), text, { mode: 0o755 })
    }
    install('bin/termux-wake-lock', '#!/bin/sh\necho awake\n')
    install('sonde/sonde.mjs', 'console.log(JSON.stringify([...process.execArgv, ...process.argv.slice(2)]))')
    const env = { HOME: home, PATH: `${home}/bin:${dirname(process.execPath)}:/usr/bin:/bin` }
    const { stdout, stderr } = spawnSync('sh', [bootScript], { encoding: 'utf8', env })
    const [first, second = '[]'] = stdout.trim().split('\n')
    expect({ first, stderr }).toEqual({ first: 'awake', stderr: '' })
    const operands = ['--state', `${home}/.local/state/sonde`, '--config', `${home}/sonde/config.json`]
    expect(JSON.parse(second)).toEqual([...v8Flags, 'run', ...operands])
  })

  it('does not wait for the network or the right time, which a shutdown takes away', () => {
    expect(readFileSync(unit, 'utf8')).not.toMatch(/^\w+=.*(network-online|time-sync|time-set)/m)
  })

  it('keeps the table of results out of the journal, which anyone who takes the device can read', () => {
    const text = readFileSync(unit, 'utf8')
    expect(text).toMatch(/^StandardOutput=null$/m)
    // Else it would inherit, and the log would be lost.
    expect(text).toMatch(/^StandardError=journal$/m)
  })

  it.each([unit, join(root, 'deploy/collector/sonde-collector.service')])(
    'leaves out what V8 cannot start with: %s',
    (path) => {
      expect(readFileSync(path, 'utf8')).not.toMatch(/^MemoryDenyWriteExecute=/m)
    },
  )

  // Runs without a booted systemd. On a machine without the program there is nothing to ask.
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
  const units = [unit, join(root, 'deploy/collector/sonde-collector.service')]
  it.runIf(hasSystemd).each(units)(
    'is exposed no more than 2.0 of 10 by systemd-analyze security: %s',
    (path) => {
      const arguments_ = ['security', '--offline=true', '--threshold=20', path]
      const { status, stdout } = spawnSync('systemd-analyze', arguments_, { encoding: 'utf8' })
      expect({ status, overall: /exposure level.*/.exec(stdout)?.[0] }).toMatchObject({ status: 0 })
    },
  )
})
