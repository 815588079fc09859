// How the probes are, from a real agent through a real collector to its operator's terminal.

import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { readHeartbeat } from '../../tests-spec/data-formats/heartbeat.ts'
import { collectorBundle, runToEnd, sonde, startCollector, temporaryFolder } from '../support/processes.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

it('tells of each probe what its last batch and its heartbeat say', async () => {
  const collector = await startCollector()
  const state = join(temporaryFolder('probes'), 'state')
  try {
    const enrolled = await sonde(['enrol', collector.url, await collector.token(), '--state', state])
    expect(enrolled.err).not.toContain('bug')
    for (let n = 0; n < 2; n++) await sonde(['once', '--state', state, ...internet.agentArguments])
    await collector.measurements()
    const ask = (...further: string[]) =>
      runToEnd(modernNode(), [collectorBundle, 'probes', '--state', collector.state, ...further])
    const { code, out } = await ask('--json')
    expect(code).toBe(0)
    const [probe, ...others] = JSON.parse(out).probes
    expect(others).toEqual([])
    expect(probe).toMatchObject({ state: 'new', revoked: false, lost: 0, missing_batches: 0 })
    expect(probe.silent_s).toBeLessThan(60)
    expect(readHeartbeat(probe.heartbeat)).toMatchObject({
      starts: 2,
      boots: 1,
      ended: 'stopped',
      link: 'up',
    })
    expect(JSON.stringify(probe.heartbeat).length).toBeLessThanOrEqual(300)
    const table = await ask()
    expect(table.out.split('\n')[0]).toMatch(/^probe +network +heard +usually +state +waits +clock/)
    expect(table.out.split('\n')[1]).toMatch(
      new RegExp(`^${probe.device.slice(0, 8)} .* new +.* 2/1 +stopped`),
    )
  } finally {
    await collector.stop()
  }
})
