// The built agent and the built collector, killed at random instants while they work, with a way between them that
// loses receipts and repeats them. Afterwards every measurement that the agent went on from is at the collector once,
// each chain is unbroken, and no seq has two contents.
//
// What the agent has acknowledged: it prints a measurement when it hands it to the spool, makes all of a cycle durable,
// and then uploads. So whatever was printed before an upload of that life began, or by a life that ended by itself, is
// acknowledged. Of what was printed by a life that was killed sooner, each may be there once, or not at all.

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { verifyBatch } from '../../tests-spec/protocol/batch.ts'
import { openPayload } from '../../tests-spec/protocol/payload.ts'
import { type KnownProbe, probeOfEnrolment, verifyBatches } from '../../tests-spec/protocol/verify-batches.ts'
import {
  agentBundle,
  type CollectedMeasurement,
  collectorBundle,
  sonde,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'
import { seededChance } from '../support/sample-spool.ts'
import { type FickleWay, openFickleWay } from './fickle-way.ts'

const deep = process.env.SONDE_DEEP !== undefined
/** Of agents and collector together. */
const kills = deep ? 1_000 : 12
/** Each has a folder and a way of its own; as many lives at once keep two cores busy. */
const probes = deep ? 4 : 2
/** The same every time, so far as two machines can be the same. */
const chance = seededChance(2018)

interface Probe {
  readonly state: string
  readonly device: string
  readonly way: FickleWay
  readonly known: KnownProbe
  /** Digests of what was printed, and of those the ones that must arrive. */
  readonly printed: Set<string>
  readonly acknowledged: Set<string>
  kills: number
}

let servers: Server[]
let agentArguments: readonly string[]
beforeAll(async () => {
  ;({ servers, agentArguments } = await startTargets())
})
afterAll(() => {
  for (const server of servers) server.close()
})

describe('SIGKILL of agents and collector under load', () => {
  it(`loses nothing and doubles nothing, in ${kills} kills`, {
    timeout: 120_000 + kills * 3_000,
  }, async () => {
    const began = performance.now()
    const state = temporaryFolder('kills')
    const port = await freePort()
    const all = await enrolled(state, port)
    let collectorKills = 0
    let over = false
    const total = () => collectorKills + all.reduce((sum, probe) => sum + probe.kills, 0)

    const collecting = (async () => {
      while (!over) {
        const child = startServing(state, port)
        // A third of its deaths come while it starts, which is when it makes good what the last one broke off.
        if (chance() >= 0.33)
          await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'exit')])
        for (const { way } of all) way.target = port
        await killedWithin(child, 2.5 * lifeMs)
        collectorKills++
      }
    })()
    const probing = all.map(async (probe) => {
      while (total() < kills) await live(probe)
    })
    await Promise.all(probing)
    over = true
    await collecting

    // The bad time is over: everything that is left is sent.
    for (const { way } of all) way.mend()
    const collector = await startCollector(state, ['--port', String(port)])
    for (const probe of all) await live(probe, Number.POSITIVE_INFINITY)
    await collector.stop()
    judgeArchive(state, all)
    const measurements = archived(state, all)
    for (const probe of all) await judge(probe, measurements)

    const sum = (of: (probe: Probe) => number) => all.reduce((n, probe) => n + of(probe), 0)
    const duplicates = sum(({ way }) => way.answers.duplicate)
    console.info(
      `${total()} kills (${collectorKills} of the collector), ${measurements.length} measurements at the collector, ` +
        `${sum((each) => each.acknowledged.size)} of ${sum((each) => each.printed.size)} printed were acknowledged; ` +
        `${sum(({ way }) => way.answers.stored)} batches stored, ${duplicates} duplicates refused; ` +
        `receipts lost ${sum(({ way }) => way.fates.answer_lost)}, ` +
        `doubled ${sum(({ way }) => way.fates.sent_twice + way.fates.answered_twice)}, ` +
        `broken off ${sum(({ way }) => way.fates.broken_off)}; ${Math.round((performance.now() - began) / 1_000)} s`,
    )
    expect(total()).toBeGreaterThanOrEqual(kills)
    expect(collectorKills).toBeGreaterThan(0)
    expect(sum((each) => each.acknowledged.size)).toBeGreaterThan(kills)
    if (deep) expect(duplicates).toBeGreaterThan(kills / 20)
    for (const { way } of all) way.close()
  })
})

