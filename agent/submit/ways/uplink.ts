// The ways to one collector, and what has become of each: what outlives a single upload. Which way next is ladder.ts,
// when again is backoff.ts, what is said on a way is submit-batch.ts; here they get their memory.

import type { KeyObject } from 'node:crypto'
import type { BatchId } from '../../../tests-spec/protocol/batch.ts'
import {
  type Endpoint,
  endpointId,
  type Transport,
  transportOf,
} from '../../../tests-spec/protocol/endpoint.ts'
import { type Answer, Connection, type Request } from '../transports/connection.ts'
import { dial, type Spent } from '../transports/dial.ts'
import { NoAnswer } from '../transports/no-answer.ts'
import type { SessionSlot } from '../transports/tls.ts'
import { fullJitterMs, obeyedMs } from './backoff.ts'
import { afterAnswer, afterCut, afterDeath, type FlowLife, unknownLife, usableMs } from './flow-life.ts'
import { climbingOrder } from './ladder.ts'
import type { LastGood } from './last-good.ts'
import { race } from './race.ts'
import { afterProgress, afterStall, noStalls, type Stalls, silenceLimitMs } from './stall.ts'

/** Whose receipts count: the key pinned at enrolment. */
export interface CollectorKey {
  readonly collectorKeyId: string
  readonly collectorKey: KeyObject
}

export interface UplinkOptions extends CollectorKey {
  /** In the order to try them while nothing is known. Two that lead the same way are one. */
  readonly endpoints: readonly Endpoint[]
  readonly lastGood: LastGood
  /** Milliseconds that only grow. */
  readonly now: () => number
  /** From 0 to 1. */
  readonly chance: () => number
  /** Routine batches wait up to this many milliseconds after a start: 2,100 probes get their power back at once. */
  readonly spreadMs: number
  /** Batches that may have been on their way when the agent stopped. */
  readonly maybeOffered?: readonly BatchId[]
  /** PEM, in place of the roots that came with Node.js, for certificates without a pin. */
  readonly roots?: readonly string[] | undefined
}

/** A way that is open. */
export interface Way {
  readonly id: string
  readonly endpoint: Endpoint
  /** The last good one, or the only one: a batch may go to it unasked. */
  readonly proven: boolean
  /** @throws {NoAnswer} The way is then closed. */
  exchange(request: Request): Promise<Answer>
  close(): void
}

/** What one transport has done since the agent started. Counted, because a log is bounded and a count is not. */
export interface WayCount {
  readonly transport: Transport
  connected: number
  failed: number
  accepted: number
  sent: number
  received: number
  /** Code of the last failure; null before the first. */
  lastFailure: string | null
}

/** SYNs are sent again after 1, 3 and 7 s, and a Tor circuit takes ten; nothing is at stake yet. */
const dialTimeoutMs = 20_000

export class Uplink implements CollectorKey {
  readonly collectorKeyId: string
  readonly collectorKey: KeyObject
  readonly #options: UplinkOptions
  readonly #endpoints: ReadonlyMap<string, Endpoint>
  readonly #sessions = new Map<string, Buffer>()
  readonly #stalls = new Map<string, Stalls>()
  readonly #lives = new Map<string, FlowLife>()
  readonly #failedAt = new Map<string, number>()
  readonly #counts = new Map<Transport, WayCount>()
  /** Handed to a way, without a receipt so far. */
  readonly #offered: Set<BatchId>
  /** How much of a batch is known to have arrived. */
  readonly #arrived = new Map<BatchId, number>()
  /** Lying at a relay, by the relay's id and the batch's. */
  readonly #left = new Set<string>()
  #lastGood: string | null
  #lastFailure = 'unreachable'
  #failures = 0
  #notBefore = Number.NEGATIVE_INFINITY
  #routineNotBefore: number

  private constructor(options: UplinkOptions, lastGood: string | null) {
    this.#options = options
    this.collectorKeyId = options.collectorKeyId
    this.collectorKey = options.collectorKey
    this.#endpoints = new Map(options.endpoints.map((each) => [endpointId(each), each]))
    this.#lastGood = lastGood
    this.#offered = new Set(options.maybeOffered)
    this.#routineNotBefore = options.now() + options.chance() * options.spreadMs
  }

  static async open(options: UplinkOptions): Promise<Uplink> {
    return new Uplink(options, await options.lastGood.read())
  }

