// What is printed may go nowhere: a pipe whose reader has gone, a terminal that was closed, a disk that is full. What was
// measured is kept all the same, on every Node.js, and nobody sees a stack trace.

import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installedNodes } from '../../build/nodes.ts'
import {
  agentBundle,
  type RunningCollector,
  sonde,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let internet: LoopbackInternet
/** Measurements of one cycle, and the link's own. */
let results: number
beforeAll(async () => {
  internet = await startLoopbackInternet()
  const state = temporaryFolder('agent')
  const { code, out } = await sonde(['once', '--json', '--state', state, ...internet.agentArguments])
  expect(code).toBe(0)
  results = out.trim().split('\n').length + 1
})
afterAll(() => internet.close())

/** What the agent keeps in `state`, by its own account. */
async function kept(state: string): Promise<{ unsealed: number; lost: number }> {
  const { code, out } = await sonde(['status', '--json', '--state', state])
  const { agent, spool } = JSON.parse(out)
  // The lock is gone: it ended as one ends.
  expect([code, agent.state]).toEqual([3, 'not_running'])
  return { unsealed: spool.unsealed, lost: spool.lost }
}

/** Through bash, which tells how each part of a pipe ended. */
function inShell(script: string, argv: readonly string[]): Promise<{ out: string; err: string }> {
  return new Promise((resolve) =>
    execFile('bash', ['-c', script, 'bash', ...argv], (_error, out, err) => resolve({ out, err })),
  )
}

const once_ = (node: string, state: string) => [
  node,
  agentBundle,
  'once',
  '--state',
  state,
  ...internet.agentArguments,
]

describe.each(installedNodes())('sonde once on Node $major', ({ path: node }) => {
  it('keeps everything when the reader of a pipe has gone, and ends well', async () => {
    const state = temporaryFolder('agent')
    const script = '"$@" --json | head -n 1 > /dev/null; echo $PIPESTATUS'
    expect(await inShell(script, once_(node, state))).toEqual({ out: '0\n', err: '' })
    expect(await kept(state)).toEqual({ unsealed: results, lost: 0 })
  })

  it('keeps everything when its output finds no room, and says so once', async () => {
    const state = temporaryFolder('agent')
    const { out, err } = await inShell('"$@" --json > /dev/full; echo $?', once_(node, state))
    expect(out).toBe('74\n')
    expect(err).toMatch(/^sonde: What it had to print could not be written: ENOSPC.* \[output_lost\]\n$/)
    expect(await kept(state)).toEqual({ unsealed: results, lost: 0 })
  })

  it('keeps everything when it can say nothing at all', async () => {
    const state = temporaryFolder('agent')
    const { out } = await inShell(
      'code=$("$@" > /dev/full 2> /dev/full; echo $?); echo $code',
      once_(node, state),
    )
    expect(out).toBe('74\n')
    expect(await kept(state)).toEqual({ unsealed: results, lost: 0 })
  })
})

/** Gives the program a terminal of its own, closes it at the first word, and says how it ended. */
const closedTerminal = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
os.read(terminal, 1)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`
const hasPython = spawnSync('python3', ['--version']).status === 0
if (!hasPython) console.error('\n\n  NO TERMINAL WAS CLOSED: it needs python3.\n\n')

describe.skipIf(!hasPython)('a terminal that is closed', () => {
  const closed = (argv: readonly string[]) =>
    new Promise<string>((resolve, reject) =>
      execFile('python3', ['-c', closedTerminal, ...argv], (error, out) =>
        error === null ? resolve(out.trim()) : reject(error),
      ),
    )

  describe.each(installedNodes())('on Node $major', ({ path: node }) => {
    it('does not end sonde once', async () => {
      const state = temporaryFolder('agent')
      expect(await closed(once_(node, state))).toBe('0')
      expect(await kept(state)).toEqual({ unsealed: results, lost: 0 })
    })

    it('ends sonde run as Ctrl-C does', async () => {
      const state = temporaryFolder('agent')
      const argv = [node, agentBundle, 'run', '--state', state, ...internet.agentArguments]
      expect(await closed(argv)).toBe('0')
      expect(await sonde(['status', '--state', state])).toMatchObject({ code: 3 })
    })
  })
})

describe('a device with results', () => {
  let state: string
  let collector: RunningCollector
  beforeAll(async () => {
    state = temporaryFolder('agent')
    collector = await startCollector()
    expect((await sonde(['enrol', collector.url, await collector.token(), '--state', state])).code).toBe(0)
    // Nobody answers any more, and so everything stays here.
    await collector.stop()
    await sonde(['once', '--state', state, ...internet.agentArguments])
  })

  /** No reader; no room; neither stream open; the reader of both gone. */
  const streams: readonly (readonly [what: string, script: string, code: number | null])[] = [
    ['the reader has gone', '"$@" | true; echo "$PIPESTATUS"', null],
    ['there is no room', 'code=0; "$@" > /dev/full || code=$?; echo "$code"', 74],
    ['both streams are closed', 'code=0; "$@" >&- 2>&- || code=$?; echo "$code"', null],
    ['the reader of both has gone', '"$@" 2>&1 | true; echo "$PIPESTATUS"', null],
  ]

  it.each(streams)('is exported whole where %s', async (_, script, code) => {
    const stick = temporaryFolder('stick')
    const argv = [process.execPath, agentBundle, 'export', stick, '--state', state]
    const { out } = await inShell(script, argv)
    expect(out).toBe(`${code ?? 0}\n`)
    expect(readdirSync(stick)).toHaveLength(1)
    const again = await sonde(['export', stick, '--json', '--state', state])
    expect(JSON.parse(again.out)).toMatchObject({ batches: 0, damaged: [], sealed: true })
    expect(JSON.parse(again.out).there).toBeGreaterThan(0)
  })

  it.each(streams)('says how it is, as an exit code, where %s', async (_, script) => {
    for (const more of [[], ['--json']]) {
      const { out } = await inShell(script, [
        process.execPath,
        agentBundle,
        'status',
        '--state',
        state,
        ...more,
      ])
      expect(out).toBe('3\n')
    }
  })
})

it('an agent whose standard error is closed goes on, and stops when told', async () => {
  const state = temporaryFolder('agent')
  const argv = [agentBundle, 'run', '--table', '--state', state, ...internet.agentArguments]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  // Its first word, then nobody listens any more.
  await once(child.stderr, 'data')
  child.stderr.destroy()
  // The table comes when the cycle is over.
  await once(child.stdout, 'data')
  child.stdout.destroy()
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(await kept(state)).toMatchObject({ lost: 0 })
})
