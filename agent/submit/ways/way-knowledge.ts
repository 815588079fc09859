// What is known of the ways to one collector, and of the batches that went over them, since the agent started. Pure: a
// value, what may happen to it, and what is read from it. uplink.ts does what is read here, and reports what came of it.

import type { BatchId } from '../../../tests-spec/protocol/batch.ts'
import type { Transport } from '../../../tests-spec/protocol/endpoint.ts'
import { fullJitterMs, obeyedMs } from './backoff.ts'
import { afterAnswer, afterCut, afterDeath, type FlowLife, unknownLife, usableMs } from './flow-life.ts'
import { climbingOrder, type Rung } from './ladder.ts'
import { afterProgress, afterStall, noStalls, type Stalls, silenceLimitMs } from './stall.ts'

/** One way, by its endpoint's id. */
export interface WayPast extends Rung {
  readonly transport: Transport
  readonly stalls: Stalls
  readonly life: FlowLife
  /** When it failed last, since it was last good; null when it has not. */
  readonly failedAtMs: number | null
}

/** What one transport has done since the agent started. Counted, because a log is bounded and a count is not. */
export interface WayCount {
  readonly transport: Transport
  readonly connected: number
  readonly failed: number
  readonly accepted: number
  readonly sent: number
  readonly received: number
  /** Code of the last failure; null before the first. */
  readonly lastFailure: string | null
}

/** All moments are milliseconds that only grow. */
export interface WayKnowledge {
  /** In the order they are listed. */
  readonly ways: ReadonlyMap<string, WayPast>
  /** By transport, in the order they were first used. */
  readonly counts: ReadonlyMap<Transport, WayCount>
  /** The way that last brought a receipt, relays excepted; null when none has. Also one that is listed no more. */
  readonly lastGood: string | null
  /** Code of the last failure of any way. */
  readonly lastFailure: string
  /** Attempts in a row that brought nothing. */
  readonly failures: number
  /** Before this, nothing may be sent. */
  readonly notBeforeMs: number
  /** Before this, no batch without anomalies may be sent. */
  readonly routineNotBeforeMs: number
  /** Handed to a way, without a receipt so far. */
  readonly offered: ReadonlySet<BatchId>
  /** How many bytes of a batch are known to have arrived. */
  readonly arrived: ReadonlyMap<BatchId, number>
  /** Lying at a relay, by the relay's id and the batch's. */
  readonly left: ReadonlySet<string>
}

/** What a line that is dialled or open does. Uplink sees it by itself. */
export type LineEvent =
  | { readonly kind: 'connected'; readonly way: string }
  /** Bytes the link carried since this was last said of the line. */
  | { readonly kind: 'spent'; readonly way: string; readonly sent: number; readonly received: number }
  /** `silenceMs`: the longest silence before the answer; `ageMs`: age of the flow when it came. */
  | {
      readonly kind: 'answered'
      readonly way: string
      readonly silenceMs: number
      readonly ageMs: number
    }
  /** The line was taken for dead. `ageMs`: age of the flow when something last came over it. */
  | { readonly kind: 'stalled'; readonly way: string; readonly ageMs: number }
  /** The line was ended before the age at which flows die on this way. */
  | { readonly kind: 'flow_cut'; readonly way: string }

/** What only the code that offers batches can tell. */
export type OfferEvent =
  /** The way could not be opened, broke off, or led to another than the collector. */
  | { readonly kind: 'failed'; readonly way: string; readonly code: string }
  /** The body of a batch is about to go. From now on its receipt is asked for first. */
  | { readonly kind: 'offered'; readonly batch: BatchId }
  /** So many bytes of a batch have arrived, by the collector's word. */
  | { readonly kind: 'arrived'; readonly batch: BatchId; readonly held: number }
  /** A relay keeps the batch. */
  | { readonly kind: 'left'; readonly way: string; readonly batch: BatchId }

export type WayEvent =
  | LineEvent
  | OfferEvent
  /** The way brought a receipt that holds, and the collector asks for a pause of routine batches. */
  | { readonly kind: 'receipted'; readonly way: string; readonly batch: BatchId; readonly pauseMs: number }
  /** An attempt is over and something still waits. `progressed`: part of it arrived, so there is a link. */
  | { readonly kind: 'held_off'; readonly ms: number; readonly progressed: boolean }

export interface Beginning {
  /** In the order they are listed, by id. */
  readonly ways: ReadonlyMap<string, Pick<WayPast, 'isRelay' | 'transport'>>
  readonly lastGood: string | null
  /** Batches that may have been on their way when the agent stopped. */
  readonly maybeOffered: readonly BatchId[]
  readonly routineNotBeforeMs: number
}

export function beginKnowledge(beginning: Beginning): WayKnowledge {
  const fresh = { stalls: noStalls, life: unknownLife, failedAtMs: null }
  return {
    ways: new Map([...beginning.ways].map(([id, way]) => [id, { id, ...way, ...fresh }])),
    counts: new Map(),
    lastGood: beginning.lastGood,
    lastFailure: 'unreachable',
    failures: 0,
    notBeforeMs: Number.NEGATIVE_INFINITY,
    routineNotBeforeMs: beginning.routineNotBeforeMs,
    offered: new Set(beginning.maybeOffered),
    arrived: new Map(),
    left: new Set(),
  }
}

