// What is known of the ways to one collector, and of the batches that went over them. Pure:
// a value, the events that change it, and what is read from it. uplink.ts acts on what it reads here, and reports the
// results.

import type { BatchId } from '../../../tests-spec/protocol/batch.ts'
import type { Transport } from '../../../tests-spec/protocol/endpoint.ts'
import { fullJitterMs, obeyedMs } from './backoff.ts'
import { afterAnswer, afterCut, afterDeath, type FlowLife, unknownLife } from './flow-life.ts'
import {
  afterFailure,
  afterMute,
  afterQuestionFor,
  afterRefused,
  afterStuck,
  afterTaken,
  type Form,
  type QuestionOutcome,
  type RefusedBody,
  type StuckBody,
  type TakenBody,
  unknownForm,
} from './form.ts'
import { climbingOrder, type Rung } from './ladder.ts'
import { afterProgress, afterQuestion, afterStall, noStalls, type Stalls } from './stall.ts'
import type { Remembered } from './way-memory.ts'

/** What is known of one way, by its endpoint's id. */
export interface WayPast extends Rung {
  readonly transport: Transport
  readonly stalls: Stalls
  readonly life: FlowLife
  readonly form: Form
  /** Moment until which whatever answers there wants to be left alone; null when it does not. */
  readonly heldUntilMs: number | null
  /** Moment of its last failure, if it was not good after that; null otherwise. */
  readonly failedAtMs: number | null
}

/** What one transport has done since the agent started. It is counted, because a log forgets and a count does not. */
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

/** All moments are by a clock in milliseconds that never goes back. */
export interface WayKnowledge {
  /** The ways in the order in which they are listed. */
  readonly ways: ReadonlyMap<string, WayPast>
  /** Counts by transport, in the order in which the transports were first used. */
  readonly counts: ReadonlyMap<Transport, WayCount>
  /** Id of the way that last brought a receipt, relays excepted; null when none has. It may be listed no more. */
  readonly lastGood: string | null
  /** Code of the last failure of any way. */
  readonly lastFailure: string
  /** Number of attempts in a row that brought nothing. */
  readonly failures: number
  /** Moment before which nothing may be sent. */
  readonly notBeforeMs: number
  /** Moment before which no batch without anomalies may be sent. */
  readonly routineNotBeforeMs: number
  /** Ids of batches that were sent over a way and have no receipt so far. */
  readonly offered: ReadonlySet<BatchId>
  /** How many bytes of each batch are known to have arrived. */
  readonly arrived: ReadonlyMap<BatchId, number>
  /** Batches that lie at a relay, by the relay's id and the batch's. */
  readonly left: ReadonlySet<string>
}

/** What a line does that is being dialled or is open. Uplink sees this by itself. */
export type LineEvent =
  | { readonly kind: 'connected'; readonly way: string }
  /** Bytes that the line carried since the last such event. */
  | { readonly kind: 'spent'; readonly way: string; readonly sent: number; readonly received: number }
  /**
   * An answer came. `silenceMs`: the longest silence before it; `ageMs`: age of the flow when it came; `toBody`: whether
   * it was one to a request with a body.
   */
  | {
      readonly kind: 'answered'
      readonly way: string
      readonly silenceMs: number
      readonly ageMs: number
      readonly toBody: boolean
    }
  /** It connected, and not a byte was heard. `family`: kind of the address, if there is a choice; null otherwise. */
  | { readonly kind: 'mute'; readonly way: string; readonly family: 4 | 6 | null }
  /** The line was given up as dead. `ageMs`: age of the flow when the last byte came over it. */
  | { readonly kind: 'stalled'; readonly way: string; readonly ageMs: number }
  /** The agent ended the line before the age at which flows die on this way. */
  | { readonly kind: 'flow_cut'; readonly way: string }

