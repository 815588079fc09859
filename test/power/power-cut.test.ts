// The promises of spool, state files and collector, tried on a real ext4 by cutting the power at recorded instants.
// SONDE_DEEP cuts hundreds of times, on three kinds of mount.

import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Model, models } from './disk-log.ts'
import { diskName } from './fuse-disk.ts'
import { PowerLab, recording, whyNoPower } from './power-lab.ts'
import type { Outcome, Plan } from './recording.ts'

const why = whyNoPower()
if (why !== null) console.error(`\n\n  NO POWER WAS CUT: ${why}.\n\n`)

const deep = process.env.SONDE_DEEP !== undefined
/** The usual one, and two on which ext4 neither guesses what a careless program meant nor keeps data before names. */
const mounts = deep
  ? ['noatime', 'noatime,commit=1,noauto_da_alloc', 'noatime,data=writeback,noauto_da_alloc']
  : ['noatime,noauto_da_alloc']
const rounds = 2
/** In each round, a third by each model: deep, 300 of each model for each writer over the three mounts. */
const cuts = deep ? 150 : 9
/** Of the careless writer: enough to be sure that it is caught. */
const carelessCuts = deep ? 60 : 9
/** How much each life promises before it is killed: as much as takes about half a second. */
const lives: Readonly<Record<Plan['writer'], readonly number[]>> = {
  spool: [500, 200, 300],
  sealing: [200, 80, 120],
  collector: [60, 30, 40],
  state: [200, 100, 100],
  lists: [40, 20, 20],
  careless: [60, 30],
}

describe.skipIf(why !== null)('a power cut', () => {
  let lab: PowerLab
  beforeAll(async () => {
    lab = await PowerLab.open()
  })
  afterAll(() => lab.close())

  async function outcomeOf(writer: Plan['writer'], mountOptions: string): Promise<Outcome> {
    const each = writer === 'careless' ? carelessCuts : cuts
    const plan = { writer, mountOptions, lives: lives[writer], rounds, cuts: each, seed: 20 }
    const outcome = await lab.run(plan)
    const { writes, flushes, promises, tookMs } = outcome
    const faulty = outcome.cuts.filter(({ faults }) => faults.length > 0).length
    const byModel = models.map((model) => `${countOf(outcome, model)} ${model}`).join(', ')
    console.info(
      `${writer} on ${mountOptions}: ${promises} promises, ${writes} writes, ${flushes} flushes; ` +
        `${outcome.cuts.length} cuts (${byModel}), ${faulty} with faults; ${Math.round(tookMs / 1000)} s`,
    )
    return outcome
  }

  describe.each(mounts)('on ext4 with %s', (mountOptions) => {
    it.each(['spool', 'sealing', 'collector', 'state', 'lists'] as const)(
      `breaks no promise of %s, in ${rounds * cuts} cuts`,
      async (writer) => {
        const outcome = await outcomeOf(writer, mountOptions)
        expect(outcome.flushes).toBeGreaterThan(10)
        expect(outcome.cuts).toHaveLength(rounds * cuts)
        for (const model of models) expect(countOf(outcome, model)).toBeGreaterThanOrEqual(deep ? 100 : 4)
        expect(outcome.cuts.filter(({ faults }) => faults.length > 0)).toEqual([])
      },
      1_200_000,
    )

    it('catches a writer that forgets to fsync the folder', async () => {
      const { cuts: tried } = await outcomeOf('careless', mountOptions)
      const caught = tried.filter(({ faults }) => faults.some((fault) => fault.includes('is lost')))
      expect(caught.length).toBeGreaterThan(tried.length / 4)
    }, 600_000)
  })

  it.each([
    ['is killed', (child: { kill(signal: 'SIGKILL'): unknown }) => child.kill('SIGKILL')],
    ['loses whoever started it', (child: { stdin: { end(): unknown } | null }) => child.stdin?.end()],
  ])('leaves nothing attached when its recording %s', { timeout: 120_000 }, async (_, end) => {
    const child = await lab.start({
      writer: 'state',
      mountOptions: 'noatime',
      lives: [1_000_000],
      rounds: 1,
      cuts: 0,
      seed: 1,
    })
    const closed = once(child, 'close')
    await recording(child)
    const devices = attached(lab.folder)
    expect(devices).toHaveLength(1)
    end(child)
    await closed
    // The kernel takes a namespace apart after its last process is gone. A disk that is attached and in nobody's
    // namespace any more shows its bare name.
    const left = () => devices.filter((name) => backingFile(name) === `/${diskName}`)
    await expect.poll(() => [...left(), ...attached(lab.folder)], { timeout: 10_000 }).toEqual([])
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(lab.folder)
  })
})

function countOf(outcome: Outcome, model: Model): number {
  return outcome.cuts.filter((cut) => cut.model === model).length
}

/** @returns The loop devices of this lab, in whatever namespace they are used. */
function attached(folder: string): string[] {
  const devices = readdirSync('/sys/block').filter((name) => name.startsWith('loop'))
  return devices.filter((name) => backingFile(name).startsWith(folder))
}

function backingFile(device: string): string {
  try {
    return readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').trim()
  } catch {
    // Not in use.
    return ''
  }
}
