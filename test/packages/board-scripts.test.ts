// The scripts that the package for a Raspberry Pi runs as root, over what anyone may have written. No board was at hand: the boot
// partition, the board's name and the clock are files in a folder (trap emulated).

import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/processes.ts'
import { root } from '../support/source-tree.ts'

const scripts = join(root, 'deploy/raspberry-pi/lib')
const all = temporaryFolder('board')
afterAll(() => rmSync(all, { recursive: true }))

let count = 0
function place(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const folder = join(all, String(count++))
  for (const [path, content] of Object.entries({ 'bin/.keep': '', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content, { mode: 0o755 })
  }
  return folder
}

function run(script: string, args: readonly string[], folder: string, more: Record<string, string> = {}) {
  const env = { PATH: `${folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin`, SONDE_USER: 'root', ...more }
  const { status, stdout, stderr } = spawnSync(join(scripts, script), args, { encoding: 'utf8', env })
  return { status, stdout, stderr }
}

const token = `sonde1-${'abcdefghjkmnpqrstuvwxyz234'.slice(0, 26)}-${'0123456789abcdef'.repeat(2)}`
const url = 'https://collector.example'

describe('take-token', () => {
  function take(content: string | Buffer) {
    const folder = place({ 'boot/sonde-token.txt': content, 'state/.keep': '' })
    const file = join(folder, 'boot/sonde-token.txt')
    const ended = run('take-token', [join(folder, 'nowhere'), file], folder, {
      SONDE_STATE: join(folder, 'state'),
    })
    const pending = join(folder, 'state/pending-enrolment')
    const taken = existsSync(pending) ? readFileSync(pending, 'utf8') : null
    return { ...ended, taken, left: readdirSync(join(folder, 'boot')), folder, pending }
  }

  it.each<[string, string | Buffer]>([
    ['on one line', `${url} ${token}\n`],
    ['on two, as Windows ends them', `${url}\r\n${token}\r\n`],
    ['token first, with words around', `Bonjour,\nle jeton : ${token}\n\tadresse ${url}\n`],
    ['with a byte order mark', `\ufeff${url}\n${token}`],
    ['in UTF-16, as Notepad may write', Buffer.from(`\ufeff${url}\r\n${token}\r\n`, 'utf16le')],
  ])('takes address and token %s, and deletes the file', (_, content) => {
    const { taken, left, stdout, stderr, pending, status } = take(content)
    expect({ taken, left, status, said: stdout + stderr }).toEqual({
      taken: `${url} ${token} not_said\n`,
      left: [],
      status: 0,
      said: '',
    })
    expect(statSync(pending).mode & 0o777).toBe(0o600)
  })

  it('takes the word of the person who wrote it for the host, if it is that very word', () => {
    expect(take(`${url} ${token} host_agreed\n`).taken).toBe(`${url} ${token} host_agreed\n`)
    expect(take(`${url} ${token} host_agreed,\n`).taken).toBe(`${url} ${token} not_said\n`)
  })

  it.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['a token without an address', token],
    ['a token that is one character short', `${url} ${token.slice(0, -1)}`],
    ['an address with a command in it', `https://x.example/$(touch\${IFS}PWNED) ${token}`],
    ['an address with an option before it', `--config=/etc/shadow ${token}`],
    ['a megabyte of noise before it', `${'x'.repeat(1_000_000)} ${url} ${token}`],
    ['lines of terminal commands', `\u001b]0;x\u0007\`touch PWNED\`; rm -rf /\n;${url};${token}`],
  ])('takes nothing out of %s, deletes the file, and says so where the card is read', (_, content) => {
    const { taken, left, stdout, stderr, folder, status } = take(content)
    expect({ taken, left, status, said: stdout + stderr }).toEqual({
      taken: null,
      left: ['sonde-token-refused.txt'],
      status: 0,
      said: '',
    })
    expect(readFileSync(join(folder, 'boot/sonde-token-refused.txt'), 'utf8')).not.toContain('x.example')
    expect(readdirSync(folder, { recursive: true }).join()).not.toContain('PWNED')
  })

  it('does not follow a link, which could name any file for deletion', () => {
    const folder = place({ 'secret.txt': `${url} ${token}`, 'boot/.keep': '', 'state/.keep': '' })
    symlinkSync(join(folder, 'secret.txt'), join(folder, 'boot/sonde-token.txt'))
    run('take-token', [join(folder, 'boot/sonde-token.txt')], folder, { SONDE_STATE: join(folder, 'state') })
    expect(existsSync(join(folder, 'secret.txt'))).toBe(true)
    expect(readdirSync(join(folder, 'state'))).toEqual(['.keep'])
  })
})

