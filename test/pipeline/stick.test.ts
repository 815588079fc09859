// By stick and by a colleague's pocket, with the built programs as processes: every measurement arrives exactly once,
// the device forgets exactly what was receipted, and a stick that is full, read-only or pulled costs nothing.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readEnrolment, writeEnrolment } from '../../agent/enrolment/enrolment.ts'
import { openIdentity } from '../../agent/platform/identity.ts'
import { openSpool } from '../../agent/spool/spool.ts'
import { enrol } from '../../agent/submit/enrol.ts'
import { modernNode } from '../../build/modern-node.ts'
import { openCollectorKey } from '../../collector/archive/collector-key.ts'
import { TokenBox } from '../../collector/archive/token-box.ts'
import type { Measurement } from '../../tests-spec/data-formats/measurement.ts'
import { openEnrolment, sealEnrolment } from '../../tests-spec/protocol/enrolment.ts'
import { fakeClock } from '../support/fake-clock.ts'
import {
  agentBundle,
  type CollectedMeasurement,
  collectorBundle,
  type RunningCollector,
  runToEnd,
  sonde,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'
import { type Gate, startGate } from './gate.ts'
import { type LoopbackInternet, startLoopbackInternet } from './loopback-internet.ts'

/** Each is a dozen processes, and a machine may have more to do. */
const timeout = 180_000

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

/** An address where nobody listens: the way out is closed. */
const nowhere = 'http://127.0.0.1:1'

/** Enrolled, and from then on cut off from its collector unless it is told where it is. */
async function enrolledDevice(url = nowhere): Promise<{ readonly state: string; readonly device: string }> {
  const state = temporaryFolder('agent')
  const key = await openCollectorKey(collector.state)
  const token = await (await TokenBox.open(collector.state)).issue(key.id, 0)
  const identity = await openIdentity(join(state, 'device-key'))
  const patience = { now: () => performance.now(), silenceMs: 60_000, signal: new AbortController().signal }
  const { record } = await enrol(collector.url, token, identity, patience)
  await writeEnrolment(join(state, 'enrolment.json'), url, key.id, record)
  return { state, device: identity.device }
}

async function measure(state: string): Promise<unknown[]> {
  const { out } = await sonde(['once', '--json', '--state', state, ...internet.agentArguments])
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

const importInto = (stick: string) =>
  runToEnd(modernNode(), [collectorBundle, 'import', stick, '--state', collector.state, '--json'])
const waiting = async (state: string) =>
  JSON.parse((await sonde(['export', temporaryFolder('aside'), '--json', '--state', state])).out)
    .batches as number

async function arrived(device: string): Promise<CollectedMeasurement[]> {
  return (await collector.measurements()).filter((each) => each.device === device)
}
const targets = (all: readonly CollectedMeasurement[]) =>
  all.map(({ measurement }) => measurement).filter(({ test_name }) => test_name !== 'link_check')
const texts = (measurements: readonly unknown[]) => measurements.map((each) => JSON.stringify(each)).sort()

function expectOnce(collected: readonly CollectedMeasurement[], printed: readonly unknown[]): void {
  expect(texts(targets(collected))).toEqual(texts(printed))
  expect(collected.map(({ n }) => n).sort((a, b) => a - b)).toEqual(collected.map((_, i) => i))
}

describe('a stick', { timeout }, () => {
  it('carries everything there and the receipts back, while the collector serves', async () => {
    const { state, device } = await enrolledDevice()
    const stick = temporaryFolder('stick')
    const printed = await measure(state)
    const exported = await sonde(['export', stick, '--state', state])
    expect(exported).toMatchObject({ code: 0, err: '' })
    expect(exported.out).toMatch(/^Wrote 1 batch in 1 file \(\d+ kB\) to /)

    const imported = await importInto(stick)
    expect(imported).toMatchObject({ code: 0, err: '' })
    expectOnce(await arrived(device), printed)
    expect(await importInto(stick)).toMatchObject({ code: 0 })
    expectOnce(await arrived(device), printed)

    const back = await sonde(['import-receipts', stick, '--state', state])
    expect(back).toMatchObject({ code: 0, err: '' })
    expect(back.out).toContain('The collector has 1 batch; this device has forgotten them.')
    expect(await waiting(state)).toBe(0)
    // The chain goes on where it was, by whatever way.
    const more = await measure(state)
    await sonde(['export', stick, '--state', state])
    await importInto(stick)
    expectOnce(await arrived(device), [...printed, ...more])
  })

  it('is read by the stock age program with the collector’s key, and by nothing without', async () => {
    const { state } = await enrolledDevice()
    const stick = temporaryFolder('stick')
    await measure(state)
    await sonde(['export', stick, '--state', state])
    const [name = ''] = readdirSync(stick)
    const file = join(stick, name)
    const opened = execFileSync('age', ['-d', '-i', join(collector.state, 'sealing-key'), file])
    expect(opened.subarray(0, 4).toString()).toBe('PSB1')
    expect(readFileSync(file).includes('PSB1')).toBe(false)
    expect((await runToEnd('/usr/bin/env', ['age', '-d', '-i', join(state, 'device-key'), file])).code).toBe(
      1,
    )
  })

  it('is written and read beside an agent that runs, and while it is sending', async () => {
    const { state, device } = await enrolledDevice(gate.url)
    const stick = temporaryFolder('stick')
    gate.setMode('silent')
    const sending = gate.untilUpload()
    const args = [agentBundle, 'run', '--state', state, ...internet.agentArguments]
    const agent = spawn(process.execPath, args, { stdio: 'ignore' })
    await sending
    expect(await sonde(['export', stick, '--state', state])).toMatchObject({ code: 0, err: '' })
    expect(await importInto(stick)).toMatchObject({ code: 0 })
    const back = await sonde(['import-receipts', stick, '--json', '--state', state])
    expect(JSON.parse(back.out)).toMatchObject({ pending: 0, foreign: 0 })
    expect(JSON.parse(back.out).forgotten).toHaveLength(1)
    await ended(agent, 'SIGTERM')
    gate.setMode('open')
    const collected = await arrived(device)
    expect(collected.length).toBeGreaterThan(0)
    expect(new Set(collected.map(({ n }) => n)).size).toBe(collected.length)
    expect(await waiting(state)).toBe(0)
  })

  it('is taken in while the collector does not serve', async () => {
    const { state, device } = await enrolledDevice()
    const stick = temporaryFolder('stick')
    const printed = await measure(state)
    await sonde(['export', stick, '--state', state])
    await collector.stop()
    const { code, out } = await importInto(stick)
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, complete: true, receipts: 1 })
    collector = await startCollector(collector.state)
    expectOnce(await arrived(device), printed)
  })

  it('ends with 1 and names what was not taken, and leaves it', async () => {
    const stick = temporaryFolder('stick')
    writeFileSync(join(stick, 'letter.age'), 'Dear friend')
    const { code, out } = await runToEnd(modernNode(), [
      collectorBundle,
      'import',
      stick,
      '--state',
      collector.state,
    ])
    expect({ code, out }).toEqual({
      code: 1,
      out: expect.stringContaining('letter.age: not taken, This is no age file [not_sealed]'),
    })
    expect(readdirSync(stick)).toEqual(['letter.age'])
  })
})

