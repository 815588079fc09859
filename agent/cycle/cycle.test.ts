// One cycle against real servers on loopback: what is measured, how it is judged, and that a dying link is not a block.

import { createServer as createHttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import * as v from 'valibot'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Authority, makeAuthority } from '../../test/support/certificates.ts'
import { type FakeClock, fakeClock } from '../../test/support/fake-clock.ts'
import { faultsOf } from '../../test/support/kept.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import {
  measurement as measurementSchema,
  type SpoolEntry,
} from '../../tests-spec/data-formats/measurement.ts'
import type { TestList } from '../../tests-spec/lists/test-list.ts'
import { unknownLink } from '../../tests-spec/nettests/verdict.ts'
import { registryOf } from '../nettests/registry.ts'
import type { Trust } from '../operations/trace.ts'
import { makeTrust } from '../operations/trust.ts'
import { measurementClock, systemClock } from '../platform/clock.ts'
import type { LogCode } from '../platform/log.ts'
import { Cuts } from './cuts.ts'
import { type Memory, runCycle, type Stages } from './cycle.ts'
import { notDue } from './deliver.ts'
import { noneWaiting } from './waiting.ts'

const emptyMemory: Memory = {
  link: unknownLink,
  history: {},
  controls: {},
  waiting: noneWaiting,
  cuts: new Cuts(),
}

let authority: Authority
let trust: Trust
const open: { close(): unknown }[] = []

beforeAll(() => {
  authority = makeAuthority()
  trust = makeTrust({ extraCa: [authority.caPem] })
})
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function listen(server: ReturnType<typeof createTcpServer>, ip = '127.0.0.1'): Promise<number> {
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, ip, () => resolve()))
  return (server.address() as AddressInfo).port
}

const control = () => createHttpServer((_request, response) => response.end('success\n'))
const site = () => {
  const { key, cert } = authority.issue({ names: ['127.0.0.1'] })
  return createTlsServer({ key, cert }, (_request, response) => response.end('hello'))
}
/** Resets the connection when the ClientHello has come. */
const resetter = () =>
  createTcpServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.resetAndDestroy())
  })

/** A test helper that succeeds with every handshake to these URLs. */
const helperThatReaches = (...urls: readonly string[]) => {
  const endpoints = urls.map((url) => new URL(url).host)
  const fine = { status: true, failure: null }
  const page = {
    body_length: 5,
    discovered_h3_endpoint: '',
    failure: null,
    title: '',
    headers: {},
    status_code: 200,
  }
  return createHttpServer((_request, response) =>
    response.end(
      JSON.stringify({
        tcp_connect: Object.fromEntries(endpoints.map((each) => [each, fine])),
        tls_handshake: Object.fromEntries(endpoints.map((each) => [each, { ...fine, server_name: '' }])),
        http_request: page,
        dns: { failure: null, addrs: [] },
      }),
    ),
  )
}

async function cycle(list: TestList, over: Partial<Stages> = {}, memory: Memory = emptyMemory) {
  const entries: SpoolEntry[] = []
  const codes: LogCode[] = []
  const say = (code: LogCode) => void codes.push(code)
  const stop = new AbortController()
  const clock = systemClock()
  const stages: Stages = {
    clock,
    log: { info: say, warn: say, error: say },
    list,
    seed: 'a probe',
    concurrency: 2,
    lab: true,
    ownControls: [],
    repeatAfterMs: 30_000,
    rounds: 1,
    annotations: () => ({}),
    nettests: registryOf(list.services),
    context: () =>
      makeContext(
        { helpers: list.helpers, neutralName: 'example.org', wallClock: clock.now },
        { clock: measurementClock(clock), trust, signal: stop.signal },
      ),
    vantage: async () => ({
      softwareName: 'sonde',
      softwareVersion: '1.2.3',
      probeCc: 'ML',
      probeAsn: 'AS30985',
      probeNetworkName: '',
      annotations: { platform: 'linux' },
      ownAddresses: [],
    }),
    uplink: async () => 'one',
    spool: { put: async (entry) => entries.push(entry), flush: async () => {} },
    deliver: async () => ({
      kind: 'not_enrolled',
      accepted: 0,
      rejected: 0,
      sent: 0,
      received: 0,
      reason: null,
      retryAfterMs: null,
    }),
    signal: stop.signal,
    sleep: async () => {},
    onMeasurement: () => {},
    ...over,
  }
  const report = await runCycle(stages, memory)
  const measurements = entries.map((entry) => entry.measurement)
  for (const each of measurements) expect(faultsOf(each)).toEqual([])
  return { report, entries, codes, measurements }
}

