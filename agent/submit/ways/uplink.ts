// The ways to one collector, for as long as the agent runs: opens the next one, and keeps what is known of
// all of them. What is known, and what follows from it, is in way-knowledge.ts; what is said on a way is in
// submit-batch.ts and relay.ts.
//
// An attempt to upload (upload-backlog.ts, over climber.ts) calls it in this order:
//
//   heldMs, routineHeldMs may the batch go now? Asked before each batch.
//   climb opens the next way, and reopen the same again. The caller closes it.
//   known must the batch be asked for first, does it lie at this relay: read from way-knowledge.ts.
//   report offered before the first byte of a body goes.
//   report arrived for each part the collector says it has; a part counts once.
//   report taken, stuck, refused what became of a body, from which follows in which form the way gets the next.
//   report held whoever answers on the way asks for a pause there.
//   report left a relay keeps the batch.
//   report failed the way broke off or led elsewhere. The caller then climbs again without it.
//   receipted the receipt verifies. Forgives every failure of the way and ends the holding off.
//   holdOff at the end, once, when a batch still waits. Gives the time until the next attempt.
//
// Forwarding (forward-sealed.ts) climbs once and reports nothing but whether files go whole: what becomes of other probes'
// files must not hold up this probe's own. What a line does by itself, such as connecting, answering or going silent, is
// reported in this file.

import type { BatchId } from '../../../tests-spec/protocol/batch.ts'
import { type Endpoint, endpointId, transportOf } from '../../../tests-spec/protocol/endpoint.ts'
import { Connection, type Request } from '../transports/connection.ts'
import { type DialFailed, dial, type Line, type Spent } from '../transports/dial.ts'
import type { SessionSlot } from '../transports/tls.ts'
import { hasChoice, OpenWay } from './open-way.ts'
import { patienceFor } from './patience.ts'
import { race } from './race.ts'
import type { CollectorKey, Way } from './way.ts'
import {
  afterEvent,
  allHeldMs,
  beginKnowledge,
  type Ending,
  heldMs,
  holdOffMs,
  isProven,
  type OfferEvent,
  orderOfWays,
  routineHeldMs,
  type WayCount,
  type WayEvent,
  type WayKnowledge,
  wayOf,
  worthKeeping,
} from './way-knowledge.ts'
import type { Remembered, WayMemory } from './way-memory.ts'

export interface UplinkOptions extends CollectorKey {
  /** Endpoints in the order to try them while nothing is known. Two that lead the same way count as one. */
  readonly endpoints: readonly Endpoint[]
  readonly memory: WayMemory
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

  private constructor(options: UplinkOptions, remembered: Remembered) {
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
      remembered,
      nowMs: options.now(),
      maybeOffered: options.maybeOffered ?? [],
      routineNotBeforeMs: options.now() + options.chance() * options.spreadMs,
    })
  }

  static async open(options: UplinkOptions): Promise<Uplink> {
    return new Uplink(options, await options.memory.read())
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
    const order = orderOfWays(this.#known, this.#options.now()).filter((id) => !but.has(id))
    const isRelay = (id: string) => this.#endpoint(id).kind === 'relay'
    for (const ids of [order.filter((id) => !isRelay(id)), order.filter(isRelay)]) {
      const way = ids.length === 0 ? null : await this.#race(ids, but, signal)
      if (way !== null || signal.aborted) return way
    }
    return null
  }

  /**
   * Opens the way again that was just used, in the form that is now known to be better there.
   * @returns null when it does not open.
   */
  async reopen(id: string, but: Set<string>, signal: AbortSignal): Promise<Way | null> {
    return signal.aborted ? null : this.#race([id], but, signal)
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
    if (lastGood !== before) await this.remember()
  }

  /**
   * Ends the attempt: nothing more is sent now.
   * @returns Milliseconds until the next attempt.
   */
  holdOff({ progressed }: Pick<Ending, 'progressed'>): number {
    // One way that wants to be left alone holds nothing off that another can carry.
    const retryAfterMs = allHeldMs(this.#known, this.#options.now())
    const ms = holdOffMs(this.#known, { retryAfterMs, progressed }, this.#options.chance())
    this.#take({ kind: 'held_off', ms, progressed })
    return ms
  }

  /** Keeps what was learnt of the ways for the next process. */
  remember(): Promise<void> {
    return this.#options.memory.write(worthKeeping(this.#known))
  }

  #take(event: WayEvent): void {
    this.#known = afterEvent(this.#known, event, this.#options.now())
  }

  async #race(
    ids: readonly string[],
    but: Set<string>,
    signal: AbortSignal,
    isSecondTry = false,
  ): Promise<Way | null> {
    const { now } = this.#options
    const forms = new Map(ids.map((id) => [id, wayOf(this.#known, id).form]))
    const other = new Set<string>()
    const failed = (way: string, failure: DialFailed) => {
      this.#spent(way, failure)
      const { family, shortHello } = wayOf(this.#known, way).form
      const before = forms.get(way)
      if (before?.family !== family || before.shortHello !== shortHello) other.add(way)
      // An endpoint that lost the race has not failed; nor has one that the agent gave up in order to measure.
      if (failure.code === 'lost_race' || failure.code === 'interrupted') return
      this.#take({ kind: 'failed', way, code: failure.code })
      but.add(way)
    }
    const won = await race(ids, { now, signal, dial: (id, ending) => this.#dial(id, ending), failed })
    if (won === null && other.size > 0 && !signal.aborted && !isSecondTry) {
      // What connected and then said nothing may answer in the other form that is now known for it.
      for (const id of other) but.delete(id)
      return this.#race([...other], but, signal, true)
    }
    if (won === null) return null
    return this.#way(won.id, this.#connected(won.id, won.line), signal)
  }

  #way(id: string, connection: Connection, signal: AbortSignal): Way {
    const opening = {
      id,
      endpoint: this.#endpoint(id),
      proven: isProven(this.#known, id),
      signal,
      dial: async () => {
        const line = await this.#dial(id, signal).catch((failure: DialFailed) => {
          this.#spent(id, failure)
          throw failure
        })
        return this.#connected(id, line)
      },
      patience: (rttMs: number, request: Request) => patienceFor(wayOf(this.#known, id), rttMs, request),
      take: (event: WayEvent) => this.#take(event),
    }
    return new OpenWay(opening, connection)
  }

  #connected(id: string, line: Line): Connection {
    this.#take({ kind: 'connected', way: id })
    return new Connection(this.#endpoint(id).url, line, this.#options.now)
  }

  /** @throws {DialFailed} */
  async #dial(id: string, signal: AbortSignal): Promise<Line> {
    const { now, roots } = this.#options
    const endpoint = this.#endpoint(id)
    const { family, shortHello } = wayOf(this.#known, id).form
    const session = this.#session(id)
    const only = hasChoice(endpoint) ? family : null
    const dialling = { now, signal, session, roots, timeoutMs: dialTimeoutMs, family: only, shortHello }
    return dial(endpoint, dialling).catch((failure: DialFailed) => {
      // Either it connected and nothing was heard, or there is no address of the kind that was asked for.
      const gaveUp = failure.code === 'lost_race' || failure.code === 'interrupted'
      if (!gaveUp && (failure.isMute || (only !== null && failure.spent.sent === 0)))
        this.#take({ kind: 'mute', way: id, family: hasChoice(endpoint) ? (failure.family ?? only) : null })
      throw failure
    })
  }

  #spent(way: string, { spent }: DialFailed): void {
    this.#take({ kind: 'spent', way, sent: spent.sent, received: spent.received })
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
