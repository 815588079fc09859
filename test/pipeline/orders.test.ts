// An order from its signature to the operator's terminal, by the built programs: the collector publishes it, a device carries it
// out once and answers, and its log comes back in a batch. The collector's own keys cannot give one.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { openOnlineKeys } from '../../collector/publish/online-keys.ts'
import { listsMediaType } from '../../tests-spec/lists/lists-upload.ts'
import {
  type Order,
  operatorsRole,
  ordersPath,
  ordersPattern,
  withOrder,
  writeOrders,
} from '../../tests-spec/lists/orders.ts'
import { collectorBundle, runToEnd, sonde, startCollector, temporaryFolder } from '../support/processes.ts'
import { sampleKey } from '../support/sample-lists.ts'
import { SamplePublisher } from '../support/sample-publisher.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let internet: LoopbackInternet
beforeAll(async () => {
  internet = await startLoopbackInternet()
})
afterAll(() => internet.close())

const until = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z')

it('is carried out once, answered, and its log read at the collector', { timeout: 120_000 }, async () => {
  const state = temporaryFolder('orders')
  const lists = new SamplePublisher(Date.now(), await openOnlineKeys(state))
  lists.addGroup(operatorsRole, ordersPattern)
  const root = join(temporaryFolder('root'), 'root.json')
  writeFileSync(root, lists.root)
  const collector = await startCollector(state, ['--lists-root', root])
  const device = join(temporaryFolder('device'), 'state')
  const once = () => sonde(['once', '--state', device, ...internet.agentArguments])
  const publish = async () => {
    lists.publish()
    const headers = { 'content-type': listsMediaType }
    const sent = await fetch(`${collector.url}/v1/lists`, { method: 'POST', headers, body: lists.oneFile })
    return { status: sent.status, words: await sent.text() }
  }
  const answers = async (probe: string) => {
    await collector.measurements()
    const argv = [collectorBundle, 'logs', probe, '--state', state]
    const { code, out, err } = await runToEnd(modernNode(), [...argv, '--json'])
    expect([code, err.includes('bug')]).toEqual([0, false])
    const lines = out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    return {
      answers: lines.flatMap(({ answer }) =>
        answer === undefined ? [] : [`${answer.n} ${answer.do} ${answer.outcome}`],
      ),
      codes: lines.flatMap(({ line }) => (line === undefined ? [] : [line.code])),
      words: (await runToEnd(modernNode(), argv)).out,
    }
  }
  try {
    await sonde(['enrol', collector.url, await collector.token(), '--state', device])
    const { device: probe } = JSON.parse((await sonde(['status', '--json', '--state', device])).out || '{}')
    let given: Order[] = withOrder([], { until, do: 'upload_logs' })
    given = withOrder(given, { until, do: 'log_level', hours: 3 })
    given = withOrder(given, { until: '2026-01-01T00:00:00Z', do: 'cycle' })
    given = withOrder(given, { until, do: 'sing' })
    lists.group(operatorsRole).lists.set(ordersPath('all'), writeOrders(given))
    expect(await publish()).toMatchObject({ status: 200 })

    // The first brings the order, the second answers it, the third has nothing to say any more.
    for (let n = 0; n < 3; n++) expect((await once()).code).toBe(0)
    const name = probe ?? JSON.parse((await sonde(['status', '--json', '--state', device])).out).device
    const said = await answers(name.slice(0, 8))
    expect(said.answers).toEqual([
      '1 upload_logs done',
      '2 log_level done',
      '3 cycle expired',
      '4 sing unknown',
    ])
    expect(said.codes).toEqual(expect.arrayContaining(['S3103', 'S7201', 'S2001']))
    expect(said.words).toMatch(/order 1 of all, upload_logs: done\n/)
    expect(said.words).toMatch(/ debug S2001 {2}target=[0-9a-f]{16} verdict=\w+ rule=/)
    // What was measured, and where, is in none of it.
    expect(said.words).not.toMatch(/https?:|127\.0\.0\.1|\.test\b|\.example\b/)

    given = withOrder(given, { until, do: 'pause', hours: 5 })
    lists.group(operatorsRole).lists.set(ordersPath('all'), writeOrders(given))
    expect(await publish()).toMatchObject({ status: 200 })
    await once()
    const { until: pausedUntil } = JSON.parse(readFileSync(join(device, 'pause.json'), 'utf8'))
    expect(Math.abs(pausedUntil - Date.now() - 5 * 3_600_000)).toBeLessThan(120_000)

    // A thief of the collector has its two keys, and no other: what they sign is no order.
    const thief = sampleKey()
    lists.group(operatorsRole).signer = thief
    lists
      .group(operatorsRole)
      .lists.set(ordersPath('all'), writeOrders(withOrder(given, { until, do: 'upload_logs' })))
    expect(await publish()).toMatchObject({ status: 422, words: expect.stringContaining('key_substitution') })
  } finally {
    await collector.stop()
  }
})
