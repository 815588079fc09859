// `sonde logs` beside a real agent and after its end: the cycle's line, what is logged while it looks, and a torn end.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { agentBundle, sonde, temporaryFolder } from '../support/processes.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

it('follows an agent, whose every cycle ends in one line, and reads the ring after a kill', async () => {
  const state = join(temporaryFolder('logs'), 'state')
  const agent = spawn(process.execPath, [agentBundle, 'run', '--state', state, ...internet.agentArguments], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  for await (const chunk of agent.stderr) {
    said += chunk
    if (said.includes('S1001')) break
  }
  agent.stderr.resume()
  const following = spawn(process.execPath, [agentBundle, 'logs', '--follow', '--json', '--state', state])
  const codes: string[] = []
  for await (const line of createInterface({ input: following.stdout })) {
    const { code, ...fields } = JSON.parse(line)
    codes.push(code)
    if (code !== 'S2002') continue
    expect(fields).toMatchObject({ link: 'up', bugs: 0, upload: 'not_enrolled', sent: 0, batches: 0 })
    break
  }
  expect(codes[0]).toBe('S3103')
  expect(codes).toContain('S1001')
  expect(codes.filter((code) => code === 'S2002')).toHaveLength(1)
  following.kill('SIGINT')
  agent.kill('SIGKILL')
  await once(agent, 'exit')

  appendFileSync(join(state, 'log', 'sonde.ndjson'), '{"level":"info","time":"2026-')
  const { code, out, err } = await sonde(['logs', '--since', '1h', '--state', state], { COLUMNS: '40' })
  expect(code).toBe(0)
  expect(err).toContain('1 line was torn')
  expect(out).toMatch(/^\d{4}-\d\d-\d\d UTC\n\d\d:\d\d:\d\d info {2}S3103/)
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40)
  const grave = await sonde(['logs', '--level', 'warn', '--json', '--state', state])
  for (const line of grave.out.split('\n').filter(Boolean)) expect(JSON.parse(line).level).not.toBe('info')
  expect((await sonde(['logs', '--since', 'yesterday', '--state', state])).code).toBe(64)
})
