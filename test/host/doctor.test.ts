// `sonde doctor` of a device that is well, of one where everything is wrong, and beside an agent that runs.

import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LoopbackInternet, startLoopbackInternet } from '../pipeline/loopback-internet.ts'
import { type RunningCollector, sonde, startCollector, temporaryFolder } from '../support/processes.ts'
import { runningAgent } from '../support/running-agent.ts'

let internet: LoopbackInternet
let collector: RunningCollector
beforeAll(async () => {
  internet = await startLoopbackInternet()
  collector = await startCollector()
})
afterAll(async () => {
  internet.close()
  await collector.stop()
})

interface Found {
  readonly check: string
  readonly ok: boolean
  readonly todo: string | null
}
async function examined(state: string): Promise<{ code: number | null; checks: Found[] }> {
  const { code, out, err } = await sonde(['doctor', '--json', '--lang', 'fr', '--state', state])
  expect(err).toBe('')
  return { code, checks: JSON.parse(out).checks }
}
const bad = (checks: readonly Found[]) => checks.filter(({ ok }) => !ok).map(({ check }) => check)

it('finds nothing wrong beside an agent that runs, but for a clock that nobody told here', async () => {
  const state = temporaryFolder('doctor')
  copyFileSync(internet.agentArguments[1] ?? '', join(state, 'config.json'))
  await sonde(['enrol', collector.url, await collector.token(), '--state', state])
  await sonde(['consent', '--yes', '--state', state])
  const agent = runningAgent(state, [])
  await agent.says('S4001')
  const { code, checks } = await examined(state)
  expect(bad(checks).filter((check) => check !== 'clock')).toEqual([])
  expect(code).toBe(bad(checks).length === 0 ? 0 : 1)
  expect(checks.map(({ check }) => check)).toEqual(
    expect.arrayContaining([
      'agent',
      'link',
      'resolver_system',
      'resolver_direct',
      'way',
      'disk',
      'permissions',
    ]),
  )
  const words = await sonde(['doctor', '--lang', 'fr', '--state', state])
  expect(words.out).toContain('✓ réseau : bien\n')

  await sonde(['pause', '--state', state])
  const paused = await examined(state)
  expect(bad(paused.checks)).toContain('pause')
  // A pause keeps this command off the network too.
  expect(paused.checks.map(({ check }) => check)).not.toContain('link')
  await agent.stop()
}, 60_000)

it('says of each thing that is wrong what to do', async () => {
  const state = temporaryFolder('doctor')
  await sonde(['enrol', collector.url, await collector.token(), '--state', state])
  chmodSync(join(state, 'device-key'), 0o644)
  const list = JSON.parse(
    readFileSync(JSON.parse(readFileSync(internet.agentArguments[1] ?? '', 'utf8')).test_list, 'utf8'),
  )
  const control = { url: 'http://nowhere.test:9/', expect: { status: 204 } }
  const resolvers = [{ ...list.resolvers[0], ip: '127.0.0.1', port: 9 }]
  writeFileSync(join(state, 'list.json'), JSON.stringify({ ...list, controls: [control], resolvers }))
  const dead = { kind: 'collector', url: 'http://127.0.0.1:9' }
  writeFileSync(
    join(state, 'config.json'),
    JSON.stringify({ lab: true, test_list: join(state, 'list.json'), endpoints: [dead] }),
  )
  const { code, checks } = await examined(state)
  expect(code).toBe(1)
  expect(bad(checks)).toEqual(
    expect.arrayContaining(['agent', 'consent', 'permissions', 'resolver_system', 'resolver_direct', 'way']),
  )
  for (const { ok, todo } of checks) expect(todo === null).toBe(ok)
}, 60_000)
