// What the collector prints may go nowhere: a pipe whose reader has gone, a disk that is full under its log, a terminal that
// was closed. It serves on, commands do what they had to do, and nobody sees a stack trace.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, it } from 'vitest'
import { modernNode } from '../build/modern-node.ts'
import { collectorBundle, runToEnd, temporaryFolder } from '../test/support/processes.ts'

const node = modernNode()
const program = [node, collectorBundle]
let state: string
beforeAll(async () => {
  state = temporaryFolder('collector')
  await runToEnd(node, [collectorBundle, 'token', '--state', state])
})

function inShell(script: string, argv: readonly string[]): Promise<{ out: string; err: string }> {
  return new Promise((resolve) =>
    execFile('bash', ['-c', script, 'bash', ...argv], (_error, out, err) => resolve({ out, err })),
  )
}

describe('a command of sonde-collector', () => {
  it.each([
    ['token', ['token']],
    ['recipient', ['recipient']],
    ['import', ['import', '.']],
    ['rebuild-index', ['rebuild-index']],
    ['help', ['help', 'serve']],
  ])('%s ends with 74 and one sentence when its output finds no room', async (_, argv) => {
    const where = argv[0] === 'help' ? [] : ['--state', state]
    const { out, err } = await inShell('"$@" > /dev/full; echo $?', [...program, ...argv, ...where])
    expect(out).toBe('74\n')
    expect(err).toMatch(
      /sonde-collector: What it had to print could not be written: ENOSPC.* \[output_lost\]\n$/,
    )
    expect(err).not.toMatch(/\n\s+at /)
  })

  it('ends well when the reader of a pipe has gone', async () => {
    // The reader ends at once; a token is printed long after.
    const script = '"$@" | true; echo $PIPESTATUS'
    const before = readdirSync(join(state, 'tokens')).length
    const argv = [...program, 'token', '--state', state]
    expect(await inShell(script, argv)).toEqual({ out: '0\n', err: '' })
    expect(readdirSync(join(state, 'tokens')).length).toBe(before + 1)
  })
})

describe('sonde-collector serve', () => {
  const argv = () => [collectorBundle, 'serve', '--state', state, '--port', '0', '--log', 'debug']

  it.each(['full', 'closed'])('goes on when its log is %s, and stops when told', async (log) => {
    const stderr = log === 'full' ? openSync('/dev/full', 'w') : 'pipe'
    const child = spawn(node, argv(), { stdio: ['ignore', 'pipe', stderr] })
    const ended = once(child, 'exit')
    child.stderr?.destroy()
    const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
    child.stdout?.destroy()
    const { url } = JSON.parse(String(line))
    // Each refusal is a line in the log.
    for (let i = 0; i < 3; i++) {
      expect((await fetch(`${url}/v1/batches`, { method: 'POST' })).status).toBeGreaterThanOrEqual(400)
    }
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it('stops in order when its terminal is closed', async () => {
    const child = spawn(node, argv(), { stdio: ['ignore', 'pipe', 'ignore'] })
    const ended = once(child, 'exit')
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    child.kill('SIGHUP')
    expect(await ended).toEqual([0, null])
  })
})
