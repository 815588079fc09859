// What the agent makes of the terminal it is given: its width, also where it says none, and one that cannot write over a
// line. Needs python3, for a terminal, and says so where there is none.

import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { agentBundle, sonde, temporaryFolder } from '../support/processes.ts'

const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.error('\n\n  NO TERMINAL WAS MADE: it needs python3.\n\n')

/** Gives the program a terminal with this many columns, and prints what came out there. */
const onTerminal = `
import fcntl, os, pty, struct, sys, termios
reading, writing = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.read(reading, 1)
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
os.write(writing, b'.')
try:
    while data := os.read(terminal, 65536):
        sys.stdout.buffer.write(data)
except OSError:
    pass
os.waitpid(pid, 0)
`

function shown(columns: number, argv: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { COLUMNS: _, ...inherited } = process.env
  const options = { env: { ...inherited, TERM: 'xterm', ...env } }
  const words = ['-c', onTerminal, String(columns), process.execPath, agentBundle, ...argv]
  return new Promise((resolve, reject) =>
    execFile('python3', words, options, (error, out) =>
      error === null ? resolve(out.replaceAll('\r\n', '\n')) : reject(error),
    ),
  )
}

it.skipIf(!hasPython)('takes the width of the terminal, else COLUMNS, else 80', async () => {
  const wide = await shown(80, ['help', 'once'])
  expect(await shown(40, ['help', 'once'])).not.toBe(wide)
  // As a serial console says it.
  expect(await shown(0, ['help', 'once'])).toBe(wide)
  expect(await shown(0, ['help', 'once'], { COLUMNS: '40' })).toBe(await shown(40, ['help', 'once']))
  expect(await shown(80, ['help', 'once'], { COLUMNS: '40' })).toBe(wide)
})

it('takes COLUMNS where there is no terminal, if it is a number', async () => {
  const { out: wide } = await sonde(['help', 'once'])
  for (const COLUMNS of ['', '0', '-1', 'many', '80']) {
    expect(await sonde(['help', 'once'], { COLUMNS })).toEqual({ code: 0, out: wide, err: '' })
  }
  const { out } = await sonde(['help', 'once'], { COLUMNS: '40' })
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40)
})

it.skipIf(!hasPython)(
  'is told in a line that the link is down, and in rows when it asks, or through a pipe',
  async () => {
    const folder = temporaryFolder('down')
    const entries = ['one', 'two'].map((name) => ({
      nettest: 'web_connectivity',
      input: `http://127.0.0.1:9/${name}`,
      category_code: 'MISC',
    }))
    const controls = [{ url: 'http://127.0.0.1:9/control', expect: { status: 204 } }]
    const list = { name: 'down', version: 1, entries, controls, resolvers: [] }
    writeFileSync(join(folder, 'list.json'), JSON.stringify(list))
    const config = { lab: true, test_list: join(folder, 'list.json'), repeat_after_seconds: 0 }
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    const once = ['once', '--state', join(folder, 'state'), '--config', join(folder, 'config.json')]
    const short = await shown(100, once)
    expect(short).toMatch(/Link down since \d{4}-\d\d-\d\dT/)
    expect(short).not.toContain('VERDICT')
    for (const whole of [await shown(100, [...once, '--verbose']), (await sonde(once)).out]) {
      expect(whole).toContain('VERDICT')
      expect(whole).toContain('Link down since')
    }
  },
)

it.skipIf(!hasPython)('writes over no line of a terminal that cannot', async () => {
  const once = ['once', 'http://127.0.0.1:9/', '--state', temporaryFolder('terminal')]
  expect(await shown(80, once, { TERM: 'xterm' })).toContain('\u001b[2K')
  const plain = await shown(80, once, { TERM: 'dumb' })
  for (const over of ['\r', '\u001b']) expect(plain).not.toContain(over)
  expect(plain).toContain('measured 1 of 1')
})
