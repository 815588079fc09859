// Thirty days without a way out, through the real spool on a disk that counts: what is kept, what had to go and is
// named, and what it costs on the card and on the air. Figures are printed, budgets held.

import { beforeAll, describe, expect, it } from 'vitest'
import { writeMemory } from '../../agent/cycle/memory.ts'
import { currentDictionary, deflateBody } from '../../agent/spool/log/dictionary.ts'
import { meteredDisk } from '../../agent/spool/log/disk.ts'
import type { Spool } from '../../agent/spool/spool.ts'
import {
  enrolmentDigest,
  handClock,
  lostIn,
  openSample,
  sealAll,
  seededChance,
} from '../support/sample-spool.ts'
import { SimulatedDisk } from '../support/simulated-disk.ts'
import { cyclesADay, Month, type Told } from './month.ts'

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

describe.each(rows)(`${days} days offline with a quota of $quotaBytes bytes`, ({ quotaBytes, roomy }) => {
  let month: Outcome
  beforeAll(async () => {
    month = await offline(quotaBytes)
    console.info(`${days} days, quota ${quotaBytes / mega} MB: ${inWords(month)}`)
  }, 3_600_000)

  it('every result is there or named as lost, and not both', () => {
    const { told, arrived, named } = month
    const wrong = [...told.keys()].filter((n) => arrived.has(n) === named.has(n))
    expect(`${wrong.length}: ${wrong.slice(0, 10)}`).toBe('0: ')
    if (roomy) expect(named.size).toBe(0)
  })

  it('every change is there', () => {
    expect(numbersOf(month, 'change').filter((n) => !month.arrived.has(n))).toEqual([])
  })

  it('the quota holds, and a card is not worn', () => {
    expect(month.mostOnDisk).toBeLessThanOrEqual(quotaBytes)
    expect(month.filesAtEnd).toBeLessThanOrEqual(quotaBytes)
    expect(month.flushes / days).toBeLessThanOrEqual(300)
    expect(month.bytesWritten / days).toBeLessThanOrEqual(10 * mega)
  })

  it.runIf(roomy)('a result takes at most so many bytes when it is sent', () => {
    // The first day has every chain whole.
    expect(month.sentBytes / month.arrived.size).toBeLessThanOrEqual(deep ? 115 : 140)
  })

  // What was aimed at. It will not be met while every line of a batch is a whole document: times alone take 34 bytes,
  // and each place where two lines differ takes two for saying so. Fails when it is met, to be made a promise then.
  it.runIf(roomy && deep).fails('a month takes 7 MB at rest and 6 MB on the air', () => {
    expect(month.mostOnDisk).toBeLessThanOrEqual(7 * mega)
    expect(month.sentBytes).toBeLessThanOrEqual(6 * mega)
  })
})

interface Outcome {
  /** By number, what was put. */
  readonly told: ReadonlyMap<number, Told['kind']>
  /** Numbers found in the batches, and named in them as lost. */
  readonly arrived: ReadonlySet<number>
  readonly named: ReadonlySet<number>
  readonly batches: number
  readonly mostOnDisk: number
  readonly filesAtEnd: number
  readonly sentBytes: number
  /** Of all records, deflated. */
  readonly storedBytes: number
  readonly flushes: number
  readonly bytesWritten: number
}

async function offline(quotaBytes: number): Promise<Outcome> {
  const disk = new SimulatedDisk()
  const clock = handClock()
  // All that the agent flushes in a cycle goes over it: the spool, and what it remembers.
  const meter = { flushes: 0, bytesWritten: 0 }
  const card = meteredDisk(disk, meter)
  const spool = await openSample('/state/spool', { disk: card, quotaBytes, clock })
  const month = new Month(seededChance(30))
  const told = new Map<number, Told['kind']>()
  let mostOnDisk = 0
  let storedBytes = 0
  for (let cycle = 0; cycle < days * cyclesADay; cycle++) {
    const results = month.cycle(cycle)
    for (const { entry } of results)
      storedBytes += deflateBody(JSON.stringify(entry), currentDictionary).length
    await runCycle(spool, results, told)
    await writeMemory('/state/memory.json', month.memory, card)
    clock.move(15 * 60_000)
    mostOnDisk = Math.max(mostOnDisk, spool.stats().diskBytes)
  }
  const { flushes, bytesWritten } = meter
  const filesAtEnd = disk.paths().reduce((sum, path) => sum + disk.bytesOf(path).length, 0)
  const batches = await sealAll(spool)
  const sentBytes = spool.stats().pendingBytes
  await spool.close()
  return {
    told,
    arrived: new Set(batches.flatMap(({ records }) => records.map(({ n }) => n))),
    named: new Set(lostIn(batches)),
    batches: batches.length,
    ...{ mostOnDisk, filesAtEnd, sentBytes, storedBytes, flushes, bytesWritten },
  }
}

function numbersOf({ told }: Outcome, kind: Told['kind']): number[] {
  return [...told].filter((each) => each[1] === kind).map(([n]) => n)
}

function inWords(month: Outcome): string {
  const { told, arrived, named, batches, mostOnDisk, sentBytes, storedBytes, flushes, bytesWritten } = month
  const share = (kind: Told['kind']) => {
    const all = numbersOf(month, kind)
    const there = all.filter((n) => arrived.has(n)).length
    return `${there} of ${all.length} ${kind} there and ${all.filter((n) => named.has(n)).length} named`
  }
  return [
    `${told.size} measurements`,
    `at most ${(mostOnDisk / mega).toFixed(2)} MB at rest`,
    `${(sentBytes / mega).toFixed(2)} MB sealed in ${batches} batches, ${(sentBytes / arrived.size).toFixed(0)} B a measurement`,
    share('change'),
    share('anomaly'),
    share('routine'),
    `${(flushes / days).toFixed(0)} flushes and ${(bytesWritten / days / mega).toFixed(2)} MB written a day`,
    `${(bytesWritten / storedBytes).toFixed(2)} bytes written for each of a record`,
  ].join('; ')
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