describe('without what a stick needs', { timeout }, () => {
  const rows: readonly [what: string, args: readonly string[], code: number, name: string][] = [
    ['no folder', ['export'], 64, 'bad_usage'],
    ['a folder that is not there', ['export', '/nowhere/at/all'], 74, 'stick_unusable'],
    ['a recipient that is none', ['export', '.', '--recipient', `age1${'q'.repeat(58)}`], 64, 'bad_usage'],
    ['two folders', ['carry', 'a', 'b'], 64, 'bad_usage'],
  ]
  it('says what to do', async () => {
    const { state } = await enrolledDevice()
    for (const [what, args, code, name] of rows) {
      const said = await sonde([...args, '--state', state])
      expect(said, what).toMatchObject({ code, out: '', err: expect.stringContaining(`[${name}]`) })
    }
  })

  it('a device that is not enrolled says so', async () => {
    for (const command of ['export', 'import-receipts', 'carry']) {
      const { code, err } = await sonde([command, '.', '--state', temporaryFolder('agent')])
      expect({ code, err }).toEqual({ code: 69, err: expect.stringContaining('[not_enrolled]') })
    }
  })

  it('a device enrolled by an older collector is given the recipient by hand, or learns it when it uploads', async () => {
    const { state, device } = await enrolledDevice()
    const path = join(state, 'enrolment.json')
    const { privateKey, id } = await openCollectorKey(collector.state)
    const { record } = JSON.parse(readFileSync(path, 'utf8'))
    const { recipient, ...old } = openEnrolment(Buffer.from(record), id).enrolment
    const oldRecord = sealEnrolment(old, privateKey)
    await writeEnrolment(path, collector.url, id, oldRecord)
    // The collector has the record it issued then.
    await collector.stop()
    writeFileSync(join(collector.state, 'probes', `${device}.json`), oldRecord)
    collector = await startCollector(collector.state)
    await writeEnrolment(path, collector.url, id, oldRecord)

    const stick = temporaryFolder('stick')
    const refused = await sonde(['export', stick, '--state', state])
    expect(refused).toMatchObject({ code: 69, err: expect.stringContaining('[no_recipient]') })
    const said = await runToEnd(modernNode(), [collectorBundle, 'recipient', '--state', collector.state])
    expect(said).toMatchObject({ code: 0, out: `${recipient}\n`, err: expect.stringContaining('Back up') })
    const given = ['export', stick, '--recipient', said.out.trim(), '--state', state]
    expect(await sonde(given)).toMatchObject({ code: 0 })
    await measure(state)
    expect(await sonde(['export', stick, '--state', state])).toMatchObject({ code: 0 })
  })
})