/** What only the code that offers batches knows. */
export type OfferEvent =
  /** The way could not be opened, broke off, or led to a server that is not the collector. */
  | { readonly kind: 'failed'; readonly way: string; readonly code: string }
  /** The body of a batch is about to be sent. From now on its receipt is asked for first. */
  | { readonly kind: 'offered'; readonly batch: BatchId }
  /** The collector says that it holds `held` bytes of a batch. */
  | { readonly kind: 'arrived'; readonly batch: BatchId; readonly held: number }
  /** The collector took a body. */
  | ({ readonly kind: 'taken'; readonly way: string } & TakenBody)
  /** A body did not get through, and afterwards a question was answered. */
  | ({ readonly kind: 'stuck'; readonly way: string } & StuckBody)
  /** A body was refused by somebody who is no collector, or reached the collector as another. */
  | ({ readonly kind: 'refused'; readonly way: string } & RefusedBody)
  /** Whether sealed files go whole on this way from now on. */
  | { readonly kind: 'sealed_whole'; readonly way: string; readonly whole: boolean }
  /** What became of the question for a receipt. */
  | { readonly kind: 'question'; readonly way: string; readonly outcome: QuestionOutcome }
  /** Whoever answers there asks for a pause. It is not signed, and binds this way. */
  | { readonly kind: 'held'; readonly way: string; readonly ms: number; readonly code: string }
  /** A relay keeps the batch. */
  | { readonly kind: 'left'; readonly way: string; readonly batch: BatchId }

export type WayEvent =
  | LineEvent
  | OfferEvent
  /** The way brought a receipt that verifies, and the collector asks for a pause of routine batches. */
  | { readonly kind: 'receipted'; readonly way: string; readonly batch: BatchId; readonly pauseMs: number }
  /** An attempt is over and a batch still waits. `progressed`: part of it arrived, so there is a link. */
  | { readonly kind: 'held_off'; readonly ms: number; readonly progressed: boolean }

export interface Beginning {
  /** The ways in the order in which they are listed, by id. */
  readonly ways: ReadonlyMap<string, Pick<WayPast, 'isRelay' | 'transport'>>
  readonly remembered: Remembered
  readonly nowMs: number
  /** Ids of batches that may have been on their way when the agent stopped. */
  readonly maybeOffered: readonly BatchId[]
  readonly routineNotBeforeMs: number
}

const longAgoMs = 1e12

/** Questions pass and bodies do not: the path loses large packets, and small ones are used. */
export const pathMtu = 'path_mtu'

