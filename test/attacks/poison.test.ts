// A batch that ends the collector, as far as anyone can see from outside: each time it is tried, the process is killed. It is
// set aside, named, and nothing else waits for it; a storm of kills at random over honest batches sets none aside.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import {
  collectorBundle,
  type RunningCollector,
  runToEnd,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'
import { sampleMeasurement } from '../support/sample-probe.ts'
import { seededChance } from '../support/sample-spool.ts'
import { answersUntilDone, deep, enrolled, health, post } from './attackers.ts'

let running: RunningCollector | null = null
afterEach(() => running?.kill())

/** What is being tried at this moment, by the note on the disk; null when nothing is. */
function tried(state: string): { batch: string; alone: boolean } | null {
  try {
    return JSON.parse(readFileSync(join(state, 'indexing', 'trying'), 'utf8'))
  } catch {
    return null
  }
}

/** Kills the collector as soon as it tries a batch. @returns Whether it tried it alone; null when it never did. */
async function killedWhileTrying(collector: RunningCollector, id: BatchId): Promise<boolean | null> {
  for (let looks = 0; looks < 700_000; looks++) {
    const now = tried(collector.state)
    if (now?.batch === id) {
      await collector.kill()
      return now.alone
    }
    await (looks % 50 === 49 ? setTimeout(1) : undefined)
  }
  return null
}

const many = (count: number) =>
  Array.from({ length: count }, (_, n) => sampleMeasurement({ input: `https://${n}.test/` }))

describe('a batch that ends the collector each time', () => {
  it('is tried alone behind all others, then set aside and named, and has another chance when it is asked', async () => {
    const state = temporaryFolder('poison')
    let collector = await startCollector(state)
    running = collector
    const [attacker, honest] = [await enrolled(collector), await enrolled(collector)]
    const poison = attacker.next(many(3_000))
    const killed = killedWhileTrying(collector, poison.id)
    await post(collector, poison).catch(() => {})
    const alone: (boolean | null)[] = [await killed]
    for (let n = 0; n < 3; n++) {
      collector = await startCollector(state)
      running = collector
      // Others do not wait for it.
      expect(
        await post(collector, honest.next([sampleMeasurement({ input: `https://honest-${n}.test/` })])),
      ).toBe(201)
      await answersUntilDone(collector)
      if (n < 2) alone.push(await killedWhileTrying(collector, poison.id))
    }
    expect(alone).toEqual([false, true, true])
    expect(await health(collector)).toMatchObject({ status: 'ok', set_aside: 1 })
    expect(await (await fetch(`${collector.url}/?lang=en`)).text()).toContain(poison.id)
    const kept = await collector.measurements()
    expect(kept.filter(({ device }) => device === honest.device)).toHaveLength(3)
    expect(kept.filter(({ device }) => device === attacker.device)).toHaveLength(0)

    const { code, out } = await runToEnd(modernNode(), [collectorBundle, 'retry', '--state', state])
    expect({ code, said: JSON.parse(out) }).toEqual({
      code: 0,
      said: { event: 'to_be_retried', batches: [poison.id] },
    })
    await collector.stop()
    collector = await startCollector(state)
    running = collector
    await answersUntilDone(collector)
    expect(await health(collector)).toMatchObject({ set_aside: 0 })
    expect((await collector.measurements()).filter(({ device }) => device === attacker.device)).toHaveLength(
      3_000,
    )
  })
})

const storm = deep ? 200 : 25
describe(`${storm} kills at random while honest batches are indexed`, () => {
  it('set none aside, and lose none', { timeout: 60_000 + storm * 3_000 }, async () => {
    const chance = seededChance(41)
    const state = temporaryFolder('storm')
    let collector = await startCollector(state)
    const probe = await enrolled(collector)
    let sent = 0
    for (let kills = 0; kills < storm; kills++) {
      for (let n = 0; n < 4; n++) {
        const inputs = Array.from({ length: 200 }, (_, i) =>
          sampleMeasurement({ input: `https://${i}.test/${sent}` }),
        )
        sent += inputs.length
        expect(await post(collector, probe.next(inputs))).toBe(201)
      }
      await setTimeout(chance() * 120)
      await collector.kill()
      collector = await startCollector(state)
      running = collector
    }
    await answersUntilDone(collector)
    await expect
      .poll(async () => (await collector.measurements()).length, { timeout: 50_000 })
      .toBe(Math.min(10_000, sent))
    expect(await health(collector)).toMatchObject({ status: 'ok', set_aside: 0 })
  })
})