/** @throws {Error} For a way that is not listed: a bug in the caller. */
export function afterEvent(known: WayKnowledge, event: WayEvent, nowMs: number): WayKnowledge {
  switch (event.kind) {
    case 'connected':
      return counted(known, event.way, ({ connected }) => ({ connected: connected + 1 }))
    case 'spent':
      return counted(known, event.way, ({ sent, received }) => ({
        sent: sent + event.sent,
        received: received + event.received,
      }))
    case 'answered':
      return changed(known, event.way, ({ stalls, life }) => ({
        stalls: afterProgress(stalls, event.silenceMs),
        life: afterAnswer(life, event.ageMs),
      }))
    case 'stalled':
      return changed(known, event.way, ({ stalls, life }) => ({
        stalls: afterStall(stalls),
        life: afterDeath(life, event.ageMs),
      }))
    case 'flow_cut':
      return changed(known, event.way, ({ life }) => ({ life: afterCut(life) }))
    case 'failed': {
      const { way, code } = event
      const told = counted(known, way, ({ failed }) => ({ failed: failed + 1, lastFailure: code }))
      return { ...changed(told, way, () => ({ failedAtMs: nowMs })), lastFailure: code }
    }
    case 'offered':
      return { ...known, offered: new Set(known.offered).add(event.batch) }
    case 'arrived':
      return isMore(known, event.batch, event.held)
        ? { ...known, arrived: new Map(known.arrived).set(event.batch, event.held) }
        : known
    case 'left':
      return { ...known, left: new Set(known.left).add(`${event.way} ${event.batch}`) }
    case 'receipted':
      return afterReceipt(known, event, nowMs)
    case 'held_off':
      return {
        ...known,
        failures: failuresWith(known, event.progressed),
        notBeforeMs: nowMs + event.ms,
      }
    default:
      return event satisfies never
  }
}

/** The way comes first from now on, unless it is a relay: a receipt there says nothing of the way of a body. */
function afterReceipt(
  known: WayKnowledge,
  { way, batch, pauseMs }: WayEvent & { kind: 'receipted' },
  nowMs: number,
): WayKnowledge {
  const told = counted(known, way, ({ accepted }) => ({ accepted: accepted + 1 }))
  return {
    ...changed(told, way, () => ({ failedAtMs: null })),
    offered: new Set([...known.offered].filter((each) => each !== batch)),
    arrived: new Map([...known.arrived].filter(([each]) => each !== batch)),
    failures: 0,
    notBeforeMs: Number.NEGATIVE_INFINITY,
    routineNotBeforeMs: nowMs + pauseMs,
    lastGood: wayOf(known, way).isRelay ? known.lastGood : way,
  }
}

/** @returns Ids in the order to try them: ladder.ts. */
export function orderOfWays({ ways, lastGood }: WayKnowledge): string[] {
  const failedAt = new Map(
    [...ways].flatMap(([id, { failedAtMs }]) => (failedAtMs === null ? [] : [[id, failedAtMs] as const])),
  )
  return climbingOrder([...ways.values()], { lastGood, failedAt })
}

/** The last good way, or the only one. */
export function isProven({ ways, lastGood }: WayKnowledge, way: string): boolean {
  return way === lastGood || ways.size === 1
}

/** How long to wait on a line of this way, and until which age of it; both in milliseconds. */
export function patienceOn(
  known: WayKnowledge,
  way: string,
  rttMs: number,
): { readonly silenceMs: number; readonly usableMs: number | null } {
  const { stalls, life } = wayOf(known, way)
  return { silenceMs: silenceLimitMs(rttMs, stalls), usableMs: usableMs(life) }
}

/** Milliseconds until anything may be sent, 0 when it may. */
export function heldMs({ notBeforeMs }: WayKnowledge, nowMs: number): number {
  return Math.max(0, notBeforeMs - nowMs)
}

/** Milliseconds until a batch without anomalies may be sent, 0 when it may. */
export function routineHeldMs({ routineNotBeforeMs }: WayKnowledge, nowMs: number): number {
  return Math.max(0, routineNotBeforeMs - nowMs)
}

export interface Ending {
  /** What the collector asked for, in milliseconds; null when it did not. */
  readonly retryAfterMs: number | null
  /** Part of a batch arrived before the way broke off: there is a link, and trying again soon is worth it. */
  readonly progressed: boolean
}

/**
 * How long to hold off after an attempt that ended like this.
 * @param chance - From 0 to 1.
 * @returns Milliseconds.
 */
export function holdOffMs(known: WayKnowledge, { retryAfterMs, progressed }: Ending, chance: number): number {
  if (retryAfterMs !== null) return obeyedMs(retryAfterMs, chance)
  return fullJitterMs(failuresWith(known, progressed), chance)
}

/** Whether more of a batch has arrived than was known. The same part over and over is no progress. */
export function isMore({ arrived }: WayKnowledge, batch: BatchId, held: number): boolean {
  return held > (arrived.get(batch) ?? 0)
}

export function wasLeft({ left }: WayKnowledge, way: string, batch: BatchId): boolean {
  return left.has(`${way} ${batch}`)
}

/** This attempt included. */
function failuresWith({ failures }: WayKnowledge, progressed: boolean): number {
  return (progressed ? 0 : failures) + 1
}

function wayOf({ ways }: WayKnowledge, way: string): WayPast {
  const past = ways.get(way)
  if (past === undefined) throw new Error(`There is no endpoint ${way}`)
  return past
}

function changed(
  known: WayKnowledge,
  way: string,
  change: (past: WayPast) => Partial<WayPast>,
): WayKnowledge {
  const past = wayOf(known, way)
  return { ...known, ways: new Map(known.ways).set(way, { ...past, ...change(past) }) }
}

function counted(
  known: WayKnowledge,
  way: string,
  change: (count: WayCount) => Partial<WayCount>,
): WayKnowledge {
  const { transport } = wayOf(known, way)
  const count = known.counts.get(transport) ?? unused(transport)
  return { ...known, counts: new Map(known.counts).set(transport, { ...count, ...change(count) }) }
}

function unused(transport: Transport): WayCount {
  return { transport, connected: 0, failed: 0, accepted: 0, sent: 0, received: 0, lastFailure: null }
}