describe('a colleague’s device', { timeout }, () => {
  it('carries what it cannot read, and the receipts back', async () => {
    const { state, device } = await enrolledDevice()
    const carrier = await enrolledDevice(collector.url)
    const stick = temporaryFolder('stick')
    const printed = await measure(state)
    await sonde(['export', stick, '--state', state])

    const taken = await sonde(['carry', stick, '--state', carrier.state])
    expect(taken).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringContaining('Took 1 sealed file of other'),
    })
    const kept = readdirSync(join(carrier.state, 'carried'))
    expect(kept).toEqual([expect.stringMatching(/^00000001-[0-9a-f]{64}\.age$/)])
    for (const name of kept) {
      const bytes = readFileSync(join(carrier.state, 'carried', name))
      for (const word of ['PSB1', device, '127.0.0.1', 'web_connectivity'])
        expect(bytes.includes(word)).toBe(false)
    }
    const own = await measure(carrier.state)
    expectOnce(await arrived(device), printed)
    expectOnce(await arrived(carrier.device), own)

    const back = await sonde(['carry', stick, '--json', '--state', carrier.state])
    expect(JSON.parse(back.out)).toMatchObject({ taken: [], known: 1, waiting: 0, receipts: 2 })
    const forgotten = await sonde(['import-receipts', stick, '--json', '--state', state])
    expect(JSON.parse(forgotten.out)).toMatchObject({ pending: 0, foreign: 0 })
    expect(await waiting(state)).toBe(0)
    expect(
      JSON.parse((await sonde(['import-receipts', stick, '--json', '--state', carrier.state])).out),
    ).toMatchObject({
      forgotten: [],
      foreign: 1,
    })
  })
})

