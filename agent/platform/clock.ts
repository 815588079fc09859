// Time as an argument. A measurement's times are monotonic; wall clock, boot and clock quality say where that
// monotonic line lies in the world, for the collector to correct later. Follows tests-spec/data-formats/measurement.md.

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { RecordTime } from '../../tests-spec/data-formats/measurement.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'

export interface Clock {
  /** Milliseconds since 1970 by the wall clock. May jump either way. */
  now(): number
  /** Milliseconds that only grow while the machine is awake. Never compare across boots. */
  monotonicMs(): number
  /** Opaque, the same until the machine starts again. */
  readonly bootId: string
  quality(): ClockQuality
}

/** Seconds since one measurement began; the zero of its `t0` and `t`. */
export interface MeasurementClock {
  elapsedSeconds(): number
}

/** The machine's own clocks. */
export function systemClock(): Clock {
  const bootId = readBootId()
  return {
    now: () => Date.now(),
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    bootId,
    quality: systemClockQuality,
  }
}

/** @returns A clock whose zero is this call. */
export function measurementClock(clock: Clock): MeasurementClock {
  const start = clock.monotonicMs()
  return { elapsedSeconds: () => (clock.monotonicMs() - start) / 1000 }
}

export function recordTime(clock: Clock): RecordTime {
  return {
    wall_ms: Math.max(0, Math.round(clock.now())),
    boot: clock.bootId,
    mono_ms: Math.round(clock.monotonicMs()),
    clock: clock.quality(),
  }
}

/**
 * Linux names each boot; the name is cut to 64 bits, enough to tell boots of one device apart and no help in
 * telling which machine it was. Android hides the file from apps: there each start of the agent counts as a boot,
 * which costs the collector precision but never correctness.
 */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll('-', '').slice(0, 16)
  } catch {
    return randomBytes(8).toString('hex')
  }
}

/** systemd-timesyncd leaves this file once the network has told it the time; elsewhere nothing can be known. */
function systemClockQuality(): ClockQuality {
  return existsSync('/run/systemd/timesync/synchronized') ? 'synced' : 'unknown'
}
