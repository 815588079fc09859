// Thirty days without a way out, through the real spool on a disk that counts: what is kept, what had to go and is
// named, and what it costs on the card and on the air. Figures are printed, budgets held.

import { describe, expect, test } from 'vitest'
import { type Status, writeStatus } from '../../agent/health/status.ts'
import { writeMemory } from '../../agent/memory.ts'
import { meteredDisk } from '../../agent/spool/disk.ts'
import {
  enrolmentDigest,
  handClock,
  lostIn,
  openSample,
  sampleDevice,
  sealAll,
  seededChance,
} from '../../agent/spool/sample-spool.ts'
import { SimulatedDisk } from '../../agent/spool/simulated-disk.ts'
import type { Spool } from '../../agent/spool/spool.ts'
import { cyclesADay, Month, type Told, targets } from './month.ts'

const deep = process.env.SONDE_DEEP !== undefined
const days = deep ? 30 : 1
const mega = 1_000_000

interface Row {
  readonly quotaBytes: number
  /** Whether the quota is meant to hold everything. */
  readonly roomy: boolean
}
const rows: readonly Row[] = deep
  ? [
      { quotaBytes: 32 * mega, roomy: true },
      { quotaBytes: 4 * mega, roomy: false },
    ]
  : [{ quotaBytes: 32 * mega, roomy: true }]

describe(`${days} days offline, ${cyclesADay} cycles a day, ${targets} targets`, () => {
  test.each(rows)(
    'with a quota of $quotaBytes bytes: every change and anomaly is there, or named as lost',
    { timeout: deep ? 3_600_000 : 300_000 },
    async ({ quotaBytes, roomy }) => {
      const disk = new SimulatedDisk()
      const clock = handClock()
      // All that the agent writes in a cycle goes over it: the spool, and what it remembers and shows.
      const meter = { flushes: 0, bytesWritten: 0 }
      const card = meteredDisk(disk, meter)
      const spool = await openSample('/state/spool', { disk: card, quotaBytes, clock })
      const month = new Month(seededChance(30))
      const told = new Map<number, Told['kind']>()
      let mostOnDisk = 0
      for (let cycle = 0; cycle < days * cyclesADay; cycle++) {
        await runCycle(spool, month.cycle(cycle), told)
        await writeMemory('/state/memory.json', month.memory, card)
        await writeStatus('/state/status.json', statusOf(month, spool), card)
        clock.move(15 * 60_000)
        mostOnDisk = Math.max(mostOnDisk, spool.stats().diskBytes)
      }
      const before = spool.stats()
      const { flushes, bytesWritten } = meter
      const used = disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).length, 0)
      const batches = await sealAll(spool)
      const sent = spool.stats().pendingBytes
      const arrived = new Set(batches.flatMap(({ records }) => records.map(({ n }) => n)))
      const named = new Set(lostIn(batches))
      const of = (kind: Told['kind']) => [...told].filter((each) => each[1] === kind).map(([n]) => n)
      const share = (kind: Told['kind']) =>
        `${of(kind).filter((n) => arrived.has(n)).length} of ${of(kind).length} ${kind}`
      const perDay = (value: number) => value / days
      console.info(
        `${days} days, quota ${quotaBytes / mega} MB: ${told.size} results; at most ${(mostOnDisk / mega).toFixed(2)} MB ` +
          `on disk, ${(sent / mega).toFixed(2)} MB to send in ${batches.length} batches ` +
          `(${(sent / arrived.size).toFixed(0)} B a result); ${share('change')}, ${share('anomaly')}, ` +
          `${share('routine')} there, ${named.size} named as lost; ` +
          `${perDay(flushes).toFixed(0)} flushes (${perDay(before.flushes).toFixed(0)} by the spool) and ` +
          `${(perDay(bytesWritten) / mega).toFixed(2)} MB written a day`,
      )

      const neither = [...told.keys()].filter((n) => arrived.has(n) === named.has(n))
      expect(neither, 'neither there nor named, or both').toEqual([])
      expect(used).toBeLessThanOrEqual(quotaBytes)
      expect(of('change').filter((n) => !arrived.has(n))).toEqual([])
      expect(perDay(flushes)).toBeLessThanOrEqual(300)
      expect(perDay(bytesWritten)).toBeLessThanOrEqual(10 * mega)
      if (!roomy) return
      expect(named.size).toBe(0)
      expect(mostOnDisk).toBeLessThanOrEqual(7 * mega)
      expect(sent).toBeLessThanOrEqual(6 * mega)
      await spool.close()
    },
  )
})

/** As large as assemble.ts makes it, near enough. */
function statusOf({ memory }: Month, spool: Spool): Status {
  const { oldestWallMs, diskBytes, unsealed, pendingBatches, pendingBytes, quarantined, lost, health } =
    spool.stats()
  return {
    v: 1,
    version: '0.0.0-test',
    device: sampleDevice,
    collector: 'https://collector.example/',
    written_at: 1_790_000_000_000,
    clock: 'synced',
    list: { name: 'core', version: 1, entries: targets },
    link: memory.link,
    last_cycle: { finished_at: 1_790_000_000_000, measurements: targets + 1, anomalies: 0, bugs: 0 },
    next_cycle_at: 1_790_000_900_000,
    spool: {
      unsealed,
      pending_batches: pendingBatches,
      pending_bytes: pendingBytes,
      quarantined,
      lost,
      oldest_at: oldestWallMs,
      disk_bytes: diskBytes,
      health,
    },
    upload: { kind: 'deferred', at: 1_790_000_000_000, accepted: 0, reason: 'ETIMEDOUT' },
    ways: [],
    log_lines_dropped: 0,
  }
}

/** As cycle.ts and deliver.ts do it when nothing can be sent: each result by itself, a flush, and sealing for room. */
async function runCycle(
  spool: Spool,
  results: readonly Told[],
  told: Map<number, Told['kind']>,
): Promise<void> {
  const kept = results.map(async ({ entry, kind }) => {
    told.set(await spool.put(entry), kind)
  })
  await spool.flush()
  await Promise.all(kept)
  while ((await spool.seal('size', enrolmentDigest)) !== null);
  if (spool.pending().length === 0) await spool.seal('age', enrolmentDigest)
}
