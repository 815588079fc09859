// Measurements of a month as cycle.ts would hand them to the spool: 40 sites in four groups, each group blocked for
// three cycles in a row once a day, which is three per cent of anomalies and two changes of state a day for each group.
// What failed is measured once more in the same cycle. site.ts has what is seen of a site; rules, envelope and evidence
// are the agent's own.

import { createHash } from 'node:crypto'
import { Cuts } from '../../agent/cycle/cuts.ts'
import type { Memory } from '../../agent/cycle/cycle.ts'
import { noneWaiting } from '../../agent/cycle/waiting.ts'
import { recordClass, toMeasurement, type Vantage } from '../../agent/measurement/envelope.ts'
import {
  evidenceLevel,
  type History,
  isChange,
  remember,
  withEvidence,
} from '../../agent/measurement/evidence.ts'
import type { SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import type { HttpRequest, Observations } from '../../tests-spec/data-formats/observation.ts'
import { judgeControls, linkCheck } from '../../tests-spec/nettests/link-check.ts'
import {
  type EarlierFailure,
  earlierFailure,
  type LinkState,
  unknownLink,
} from '../../tests-spec/nettests/verdict.ts'
import { webConnectivity } from '../../tests-spec/nettests/web-connectivity.ts'
import { type Chance, Site, systemQuery, Ticks } from './site.ts'

export const cyclesADay = 96
export const targets = 40
const groups = 4
const blockedCycles = 3
/** As cycle.ts. */
const maxRepeats = 8
const repeatAfterMs = 30_000
/** As the agent's default. */
const concurrency = 4
const cycleMs = 15 * 60_000
/** 1 June 2026. */
const begin = Date.UTC(2026, 5, 1)
/** When the machine was started, by its wall clock. */
const bootedMs = begin - 52 * 3_600_000 - 123_457

const vantage: Vantage = {
  softwareName: 'sonde',
  softwareVersion: '0.1.0',
  probeCc: 'ML',
  probeAsn: 'AS30985',
  probeNetworkName: '',
  annotations: {
    architecture: 'arm64',
    platform: 'linux',
    engine_name: 'sonde',
    engine_version: '0.1.0',
    node_version: '20.20.2',
    openssl_version: '3.0.19',
    x_sonde_trust_store: 'node-20.20.2-roots-6c741890',
    x_sonde_ipv6: 'false',
  },
  ownAddresses: [],
}

export interface Told {
  readonly entry: SpoolEntry
  /** What the test holds against what arrives. */
  readonly kind: 'change' | 'anomaly' | 'routine'
}

type Finished = Parameters<typeof toMeasurement>[0]

/** One cycle after the other; what the agent remembers goes along. */
export class Month {
  #history: History = {}
  readonly #chance: Chance
  readonly #sites = Array.from({ length: targets }, (_, index) => new Site(index))

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /** What the agent remembers after the last cycle. */
  get memory(): Memory {
    return { link: unknownLink, history: this.#history, controls: {}, waiting: noneWaiting, cuts: new Cuts() }
  }

  /** @param cycle - From 0, in order. */
  cycle(cycle: number): Told[] {
    const chance = this.#chance
    const startedMs = begin + cycle * cycleMs + Math.floor(chance() * 1_500)
    const check = checkedLink(chance, startedMs)
    const told = [this.#tell(check.finished, startedMs, startedMs)]
    const link = check.finished.link
    const shuffled = this.#sites
      .map((site, index) => ({ site, index, key: chance() }))
      .sort((a, b) => a.key - b.key)
    const free = Array.from({ length: concurrency }, () => startedMs + 1000 * check.finished.runtimeSeconds)
    const failed: { site: Site; finished: Finished; endedMs: number }[] = []
    for (const { site, index } of shuffled) {
      const lane = free.indexOf(Math.min(...free))
      const atMs = Math.round(free[lane] ?? startedMs)
      const finished = measuredSite(chance, site, {
        atMs,
        link,
        blocked: isBlocked(index, cycle),
        earlier: null,
      })
      free[lane] = atMs + 1000 * finished.runtimeSeconds
      told.push(this.#tell(finished, atMs, startedMs))
      if (finished.verdict.verdict === 'anomaly') failed.push({ site, finished, endedMs: free[lane] })
    }
    const dueMs = Math.max(...failed.map(({ endedMs }) => endedMs)) + repeatAfterMs
    for (const { site, finished, endedMs } of failed.slice(0, maxRepeats)) {
      const earlier = earlierFailure(finished.verdict, null, Math.floor((dueMs - endedMs) / 1000))
      const atMs = Math.round(dueMs + chance() * 3_000)
      told.push(
        this.#tell(measuredSite(chance, site, { atMs, link, blocked: true, earlier }), atMs, startedMs),
      )
    }
    return told
  }

  #tell(finished: Omit<Finished, 'cycleStartedMs'>, atMs: number, cycleStartedMs: number): Told {
    const whole = toMeasurement({ ...finished, cycleStartedMs }, vantage)
    const level = evidenceLevel(this.#history, whole)
    const changed = isChange(this.#history, whole)
    const measurement = withEvidence(whole, level, this.#history)
    this.#history = remember(this.#history, whole, level)
    const kept = recordClass(finished.name, finished.verdict, changed)
    const time = {
      wall_ms: atMs,
      boot: '0123456789abcdef',
      mono_ms: atMs - bootedMs,
      clock: 'synced' as const,
    }
    const kind = changed ? 'change' : finished.verdict.verdict === 'anomaly' ? 'anomaly' : 'routine'
    return { entry: { class: kept, time, measurement }, kind }
  }
}

function isBlocked(target: number, cycle: number): boolean {
  const day = Math.floor(cycle / cyclesADay)
  const draw = createHash('sha256')
    .update(`episode ${target % groups} ${day}`)
    .digest()
  const from = day * cyclesADay + (draw.readUInt8() % (cyclesADay - blockedCycles))
  return cycle >= from && cycle < from + blockedCycles
}

interface Moment {
  readonly atMs: number
  readonly link: LinkState
  readonly blocked: boolean
  readonly earlier: EarlierFailure | null
}

function measuredSite(chance: Chance, site: Site, { atMs, link, blocked, earlier }: Moment): Finished {
  const { observations, bytes, endedAt } = blocked ? site.resetByName(chance) : site.reached(chance, atMs)
  const circumstances = { link, clock: 'synced', lab: false, earlier } as const
  const { keys, verdict } = webConnectivity.conclude(observations, circumstances, { input: site.url })
  return {
    name: webConnectivity.name,
    version: webConnectivity.version,
    input: site.url,
    observations,
    bytes,
    keys: { ...keys, ...(earlier !== null && { x_sonde_earlier: earlier }) },
    verdict,
    parts: null,
    link,
    cycleStartedMs: atMs,
    startedMs: atMs,
    runtimeSeconds: endedAt + 0.0005,
  }
}

/** Four controls in clear text, all at once. */
function checkedLink(chance: Chance, startedMs: number): { readonly finished: Finished } {
  const seen = Array.from({ length: 4 }, (_, index) => askedControl(chance, index, startedMs))
  const observations: Observations = {
    queries: seen.flatMap(({ queries }) => queries),
    tcp_connect: seen.flatMap(({ tcp_connect }) => tcp_connect),
    tls_handshakes: [],
    requests: seen.flatMap(({ requests }) => requests),
    network_events: [],
  }
  const endedAt = Math.max(...observations.requests.map(({ t }) => t))
  const controls = observations.requests.map(({ request, transaction_id }) => ({
    url: request.url,
    role: 'neutral' as const,
    result: 'ok' as const,
    led_to: new URL(request.url).hostname,
    transaction_id,
  }))
  const link: LinkState = {
    state: 'up',
    controls_ok: 4,
    controls: 4,
    ipv6: false,
    checked_at: new Date(startedMs + 1000 * endedAt).toISOString(),
    since: new Date(begin + 700).toISOString(),
  }
  return {
    finished: {
      name: linkCheck.name,
      version: linkCheck.version,
      input: null,
      observations,
      bytes: { sent: 1_420, received: 2_300 + Math.floor(chance() * 20) },
      keys: { x_sonde_controls: controls },
      verdict: judgeControls(controls),
      parts: null,
      link,
      cycleStartedMs: startedMs,
      startedMs,
      runtimeSeconds: endedAt + 0.0005,
    },
  }
}

function askedControl(chance: Chance, index: number, startedMs: number): Observations {
  const ticks = new Ticks(chance, 0)
  const host = `control-${index}.example`
  const ip = `21.2.0.${index + 1}`
  const tags = [`control=${index}`, 'depth=0', 'classic']
  const timing = { transaction_id: 30_001 + index, tags }
  const queries = [systemQuery(ticks, host, [ip], tags, 10_001 + index)]
  const connect = {
    ip,
    port: 80,
    status: { success: true, failure: null },
    t0: ticks.soon(),
    t: ticks.after(0.1),
  }
  const headers: [string, string][] = [
    ['Content-Type', 'text/plain'],
    ['Date', new Date(startedMs).toUTCString()],
  ]
  const request: HttpRequest = {
    network: 'tcp',
    address: `${ip}:80`,
    alpn: '',
    failure: null,
    request: {
      method: 'GET',
      url: `http://${host}/`,
      headers: { Host: host },
      headers_list: [['Host', host]],
      body: '',
      body_is_truncated: false,
      x_transport: 'tcp',
    },
    response: {
      code: 200,
      headers: Object.fromEntries(headers),
      headers_list: headers,
      body: '',
      body_is_truncated: false,
      x_sonde_body_sha256: createHash('sha256').update('success').digest('hex'),
      x_sonde_body_length: 7,
      x_sonde_body_seconds: 0.0001 * chance(),
    },
    t0: ticks.soon(),
    t: ticks.after(0.11),
    ...timing,
  }
  return {
    queries,
    tcp_connect: [{ ...connect, ...timing }],
    tls_handshakes: [],
    requests: [request],
    network_events: [],
  }
}