/** Many full batches in a device's spool, as weeks without a way out leave them. */
async function fillSpool(state: string, batches: number): Promise<void> {
  const digest = readEnrolment(join(state, 'enrolment.json'))?.enrolmentDigest ?? ''
  const clock = fakeClock()
  const spool = await openSpool({
    dir: join(state, 'spool'),
    clock,
    ...(await openIdentity(join(state, 'device-key'))),
    quotaBytes: 64_000_000,
    agentVersion: '0.0.0-test',
    lists: () => ({}),
  })
  for (let i = 0; i < batches; i++) {
    const measurement = {
      input: null,
      padding: randomBytes(40_000).toString('base64'),
    } as unknown as Measurement
    const time = { wall_ms: clock.now(), boot: 'b', mono_ms: 1, clock: 'synced' } as const
    await spool.put({ class: 'anomaly', time, measurement })
    await spool.seal('manual', digest)
  }
  await spool.close()
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

describe('a stick that is pulled, full or cannot be written', { timeout }, () => {
  const kills = process.env.SONDE_DEEP === '1' ? 100 : 4

  it(`has only whole files, and lacks none in the end, after ${kills} kills in mid-write`, {
    timeout: timeout + kills * 10_000,
  }, async () => {
    const { state } = await enrolledDevice()
    await fillSpool(state, 12)
    const stick = temporaryFolder('stick')
    for (let kill = 0; kill < kills; kill++) {
      const child = spawn(process.execPath, [agentBundle, 'export', stick, '--state', state], {
        stdio: 'ignore',
      })
      let events = 0
      const watcher = watch(stick, () => {
        // Another moment each time: while a file is made, written, given its name.
        if (++events > kill % 7) child.kill('SIGKILL')
      })
      await once(child, 'exit')
      watcher.close()
      for (const name of readdirSync(stick).filter((each) => each.endsWith('.age'))) {
        const identity = join(collector.state, 'sealing-key')
        expect(() =>
          execFileSync('age', ['-d', '-i', identity, '-o', '/dev/null', join(stick, name)]),
        ).not.toThrow()
      }
    }
    const last = JSON.parse((await sonde(['export', stick, '--json', '--state', state])).out)
    expect(last.batches + last.there).toBe(12)
    expect(last.damaged).toEqual([])
    expect(readdirSync(stick).filter((name) => !name.endsWith('.age'))).toEqual([])
    const report = JSON.parse((await importInto(stick)).out)
    expect(report).toMatchObject({ complete: true, receipts: 12 })
    // No batch is on the stick twice.
    const duplicates = report.files.map(
      ({ said }: { said: { receipts: number; stored: number } }) => said.receipts - said.stored,
    )
    expect(duplicates.reduce((a: number, b: number) => a + b, 0)).toBe(0)
    const back = JSON.parse((await sonde(['import-receipts', stick, '--json', '--state', state])).out)
    expect(back.forgotten).toHaveLength(12)
  })

  /** Runs the agent in a mount namespace where `stick` is a file system of its own; copies what is on it to `copy`. */
  function onMount(options: string, stick: string, copy: string, args: readonly string[]) {
    const script = `mount -t tmpfs -o ${options} tmpfs "$1" && shift && copy="$1" && shift && "$@"; code=$?; cp -a "${stick}/." "$copy/"; exit $code`
    const argv = ['-rm', 'sh', '-c', script, 'sh', stick, copy, process.execPath, agentBundle, ...args]
    return runToEnd('unshare', argv)
  }

  it('that is full gets whole files, says what is missing, and the next goes on', async () => {
    const { state } = await enrolledDevice()
    await fillSpool(state, 8)
    const [stick, copy] = [temporaryFolder('stick'), temporaryFolder('copy')]
    const full = await onMount('size=220k', stick, copy, ['export', stick, '--state', state])
    expect(full).toMatchObject({ code: 74, out: '', err: expect.stringContaining('[stick_full]') })
    expect(full.err).toMatch(/[1-7] batches in \d files were written and are whole; [1-7] are not on it yet/)
    const names = readdirSync(copy)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !name.endsWith('.age'))).toEqual([])
    // Room was made: the same files are there, and the rest fits.
    const larger = temporaryFolder('stick')
    cpSync(copy, larger, { recursive: true })
    const rest = JSON.parse((await sonde(['export', larger, '--json', '--state', state])).out)
    expect(rest.there).toBeGreaterThan(0)
    expect(rest.there + rest.batches).toBe(8)
    expect(JSON.parse((await importInto(larger)).out)).toMatchObject({ complete: true, receipts: 8 })
  })

  it('that cannot be written is named, and nothing is lost', async () => {
    const { state } = await enrolledDevice()
    await fillSpool(state, 1)
    const [stick, copy] = [temporaryFolder('stick'), temporaryFolder('copy')]
    const refused = await onMount('ro', stick, copy, ['export', stick, '--state', state])
    expect(refused).toMatchObject({ code: 74, err: expect.stringMatching(/EROFS.*\[stick_unusable\]/s) })
    expect(await waiting(state)).toBe(1)
  })

  it('whose notes cannot be kept, because the device itself is full, is written all the same', async () => {
    const { state } = await enrolledDevice()
    await fillSpool(state, 2)
    mkdirSync(join(state, 'exports.json', 'in-the-way'), { recursive: true })
    const stick = temporaryFolder('stick')
    expect(await sonde(['export', stick, '--state', state])).toMatchObject({ code: 0 })
    expect(JSON.parse((await importInto(stick)).out)).toMatchObject({ complete: true, receipts: 2 })
  })
})
