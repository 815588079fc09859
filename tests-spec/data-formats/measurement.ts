// The envelope of one measurement: OONI's df-000, `data_format_version` "0.2.0", and the record that carries it
// through spool and batch. measurement.md is the page.

import * as v from 'valibot'
import { clockQualities, earlierFailureKey, linkState, verdict } from '../nettests/verdict.ts'
import { observations } from './observation.ts'

/** UTC without zone or fraction, as OONI writes it. */
const ooniTime = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/))

const milliseconds = v.pipe(v.number(), v.safeInteger())

/** What happened to a probe's clocks between two looks at them. */
export const clockStep = v.looseObject({
  /** How much further the wall clock went than the monotonic one; negative when it was set back. */
  delta_ms: milliseconds,
  /** How much of it the machine slept; null when it cannot tell. */
  suspended_ms: v.nullable(milliseconds),
})
export type ClockStep = v.InferOutput<typeof clockStep>

/** What every nettest's test_keys hold; each nettest adds its own keys. */
export const testKeys = v.looseObject({
  ...observations,
  x_sonde_verdict: verdict,
  /** Verdicts of parts that can be blocked by themselves, by name. */
  x_sonde_parts: v.optional(v.record(v.string(), verdict)),
  /** On a repeat: how the measurement before it in the same cycle failed. */
  x_sonde_earlier: v.optional(earlierFailureKey),
  /** Present when this machine's source addresses were others after the measurement than before. */
  x_sonde_uplink_changed: v.optional(v.literal(true)),
  /** Present when the machine slept, or its clock was set, while this was measured: its times are not to be used. */
  x_sonde_clock_stepped: v.optional(clockStep),
  /** How much of what was seen is kept. */
  x_sonde_evidence: v.optional(v.picklist(['full', 'brief'])),
  x_sonde_link: linkState,
  /** Present when the link was in another state after the measurement than before; the worse of the two is in `x_sonde_link`. */
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
  /** Seconds the nettest took on the monotonic clock; submission is not in it. */
  test_runtime: v.number(),
  test_start_time: ooniTime,
  test_version: v.string(),
})
export type Measurement = v.InferOutput<typeof measurement>

/**
 * When a measurement began, in a way that survives a wrong clock: dating.ts finds the true time afterwards.
 */
export const recordTime = v.looseObject({
  /** Milliseconds since 1970 by the probe's wall clock, right or wrong. */
  wall_ms: v.pipe(v.number(), v.integer()),
  /** Changes at every boot; opaque. */
  boot: v.string(),
  /** Milliseconds on the monotonic clock of that boot. */
  mono_ms: v.pipe(v.number(), v.integer(), v.minValue(0)),
  clock: v.picklist(clockQualities),
  /**
   * Milliseconds this machine slept in this boot so far, which `mono_ms` does not count. Absent: none, to within 0.1 s.
   * Otherwise to within 2 s; null when the machine cannot tell.
   */
  suspended_ms: v.optional(v.nullable(milliseconds)),
  /** Times the clocks stepped since the agent started, sleep included; absent: none. */
  steps: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
})
export type RecordTime = v.InferOutput<typeof recordTime>

/** `anomaly` is a measurement that found something, or found it changed; `routine` any other; `diagnostic` is about the probe. */
export const recordClasses = ['anomaly', 'routine', 'diagnostic'] as const
export type RecordClass = (typeof recordClasses)[number]

/** One line of a batch's payload. `n` counts from 0 within an epoch and is never reused. */
export const record = v.looseObject({
  n: v.pipe(v.number(), v.integer(), v.minValue(0)),
  class: v.picklist(recordClasses),
  time: recordTime,
  measurement,
})
export type SpoolRecord = v.InferOutput<typeof record>
/** What is handed to the spool, which gives it its number. */
export type SpoolEntry = Pick<SpoolRecord, 'class' | 'time' | 'measurement'>