  /** By transport, in the order they were first used. */
  get counts(): readonly WayCount[] {
    return [...this.#counts.values()]
  }

  /** Bytes over all ways since the start. */
  get spent(): Spent {
    const sum = (of: 'sent' | 'received') => this.counts.reduce((total, each) => total + each[of], 0)
    return { sent: sum('sent'), received: sum('received') }
  }

  /** Code of the last failure of any way. */
  get lastFailure(): string {
    return this.#lastFailure
  }

  /** Milliseconds until anything may be sent, 0 when it may. */
  get heldMs(): number {
    return Math.max(0, this.#notBefore - this.#options.now())
  }

  /** Milliseconds until a batch without anomalies may be sent, 0 when it may. */
  get routineHeldMs(): number {
    return Math.max(0, this.#routineNotBefore - this.#options.now())
  }

  /**
   * Opens the next way: collectors first, several at once if need be; relays when no collector is left.
   *
   * @param but - Ids not to try; those that fail are added.
   * @returns null when none opens.
   */
  async climb(but: Set<string>, signal: AbortSignal): Promise<Way | null> {
    const rungs = [...this.#endpoints].map(([id, { kind }]) => ({ id, isRelay: kind === 'relay' }))
    const past = { lastGood: this.#lastGood, failedAt: this.#failedAt }
    const order = climbingOrder(rungs, past).filter((id) => !but.has(id))
    const isRelay = (id: string) => this.#endpoint(id).kind === 'relay'
    for (const ids of [order.filter((id) => !isRelay(id)), order.filter(isRelay)]) {
      const way = ids.length === 0 ? null : await this.#race(ids, but, signal)
      if (way !== null || signal.aborted) return way
    }
    return null
  }

  async #race(ids: readonly string[], but: Set<string>, signal: AbortSignal): Promise<Way | null> {
    const { now } = this.#options
    const won = await race(ids, {
      now,
      signal,
      dial: (id, ending) =>
        dial(this.#endpoint(id), {
          now,
          signal: ending,
          session: this.#session(id),
          roots: this.#options.roots,
          timeoutMs: dialTimeoutMs,
        }),
      failed: (id, failure) => {
        const count = this.#count(id)
        count.sent += failure.spent.sent
        count.received += failure.spent.received
        // A loser has not failed; nor has one that the agent gave up to measure.
        if (failure.code === 'lost_race' || failure.code === 'interrupted') return
        this.failed(id, failure.code)
        but.add(id)
      },
    })
    if (won === null) return null
    this.#count(won.id).connected += 1
    return this.#way(won.id, new Connection(this.#endpoint(won.id).url, won.line, now), signal)
  }

  #way(id: string, connection: Connection, signal: AbortSignal): Way {
    let counted: Spent = { sent: 0, received: 0 }
    const count = () => {
      const { sent, received } = connection.spent
      this.#count(id).sent += sent - counted.sent
      this.#count(id).received += received - counted.received
      counted = { sent, received }
    }
    return {
      id,
      endpoint: this.#endpoint(id),
      proven: id === this.#lastGood || this.#endpoints.size === 1,
      exchange: async (request) => {
        const stalls = this.#stalls.get(id) ?? noStalls
        const life = this.#lives.get(id) ?? unknownLife
        try {
          const silenceMs = silenceLimitMs(connection.rttMs, stalls)
          const answer = await connection.exchange(request, { silenceMs, usableMs: usableMs(life), signal })
          this.#stalls.set(id, afterProgress(stalls, answer.silenceMs))
          this.#lives.set(id, afterAnswer(life, connection.heardAtAgeMs))
          return answer
        } catch (error) {
          const { code } = error instanceof NoAnswer ? error : { code: null }
          if (code === 'stalled') {
            this.#stalls.set(id, afterStall(stalls))
            this.#lives.set(id, afterDeath(life, connection.heardAtAgeMs))
          }
          if (code === 'flow_spent') this.#lives.set(id, afterCut(life))
          throw error
        } finally {
          count()
        }
      },
      close: () => {
        connection.close()
        count()
      },
    }
  }

  /** A way has brought a receipt: it comes first from now on. */
  async good(id: string, batch: BatchId, pauseMs: number): Promise<void> {
    this.#count(id).accepted += 1
    this.#offered.delete(batch)
    this.#arrived.delete(batch)
    this.#failedAt.delete(id)
    this.#failures = 0
    this.#notBefore = Number.NEGATIVE_INFINITY
    this.#routineNotBefore = this.#options.now() + pauseMs
    if (this.#endpoint(id).kind === 'relay' || id === this.#lastGood) return
    this.#lastGood = id
    await this.#options.lastGood.write(id)
  }

  /** A way broke off, or led to somebody else. */
  failed(id: string, code: string): void {
    const count = this.#count(id)
    count.failed += 1
    count.lastFailure = code
    this.#lastFailure = code
    this.#failedAt.set(id, this.#options.now())
  }

  /** @returns Whether more of a batch has arrived than was known. The same part over and over is no progress. */
  grew(batch: BatchId, held: number): boolean {
    const grown = held > (this.#arrived.get(batch) ?? 0)
    if (grown) this.#arrived.set(batch, held)
    return grown
  }

  /** Part of a batch arrived before the way broke off: there is a link, and trying again soon is worth it. */
  progressed(): void {
    this.#failures = 0
  }

  /**
   * Nothing more now. @returns Milliseconds until the next attempt.
   * @param retryAfterMs - What the collector asked for; null when it did not.
   */
  holdOff(retryAfterMs: number | null): number {
    const { now, chance } = this.#options
    this.#failures += 1
    const ms =
      retryAfterMs === null ? fullJitterMs(this.#failures, chance()) : obeyedMs(retryAfterMs, chance())
    this.#notBefore = now() + ms
    return ms
  }

  /** A body is about to go. Whoever comes back without a receipt asks first. */
  offer(batch: BatchId): void {
    this.#offered.add(batch)
  }

  wasOffered(batch: BatchId): boolean {
    return this.#offered.has(batch)
  }

  leave(id: string, batch: BatchId): void {
    this.#left.add(`${id} ${batch}`)
  }

  wasLeft(id: string, batch: BatchId): boolean {
    return this.#left.has(`${id} ${batch}`)
  }

  #endpoint(id: string): Endpoint {
    const endpoint = this.#endpoints.get(id)
    if (endpoint === undefined) throw new Error(`There is no endpoint ${id}`)
    return endpoint
  }

  #count(id: string): WayCount {
    const transport = transportOf(this.#endpoint(id))
    const count = this.#counts.get(transport) ?? {
      transport,
      connected: 0,
      failed: 0,
      accepted: 0,
      sent: 0,
      received: 0,
      lastFailure: null,
    }
    this.#counts.set(transport, count)
    return count
  }

  #session(id: string): SessionSlot {
    return {
      read: () => this.#sessions.get(id),
      write: (session) => {
        if (session === undefined) this.#sessions.delete(id)
        else this.#sessions.set(id, session)
      },
    }
  }
}
