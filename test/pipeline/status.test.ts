// `sonde status` beside a real agent: that it runs, that it is late, that it was killed; and that asking leaves no trace.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readStatus, writeStatus } from '../../agent/health/status.ts'
import { agentBundle, sonde, temporaryFolder } from '../support/processes.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

/** Everything in a folder, with when it was last changed in any way. */
function traces(folder: string): unknown {
  const names = ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()]
  return names.map((name) => {
    const { ctimeNs, mtimeNs, size } = statSync(join(folder, name), { bigint: true })
    return [name, ctimeNs, mtimeNs, size]
  })
}

/** @returns How it ended, and what it says of the agent; checks that it has touched nothing. */
async function status(state: string) {
  const before = traces(state)
  const { code, out, err } = await sonde(['status', '--json', '--state', state])
  const words = await sonde(['status', '--state', state])
  expect(traces(state)).toEqual(before)
  expect([err, words.err, words.code]).toEqual(['', '', code])
  return { code, agent: JSON.parse(out).agent, words: words.out }
}

it('tells an agent that runs from one that is late and one that was killed', async () => {
  const state = join(temporaryFolder('status'), 'state')
  const argv = [agentBundle, 'run', '--table', '--state', state, ...internet.agentArguments]
  const agent = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(agent, 'exit')
  let said = ''
  for await (const chunk of agent.stderr) {
    said += chunk
    // It has written its status by then, and waits.
    if (said.includes('Next cycle at')) break
  }
  const { pid } = agent
  expect(await status(state)).toMatchObject({
    code: 0,
    agent: { state: 'running', pid },
    words: expect.stringMatching(`^Agent running \\(pid ${pid}\\)\nLink up`),
  })

  const path = join(state, 'status.json')
  const current = await readStatus(path)
  if (current === null) throw new Error('The agent has written no status')
  expect(current.agent?.pid).toBe(pid)
  await writeStatus(path, { ...current, next_cycle_at: Date.now() - 7_200_000 })
  expect(await status(state)).toMatchObject({
    code: 4,
    agent: { state: 'stale', pid },
    words: expect.stringContaining(`AGENT LATE, but running (pid ${pid})`),
  })

  agent.kill('SIGKILL')
  await ended
  expect(readdirSync(state)).toContain('lock')
  expect(await status(state)).toMatchObject({
    code: 3,
    agent: { state: 'not_running', pid: null },
    words: expect.stringMatching(/^AGENT NOT RUNNING\n {2}what follows is as of \d+ s ago\n/),
  })
})

it('of a folder where no cycle has run yet says so, and makes nothing in it', async () => {
  const state = temporaryFolder('status')
  mkdirSync(join(state, 'spool'))
  expect(await status(state)).toMatchObject({
    code: 3,
    agent: { state: 'not_running', pid: null },
    words: 'No cycle has run here yet. Start one with: sonde run\n',
  })
})
