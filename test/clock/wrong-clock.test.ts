// The built agent under clocks that are wrong, against a collector whose clock is right: whatever the agent's said, the
// collector's dates have the truth within their error, and no jump is ever taken for interference.

import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeTimeLibrary } from '../lab/lab.ts'
import {
  type CollectedMeasurement,
  type RunningCollector,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'
import { WrongClock } from './wrong-clock.ts'

const missing = fakeTimeLibrary() === null
if (missing)
  console.error(
    '\n\n  TESTS OF WRONG CLOCKS DID NOT RUN: apt-get install faketime brings what they need.\n\n',
  )

interface Dated extends CollectedMeasurement {
  readonly corrected_at: string
  readonly error_ms: number | null
  readonly measurement: CollectedMeasurement['measurement'] & { readonly measurement_start_time: string }
}

const deep = process.env.SONDE_DEEP === '1'
/** Three processes a test. */
const timeout = 120_000
const second = 1_000
const hour = 3_600
const nowSeconds = () => Math.floor(Date.now() / second)
/** Measurements are written to the second. */
const writtenMs = 1_000

describe.skipIf(missing)('an agent with a wrong clock', () => {
  let collector: RunningCollector
  const servers: Server[] = []
  /** Called when the agent has said its first bytes to the target, and to the collector. */
  let onTarget = () => {}
  let onUpload = () => {}
  let target = ''
  let configFile = ''
  let gateUrl = ''

  const listen = async (server: Server) => {
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    return (server.address() as AddressInfo).port
  }

  beforeAll(async () => {
    collector = await startCollector()
    const control = () => createHttpServer((_request, response) => response.end('success'))
    const controls = [await listen(control()), await listen(control())]
    const resetting = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        onTarget()
        socket.resetAndDestroy()
      })
    })
    target = `https://127.0.0.1:${await listen(resetting)}/`
    const upstream = new URL(collector.url)
    const gate = createServer((client) => {
      const server: Socket = connect(Number(upstream.port), upstream.hostname)
      client.on('error', () => server.destroy()).on('close', () => server.destroy())
      server.on('error', () => client.destroy())
      client.once('data', (first) => {
        onUpload()
        server.write(first)
        client.pipe(server).pipe(client)
      })
    })
    gateUrl = `http://127.0.0.1:${await listen(gate)}`
    const folder = temporaryFolder('clock')
    const listFile = join(folder, 'list.json')
    const list = {
      name: 'clock',
      version: 1,
      entries: [{ nettest: 'web_connectivity', input: target, category_code: 'MISC' }],
      controls: controls.map((port) => ({
        url: `http://127.0.0.1:${port}/`,
        expect: { status: 200, body: 'success' },
      })),
      resolvers: [],
    }
    writeFileSync(listFile, JSON.stringify(list))
    configFile = join(folder, 'config.json')
    writeFileSync(configFile, JSON.stringify({ lab: true, test_list: listFile, repeat_after_seconds: 0 }))
  })
  afterAll(async () => {
    for (const server of servers) server.close()
    await collector?.stop()
  })

  /** Measures once under `clock` on a new device. */
  async function measured(clock: WrongClock) {
    const state = temporaryFolder('agent')
    const begun = Date.now()
    const enrolled = await clock.sonde(['enrol', gateUrl, await collector.token(), '--state', state])
    expect(enrolled).toMatchObject({ code: 0, err: '' })
    const device = /Enrolled as ([0-9a-f]{32})/.exec(enrolled.out)?.[1] ?? ''
    return {
      state,
      device,
      begun,
      once: () => clock.sonde(['once', '--state', state, '--config', configFile]),
    }
  }

  const collected = async (device: string) =>
    ((await collector.measurements()) as Dated[]).filter((each) => each.device === device)
  const startOf = ({ measurement }: Dated) =>
    Date.parse(`${measurement.measurement_start_time.replace(' ', 'T')}Z`)
  const logOf = (state: string) => readFileSync(join(state, 'log', 'sonde.ndjson'), 'utf8')

  /** All of it was measured between two instants of the true clock; where the offset did not change, at one we know. */
  function expectDated(all: readonly Dated[], begun: number, aheadMs: number | null): void {
    expect(all.length).toBeGreaterThanOrEqual(3)
    const ended = Date.now()
    for (const each of all) {
      const at = Date.parse(each.corrected_at)
      const errorMs = each.error_ms ?? Number.NaN
      // As good as the exchange was quick, on a machine that may have much else to do.
      expect(errorMs).toBeLessThan(60 * second)
      expect(at + errorMs).toBeGreaterThanOrEqual(begun)
      expect(at - errorMs).toBeLessThanOrEqual(ended)
      if (aheadMs === null) continue
      const truth = startOf(each) - aheadMs
      expect(at + errorMs).toBeGreaterThanOrEqual(truth)
      expect(at - errorMs).toBeLessThanOrEqual(truth + writtenMs)
    }
  }

  it.each([
    ['that begins in 1970', () => 600 - nowSeconds(), /^1970-01-01/, true],
    ['that goes past the end of 32 bits', () => 2 ** 31 - 2 - nowSeconds(), /^2038-01-19 03:14/, false],
    ...(deep ? [['that is a month behind', () => -30 * 24 * hour, /^\d{4}-/, false] as const] : []),
  ] as const)('%s is dated by its first receipt', { timeout }, async (_, ahead, raw, isBehindBuild) => {
    const clock = new WrongClock(ahead())
    const { state, device, begun, once } = await measured(clock)
    expect((await once()).code).toBe(0)
    const all = await collected(device)
    for (const { measurement } of all) expect(measurement.measurement_start_time).toMatch(raw)
    expectDated(all, begun, clock.aheadMs)
    expect(logOf(state)).toContain('"S6104"')
    if (isBehindBuild) expect(logOf(state)).toContain('"S6101"')
  })

  it.each([['forward', 10 * hour], ...(deep ? [['back', -10 * hour] as const] : [])] as const)(
    'that jumps ten hours %s while it measures calls nothing interference for it',
    { timeout },
    async (_, bySeconds) => {
      const clock = new WrongClock(0)
      const { state, device, begun, once } = await measured(clock)
      onTarget = () => {
        onTarget = () => {}
        clock.jump(bySeconds)
      }
      expect((await once()).code).toBe(0)
      const all = await collected(device)
      const [first, again] = all.filter(({ measurement }) => measurement.input === target)
      expect(first?.measurement.test_keys).toMatchObject({
        x_sonde_verdict: { verdict: 'undetermined', rule: 'web_connectivity/clock_stepped@1' },
        x_sonde_clock_stepped: { delta_ms: expect.closeTo(bySeconds * second, -4), suspended_ms: 0 },
      })
      // It was measured again, under a clock that stood where it was set to.
      expect(again?.measurement.test_keys.x_sonde_clock_stepped).toBeUndefined()
      expectDated(all, begun, null)
      expect(logOf(state)).toContain('"S6103"')
    },
  )

  it.each([...(deep ? [['forward', 10 * hour] as const] : []), ['back', -10 * hour]] as const)(
    'that jumps ten hours %s while it uploads loses nothing and is dated right',
    { timeout },
    async (_, bySeconds) => {
      const clock = new WrongClock(0)
      const { state, device, begun, once } = await measured(clock)
      onUpload = () => {
        onUpload = () => {}
        clock.jump(bySeconds)
      }
      expect((await once()).code).toBe(0)
      const all = await collected(device)
      expect(all.map(({ n }) => n).sort((a, b) => a - b)).toEqual(all.map((_each, index) => index))
      // Measured before the jump.
      expectDated(all, begun, 0)
      const status = JSON.parse((await clock.sonde(['status', '--json', '--state', state])).out)
      expect(status).toMatchObject({
        spool: { unsealed: 0, pending_batches: 0, lost: 0 },
        upload: { kind: 'delivered' },
      })
    },
  )
})
