// Measurements of a month as cycle.ts would hand them to the spool: 40 targets in four groups, each group blocked for
// three cycles in a row once a day, which is three per cent of anomalies and two changes of state a day for each group.
// What a measurement holds has the size and the variety of the field's: raw replies, a chain of three certificates,
// headers of twenty lines, times that never repeat.

import { createHash } from 'node:crypto'
import type { Memory } from '../../agent/cycle.ts'
import { recordClass } from '../../agent/measurement/envelope.ts'
import {
  evidenceLevel,
  type History,
  isChange,
  remember,
  withEvidence,
} from '../../agent/measurement/evidence.ts'
import type { Measurement, SpoolEntry } from '../../tests-spec/data-formats/measurement.ts'
import type { Verdict } from '../../tests-spec/nettests/verdict.ts'
import { measured } from '../measured.ts'
import { connect, handshake, join, link, query, response } from '../observations.ts'

export const cyclesADay = 96
export const targets = 40
const groups = 4
const blockedCycles = 3
const cycleMs = 15 * 60_000
/** 1 June 2026. */
const begin = Date.UTC(2026, 5, 1)

export interface Told {
  readonly entry: SpoolEntry
  /** What the test holds against what arrives. */
  readonly kind: 'change' | 'anomaly' | 'routine'
}

/** One cycle after the other; what the agent remembers goes along. */
export class Month {
  #history: History = {}
  readonly #chance: () => number

  constructor(chance: () => number) {
    this.#chance = chance
  }

  /** What the agent remembers after the last cycle. */
  get memory(): Memory {
    return { link: link('up'), history: this.#history }
  }

  /** @param cycle - From 0, in order. */
  cycle(cycle: number): Told[] {
    const startedMs = begin + cycle * cycleMs
    return [
      this.#tell(this.#linkCheck(startedMs), startedMs),
      ...Array.from({ length: targets }, (_, target) =>
        this.#tell(this.#measure(target, cycle, startedMs + target * 900), startedMs + target * 900),
      ),
    ]
  }

  #tell(whole: Measurement, atMs: number): Told {
    const level = evidenceLevel(this.#history, whole)
    const changed = isChange(this.#history, whole)
    this.#history = remember(this.#history, whole, level)
    const { x_sonde_verdict: verdict } = whole.test_keys
    const kept = recordClass(whole.test_name, verdict, changed)
    const time = { wall_ms: atMs, boot: '0123456789abcdef', mono_ms: atMs - begin, clock: 'synced' as const }
    const kind = changed ? 'change' : verdict.verdict === 'anomaly' ? 'anomaly' : 'routine'
    return { entry: { class: kept, time, measurement: withEvidence(whole, level) }, kind }
  }

  #linkCheck(startedMs: number): Measurement {
    return measured(this.#timed(join(connect(null), response(200), connect(null), response(200))), {
      name: 'link_check',
      input: null,
      startedMs,
      cycleStartedMs: startedMs,
      verdict: verdictOf('ok'),
      link: link('up'),
    })
  }

  #measure(target: number, cycle: number, startedMs: number): Measurement {
    const day = Math.floor(cycle / cyclesADay)
    const group = target % groups
    const from =
      day * cyclesADay + (digest(`episode ${group} ${day}`).readUInt8() % (cyclesADay - blockedCycles))
    const blocked = cycle >= from && cycle < from + blockedCycles
    const host = `target-${target}.example`
    const id = { hostname: host }
    const looked = join(query(['203.0.113.7'], id), query(['203.0.113.7'], { ...id, engine: 'udp' }))
    const met = blocked
      ? join(looked, connect(null), handshake('connection_reset'))
      : join(looked, connect(null), handshake(null), response(200, { url: `https://${host}/` }))
    return measured(this.#timed(filled(met, host, this.#chance)), {
      input: `https://${host}/`,
      startedMs,
      cycleStartedMs: begin + cycle * cycleMs,
      bytes: {
        sent: 900 + Math.floor(this.#chance() * 200),
        received: 5_000 + Math.floor(this.#chance() * 900),
      },
      verdict: verdictOf(blocked ? 'anomaly' : 'ok'),
      runtimeSeconds: this.#seconds(),
    })
  }

  /** Every operation with times of its own. */
  #timed<T extends ReturnType<typeof join>>(seen: T): T {
    const timed = <Each extends { t0: number; t: number }>(each: Each): Each => {
      const t0 = this.#seconds()
      return { ...each, t0, t: t0 + this.#seconds() / 10 }
    }
    return {
      ...seen,
      queries: seen.queries.map(timed),
      tcp_connect: seen.tcp_connect.map(timed),
      tls_handshakes: seen.tls_handshakes.map(timed),
      requests: seen.requests.map(timed),
    }
  }

  /** As the measurement clock gives them: to the microsecond and some. */
  #seconds(): number {
    return Math.floor(this.#chance() * 3e9) / 1e9
  }
}

/** Puts in what is large in the field: raw replies, the chain, the headers. The same target has the same, dates apart. */
function filled(seen: ReturnType<typeof join>, host: string, chance: () => number): ReturnType<typeof join> {
  const certificate = (name: string, length: number) => ({
    data: bytesOf(name, length).toString('base64'),
    format: 'base64' as const,
  })
  const chain = [certificate(host, 1_300), certificate('intermediate', 1_100), certificate('root', 900)]
  const headers = Array.from({ length: 20 }, (_, i): [string, string] => [
    `x-header-${i}`,
    i < 3 ? bytesOf(`${chance()}`, 18).toString('hex') : bytesOf(`${host} ${i}`, 20).toString('hex'),
  ])
  return {
    ...seen,
    queries: seen.queries.map((each) =>
      each.engine === 'getaddrinfo'
        ? each
        : {
            ...each,
            raw_response: bytesOf(`${chance()}`, 2).toString('hex') + bytesOf(host, 70).toString('base64'),
          },
    ),
    tls_handshakes: seen.tls_handshakes.map((each) =>
      each.failure === null ? { ...each, peer_certificates: chain } : each,
    ),
    requests: seen.requests.map((each) => ({
      ...each,
      response: { ...each.response, headers: Object.fromEntries(headers), headers_list: headers },
    })),
  }
}

function verdictOf(kind: 'ok' | 'anomaly'): Verdict {
  return kind === 'ok'
    ? { verdict: 'ok', rule: 'web_connectivity/reached@1', step: null, how: null, because: [] }
    : {
        verdict: 'anomaly',
        rule: 'web_connectivity/reset@1',
        step: 'tls_handshake',
        how: 'connection_reset',
        because: [50_001],
      }
}

/** Bytes without any pattern, the same for the same name. */
function bytesOf(name: string, length: number): Buffer {
  const parts = Array.from({ length: Math.ceil(length / 32) }, (_, i) => digest(`${name} ${i}`))
  return Buffer.concat(parts).subarray(0, length)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
