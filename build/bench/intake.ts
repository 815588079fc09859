// A real collector on loopback, as built, under batches of many probes: how many batches a second it takes, how long
// each waits for its receipt, which is given when the batch is on disk, and how much memory the collector uses. The
// senders run in this process, on the same processors.

import { Agent, request } from 'undici'
import { cyclesADay, Month } from '../../test/offline/month.ts'
import { startCollector } from '../../test/support/processes.ts'
import { type SampleBatch, SampleProbe } from '../../test/support/sample-probe.ts'
import { seededChance } from '../../test/support/sample-spool.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { batchMediaType } from '../../tests-spec/protocol/batch.ts'
import { memoryOf } from './process-figures.ts'

export interface IntakeFigures {
  readonly batches: number
  readonly bytesEach: number
  readonly perSecond: number
  /** Milliseconds from the first byte sent to the receipt. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rssMib: number
  readonly peakMib: number
}

/** What the payload of a batch consists of. */
export type Content = 'noise' | 'measurements'

/** Number of probes that send at once, each over a connection of its own. */
const probes = 16
const noiseBytes = 48_000
const measurementsEach = 100

/** @param each - Number of batches of each probe. */
export async function measureIntake(folder: string, content: Content, each: number): Promise<IntakeFigures> {
  const collector = await startCollector(folder, ['--log', 'error'])
  try {
    const rows = []
    for (let i = 0; i < probes; i++) rows.push(await batchesOf(await enrolled(collector), content, each))
    const times: number[] = []
    const begun = performance.now()
    await Promise.all(rows.map((row) => sendInTurn(collector.url, row, times)))
    const seconds = (performance.now() - begun) / 1000
    const { rssMib, peakMib } = memoryOf(collector.pid)
    const all = rows.flat()
    times.sort((a, b) => a - b)
    const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? Number.NaN
    return {
      batches: all.length,
      bytesEach: all.reduce((sum, { bytes }) => sum + bytes.length, 0) / all.length,
      perSecond: all.length / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      rssMib,
      peakMib,
    }
  } finally {
    await collector.stop()
  }
}

async function enrolled(collector: { readonly url: string; token(): Promise<string> }): Promise<SampleProbe> {
  const probe = new SampleProbe()
  const body = Buffer.from(JSON.stringify(probe.enrolmentRequest(await collector.token())))
  probe.enrolled((await post(`${collector.url}/v1/enrol`, 'application/json', body, 201)).body)
  return probe
}

let measurements: readonly Measurement[] | null = null

function batchesOf(probe: SampleProbe, content: Content, count: number): SampleBatch[] {
  measurements ??= someMeasurements()
  const all = measurements
  const chance = seededChance(count)
  return Array.from({ length: count }, (_, index) => {
    if (content === 'measurements')
      return probe.next(all.slice((index * measurementsEach) % all.length).slice(0, measurementsEach))
    return probe.nextOf(Buffer.from(Array.from({ length: noiseBytes }, () => 256 * chance())))
  })
}

function someMeasurements(): Measurement[] {
  const month = new Month(seededChance(30))
  const day = Array.from({ length: cyclesADay / 8 }, (_, cycle) => month.cycle(cycle)).flat()
  return day.slice(-4 * measurementsEach).map(({ entry }) => entry.measurement)
}

/** Sends each batch when the one before has its receipt, as a probe does. */
async function sendInTurn(url: string, batches: readonly SampleBatch[], times: number[]): Promise<void> {
  const agent = new Agent({ connections: 1 })
  for (const { bytes } of batches) {
    const begun = performance.now()
    await post(`${url}/v1/batches`, batchMediaType, bytes, 201, agent)
    times.push(performance.now() - begun)
  }
  await agent.close()
}

/** @throws When the answer has another status than the one expected. */
async function post(
  url: string,
  type: string,
  body: Buffer,
  wanted: number,
  agent?: Agent,
): Promise<{ readonly body: Buffer }> {
  const { statusCode, body: answer } = await request(url, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
    ...(agent !== undefined && { dispatcher: agent }),
  })
  const said = Buffer.from(await answer.arrayBuffer())
  if (statusCode !== wanted) throw new Error(`The collector said ${statusCode}: ${said}`)
  return { body: said }
}