describe('enrol-pending', () => {
  const enrol = (exit: number, files: Record<string, string> = { 'state/device-key': '' }) => {
    const folder = place({
      'state/pending-enrolment': `${url} ${token} not_said\n`,
      program: `#!/bin/sh\necho "$@"\nexit ${exit}\n`,
      'bin/systemctl': '#!/bin/sh\nexit 0\n',
      ...files,
    })
    const pending = join(folder, 'state/pending-enrolment')
    const ended = run('enrol-pending', [pending], folder, { SONDE_PROGRAM: join(folder, 'program') })
    return { ...ended, kept: existsSync(pending), folder }
  }

  it('enrols with what was taken, and destroys it', () => {
    const { status, stdout, kept, folder } = enrol(0)
    expect({ status, kept }).toEqual({ status: 0, kept: false })
    expect(stdout).toBe(`enrol --state ${join(folder, 'state')} -- ${url} ${token}\n`)
  })

  it('notes before that the host has agreed, where the card said so and nothing else was said since', () => {
    const said = { 'state/device-key': '', 'state/pending-enrolment': `${url} ${token} host_agreed\n` }
    const { stdout, folder } = enrol(0, said)
    expect(stdout.split('\n')[0]).toBe(`consent --yes --state ${join(folder, 'state')}`)
    expect(enrol(0, { ...said, 'state/consent.json': '' }).stdout).not.toContain('consent')
  })

  it('keeps it while there is no way to the collector, and not when it can never be used', () => {
    expect(enrol(69)).toMatchObject({ status: 69, kept: true })
    expect(enrol(64)).toMatchObject({ status: 0, kept: false })
  })

  it('leaves the first key to an agent that is about to make it', () => {
    expect(enrol(0, {})).toMatchObject({ status: 75, kept: true, stdout: '' })
  })
})

describe('watchdog', () => {
  const look = (beat: string, now: string) => {
    const folder = place({ beat, now, 'bin/systemctl': '#!/bin/sh\necho "$@"\n' })
    return run('watchdog', [join(folder, 'beat'), join(folder, 'now')], folder)
  }

  it('starts an agent again that has finished nothing for half an hour', () => {
    expect(look('1000\n', '2801.55 5000.00\n')).toMatchObject({
      status: 0,
      stdout: 'try-restart sonde.service\n',
    })
  })

  it.each([
    ['that is recent', '1000\n', '2799.00 1\n'],
    ['that is cut short', '', '99999.00 1\n'],
    ['that is no number', 'x$(reboot)\n', '99999.00 1\n'],
    ['that is from after now', '5000\n', '4000.00 1\n'],
  ])('leaves one alone with a heartbeat %s', (_, beat, now) => {
    expect(look(beat, now)).toMatchObject({ status: 0, stdout: '' })
  })
})

describe('hardware-watchdog', () => {
  const setting = 'etc/systemd/system.conf.d/60-sonde-watchdog.conf'
  const on = (model: string, release: string, before: Record<string, string> = {}) => {
    const folder = place({ 'proc/device-tree/model': model, 'etc/os-release': release, ...before })
    expect(run('hardware-watchdog', ['on', folder], folder)).toMatchObject({ status: 0 })
    return existsSync(join(folder, setting)) ? readFileSync(join(folder, setting), 'utf8') : null
  }
  const [pi, twelve, thirteen] = [
    'Raspberry Pi 4 Model B\0',
    'ID=debian\nVERSION_ID="12"\n',
    'VERSION_ID="13"\n',
  ]

  it('feeds the watchdog of a board with version 12 of the system, within the 15 s of its kernels', () => {
    expect(on(pi, twelve)).toBe('[Manager]\nRuntimeWatchdogSec=14\n')
  })

  it('leaves version 13 its own setting, takes ours back after an upgrade to it, and touches no other machine', () => {
    expect(on(pi, thirteen)).toBeNull()
    expect(on(pi, thirteen, { [setting]: 'ours' })).toBeNull()
    expect(on('Some PC\0', twelve)).toBeNull()
  })
})