/** How long a life takes here and now; instants to kill at are spread over it. */
let lifeMs = 1_000

/** One life of an agent: a cycle, and the upload behind it. */
async function live(
  probe: Probe,
  withinMs = chance() < 0.2 ? Number.POSITIVE_INFINITY : 1.1 * lifeMs,
): Promise<void> {
  const began = performance.now()
  const argv = [agentBundle, 'once', '--json', '--state', probe.state, ...agentArguments]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (text) => {
    complaint += text
  })
  const lines: string[] = []
  let beforeUpload = 0
  let rest = ''
  child.stdout.on('data', (chunk) => {
    const parts = `${rest}${chunk}`.split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) lines.push(digestOf(line))
  })
  probe.way.onUpload = () => {
    beforeUpload = Math.max(beforeUpload, lines.length)
  }
  const closed = once(child, 'close')
  const killed = await killedWithin(child, withinMs)
  await closed
  if (killed) probe.kills++
  else lifeMs = (lifeMs + performance.now() - began) / 2
  for (const line of lines) probe.printed.add(line)
  for (const line of killed ? lines.slice(0, beforeUpload) : lines) probe.acknowledged.add(line)
  if (!killed && child.exitCode !== 0) throw new Error(`The agent ended with ${child.exitCode}: ${complaint}`)
}

/** Kills the process at an instant within `ms`, unless it ends before. @returns Whether it was killed. */
async function killedWithin(child: ChildProcess, ms: number): Promise<boolean> {
  const ended = once(child, 'exit')
  // The root leans to the end: the beginning of a life is Node.js reading the program.
  const timer = Number.isFinite(ms)
    ? setTimeout(() => child.kill('SIGKILL'), chance() ** 0.5 * ms)
    : undefined
  await ended
  clearTimeout(timer)
  return child.signalCode === 'SIGKILL'
}

async function judge(probe: Probe, measurements: readonly CollectedMeasurement[]): Promise<void> {
  const own = measurements.filter(({ device }) => device === probe.device)
  const places = own.map(({ epoch, n }) => `${epoch} ${n}`)
  expect(new Set(places).size, 'a place is taken twice').toBe(places.length)
  const digests = own
    .filter(({ measurement }) => measurement.test_name !== 'link_check')
    .map(({ measurement }) => digestOf(JSON.stringify(measurement)))
  const arrived = new Set(digests)
  expect(arrived.size, 'a measurement is there twice').toBe(digests.length)
  const gone = [...probe.acknowledged].filter((each) => !arrived.has(each))
  expect(gone.length, 'measurements were acknowledged and are gone').toBe(0)
  const unknown = digests.filter((each) => !probe.printed.has(each))
  expect(unknown.length, 'measurements arrived that nobody made').toBe(0)
  const { out } = await sonde(['status', '--json', '--state', probe.state])
  expect(JSON.parse(out)).toMatchObject({
    upload: { reason: null },
    spool: { unsealed: 0, pending_batches: 0, quarantined: 0, health: 'ok' },
  })
}

/** What the batch files hold, which are the record. */
function archived(state: string, all: readonly Probe[]): CollectedMeasurement[] {
  const keyOf = (id: string) => all.find(({ device }) => device === id)?.known.publicKey ?? null
  const folder = join(state, 'batches')
  return batchFiles(folder).flatMap((file) => {
    const { manifest, payload } = verifyBatch(readFileSync(join(folder, file)), keyOf)
    const opened = openPayload(manifest.payload, payload)
    if (opened.kind !== 'opened') throw new Error(`${file}: ${opened.problem}`)
    const lines = opened.raw.toString('utf8').split('\n').filter(Boolean)
    const { device, epoch } = manifest
    return lines.map((line) => ({ device, epoch, ...JSON.parse(line) }))
  })
}

