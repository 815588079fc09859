// The machine's clocks, watched with suspicion. A Raspberry Pi starts hours in the past, a phone sleeps, people and
// networks set clocks. This file never sets a clock: it says how far each time can be believed, counts steps, and
// gathers the evidence of time that batches carry, from which the collector dates the records later
// (tests-spec/data-formats/dating.md).

import {
  anchorMoments,
  type BoundMoment,
  type Bounds,
  boundsOn,
  type Moment,
  tighten,
  unbounded,
} from '../../tests-spec/data-formats/dating.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'
import type { BatchId, Manifest, TimeAnchor, TimeStep } from '../../tests-spec/protocol/batch.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Clock, MachineClocks } from './clock.ts'
import type { ClockMemory } from './clock-memory.ts'
import type { LogCode } from './log.ts'

/**
 * What the spool tells the clock of its batches: batches carry evidence of the time to the collector, and receipts
 * bring some back.
 */
export interface TimeWitness {
  /** @returns The evidence for the manifest of a batch that is about to be sealed. */
  evidence(): Manifest['time']
  /**
   * Whether evidence is worth a batch of its own. True once in the life of a process: a way out that opens once may
   * not open again, and the dates of everything measured before depend on that one receipt.
   */
  owesEvidence(): boolean
  /** The batch that carries the evidence `told` is durable. */
  sealed(id: BatchId, told: Manifest['time']): void
  /** The batch is about to be read, in order to be sent. */
  leaving(id: BatchId): void
  /** A verified receipt has arrived. */
  receipted(receipt: Receipt): void
}

export interface WatchedClockOptions {
  /** Milliseconds since 1970 of the build: a lower bound of the true time. */
  readonly buildDateMs: number
  /** Memory of earlier boots; null when there is none. */
  readonly memory: ClockMemory | null
  /** Called when the memory is worth writing, which is seldom. */
  readonly remember: (memory: ClockMemory) => void
  readonly log: (level: 'info' | 'warn', code: LogCode, fields: Readonly<Record<string, unknown>>) => void
}

/**
 * Least step of the wall clock in milliseconds. Slewing moves it by at most 30 ms between two checks a minute apart;
 * timesyncd steps from 400 ms on.
 */
const leastStepMs = 1_000
/**
 * Milliseconds by which two readings of boottime and the monotonic clock may differ without a sleep: 10 ms are one
 * tick of /proc/uptime.
 */
const leastSleepMs = { fine: 100, coarse: 2_000 }
/**
 * The clocks are read one after the other: if that took longer than this, since other processes had the processor,
 * they are read again.
 */
const longestReadingMs = 50
const readings = 5
/** Milliseconds by which the network's time and a collector's may differ before one of them is wrong. */
const toleratedMs = 2_000
/** The memory is written four times a day: it is for the next boot, and flash wears. */
const rememberEveryMs = 6 * 3_600_000
/**
 * Number of steps and anchors that are kept, the newest. A phone that sleeps all day needs no more, and a manifest
 * has no room for more.
 */
const [keptSteps, keptAnchors] = [32, 8]

interface Reading {
  readonly wallMs: number
  readonly monoMs: number
  /** Boottime minus monotonic time; null when it cannot be read. */
  readonly suspendedMs: number | null
  readonly coarse: boolean
  readonly syncMark: number | null
}

export class WatchedClock implements Clock, TimeWitness {
  readonly bootId: string
  readonly #machine: MachineClocks
  readonly #options: WatchedClockOptions
  #last: Reading
  /** Whether this machine can tell that it slept. */
  #tells = false
  #count = 0
  #deltaMs = 0
  /** Whether the system was told the time, and its clock was not set since. */
  #synced: boolean
  /**
   * Monotonic time at which the system or a receipt last told the time; null when that has not happened since the
   * start.
   */
  #toldMonoMs: number | null = null
  #memory: ClockMemory | null
  /** Bounds of the true time at one moment of this boot. */
  #certain: BoundMoment
  #contradicted = false
  #steps: TimeStep[] = []
  #anchors: TimeAnchor[] = []
  /** Whether any batch of this process carries what a receipt told. */
  #hasTold = false
  /**
   * Batches that this process sealed; with the moment they were first read, since a receipt may exist from then on.
   */
  readonly #sealedHere = new Map<BatchId, Moment | null>()

