// A campaign, with the built programs: its list comes with an upload, the way out is cut, the window opens, and what was measured in
// it arrives afterwards, with the times at which it was measured.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openOnlineKeys } from '../../collector/publish/online-keys.ts'
import { listsMediaType } from '../../tests-spec/lists/lists-upload.ts'
import { agreed } from '../support/agreed.ts'
import { agentBundle, sonde, startCollector, temporaryFolder } from '../support/processes.ts'
import { SamplePublisher } from '../support/sample-publisher.ts'
import { startGate } from './gate.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

/** Of a list with one campaign, which begins so soon that the test need not wait, and late enough to be cut off before. */
const leadMs = 15_000

it('begins while the device is cut off, and its results arrive later with the right times', {
  timeout: 180_000,
}, async () => {
  const collectorState = temporaryFolder('campaign-collector')
  const lists = new SamplePublisher(Date.now(), await openOnlineKeys(collectorState))
  const root = join(temporaryFolder('root'), 'root.json')
  writeFileSync(root, lists.root)
  lists.addGroup('bamako')
  const fromMs = Math.ceil((Date.now() + leadMs) / 1000) * 1000
  const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z')
  const vote = {
    name: 'vote',
    from: iso(fromMs),
    to: iso(fromMs + 600_000),
    every_minutes: 1,
    inputs: [internet.inputs.good],
  }
  const list = { v: 1, name: 'bamako', entries: [], campaigns: [vote] }
  lists.group('bamako').lists.set('groups/bamako/list.json', Buffer.from(JSON.stringify(list)))
  lists.publish()
  const collector = await startCollector(collectorState, ['--lists-root', root])
  const gate = await startGate(collector.url)
  const published = await fetch(`${collector.url}/v1/lists`, {
    method: 'POST',
    headers: { 'content-type': listsMediaType },
    body: lists.oneFile,
  })
  expect(published.status).toBe(200)

  const state = temporaryFolder('campaign-agent')
  const enrolled = await sonde(['enrol', gate.url, await collector.token(), '--state', state])
  expect(enrolled.code).toBe(0)
  const [, configFile = ''] = internet.agentArguments
  const config = join(temporaryFolder('config'), 'config.json')
  // Nothing but the campaign comes while the test runs.
  const rare = { ...agreed, schedule: '0 0 1 1 *', groups: ['bamako'], upload_spread_seconds: 0 }
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(configFile, 'utf8')), ...rare }))
  const argv = [agentBundle, 'run', '--table', '--state', state, '--config', config]
  const agent = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(agent, 'exit')
  const said = createInterface({ input: agent.stderr })[Symbol.asyncIterator]()
  const untilSaid = async (words: string) => {
    const lines: string[] = []
    for (let line = await said.next(); !line.done; line = await said.next()) {
      lines.push(line.value)
      if (line.value.includes(words)) return
    }
    throw new Error(`The agent ended without saying ${words}: ${lines.join('\n')}`)
  }

  await untilSaid('Next cycle at')
  const status = await sonde(['status', '--state', state])
  expect(status.out).toMatch(/Next campaign in \d+ s:\n {2}bamako\/vote/)
  await collector.stop()
  expect(Date.now()).toBeLessThan(fromMs)

  // It measures by itself, and can send nothing.
  await untilSaid('Next cycle at')
  expect(Date.now()).toBeGreaterThanOrEqual(fromMs)
  expect((await sonde(['status', '--state', state])).out).toContain('Campaign bamako/vote\n')
  const port = new URL(collector.url).port
  const again = await startCollector(collectorState, ['--lists-root', root, '--port', port])
  await untilSaid('Batches uploaded')
  agent.kill('SIGTERM')
  await ended

  const arrived = (await again.measurements()).map(({ measurement }) => measurement as unknown as Arrived)
  const ofCampaign = arrived.filter(({ annotations }) => annotations.x_sonde_campaign === 'bamako/vote')
  expect(ofCampaign.length).toBeGreaterThan(0)
  for (const { input, measurement_start_time: began } of ofCampaign) {
    expect(input).toBe(internet.inputs.good)
    expect(Date.parse(`${began.replace(' ', 'T')}Z`)).toBeGreaterThanOrEqual(fromMs)
  }
  const [earliest = ''] = ofCampaign.map((each) => each.measurement_start_time).sort()
  expect(Date.parse(`${earliest.replace(' ', 'T')}Z`)).toBeLessThan(fromMs + 31_000)
  // Before the window the same target was measured for itself.
  expect(
    arrived.filter(
      ({ input, annotations }) =>
        input === internet.inputs.good && annotations.x_sonde_campaign === undefined,
    ),
  ).toHaveLength(1)
  gate.close()
  await again.stop()
})

interface Arrived {
  readonly input: string | null
  readonly measurement_start_time: string
  readonly annotations: Readonly<Record<string, string>>
}
