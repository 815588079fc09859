// A month without a way out, on a machine that begins in 1970 and drifts, then one evening with one: real spool, real
// batches, real receipts, a real collector; the hours are made up. Under a Node.js without node:sqlite this file runs
// itself again under one that has it.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { MachineClocks } from '../../agent/platform/clock.ts'
import { recordTime } from '../../agent/platform/clock.ts'
import type { ClockMemory } from '../../agent/platform/clock-memory.ts'
import { WatchedClock } from '../../agent/platform/watched-clock.ts'
import { openSpool, type Spool } from '../../agent/spool/spool.ts'
import { isModern, testUnderModernNode } from '../../build/modern-node.ts'
import { rebuildIndex } from '../../collector/commands/rebuild-index.ts'
import { SqliteIndex } from '../../collector/index/sqlite-index.ts'
import { openEnrolment } from '../../tests-spec/protocol/enrolment.ts'
import { SampleCollector } from '../support/sample-collector.ts'
import { SampleProbe, sampleMeasurement } from '../support/sample-probe.ts'

const modern = isModern(process.versions.node)
const second = 1_000
const hour = 3_600 * second
const day = 24 * hour

it.runIf(!modern)('these tests pass under a Node.js with node:sqlite', { timeout: 240_000 }, () => {
  const { status, output } = testUnderModernNode(import.meta.url)
  expect(output).toMatch(/Tests +\d+ passed/)
  expect({ status, output }).toMatchObject({ status: 0 })
})

/** A Raspberry Pi without a clock: 1970 at each boot, and fast or slow by so much. */
class Pi {
  readonly #collector: SampleCollector
  readonly #probe: SampleProbe
  readonly #dir: string
  #digest = ''
  #memory: ClockMemory | null = null
  #mono = 0
  #boots = 0
  #drift = 0
  #clock: WatchedClock | null = null
  #spool: Spool | null = null
  /** When each measurement truly began, by its input. */
  readonly truth = new Map<string, number>()

  constructor(collector: SampleCollector, probe: SampleProbe, dir: string) {
    this.#collector = collector
    this.#probe = probe
    this.#dir = dir
  }

  async enrol(): Promise<void> {
    const { body } = await this.#collector.enrol(this.#probe)
    this.#digest = openEnrolment(body, this.#collector.collector.key.id).digest
  }

  async boot(drift: number): Promise<void> {
    await this.#spool?.close()
    this.#mono = 20_000
    this.#drift = drift
    const machine: MachineClocks = {
      wallMs: () => this.#mono,
      monotonicMs: () => this.#mono,
      boottime: () => ({ ms: Math.floor(this.#mono / 10) * 10, coarse: false }),
      syncMark: () => null,
      bootId: `boot-${this.#boots++}`,
    }
    const clock = new WatchedClock(machine, {
      buildDateMs: Date.UTC(2018, 0),
      memory: this.#memory,
      remember: (memory) => {
        this.#memory = memory
      },
      log: () => {},
    })
    this.#clock = clock
    this.#spool = await openSpool({
      dir: this.#dir,
      clock,
      witness: clock,
      device: this.#probe.device,
      privateKey: this.#probe.privateKey,
      quotaBytes: 4_000_000,
      agentVersion: '1.2.3',
      lists: () => ({}),
    })
  }

  pass(ms: number): void {
    this.#collector.now += ms
    this.#mono += ms * (1 + this.#drift)
  }

  async measure(): Promise<void> {
    const { clock, spool } = this.#running
    const input = `https://${this.truth.size}.test/`
    this.truth.set(input, this.#collector.now)
    const time = recordTime(clock)
    await spool.put({ class: 'anomaly', time, measurement: sampleMeasurement({ input, at: time.wall_ms }) })
  }

  async upload(): Promise<number> {
    const { spool } = this.#running
    let batches = 0
    for (;;) {
      const batch = await spool.seal('age', this.#digest)
      if (batch === null) return batches
      const bytes = await spool.read(batch.id)
      this.pass(600)
      const answer = await this.#collector.postBatch({ bytes })
      this.pass(600)
      await spool.receipted(this.#collector.receiptIn(answer))
      batches++
    }
  }

  async off(): Promise<void> {
    await this.#spool?.close()
  }

  get #running(): { readonly clock: WatchedClock; readonly spool: Spool } {
    if (this.#clock === null || this.#spool === null) throw new Error('It is off')
    return { clock: this.#clock, spool: this.#spool }
  }
}

async function inTheField(live: (pi: Pi, collector: SampleCollector) => Promise<void>) {
  const collector = await SampleCollector.start((path) => SqliteIndex.open(path))
  const dir = await mkdtemp(join(tmpdir(), 'sonde-month-'))
  const pi = new Pi(collector, new SampleProbe(), dir)
  try {
    await pi.enrol()
    await live(pi, collector)
  } finally {
    await pi.off()
    await collector.remove()
    await rm(dir, { recursive: true })
  }
}

interface Exported {
  readonly corrected_at: string
  readonly error_ms: number | null
  readonly measurement: { readonly input: string; readonly measurement_start_time: string }
}

async function exported(collector: SampleCollector): Promise<Exported[]> {
  await collector.collector.indexer?.settled()
  const { body } = await collector.get('/api/v1/measurements?format=kept&limit=10000')
  return body
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

/** @returns The errors that are stated, in milliseconds; every one of them holds. */
function errorsOf(pi: Pi, all: readonly Exported[]): number[] {
  expect(all).toHaveLength(pi.truth.size)
  return all.map(({ corrected_at, error_ms, measurement }) => {
    expect(measurement.measurement_start_time).toMatch(/^1970-/)
    const off = Math.abs(Date.parse(corrected_at) - (pi.truth.get(measurement.input) ?? 0))
    expect(off).toBeLessThanOrEqual(error_ms ?? -1)
    return error_ms ?? Number.NaN
  })
}

it.runIf(modern)(
  'a month in one boot: every measurement is dated by the first receipt, to within its drift',
  async () => {
    await inTheField(async (pi, collector) => {
      await pi.boot(-170e-6)
      for (let n = 0; n < 240; n++) {
        await pi.measure()
        pi.pass(3 * hour)
      }
      // What was sealed before the receipt, and once more what it told: for good, if the way closes again.
      expect(await pi.upload()).toBe(2)
      const errors = errorsOf(pi, await exported(collector))
      expect(Math.max(...errors)).toBeLessThan(30 * day * 2e-4 + 2 * second)
      expect(Math.min(...errors)).toBeLessThan(10 * second)

      const before = await exported(collector)
      await rebuildIndex(collector.state, collector.collector.log, () => {})
      await collector.restart()
      expect(await exported(collector)).toEqual(before)
    })
  },
)

it.runIf(modern)(
  'a power cut a day: boots that no receipt reached lie between those that one did',
  async () => {
    await inTheField(async (pi, collector) => {
      for (let boot = 0; boot < 12; boot++) {
        await pi.boot(boot % 2 === 0 ? 190e-6 : -190e-6)
        for (let n = 0; n < 8; n++) {
          await pi.measure()
          pi.pass(2 * hour)
        }
        if (boot === 0 || boot === 11) await pi.upload()
        pi.pass(5 * hour)
      }
      const errors = errorsOf(pi, await exported(collector))
      // Ten dark days, of which eight times two hours each are known to have passed.
      expect(Math.max(...errors)).toBeLessThan(5 * day)
      expect(Math.min(...errors)).toBeLessThan(60 * second)
    })
  },
)
