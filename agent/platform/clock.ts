// Time as an argument. A measurement's times are monotonic; wall clock, boot and clock quality say where that
// monotonic line lies in the world, so that the collector can correct them later. Follows
// tests-spec/data-formats/measurement.md; watched-clock.ts decides how far the machine's clocks can be believed.

import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { uptime } from 'node:os'
import type { RecordTime } from '../../tests-spec/data-formats/measurement.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'

export interface Clock {
  /** Milliseconds since 1970 by the wall clock, which may jump in either direction. */
  now(): number
  /** Milliseconds that only grow while the machine is awake. Values of different boots must not be compared. */
  monotonicMs(): number
  /** Opaque name that stays the same until the machine starts again. */
  readonly bootId: string
  quality(): ClockQuality
  /**
   * How often the clocks stepped since the agent started, and by how many milliseconds the wall clock moved in all
   * these steps together.
   */
  steps(): { readonly count: number; readonly deltaMs: number }
  /** Milliseconds that the machine slept in this boot; undefined for none, null when the machine cannot tell. */
  suspendedMs(): number | null | undefined
}

/** Seconds since one measurement began; its `t0` and `t` count from the same zero. */
export interface MeasurementClock {
  elapsedSeconds(): number
}

/** The clocks that the machine has. */
export interface MachineClocks {
  wallMs(): number
  /** CLOCK_MONOTONIC: it stands still while the machine sleeps. */
  monotonicMs(): number
  /**
   * CLOCK_BOOTTIME: it goes on while the machine sleeps; `coarse` when it counts whole seconds. null when it cannot
   * be read.
   */
  boottime(): { readonly ms: number; readonly coarse: boolean } | null
  /**
   * A number that changes each time the network has told the system the time; null where the system does not show
   * this.
   */
  syncMark(): number | null
  readonly bootId: string
}

export function machineClocks(): MachineClocks {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    boottime: readBoottime,
    syncMark: readSyncMark,
    bootId: readBootId(),
  }
}

/** The machine's clocks as they are, without a check for steps: for measuring alone, where no time is kept. */
export function systemClock(): Clock {
  const machine = machineClocks()
  return {
    now: machine.wallMs,
    monotonicMs: machine.monotonicMs,
    bootId: machine.bootId,
    quality: () => (machine.syncMark() === null ? 'unknown' : 'synced'),
    steps: () => ({ count: 0, deltaMs: 0 }),
    suspendedMs: () => undefined,
  }
}

/** @returns A clock whose zero is this call. */
export function measurementClock(clock: Pick<Clock, 'monotonicMs'>): MeasurementClock {
  const start = clock.monotonicMs()
  return { elapsedSeconds: () => (clock.monotonicMs() - start) / 1000 }
}

export function recordTime(clock: Clock): RecordTime {
  const { count } = clock.steps()
  const suspendedMs = clock.suspendedMs()
  return {
    wall_ms: Math.max(0, Math.round(clock.now())),
    boot: clock.bootId,
    mono_ms: Math.round(clock.monotonicMs()),
    clock: clock.quality(),
    ...(suspendedMs !== undefined && { suspended_ms: suspendedMs }),
    ...(count > 0 && { steps: count }),
  }
}

/**
 * Linux names each boot; the name is cut to 64 bits, enough to tell boots of one device apart and no help in telling
 * which machine it was. Android hides the file from apps: there, each start of the agent counts as a boot, which
 * costs the collector precision but never correctness.
 */
function readBootId(): string {
  return namedBoot() ?? randomBytes(8).toString('hex')
}

/** @returns The name that two processes of one boot agree on; null where the system hides it. */
export function namedBoot(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll('-', '').slice(0, 16)
  } catch {
    return null
  }
}

function readBoottime(): { ms: number; coarse: boolean } | null {
  if (process.platform !== 'linux' && process.platform !== 'android') return null
  try {
    return { ms: Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1000, coarse: false }
  } catch {
    // Android hides this file too; libuv then asks the kernel, which answers in whole seconds.
  }
  try {
    return { ms: uptime() * 1000, coarse: true }
  } catch {
    return null
  }
}

/**
 * systemd-timesyncd touches this file each time the network has told it the time; on other systems this cannot be
 * known.
 */
function readSyncMark(): number | null {
  return statSync('/run/systemd/timesync/synchronized', { throwIfNoEntry: false })?.mtimeMs ?? null
}