export function beginKnowledge(beginning: Beginning): WayKnowledge {
  const { remembered, nowMs } = beginning
  const fresh = (id: string) => {
    const { failed = null, ...learnt } = remembered.ways.get(id) ?? {}
    // Before everything that happens from now on.
    const failedAtMs = failed === null ? null : nowMs - longAgoMs + failed
    return {
      stalls: noStalls,
      life: unknownLife,
      form: unknownForm,
      ...learnt,
      failedAtMs,
      heldUntilMs: null,
    }
  }
  return {
    ways: new Map([...beginning.ways].map(([id, way]) => [id, { id, ...way, ...fresh(id) }])),
    counts: new Map(),
    lastGood: remembered.lastGood,
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
        stalls: (event.toBody ? afterProgress : afterQuestion)(stalls, event.silenceMs),
        life: afterAnswer(life, event.ageMs),
      }))
    case 'stalled':
      return changed(known, event.way, ({ stalls, life }) => ({
        stalls: afterStall(stalls),
        life: afterDeath(life, event.ageMs),
      }))
    case 'flow_cut':
      return changed(known, event.way, ({ life }) => ({ life: afterCut(life) }))
    case 'mute':
      return changed(known, event.way, ({ form }) => ({ form: afterMute(form, event.family) }))
    case 'taken':
      return changed(known, event.way, ({ form }) => ({ form: afterTaken(form, event) }))
    case 'stuck':
      return afterStuckBody(known, event)
    case 'refused':
      return changed(known, event.way, ({ form }) => ({ form: afterRefused(form, event) }))
    case 'sealed_whole':
      return changed(known, event.way, ({ form }) => ({ form: { ...form, sealedWhole: event.whole } }))
    case 'question':
      return changed(known, event.way, ({ form }) => ({ form: afterQuestionFor(form, event.outcome) }))
    case 'held':
      return {
        ...changed(known, event.way, () => ({ heldUntilMs: nowMs + event.ms })),
        lastFailure: event.code,
      }
    case 'failed': {
      const { way, code } = event
      const told = counted(known, way, ({ failed }) => ({ failed: failed + 1, lastFailure: code }))
      return {
        ...changed(told, way, ({ form }) => ({ failedAtMs: nowMs, form: afterFailure(form) })),
        lastFailure: code,
      }
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

function afterStuckBody(known: WayKnowledge, event: WayEvent & { kind: 'stuck' }): WayKnowledge {
  const { form } = wayOf(known, event.way)
  const next = afterStuck(form, event)
  const told =
    next.smallFor > form.smallFor ? counted(known, event.way, () => ({ lastFailure: pathMtu })) : known
  return changed(told, event.way, () => ({ form: next }))
}

/**
 * Puts the way first from now on, unless it is a relay: a receipt from a relay does not show that a body can get
 * through there.
 */
function afterReceipt(
  known: WayKnowledge,
  { way, batch, pauseMs }: WayEvent & { kind: 'receipted' },
  nowMs: number,
): WayKnowledge {
  const told = counted(known, way, ({ accepted }) => ({ accepted: accepted + 1 }))
  return {
    ...changed(told, way, () => ({ failedAtMs: null, heldUntilMs: null })),
    offered: new Set([...known.offered].filter((each) => each !== batch)),
    arrived: new Map([...known.arrived].filter(([each]) => each !== batch)),
    failures: 0,
    notBeforeMs: Number.NEGATIVE_INFINITY,
    routineNotBeforeMs: nowMs + pauseMs,
    lastGood: wayOf(known, way).isRelay ? known.lastGood : way,
  }
}

/** @returns Ids in the order to try them: ladder.ts; without those that want to be left alone. */
export function orderOfWays({ ways, lastGood }: WayKnowledge, nowMs: number): string[] {
  const failedAt = new Map(
    [...ways].flatMap(([id, { failedAtMs }]) => (failedAtMs === null ? [] : [[id, failedAtMs] as const])),
  )
  return climbingOrder(
    [...ways.values()].filter((way) => !isHeld(way, nowMs)),
    { lastGood, failedAt },
  )
}

function isHeld({ heldUntilMs }: WayPast, nowMs: number): boolean {
  return heldUntilMs !== null && heldUntilMs > nowMs
}

/** Milliseconds until the first way to the collector may be used again; null when one may be used now. */
export function allHeldMs({ ways }: WayKnowledge, nowMs: number): number | null {
  const direct = [...ways.values()].filter(({ isRelay }) => !isRelay)
  if (direct.length === 0 || !direct.every((way) => isHeld(way, nowMs))) return null
  return Math.min(...direct.map(({ heldUntilMs }) => heldUntilMs ?? nowMs)) - nowMs
}

/** What is worth keeping across a restart. */
export function worthKeeping({ ways, lastGood }: WayKnowledge): Remembered {
  const failed = [...ways.values()]
    .filter(({ failedAtMs }) => failedAtMs !== null)
    .sort((a, b) => (a.failedAtMs ?? 0) - (b.failedAtMs ?? 0))
    .map(({ id }) => id)
  const learnt = ({ id, stalls, life, form }: WayPast) => ({
    stalls,
    life,
    form,
    failed: failed.includes(id) ? failed.indexOf(id) + 1 : null,
  })
  return { lastGood, ways: new Map([...ways].map(([id, way]) => [id, learnt(way)])) }
}

/** Whether the way is the last good one, or the only one. */
export function isProven({ ways, lastGood }: WayKnowledge, way: string): boolean {
  return way === lastGood || ways.size === 1
}

/** Milliseconds until anything may be sent; 0 when it may be sent now. */
export function heldMs({ notBeforeMs }: WayKnowledge, nowMs: number): number {
  return Math.max(0, notBeforeMs - nowMs)
}

/** Milliseconds until a batch without anomalies may be sent; 0 when it may be sent now. */
export function routineHeldMs({ routineNotBeforeMs }: WayKnowledge, nowMs: number): number {
  return Math.max(0, routineNotBeforeMs - nowMs)
}

export interface Ending {
  /** Pause that the collector asked for, in milliseconds; null when it asked for none. */
  readonly retryAfterMs: number | null
  /**
   * Whether part of a batch arrived before the way broke off: there is a link then, and trying again soon is worth
   * it.
   */
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

/** Whether more of a batch has arrived than was known. The same part sent again and again is no progress. */
export function isMore({ arrived }: WayKnowledge, batch: BatchId, held: number): boolean {
  return held > (arrived.get(batch) ?? 0)
}

export function wasLeft({ left }: WayKnowledge, way: string, batch: BatchId): boolean {
  return left.has(`${way} ${batch}`)
}

/** Number of failures in a row, this attempt included. */
function failuresWith({ failures }: WayKnowledge, progressed: boolean): number {
  return (progressed ? 0 : failures) + 1
}

export function wayOf({ ways }: WayKnowledge, way: string): WayPast {
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
