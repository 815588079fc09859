// The ways to one collector, for as long as the agent runs: opens the next one, and keeps what is known of
// all of them. What is known, and what follows from it, is in way-knowledge.ts; what is said on a way is in
// submit-batch.ts and relay.ts.
//
// An attempt to upload (upload-backlog.ts, over climber.ts) calls it in this order:
//
//   heldMs, routineHeldMs may the batch go now? Asked before each batch.
//   climb opens the next way. The caller closes it.
//   known must the batch be asked for first, does it lie at this relay: read from way-knowledge.ts.
//   report offered before the first byte of a body goes.
//   report arrived for each part the collector says it has; a part counts once.
//   report left a relay keeps the batch.
//   report failed the way broke off or led elsewhere. The caller then climbs again without it.
//   receipted the receipt verifies. Forgives every failure of the way and ends the holding off.
//   holdOff at the end, once, when a batch still waits. Gives the time until the next attempt.
//
// Forwarding (forward-sealed.ts) climbs once and reports nothing: what becomes of other probes' files must
// not hold up this probe's own. What a line does by itself, such as connecting, answering or going silent, is
// reported in this file.

import type { BatchId } from '../../../tests-spec/protocol/batch.ts'
import { type Endpoint, endpointId, transportOf } from '../../../tests-spec/protocol/endpoint.ts'
import { Connection, type Request } from '../transports/connection.ts'
import { type DialFailed, dial, type Spent } from '../transports/dial.ts'
import { NoAnswer } from '../transports/no-answer.ts'
import type { SessionSlot } from '../transports/tls.ts'
import type { LastGood } from './last-good.ts'
import { race } from './race.ts'
import type { CollectorKey, Way } from './way.ts'
import {
  afterEvent,
  beginKnowledge,
  type Ending,
  heldMs,
  holdOffMs,
  isProven,
  type OfferEvent,
  orderOfWays,
  patienceOn,
  routineHeldMs,
  type WayCount,
  type WayEvent,
  type WayKnowledge,
} from './way-knowledge.ts'

export interface UplinkOptions extends CollectorKey {
  /** Endpoints in the order to try them while nothing is known. Two that lead the same way count as one. */
  readonly endpoints: readonly Endpoint[]
  readonly lastGood: LastGood
  /** Clock in milliseconds that never goes back. */
  readonly now: () => number
  /** @returns A random number from 0 to 1. */
  readonly chance: () => number
  /**
   * After a start, routine batches wait up to this many milliseconds: 2,100 probes may get their power back at once.
   */
  readonly spreadMs: number
  /** Ids of batches that may have been on their way when the agent stopped. */
  readonly maybeOffered?: readonly BatchId[]
  /** Root certificates as PEM, in place of those that came with Node.js, for certificates without a pin. */
  readonly roots?: readonly string[] | undefined
}

/** SYNs are sent again after 1, 3 and 7 s, and a Tor circuit takes ten; no data can be lost while dialling. */
const dialTimeoutMs = 20_000

export class Uplink implements CollectorKey {
  readonly collectorKeyId: string
  readonly collectorKey: CollectorKey['collectorKey']
  readonly #options: UplinkOptions
  readonly #endpoints: ReadonlyMap<string, Endpoint>
  /** TLS sessions to resume, by id of the way. */
  readonly #sessions = new Map<string, Buffer>()
  #known: WayKnowledge

