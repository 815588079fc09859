// The envelope of one measurement: OONI's df-000, `data_format_version` "0.2.0", and the record that carries it
// through spool and batch. measurement.md is the page.

import * as v from 'valibot'
import { clockQualities, earlierFailureKey, linkState, verdict } from '../nettests/verdict.ts'
import { observations } from './observation.ts'

/** Time in UTC without zone or fraction, as OONI writes it. */
const ooniTime = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/))

const milliseconds = v.pipe(v.number(), v.safeInteger())

/** What happened to a probe's clocks between two checks of them. */
export const clockStep = v.looseObject({
  /** How many milliseconds further the wall clock went than the monotonic one; negative when it was set back. */
  delta_ms: milliseconds,
  /** For how many of these milliseconds the machine slept; null when it cannot tell. */
  suspended_ms: v.nullable(milliseconds),
})
export type ClockStep = v.InferOutput<typeof clockStep>

/** Keys that the test_keys of every nettest have; each nettest adds its own keys. */
export const testKeys = v.looseObject({
  ...observations,
  x_sonde_verdict: verdict,
  /** Verdicts by name on parts that can be blocked separately. */
  x_sonde_parts: v.optional(v.record(v.string(), verdict)),
  /** On a repeat: how the measurement before it in the same cycle failed. */
  x_sonde_earlier: v.optional(earlierFailureKey),
  /** Present when this machine's source addresses changed during the measurement. */
  x_sonde_uplink_changed: v.optional(v.literal(true)),
  /** Seconds since another target was cut at an address where this one failed. Absent: none was, lately. */
  x_sonde_after_cut_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** Present when the machine slept, or its clock was set, during the measurement: its times must not be used. */
  x_sonde_clock_stepped: v.optional(clockStep),
  /** How much of the observations is kept. */
  x_sonde_evidence: v.optional(v.picklist(['full', 'brief'])),
  x_sonde_link: linkState,
  /**
   * Present when the state of the link changed during the measurement; the worse of the two states is in
   * `x_sonde_link`.
   */
  x_sonde_link_states: v.optional(
    v.looseObject({ before: linkState.entries.state, after: linkState.entries.state }),
  ),
  x_sonde_bytes_sent: v.number(),
  x_sonde_bytes_received: v.number(),
})
export type TestKeys = v.InferOutput<typeof testKeys>

export const measurement = v.looseObject({
  annotations: v.record(v.string(), v.string()),
  data_format_version: v.literal('0.2.0'),
  extensions: v.record(v.string(), v.number()),
  /** The string from the test list; null for a nettest that takes none. */
  input: v.nullable(v.string()),
  measurement_start_time: ooniTime,
  probe_asn: v.pipe(v.string(), v.regex(/^AS\d+$/)),
  probe_cc: v.pipe(v.string(), v.regex(/^[A-Z]{2}$/)),
  /** Always 127.0.0.1: a probe's address is never written. */
  probe_ip: v.literal('127.0.0.1'),
  probe_network_name: v.string(),
  resolver_asn: v.string(),
  resolver_ip: v.string(),
  resolver_network_name: v.string(),
  software_name: v.string(),
  software_version: v.string(),
  test_keys: testKeys,
  test_name: v.pipe(v.string(), v.regex(/^[a-z_]{2,40}$/)),
  /** Seconds that the nettest took on the monotonic clock; submission is not included. */
  test_runtime: v.number(),
  test_start_time: ooniTime,
  test_version: v.string(),
})
export type Measurement = v.InferOutput<typeof measurement>

/** When a measurement began, in a form that a wrong clock cannot spoil: dating.ts finds the true time afterwards. */
export const recordTime = v.looseObject({
  /** Milliseconds since 1970 by the probe's wall clock, right or wrong. */
  wall_ms: v.pipe(v.number(), v.integer()),
  /** Opaque name that changes at every boot. */
  boot: v.string(),
  /** Milliseconds on the monotonic clock of that boot. */
  mono_ms: v.pipe(v.number(), v.integer(), v.minValue(0)),
  clock: v.picklist(clockQualities),
  /**
   * Milliseconds that this machine slept in this boot so far, which `mono_ms` does not count, to within 2 s. Absent
   * when it slept less than 0.1 s; null when the machine cannot tell.
   */
  suspended_ms: v.optional(v.nullable(milliseconds)),
  /** How often the clocks stepped since the agent started, sleep included; absent for 0. */
  steps: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
})
export type RecordTime = v.InferOutput<typeof recordTime>

/**
 * An `anomaly` is a measurement that found something, or found it changed; `routine` is any other; a `diagnostic` is
 * about the probe.
 */
export const recordClasses = ['anomaly', 'routine', 'diagnostic'] as const
export type RecordClass = (typeof recordClasses)[number]

/** One line of a batch's payload. `n` counts from 0 within an epoch and is never reused. */
export const record = v.looseObject({
  n: v.pipe(v.number(), v.integer(), v.minValue(0)),
  class: v.picklist(recordClasses),
  /** Present when a later life of the spool took the record over and gave it `n`, which then says nothing of its age. */
  carried: v.optional(v.literal(true)),
  time: recordTime,
  measurement,
})
export type SpoolRecord = v.InferOutput<typeof record>
/** The part of a record that is given to the spool, which adds its number. */
export type SpoolEntry = Pick<SpoolRecord, 'class' | 'time' | 'measurement'>
