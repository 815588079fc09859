// The built agent, run on a card that is read-only from the start on: what it measures reaches the collector all the same, from
// memory, and what does not is counted when it ends. Needs root, to mount, and says so where it is not.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { agreed } from '../support/agreed.ts'
import {
  agentBundle,
  cleanEnvironment,
  type RunningCollector,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'

const isRoot = process.getuid?.() === 0
if (!isRoot) console.error('\n\n  NO READ-ONLY CARD WAS TRIED: it needs root, to mount.\n\n')

const folder = temporaryFolder('memory')
const state = join(folder, 'state')
let collector: RunningCollector

beforeAll(async () => {
  mkdirSync(state)
  collector = await startCollector(join(folder, 'collector'))
  const entries = ['one', 'two'].map((name) => ({
    nettest: 'web_connectivity',
    input: `http://127.0.0.1:9/${name}`,
    category_code: 'MISC',
  }))
  const list = { name: 'two', version: 1, entries, controls: [], resolvers: [] }
  writeFileSync(join(folder, 'list.json'), JSON.stringify(list))
  const config = {
    ...agreed,
    lab: true,
    repeat_after_seconds: 0,
    upload_spread_seconds: 0,
    test_list: join(folder, 'list.json'),
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
})

afterAll(async () => {
  await collector?.stop()
  rmSync(folder, { recursive: true })
})

/** In a mount namespace of its own: a card that is enrolled on, then read-only. */
const script = `
  set -eu
  state=$1; url=$2; token=$3; config=$4; shift 4
  mount -t tmpfs -o size=8m sonde-card "$state"
  "$@" enrol "$url" "$token" --state "$state" > /dev/null
  mount -o remount,ro "$state"
  exec "$@" run --state "$state" --config "$config"
`

/** Runs the agent until it has said `code`, then stops it. */
async function runUntil(code: string, afterEnrolling = async () => {}) {
  const own = [state, collector.url, await collector.token(), join(folder, 'config.json')]
  const argv = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...own]
  const child = spawn('unshare', [...argv, process.execPath, agentBundle], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: cleanEnvironment(),
  })
  const ended = once(child, 'exit')
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line)
    if (line.includes('S1001')) await afterEnrolling()
    if (line.includes(code)) child.kill('SIGTERM')
  }
  const [exit] = await ended
  return { exit, said }
}

describe.skipIf(!isRoot)('sonde run on a read-only card', () => {
  it('uploads what it measures, from memory, and ends with 0: all of it used to be lost, and nothing said so', async () => {
    const { exit, said } = await runUntil('S4001')
    expect(said.filter((line) => line.includes('S3108'))).toHaveLength(1)
    const stored = await collector.measurements()
    expect(stored.map(({ measurement, n }) => [n, measurement.input]).sort()).toEqual([
      [0, expect.stringContaining('http://127.0.0.1:9/')],
      [1, expect.stringContaining('http://127.0.0.1:9/')],
    ])
    expect(exit, said.join('\n')).toBe(0)
  }, 60_000)

  it('says how many results end with it when they found no way out, with 74', async () => {
    const { exit, said } = await runUntil('S4101', () => collector.stop())
    expect(said.find((line) => line.includes('[results_lost]'))).toMatch(
      /^sonde: 2 results could not be kept/,
    )
    expect(exit).toBe(74)
  }, 60_000)
})
