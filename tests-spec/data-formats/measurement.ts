// The envelope of one measurement: OONI's df-000, `data_format_version` "0.2.0", and the record that carries it
// through spool and batch. measurement.md is the page.

import * as v from 'valibot'
import { clockQualities, linkState, verdict } from '../nettests/verdict.ts'
import { observations } from './observation.ts'

/** UTC without zone or fraction, as OONI writes it. */
const ooniTime = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/))

/** What every nettest's test_keys hold; each nettest adds its own keys. */
export const testKeys = v.looseObject({
  ...observations,
  x_sonde_verdict: verdict,
  /** Verdicts of parts that can be blocked by themselves, by name. */
  x_sonde_parts: v.optional(v.record(v.string(), verdict)),
  /** Present when this machine's source addresses were others after the measurement than before. */
  x_sonde_uplink_changed: v.optional(v.literal(true)),
  /** How much of what was seen is kept. */
  x_sonde_evidence: v.optional(v.picklist(['full', 'brief'])),
  x_sonde_link: linkState,
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

/** When something happened, in a way that survives a wrong clock: the collector re-dates a boot from one anchor. */
export const recordTime = v.looseObject({
  /** Milliseconds since 1970 by the probe's wall clock, right or wrong. */
  wall_ms: v.pipe(v.number(), v.integer()),
  /** Changes at every boot; opaque. */
  boot: v.string(),
  /** Milliseconds on the monotonic clock of that boot. */
  mono_ms: v.pipe(v.number(), v.integer(), v.minValue(0)),
  clock: v.picklist(clockQualities),
})
export type RecordTime = v.InferOutput<typeof recordTime>

/** `anomaly` and `routine` are measurements that did and did not find something; `diagnostic` is about the probe. */
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