/** Files of the archive, as anyone can check them with the probes' enrolment records. */
function judgeArchive(state: string, all: readonly Probe[]): void {
  const folder = join(state, 'batches')
  const { files: checked, chains } = verifyBatches(
    batchFiles(folder),
    (file) => readFileSync(join(folder, file)),
    all.map(({ known }) => known),
  )
  expect(checked.filter(({ code }) => code !== null)).toEqual([])
  expect(chains).toHaveLength(all.length)
  for (const { faults, missing, unnamed } of chains)
    expect({ faults, missing, unnamed }).toEqual({ faults: [], missing: [], unnamed: [] })
  const conflicts = join(state, 'conflicts')
  expect(existsSync(conflicts) ? readdirSync(conflicts) : []).toEqual([])
  expect(
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tmp')),
  ).toEqual([])
}

function batchFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.psb'))
}

async function enrolled(state: string, port: number): Promise<Probe[]> {
  const collector = await startCollector(state, ['--port', String(port)])
  const all: Probe[] = []
  for (let i = 0; i < probes; i++) {
    const way = await openFickleWay(chance)
    way.target = port
    const folder = temporaryFolder('agent')
    const { out, err } = await sonde(['enrol', way.url, await collector.token(), '--state', folder])
    expect(err).toBe('')
    const { record, collector_key_id } = JSON.parse(readFileSync(join(folder, 'enrolment.json'), 'utf8'))
    all.push({
      state: folder,
      device: /Enrolled as ([0-9a-f]{32})/.exec(out)?.[1] ?? '',
      way,
      known: probeOfEnrolment(Buffer.from(record), collector_key_id),
      printed: new Set(),
      acknowledged: new Set(),
      kills: 0,
    })
  }
  await collector.kill()
  return all
}

function startServing(state: string, port: number) {
  const argv = [collectorBundle, 'serve', '--state', state, '--port', String(port), '--log', 'error']
  return spawn(modernNode(), argv, { stdio: ['ignore', 'pipe', 'inherit'] })
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}

/** Six sites over plain HTTP, one of them resetting and one not there: cheap cycles, with anomalies among them. */
async function startTargets(): Promise<{ servers: Server[]; agentArguments: readonly string[] }> {
  const site = createHttpServer((_request, response) => response.end('success'))
  const resetting = createTcpServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.resetAndDestroy())
  })
  const servers = [site, resetting]
  const [sitePort, resettingPort] = await Promise.all(servers.map(listening))
  const inputs = [
    ...Array.from({ length: 4 }, (_, i) => `http://127.0.0.1:${sitePort}/${i}`),
    `http://127.0.0.1:${resettingPort}/`,
    `http://127.0.0.1:${await freePort()}/`,
  ]
  const folder = temporaryFolder('targets')
  const [list, config] = [join(folder, 'list.json'), join(folder, 'config.json')]
  writeFileSync(
    list,
    JSON.stringify({
      name: 'kills',
      version: 1,
      entries: inputs.map((input) => ({ nettest: 'web_connectivity', input, category_code: 'MISC' })),
      controls: [{ url: `http://127.0.0.1:${sitePort}/control`, expect: { status: 200, body: 'success' } }],
      resolvers: [],
    }),
  )
  writeFileSync(
    config,
    JSON.stringify({
      lab: true,
      test_list: list,
      jitter_seconds: 0,
      repeat_after_seconds: 0,
      concurrency: 8,
    }),
  )
  return { servers, agentArguments: ['--config', config] }
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return (server.address() as AddressInfo).port
}

/** One that was given out and handed back. */
async function freePort(): Promise<number> {
  const server = createTcpServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