  private constructor(options: UplinkOptions, lastGood: string | null) {
    this.#options = options
    this.collectorKeyId = options.collectorKeyId
    this.collectorKey = options.collectorKey
    this.#endpoints = new Map(options.endpoints.map((each) => [endpointId(each), each]))
    this.#known = beginKnowledge({
      ways: new Map(
        [...this.#endpoints].map(([id, each]) => [
          id,
          { isRelay: each.kind === 'relay', transport: transportOf(each) },
        ]),
      ),
      lastGood,
      maybeOffered: options.maybeOffered ?? [],
      routineNotBeforeMs: options.now() + options.chance() * options.spreadMs,
    })
  }

  static async open(options: UplinkOptions): Promise<Uplink> {
    return new Uplink(options, await options.lastGood.read())
  }

  get known(): WayKnowledge {
    return this.#known
  }

  /** Counts by transport, in the order in which the transports were first used. */
  get counts(): readonly WayCount[] {
    return [...this.#known.counts.values()]
  }

  /** Bytes over all ways since the start. */
  get spent(): Spent {
    const sum = (of: 'sent' | 'received') => this.counts.reduce((total, each) => total + each[of], 0)
    return { sent: sum('sent'), received: sum('received') }
  }

  /** Milliseconds until anything may be sent; 0 when it may be sent now. */
  get heldMs(): number {
    return heldMs(this.#known, this.#options.now())
  }

  /** Milliseconds until a batch without anomalies may be sent; 0 when it may be sent now. */
  get routineHeldMs(): number {
    return routineHeldMs(this.#known, this.#options.now())
  }

  /**
   * Opens the next way: collectors first, several at once if need be; relays when no collector is left.
   *
   * @param but - Ids that are not tried; the ids of those that fail are added.
   * @returns null when no way opens.
   */
  async climb(but: Set<string>, signal: AbortSignal): Promise<Way | null> {
    const order = orderOfWays(this.#known).filter((id) => !but.has(id))
    const isRelay = (id: string) => this.#endpoint(id).kind === 'relay'
    for (const ids of [order.filter((id) => !isRelay(id)), order.filter(isRelay)]) {
      const way = ids.length === 0 ? null : await this.#race(ids, but, signal)
      if (way !== null || signal.aborted) return way
    }
    return null
  }

  /** Takes note of what only the code that offers batches knows. */
  report(event: OfferEvent): void {
    this.#take(event)
  }

  /**
   * Notes that a way has brought a receipt that verifies: this way comes first from now on, also after a restart.
   * @param pauseMs - Milliseconds for which the collector wants no routine batches.
   */
  async receipted(way: string, batch: BatchId, pauseMs: number): Promise<void> {
    const before = this.#known.lastGood
    this.#take({ kind: 'receipted', way, batch, pauseMs })
    const { lastGood } = this.#known
    if (lastGood !== null && lastGood !== before) await this.#options.lastGood.write(lastGood)
  }

  /**
   * Ends the attempt: nothing more is sent now.
   * @returns Milliseconds until the next attempt.
   */
  holdOff(ending: Ending): number {
    const ms = holdOffMs(this.#known, ending, this.#options.chance())
    this.#take({ kind: 'held_off', ms, progressed: ending.progressed })
    return ms
  }

  #take(event: WayEvent): void {
    this.#known = afterEvent(this.#known, event, this.#options.now())
  }

  async #race(ids: readonly string[], but: Set<string>, signal: AbortSignal): Promise<Way | null> {
    const { now } = this.#options
    const failed = (way: string, { code, spent }: DialFailed) => {
      this.#take({ kind: 'spent', way, sent: spent.sent, received: spent.received })
      // An endpoint that lost the race has not failed; nor has one that the agent gave up in order to measure.
      if (code === 'lost_race' || code === 'interrupted') return
      this.#take({ kind: 'failed', way, code })
      but.add(way)
    }
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
      failed,
    })
    if (won === null) return null
    this.#take({ kind: 'connected', way: won.id })
    return this.#way(won.id, new Connection(this.#endpoint(won.id).url, won.line, now), signal)
  }

  #way(id: string, connection: Connection, signal: AbortSignal): Way {
    let counted: Spent = { sent: 0, received: 0 }
    const count = () => {
      const { sent, received } = connection.spent
      this.#take({
        kind: 'spent',
        way: id,
        sent: sent - counted.sent,
        received: received - counted.received,
      })
      counted = { sent, received }
    }
    return {
      id,
      endpoint: this.#endpoint(id),
      proven: isProven(this.#known, id),
      exchange: (request) => this.#exchange(id, connection, request, signal).finally(count),
      close: () => {
        connection.close()
        count()
      },
    }
  }

  /** @throws {NoAnswer} */
  async #exchange(way: string, connection: Connection, request: Request, signal: AbortSignal) {
    try {
      const patience = patienceOn(this.#known, way, connection.rttMs)
      const answer = await connection.exchange(request, { ...patience, signal })
      const { silenceMs } = answer
      this.#take({ kind: 'answered', way, silenceMs, ageMs: connection.heardAtAgeMs })
      return answer
    } catch (error) {
      const code = error instanceof NoAnswer ? error.code : null
      if (code === 'stalled') this.#take({ kind: 'stalled', way, ageMs: connection.heardAtAgeMs })
      if (code === 'flow_spent') this.#take({ kind: 'flow_cut', way })
      throw error
    }
  }

  #endpoint(id: string): Endpoint {
    const endpoint = this.#endpoints.get(id)
    if (endpoint === undefined) throw new Error(`There is no endpoint ${id}`)
    return endpoint
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