function listOf(inputs: readonly string[], controls: readonly string[]): TestList {
  return {
    name: 'test',
    version: 1,
    entries: inputs.map((input) => ({ nettest: 'web_connectivity', input, category_code: 'MISC' })),
    controls: controls.map((url) => ({ url, expect: { status: 200, body: 'success' } })),
    resolvers: [],
    helpers: [],
    filtered_names: [],
    neutral_name: 'example.org',
    services: [],
  }
}

const at = (port: number, scheme = 'https') => `${scheme}://127.0.0.1:${port}/`

describe('runCycle()', () => {
  it('reaches a good site, finds the reset one, and keeps the link check, each a whole measurement', async () => {
    const good = at(await listen(site()))
    const bad = at(await listen(resetter()))
    const controls = [at(await listen(control()), 'http'), at(await listen(control()), 'http')]
    // It may be the site that resets a handshake, unless a test helper outside succeeds with it.
    const helper = at(await listen(helperThatReaches(good, bad)), 'http')
    const list = { ...listOf([good, bad], controls), helpers: [helper] }
    const clock = fakeClock()
    const sleep = async (ms: number) => clock.advance(ms)
    const { report, measurements, entries } = await cycle(list, { clock, sleep })
    expect(report).toMatchObject({
      measurements: 4,
      anomalies: 1,
      bugs: 0,
      memory: { link: { state: 'up', controls_ok: 2 } },
    })
    const earlier = measurements
      .map((each) => each.test_keys.x_sonde_earlier)
      .filter((each) => each !== undefined)
    expect(earlier).toEqual([
      { step: 'tls_handshake', how: 'connection_reset', secondsAgo: expect.any(Number) },
    ])
    // The newest: one cut alone is what a busy host makes as well.
    const verdictOf = (input: string) =>
      measurements.findLast((each) => each.input === input)?.test_keys.x_sonde_verdict
    expect(verdictOf(good)).toMatchObject({ verdict: 'ok' })
    expect(verdictOf(bad)).toMatchObject({
      verdict: 'anomaly',
      step: 'tls_handshake',
      how: 'connection_reset',
    })
    expect(entries.findLast((entry) => entry.measurement.input === bad)?.class).toBe('anomaly')
    // The first result for a target is kept as long as a change is; the second, which says the same, is not.
    expect(entries.find((entry) => entry.measurement.input === good)?.class).toBe('anomaly')
    const second = await cycle(listOf([good], controls), {}, report.memory)
    expect(second.entries.map((entry) => entry.class)).toEqual(['routine', 'routine'])
    expect(measurements.find((each) => each.test_name === 'link_check')?.input).toBeNull()
  })

  it('says which targets turned, and not which were measured for the first time, and tells the upload', async () => {
    let isDown = false
    const good = createTlsServer(authority.issue({ names: ['127.0.0.1'] }), (_request, response) =>
      response.end('hello'),
    )
    good.prependListener('connection', (socket) => isDown && socket.destroy())
    const url = at(await listen(good))
    const helper = at(await listen(helperThatReaches(url)), 'http')
    const controls = [at(await listen(control()), 'http'), at(await listen(control()), 'http')]
    const list = { ...listOf([url], controls), helpers: [helper] }
    const told: string[] = []
    const clock = fakeClock()
    const play = async (memory?: Memory) => {
      const deliver: Stages['deliver'] = async ({ changes, isNews }) => {
        told.push(`${changes.length} ${isNews}`)
        return notDue
      }
      const annotations: Stages['annotations'] = (nettest) =>
        nettest === 'link_check' ? {} : { x_sonde_burst: 'true' }
      const sleep = async (ms: number) => clock.advance(ms)
      return cycle(list, { clock, sleep, deliver, annotations }, memory)
    }
    const first = await play()
    const second = await play(first.report.memory)
    isDown = true
    const third = await play(second.report.memory)
    expect(third.report.anomalies).toBeGreaterThan(0)
    const fourth = await play(third.report.memory)
    isDown = false
    const fifth = await play(fourth.report.memory)
    const changes = [first, second, third, fourth, fifth].map(({ report }) =>
      report.changes.map(({ input }) => input),
    )
    expect(changes).toEqual([[], [], [url], [], [url]])
    expect(told).toEqual(['0 true', '0 false', '1 true', '0 false', '1 true'])
    const burst = first.measurements.map(({ test_name, annotations }) => [
      test_name,
      annotations.x_sonde_burst,
    ])
    expect(burst).toEqual([
      ['link_check', undefined],
      ['web_connectivity', 'true'],
    ])
  })

  it('measures a service by the description in the list, and judges each of its functions', async () => {
    const chat = await listen(resetter())
    const closed = await listen(createTcpServer())
    open.pop()?.close()
    const controls = [at(await listen(control()), 'http'), at(await listen(control()), 'http')]
    const group = (name: string, port: number) => ({
      name,
      needs: 'any' as const,
      endpoints: [{ kind: 'tcp' as const, host: '127.0.0.1', ports: [port] }],
    })
    const list: TestList = {
      ...listOf([], controls),
      entries: [{ nettest: 'service_reachability', input: 'app', category_code: 'MISC' }],
      services: [{ name: 'app', groups: [group('chat', chat), group('calls', closed)] }],
    }
    const { measurements } = await cycle(list)
    const app = measurements.find((each) => each.test_name === 'service_reachability')
    expect(v.safeParse(measurementSchema, app).issues).toBeUndefined()
    expect(app?.input).toBe('app')
    expect(app?.test_keys.x_sonde_service).toMatchObject({
      groups: { chat: { status: 'reached' }, calls: { status: 'failed', failure: 'connection_refused' } },
    })
    expect(app?.test_keys.x_sonde_parts).toMatchObject({
      chat: { verdict: 'ok' },
      calls: { verdict: 'undetermined', rule: 'service_reachability/failed_once@1' },
    })
  })

  it('calls nothing an anomaly when the controls fail, and says the link is down', async () => {
    const bad = at(await listen(resetter()))
    const closed = at(1, 'http')
    const { report, measurements, codes } = await cycle(listOf([bad], [closed, closed]))
    expect(report.memory.link.state).toBe('down')
    expect(report.anomalies).toBe(0)
    expect(measurements.map((each) => each.test_keys.x_sonde_verdict.verdict)).toEqual([
      'link_down',
      'link_down',
    ])
    expect(codes).toContain('S2102')
  })

  it('calls a target link_down when the controls die between the start of the cycle and its failure', async () => {
    const first = control()
    const second = control()
    const controls = [at(await listen(first), 'http'), at(await listen(second), 'http')]
    // The target's own connection takes the controls away: the link dies in mid-measurement.
    const bad = createTcpServer((socket) => {
      socket.on('error', () => {})
      first.close()
      second.close()
      first.closeAllConnections()
      second.closeAllConnections()
      socket.once('data', () => socket.resetAndDestroy())
    })
    const { measurements } = await cycle(listOf([at(await listen(bad))], controls))
    const target = measurements.find((each) => each.test_name === 'web_connectivity')
    expect(target?.test_keys.x_sonde_verdict).toMatchObject({ verdict: 'link_down', how: 'down' })
    expect(measurements.filter((each) => each.test_name === 'link_check')).toHaveLength(2)
  })

  it('calls nothing an anomaly when the network changed under a measurement, and says so', async () => {
    const bad = at(await listen(resetter()))
    const good = at(await listen(site()))
    let asked = 0
    const { measurements } = await cycle(listOf([bad, good], []), {
      uplink: async () => `network ${asked++}`,
    })
    expect(measurements.map((each) => each.input)).toEqual(expect.arrayContaining([bad, good]))
    for (const { input, test_keys } of measurements) {
      expect(test_keys.x_sonde_uplink_changed).toBe(true)
      expect(test_keys.x_sonde_verdict).toMatchObject(
        input === good
          ? { verdict: 'ok' }
          : { verdict: 'undetermined', rule: 'web_connectivity/uplink_changed@1' },
      )
    }
  })

  it.each([
    ['slept', (clock: FakeClock) => clock.sleep(3_600_000), 'suspended', 3_600_000],
    ['had its clock set', (clock: FakeClock) => clock.setWall(clock.now() + 36_000_000), 'clock_stepped', 0],
  ])(
    'calls nothing an anomaly when the machine %s meanwhile, and says so',
    async (_, disturb, rule, slept) => {
      const clock = fakeClock()
      const bad = at(
        await listen(
          createTcpServer((socket) => {
            socket.on('error', () => {})
            socket.once('data', () => {
              disturb(clock)
              socket.resetAndDestroy()
            })
          }),
        ),
      )
      const controls = [at(await listen(control()), 'http'), at(await listen(control()), 'http')]
      const { entries } = await cycle(listOf([bad], controls), { clock, repeatAfterMs: 0 })
      const target = entries.find(({ measurement }) => measurement.input === bad)
      expect(target?.time).toMatchObject({ wall_ms: Date.parse('2018-07-29T17:30:00Z') })
      expect(target?.class).toBe('routine')
      expect(target?.measurement.test_keys).toMatchObject({
        x_sonde_verdict: { verdict: 'undetermined', rule: `web_connectivity/${rule}@1` },
        x_sonde_clock_stepped: { suspended_ms: slept },
      })
      // The target was measured once more, as any that failed with the link up.
      expect(entries.filter(({ measurement }) => measurement.input === bad)).toHaveLength(2)
    },
  )

  it('judges ten closed ports in two cycles, though a cycle repeats eight: for the others the next one is the repeat', async () => {
    const closed = await Promise.all(Array.from({ length: 10 }, () => listen(createTcpServer())))
    for (let i = 0; i < closed.length; i++) open.pop()?.close()
    const all = closed.map((port) => at(port))
    const helper = at(await listen(helperThatReaches(...all)), 'http')
    const controls = [at(await listen(control()), 'http'), at(await listen(control()), 'http')]
    const list = { ...listOf(all, controls), helpers: [helper] }
    const clock = fakeClock()
    const sleep = async (ms: number) => clock.advance(ms)
    const rulesOf = ({ measurements }: Awaited<ReturnType<typeof cycle>>) =>
      measurements.flatMap(({ test_name, test_keys }) =>
        test_name === 'link_check' ? [] : [test_keys.x_sonde_verdict.rule],
      )
    const first = await cycle(list, { clock, sleep })
    expect(first.report.memory.waiting.tasks.size).toBe(2)
    const once = 'web_connectivity/failed_once@1'
    const here = 'web_connectivity/connect_fails_only_here@3'
    expect(rulesOf(first)).toEqual([...Array(10).fill(once), ...Array(8).fill(here)])

    clock.advance(3_600_000)
    const second = await cycle(list, { clock, sleep }, first.report.memory)
    expect(rulesOf(second).filter((rule) => rule === here)).toHaveLength(10)
    const settled = second.measurements.filter(
      ({ test_keys }) => test_keys.x_sonde_earlier?.secondsAgo === 3_630,
    )
    expect(settled).toHaveLength(2)
    expect(second.report.memory.waiting.tasks.size).toBe(0)
  })

  it('keeps for the next cycle, first in line, what it could not ask about elsewhere', async () => {
    const bad = `https://localhost:${await listen(resetter())}/`
    const good = await Promise.all([1, 2, 3].map(async () => at(await listen(site()))))
    const controls = [at(await listen(control()), 'http'), at(await listen(control()), 'http')]
    const list = listOf([...good, bad], controls)
    const clock = fakeClock()
    const sleep = async (ms: number) => clock.advance(ms)
    const stop = new AbortController()
    const withQuestions = (questions: number) => {
      let left = questions
      return () =>
        makeContext(
          {
            neutralName: 'neutral.invalid',
            foreignName: 'control.example',
            mayAskElsewhere: () => left-- > 0,
            wallClock: clock.now,
          },
          { clock: measurementClock(clock), trust, signal: stop.signal },
        )
    }
    const first = await cycle(list, { clock, sleep, context: withQuestions(0) })
    expect(first.report.memory.waiting.tasks.size).toBe(1)
    expect(first.report.anomalies).toBe(0)

    clock.advance(3_600_000)
    const order: (string | null)[] = []
    const onMeasurement: Stages['onMeasurement'] = ({ input }) => order.push(input)
    const over = { clock, sleep, concurrency: 1, context: withQuestions(8), onMeasurement }
    const second = await cycle(list, over, first.report.memory)
    expect(order[0]).toBe(bad)
    expect(second.report.memory.waiting.tasks.size).toBe(0)
  })

  it('asks one thing after the other on a line that its own questions would fill', async () => {
    const clock = fakeClock(Date.parse('2018-07-29T17:30:00Z'))
    const taking = (ms: number, body: string) =>
      createHttpServer((_request, response) => {
        clock.advance(ms)
        response.end(body)
      })
    const begun = async (controlMs: number) => {
      const all = ['127.0.0.1', '127.0.0.2', '127.0.0.3']
      const controls = await Promise.all(
        all.map(async (ip) => `http://${ip}:${await listen(taking(controlMs, 'success'.repeat(300)), ip)}/`),
      )
      const sites = await Promise.all([1, 2, 3].map(async () => at(await listen(taking(2_000, '')), 'http')))
      const { measurements } = await cycle(listOf(sites, controls), {
        clock,
        concurrency: 3,
        context: () => makeContext({ wallClock: clock.now }, { clock: measurementClock(clock), trust }),
      })
      const each = measurements.filter(({ test_name }) => test_name === 'web_connectivity')
      return new Set(each.slice(0, 3).map(({ measurement_start_time }) => measurement_start_time)).size
    }
    expect(await begun(600)).toBe(3)
    expect(await begun(1)).toBe(1)
  })

  it('goes on when a nettest has a bug, and counts it', async () => {
    const good = at(await listen(site()))
    const all = registryOf([])
    const broken = { ...all.whatsapp, measure: async () => Promise.reject(new Error('a bug')) }
    const list = listOf([good], [])
    const { report, codes } = await cycle(
      { ...list, entries: [...list.entries, { nettest: 'whatsapp', input: null, category_code: 'COMT' }] },
      { nettests: { ...all, whatsapp: broken } },
    )
    expect(report).toMatchObject({ measurements: 1, bugs: 1, memory: { link: { state: 'unknown' } } })
    expect(codes).toContain('S2901')
  })

  it('a clock in 1970 makes a fresh certificate our own fault', async () => {
    const good = at(await listen(site()))
    const control1 = at(await listen(control()), 'http')
    const clock = fakeClock(Date.parse('1970-01-01T00:10:00Z'))
    clock.setQuality('unknown')
    const stop = new AbortController()
    const { measurements } = await cycle(listOf([good], [control1]), {
      clock,
      context: () =>
        makeContext(
          { neutralName: 'example.org', wallClock: clock.now },
          { clock: measurementClock(clock), trust, signal: stop.signal },
        ),
    })
    const target = measurements.find((each) => each.test_name === 'web_connectivity')
    expect(target?.test_keys.x_sonde_verdict).toMatchObject({
      verdict: 'undetermined',
      rule: 'web_connectivity/local_clock@1',
    })
    expect(target?.measurement_start_time).toBe('1970-01-01 00:10:00')
  })

  it('hands over every measurement even when the spool refuses one', async () => {
    const good = at(await listen(site()))
    let puts = 0
    const { report } = await cycle(listOf([good, at(await listen(site()))], []), {
      spool: {
        put: async () => {
          puts += 1
          if (puts === 1) throw new Error('disk full')
        },
        flush: async () => {},
      },
    })
    expect(puts).toBe(2)
    expect(report.measurements).toBe(2)
  })
})
