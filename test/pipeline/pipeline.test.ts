// From measurement to receipt, with the built programs as processes: nothing lost, nothing twice, whatever dies when.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  agentBundle,
  type CollectedMeasurement,
  type RunningCollector,
  sonde,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'
import { type Gate, type GateMode, startGate } from './gate.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

let internet: LoopbackInternet
let collector: RunningCollector
let gate: Gate

beforeAll(async () => {
  internet = await startLoopbackInternet()
  collector = await startCollector()
  gate = await startGate(collector.url)
})
afterAll(async () => {
  gate.close()
  internet.close()
  await collector.stop()
})

/** A device of its own, enrolled through the gate. */
async function enrolledDevice(): Promise<{ readonly state: string; readonly device: string }> {
  const state = temporaryFolder('agent')
  const { code, out, err } = await sonde(['enrol', gate.url, await collector.token(), '--state', state])
  expect(err).toBe('')
  expect(code).toBe(0)
  return { state, device: /Enrolled as ([0-9a-f]{32})/.exec(out)?.[1] ?? '' }
}

const of = (all: readonly CollectedMeasurement[], device: string) =>
  all.filter((each) => each.device === device)

/** A measurement as it was printed and as it arrived, to be compared as text. */
const texts = (measurements: readonly unknown[]) => measurements.map((each) => JSON.stringify(each)).sort()

function startOnce(state: string): ChildProcess & { readonly printed: unknown[] } {
  const child = spawn(
    process.execPath,
    [agentBundle, 'once', '--json', '--state', state, ...internet.agentArguments],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  const printed: unknown[] = []
  let rest = ''
  child.stdout.on('data', (chunk) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    printed.push(...lines.map((line) => JSON.parse(line)))
  })
  return Object.assign(child, { printed })
}

describe('a cycle that nothing disturbs', () => {
  it('arrives whole, judged, and leaves nothing behind', async () => {
    const { state, device } = await enrolledDevice()
    const { code, out, err } = await sonde(['once', '--json', '--state', state, ...internet.agentArguments])
    expect(err).toBe('')
    expect(code).toBe(0)
    const printed = out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    const collected = of(await collector.measurements(), device)
    const targets = collected.filter((each) => each.measurement.test_name !== 'link_check')
    expect(texts(targets.map((each) => each.measurement))).toEqual(texts(printed))
    const verdicts = Object.fromEntries(
      targets.map(({ measurement }) => [
        measurement.input,
        (measurement.test_keys.x_sonde_verdict as { verdict: string }).verdict,
      ]),
    )
    const { good, named, reset, foreign, gone } = internet.inputs
    expect(verdicts).toEqual({
      [good]: 'ok',
      // The system's resolver knows no site.test, the named resolver does, and the site answers under its name.
      [named]: 'anomaly',
      // Without a helper, a site that resets everyone and one with a certificate of its own look no different.
      [reset]: 'undetermined',
      [foreign]: 'undetermined',
      [gone]: 'undetermined',
    })
    const status = JSON.parse((await sonde(['status', '--json', '--state', state])).out)
    expect(status).toMatchObject({
      link: { state: 'up' },
      spool: { unsealed: 0, pending_batches: 0, lost: 0, health: 'ok' },
    })
  })
})

describe('SIGKILL between measuring and uploading', () => {
  const rows: readonly [string, GateMode][] = [
    ['while the upload hangs', 'silent'],
    ['when the batch has arrived and its receipt is lost', 'one_way'],
  ]
  it.each(rows)(
    '%s: every measurement is at the collector exactly once after the restart',
    async (_name, mode) => {
      const { state, device } = await enrolledDevice()
      gate.setMode(mode)
      const first = startOnce(state)
      await gate.untilUpload()
      const dead = once(first, 'exit')
      first.kill('SIGKILL')
      await dead
      // Every target once, and once more each that failed.
      expect(first.printed).toHaveLength(Object.keys(internet.inputs).length + 4)
      gate.setMode('open')
      const second = startOnce(state)
      await once(second, 'exit')

      const collected = of(await collector.measurements(), device)
      const targets = collected.filter((each) => each.measurement.test_name !== 'link_check')
      expect(texts(targets.map((each) => each.measurement))).toEqual(
        texts([...first.printed, ...second.printed]),
      )
      expect(new Set(collected.map((each) => each.epoch)).size).toBe(1)
      expect(collected.map((each) => each.n).sort((a, b) => a - b)).toEqual(
        collected.map((_each, index) => index),
      )
    },
  )

  it('at any moment, again and again: no measurement twice, and no number without a record or a reason', async () => {
    const { state, device } = await enrolledDevice()
    gate.setMode('open')
    const rounds = process.env.SONDE_DEEP === '1' ? 60 : 4
    for (let round = 0; round < rounds; round++) {
      const child = startOnce(state)
      const exit = once(child, 'exit')
      // Spread over the life of a cycle: before the first measurement, among them, while sending.
      const afterLines = round % (Object.keys(internet.inputs).length + 1)
      while (child.printed.length < afterLines && child.exitCode === null)
        await Promise.race([once(child.stdout as NonNullable<typeof child.stdout>, 'data'), exit])
      child.kill('SIGKILL')
      await exit
    }
    const last = startOnce(state)
    await once(last, 'exit')
    const collected = of(await collector.measurements(), device)
    const keys = collected.map((each) => `${each.epoch} ${each.n}`)
    expect(new Set(keys).size).toBe(keys.length)
    expect(texts(collected.map((each) => each.measurement))).toEqual(
      expect.arrayContaining(texts(last.printed)),
    )
  })
})

describe('the agent without a collector', () => {
  it('measures, keeps, says that the link is down, and calls nothing an anomaly', async () => {
    const state = temporaryFolder('agent')
    const lost = await startLoopbackInternet()
    lost.dropControls()
    const { code, out } = await sonde(['once', '--state', state, ...lost.agentArguments])
    lost.close()
    expect(code).toBe(0)
    expect(out).toMatch(/Link down since \d{4}-\d\d-\d\dT/)
    expect(out).not.toContain('anomaly')
    expect(out).toContain('wait on this device')
    expect((await sonde(['status', '--state', state])).out).toContain('LINK DOWN')
  })

  it('two agents never share a state folder', async () => {
    const { state } = await enrolledDevice()
    gate.setMode('silent')
    const first = startOnce(state)
    await gate.untilUpload()
    const { code, err } = await sonde(['once', '--state', state, ...internet.agentArguments])
    expect(code).toBe(75)
    expect(err).toMatch(/Another agent \(process \d+\) uses this state folder/)
    first.kill('SIGKILL')
    await once(first, 'exit')
    gate.setMode('open')
  })
})
