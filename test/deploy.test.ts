// The files people install by hand, held to what the pages and the benchmarks say of them.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { v8Flags } from '../build/v8-flags.ts'
import { root } from './support/source-tree.ts'

const units = join(root, 'deploy/raspberry-pi/system')
const unit = join(units, 'sonde.service')
const wrapper = join(root, 'deploy/raspberry-pi/sonde')
const bootFolder = join(root, 'deploy/termux/boot')
const bootScript = join(bootFolder, 'sonde')

const flagsIn = (path: string) =>
  /\bnode"? (--[^"/]*?)(?:\\\n\s*)?["/]/.exec(readFileSync(path, 'utf8'))?.[1]?.trim().split(/\s+/)

describe('deploy/', () => {
  it.each([wrapper, bootScript])('starts the agent with the V8 flags that were measured: %s', (path) => {
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
    install('.local/state/sonde/consent.json', '{}')
    const env = { HOME: home, PATH: `${home}/bin:${dirname(process.execPath)}:/usr/bin:/bin` }
    const { stdout, stderr } = spawnSync('sh', [bootScript], { encoding: 'utf8', env })
    const [first, second = '[]'] = stdout.trim().split('\n')
    expect({ first, stderr }).toEqual({ first: 'awake', stderr: '' })
    const again = spawnSync('sh', [bootScript], { encoding: 'utf8', env: { ...env, HOME: `${home}/other` } })
    expect({ without_consent: again.stdout, status: again.status }).toEqual({
      without_consent: '',
      status: 0,
    })
    const operands = ['--state', `${home}/.local/state/sonde`, '--config', `${home}/sonde/config.json`]
    expect(JSON.parse(second)).toEqual([...v8Flags, 'run', ...operands])
  })

  it('does not wait for the network or the right time, which a shutdown takes away', () => {
    expect(readFileSync(unit, 'utf8')).not.toMatch(/^\w+=.*(network-online|time-sync|time-set)/m)
  })

  it('starts nothing before the host has agreed, and the agent as soon as that is said', () => {
    expect(readFileSync(unit, 'utf8')).toMatch(/^ConditionPathExists=\/var\/lib\/sonde\/consent\.json$/m)
    const path = readFileSync(join(units, 'sonde-consent.path'), 'utf8')
    expect(path).toMatch(/^PathChanged=\/var\/lib\/sonde\/consent\.json$/m)
  })

  it('holds the agent to bounds, and starts it again without end', () => {
    const text = readFileSync(unit, 'utf8')
    const lines = ['MemoryMax=160M', 'CPUQuota=50%', 'Restart=always', 'StartLimitIntervalSec=0']
    expect(lines.filter((line) => !text.split('\n').includes(line))).toEqual([])
  })

  const isThere = (program: string) => spawnSync(program, ['--version']).status === 0
  it.runIf(isThere('shellcheck'))('has no script of which shellcheck complains', () => {
    const isScript = (path: string) =>
      statSync(path).isFile() && readFileSync(path, 'latin1').startsWith('#!')
    const scripts = readdirSync(join(root, 'deploy'), { recursive: true, encoding: 'utf8' })
      .map((path) => join(root, 'deploy', path))
      .filter(isScript)
    const { status, stdout } = spawnSync('shellcheck', scripts, { encoding: 'utf8' })
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(scripts.length).toBeGreaterThan(10)
  })

  it('keeps the table of results out of the journal, which anyone who takes the device can read', () => {
    const text = readFileSync(unit, 'utf8')
    expect(text).toMatch(/^StandardOutput=null$/m)
    // Else it would inherit, and the log would be lost.
    expect(text).toMatch(/^StandardError=journal$/m)
  })

  it.each([unit, join(units, 'sonde-enrol.service'), join(root, 'deploy/collector/sonde-collector.service')])(
    'leaves out what V8 cannot start with: %s',
    (path) => {
      expect(readFileSync(path, 'utf8')).not.toMatch(/^MemoryDenyWriteExecute=/m)
    },
  )

  // Runs without a booted systemd. On a machine without the program there is nothing to ask.
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
  const served = [
    unit,
    join(units, 'sonde-watchdog.service'),
    join(units, 'sonde-enrol.service'),
    join(root, 'deploy/collector/sonde-collector.service'),
  ]
  it.runIf(hasSystemd).each(served)(
    'is exposed no more than 2.0 of 10 by systemd-analyze security: %s',
    (path) => {
      const arguments_ = ['security', '--offline=true', '--threshold=20', path]
      const { status, stdout } = spawnSync('systemd-analyze', arguments_, { encoding: 'utf8' })
      expect({ status, overall: /exposure level.*/.exec(stdout)?.[0] }).toMatchObject({ status: 0 })
    },
  )
})