  constructor(machine: MachineClocks, options: WatchedClockOptions) {
    this.bootId = machine.bootId
    this.#machine = machine
    this.#options = options
    this.#memory = options.memory
    this.#last = this.#read() ?? this.#readOnce()
    this.#tells = this.#last.suspendedMs !== null
    this.#synced = this.#last.syncMark !== null
    const floor = Math.max(options.buildDateMs, options.memory?.notBeforeMs ?? 0)
    this.#certain = { ...this.#moment(), ...unbounded, earliest: floor }
    const believed = Math.max(floor, options.memory?.toldMs ?? 0)
    if (this.#last.wallMs < believed)
      options.log('warn', 'S6101', { behind_ms: believed - this.#last.wallMs })
  }

  now(): number {
    this.#look()
    return this.#machine.wallMs()
  }

  monotonicMs(): number {
    return this.#machine.monotonicMs()
  }

  steps(): { readonly count: number; readonly deltaMs: number } {
    this.#look()
    return { count: this.#count, deltaMs: this.#deltaMs }
  }

  suspendedMs(): number | null | undefined {
    this.#look()
    return this.#moment().suspendedMs
  }

  quality(): ClockQuality {
    this.#look()
    const bounds = this.#boundsNow()
    const known = Number.isFinite(bounds.latest)
    if (this.#synced && !this.#contradicts(bounds)) return 'synced'
    if (known) return 'receipt'
    return this.#memory?.toldMs == null ? 'unknown' : 'restored'
  }

  evidence(): Manifest['time'] {
    const quality = this.quality()
    const { wallMs } = this.#last
    const { monoMs, suspendedMs } = this.#moment()
    const { earliest, latest } = this.#boundsNow()
    const told = this.#toldMonoMs
    const notBefore = Math.max(0, Math.floor(earliest))
    return {
      wall: Math.max(0, Math.round(wallMs)),
      bootId: this.bootId,
      monoMs,
      ...(suspendedMs !== undefined && { suspendedMs }),
      ...(this.#count > 0 && { stepCount: this.#count }),
      src: quality === 'synced' ? 'ntp' : quality === 'receipt' ? 'receipt' : 'none',
      // The system says that it was synchronised, but not how precisely. A receipt tells that.
      uncMs: Number.isFinite(latest) ? Math.ceil(Math.max(wallMs - earliest, latest - wallMs)) : null,
      ...(told !== null && { lastSyncAgeS: Math.max(0, Math.floor((monoMs - told) / 1000)) }),
      ...(notBefore > 0 && { notBefore }),
      ...(this.#steps.length > 0 && { steps: [...this.#steps] }),
      ...(this.#anchors.length > 0 && { anchors: [...this.#anchors] }),
    }
  }

  owesEvidence(): boolean {
    return !this.#hasTold && this.#anchors.length > 0
  }

  sealed(id: BatchId, told: Manifest['time']): void {
    if (told.anchors !== undefined) this.#hasTold = true
    this.#steps = this.#steps.filter((each) => !told.steps?.includes(each))
    this.#anchors = this.#anchors.filter((each) => !told.anchors?.includes(each))
    this.#sealedHere.set(id, null)
  }

  leaving(id: BatchId): void {
    // A batch that an earlier process sealed may have been sent before.
    if (this.#sealedHere.get(id) !== null) return
    this.#look()
    this.#sealedHere.set(id, this.#moment(Math.floor))
  }

  receipted({ batch, at }: Receipt): void {
    const sent = this.#sealedHere.get(batch) ?? null
    this.#sealedHere.delete(batch)
    // If the clocks cannot be read now, the receipt is not used: a moment from before it came would be worse than
    // none.
    if (!this.#look()) return
    const received = this.#moment(Math.ceil)
    const anchor = { batch, at, sent: sent === null ? null : written(sent), received: written(received) }
    this.#anchors = [...this.#anchors, anchor].slice(-keptAnchors)
    this.#learn(anchorMoments(anchor))
  }

  #learn(moments: readonly BoundMoment[]): void {
    const before = this.#boundsNow()
    const all = tighten([this.#certain, ...moments]).at(-1)
    // Moments that contradict the newest word of the collector are given up: its clock was corrected, or ours cannot
    // be trusted.
    const certain = all !== undefined && all.earliest <= all.latest ? all : tighten(moments).at(-1)
    if (certain === undefined || certain.earliest > certain.latest) return
    this.#certain = certain
    this.#toldMonoMs = certain.monoMs
    const { earliest, latest } = this.#boundsNow()
    if (!Number.isFinite(before.latest) && Number.isFinite(latest)) {
      const { wallMs } = this.#last
      const ahead_ms = Math.round(wallMs - (earliest + latest) / 2)
      this.#options.log('info', 'S6104', { ahead_ms, error_ms: Math.ceil((latest - earliest) / 2) })
    }
    this.#remember(earliest)
  }

  /** Whether the bounds exclude the time that the network told. */
  #contradicts({ earliest, latest }: Bounds): boolean {
    const { wallMs } = this.#last
    const contradicts = wallMs < earliest - toleratedMs || wallMs > latest + toleratedMs
    if (contradicts && !this.#contradicted) {
      const off_ms = Math.round(wallMs < earliest ? wallMs - earliest : wallMs - latest)
      this.#options.log('warn', 'S6105', { off_ms })
    }
    this.#contradicted = contradicts
    return contradicts
  }

  /** Between which moments the present one lies for certain, in milliseconds since 1970; infinite where nothing is certain. */
  bounds(): Bounds {
    this.#look()
    return this.#boundsNow()
  }

  #boundsNow(): Bounds {
    return boundsOn([this.#certain], this.#moment())
  }

  #moment(round: (ms: number) => number = Math.round): Moment {
    const { monoMs, suspendedMs, coarse } = this.#last
    const slept = suspendedMs === null ? null : Math.round(suspendedMs)
    const isNone = slept !== null && !coarse && Math.abs(slept) < leastSleepMs.fine
    return {
      monoMs: Math.max(0, round(monoMs)),
      suspendedMs: isNone ? undefined : slept,
      steps: this.#count,
    }
  }

  /**
   * Compares the clocks with each other, as they were at the last check and as they are now.
   * @returns Whether they could be read.
   */
  #look(): boolean {
    const now = this.#read()
    // The machine was too busy for a precise reading. The next check will see any change.
    if (now === null) return false
    const last = this.#last
    const passed = now.wallMs - last.wallMs
    const shift = passed - (now.monoMs - last.monoMs)
    const slept = sleptBetween(last, now)
    const set = shift - (slept ?? 0)
    const isSet = Math.abs(set) >= (slept === 0 || !now.coarse ? leastStepMs : leastSleepMs.coarse)
    // Small differences must not add up to a sleep: they come from reading the clocks.
    this.#last = slept === 0 ? { ...now, suspendedMs: last.suspendedMs } : now
    const touched = now.syncMark !== null && now.syncMark !== last.syncMark
    if (touched) this.#toldMonoMs = now.monoMs
    if (touched) this.#synced = true
    else if (isSet) this.#synced = false
    if (isSet || (slept !== null && slept > 0)) this.#step(shift, slept)
    if (touched) this.#remember(unbounded.earliest)
    return true
  }

  #step(shift: number, slept: number | null): void {
    this.#count++
    this.#deltaMs += shift
    const [deltaMs, suspendedMs] = [Math.round(shift), slept === null ? null : Math.round(slept)]
    const step = { monoMs: Math.max(0, Math.round(this.#last.monoMs)), deltaMs, suspendedMs }
    this.#steps = [...this.#steps, step].slice(-keptSteps)
    const fields = { delta_ms: deltaMs, suspended_ms: suspendedMs }
    if (suspendedMs !== null && suspendedMs > 0) this.#options.log('info', 'S6102', fields)
    if (suspendedMs === null || Math.abs(shift - suspendedMs) >= leastStepMs)
      this.#options.log('warn', 'S6103', fields)
  }

  /** @param earliest - Lower bound of the time that a receipt gave; infinite when the call is not for a receipt. */
  #remember(earliest: number): void {
    const known = this.#memory
    const notBeforeMs = Number.isFinite(earliest)
      ? Math.max(0, Math.floor(earliest))
      : (known?.notBeforeMs ?? 0)
    const toldMs = Math.max(0, Math.round(Number.isFinite(earliest) ? earliest : this.#last.wallMs))
    const worth =
      known?.toldMs == null ||
      Math.abs(toldMs - known.toldMs) >= rememberEveryMs ||
      Math.abs(notBeforeMs - known.notBeforeMs) >= rememberEveryMs
    if (!worth) return
    this.#memory = { notBeforeMs, toldMs }
    this.#options.remember(this.#memory)
  }

  #read(): Reading | null {
    for (let tries = 0; tries < readings; tries++) {
      const reading = this.#readOnce()
      // A machine that has told its sleep once always can: without that number the reading could not be compared, so
      // the clocks are read again.
      if (reading.suspendedMs === null && this.#tells) continue
      if (this.#machine.monotonicMs() - reading.monoMs <= longestReadingMs) return reading
    }
    return null
  }

  #readOnce(): Reading {
    const monoMs = this.#machine.monotonicMs()
    const wallMs = this.#machine.wallMs()
    const boottime = this.#machine.boottime()
    return {
      monoMs,
      wallMs,
      suspendedMs: boottime === null ? null : boottime.ms - monoMs,
      coarse: boottime?.coarse ?? false,
      syncMark: this.#machine.syncMark(),
    }
  }
}

/** @returns Milliseconds of sleep; 0 when there was none that can be told apart; null when this cannot be known. */
function sleptBetween(last: Reading, now: Reading): number | null {
  if (last.suspendedMs === null || now.suspendedMs === null) return null
  const slept = now.suspendedMs - last.suspendedMs
  return slept >= (now.coarse ? leastSleepMs.coarse : leastSleepMs.fine) ? slept : 0
}

function written({ monoMs, suspendedMs, steps }: Moment): TimeAnchor['received'] {
  return { monoMs, ...(suspendedMs !== undefined && { suspendedMs }), ...(steps > 0 && { stepCount: steps }) }
}
