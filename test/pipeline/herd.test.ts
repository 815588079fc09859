// Everybody returns at once: the link of a whole country comes back, and each probe has something to say. Every batch
// arrives, every anomaly soon, and the collector stays within its limits.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../agent/platform/clock.ts'
import { type Backlog, uploadBacklog } from '../../agent/submit/upload-backlog.ts'
import { Uplink } from '../../agent/submit/ways/uplink.ts'
import { nothingRemembered } from '../../agent/submit/ways/way-memory.ts'
import { cases } from '../support/fuzzing.ts'
import { SampleCollector } from '../support/sample-collector.ts'
import { type SampleBatch, SampleProbe } from '../support/sample-probe.ts'

const crowd = cases(300, 2_100)
const batchesEach = 2
/** Memory the collector, the probes and this test may grow by: 2,100 sockets with all their buffers on both sides. */
const maxGrowthBytes = 600 * 1024 * 1024

let collector: SampleCollector
beforeAll(async () => {
  collector = await SampleCollector.start()
})
afterAll(() => collector.remove())

async function backlogOf(probe: SampleProbe): Promise<Backlog & { batches: SampleBatch[] }> {
  await collector.enrol(probe)
  const payload = Buffer.alloc(8_000, 7)
  const urgent = probe.nextOf(payload, (m) => ({
    ...m,
    records: { ...m.records, classes: { anomaly: 1, routine: 0, diagnostic: 0 } },
  }))
  let batches = [urgent, ...Array.from({ length: batchesEach - 1 }, () => probe.nextOf(payload))]
  return {
    get batches() {
      return batches
    },
    pending: () =>
      batches.map(({ id, manifest, bytes }) => ({
        id,
        seq: manifest.seq,
        bytes: bytes.length,
        anomalies: manifest.records.classes.anomaly,
      })),
    read: async (id) => batches.find((each) => each.id === id)?.bytes ?? Buffer.alloc(0),
    receipted: async ({ batch }) => {
      batches = batches.filter(({ id }) => id !== batch)
    },
    quarantine: async (_, reason) => {
      throw new Error(reason)
    },
  }
}

it(`${crowd} probes at once: everything in, anomalies first, nothing refused for good`, async () => {
  const backlogs: Awaited<ReturnType<typeof backlogOf>>[] = []
  for (let i = 0; i < crowd; i += 20)
    backlogs.push(...(await Promise.all(Array.from({ length: 20 }, () => backlogOf(new SampleProbe())))))
  const { id: collectorKeyId, publicKey: collectorKey } = collector.collector.key
  const begun = performance.now()
  const before = process.memoryUsage().rss
  const firsts: number[] = []
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, collector.collector.uploads.held.bytes)
  }, 20)
  const drains = backlogs.map(async (backlog) => {
    const uplink = await Uplink.open({
      collectorKeyId,
      collectorKey,
      endpoints: [{ kind: 'collector', url: collector.url }],
      memory: { read: async () => nothingRemembered, write: async () => {} },
      now: systemClock().monotonicMs,
      chance: Math.random,
      // Seconds in place of the minute of the field.
      spreadMs: 5_000,
    })
    let isFirst = true
    while (backlog.batches.length > 0) {
      const { retryAfterMs } = await uploadBacklog(backlog, uplink, new AbortController().signal)
      if (isFirst && backlog.batches.length < batchesEach) firsts.push(performance.now() - begun)
      isFirst &&= backlog.batches.length === batchesEach
      // What the collector asks for and chance adds, a hundred times faster.
      if (retryAfterMs !== null) await new Promise((resolve) => setTimeout(resolve, retryAfterMs / 10))
    }
  })
  await Promise.all(drains)
  clearInterval(watch)
  const stored = collector.logged.filter(({ code }) => code === 'batch_stored')
  expect(stored).toHaveLength(crowd * batchesEach)
  expect(collector.logged.filter(({ level }) => level === 'error')).toEqual([])
  expect(most).toBeLessThanOrEqual(128 * 1024 * 1024)
  expect(process.memoryUsage().rss - before).toBeLessThan(maxGrowthBytes)
  console.log(
    `The herd: ${crowd} probes, ${stored.length} batches in ${((performance.now() - begun) / 1000).toFixed(1)} s; ` +
      `first anomaly of the last probe after ${(Math.max(...firsts) / 1000).toFixed(1)} s, ` +
      `${collector.connections} connections, at most ${(most / 1e6).toFixed(1)} MB of bodies held`,
  )
}, 600_000)
