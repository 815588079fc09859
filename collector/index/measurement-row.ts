// What the index keeps of one record: measurement.md, the fields that a table or a search needs. The measurement
// itself stays in the archive.
//
// It is less strict than the contract on purpose: a probe newer than this collector may know failures and steps that
// the collector does not, and its results must still be found. Only what a column holds is checked.

import * as v from 'valibot'
import { type Moment, momentOf } from '../../tests-spec/data-formats/dating.ts'
import { measurement, record } from '../../tests-spec/data-formats/measurement.ts'
import type { ClockQuality } from '../../tests-spec/nettests/verdict.ts'
import { verdict } from '../../tests-spec/nettests/verdict.ts'

/** Characters: more than any address that is measured has. Longer texts do not belong in a row. */
const maxInputChars = 2_048
const maxWordsChars = 300
const maxParts = 8

const words = v.pipe(
  v.string(),
  v.transform((text) => text.slice(0, maxWordsChars)),
)
const foundVerdict = v.object({
  verdict: verdict.entries.verdict,
  rule: words,
  step: v.nullable(words),
  how: v.nullable(words),
})
/** A verdict as a column or a page needs it. `step` and `how` are null when no single step decided. */
export type FoundVerdict = v.InferOutput<typeof foundVerdict>

const parts = v.pipe(
  v.record(v.pipe(v.string(), v.maxLength(64)), foundVerdict),
  v.check((found) => Object.keys(found).length <= maxParts),
)

/** Numbers that a column of integers gives back unchanged. */
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** More bytes than a measurement can send in a day: a larger number is not true. */
const bytes = v.pipe(v.number(), v.minValue(0), v.maxValue(1e12))

/** The latest date of JavaScript, in milliseconds since 1970. */
const latestDate = 8.64e15

const time = record.entries.time.entries
const { probe_asn, probe_cc, test_name, measurement_start_time } = measurement.entries
const indexed = v.object({
  n: count,
  class: record.entries.class,
  carried: record.entries.carried,
  time: v.object({
    clock: time.clock,
    boot: v.pipe(time.boot, v.maxLength(64)),
    wall_ms: v.pipe(count, v.maxValue(latestDate)),
    mono_ms: count,
    suspended_ms: time.suspended_ms,
    steps: time.steps,
  }),
  measurement: v.object({
    test_name,
    input: v.nullable(v.pipe(v.string(), v.maxLength(maxInputChars))),
    measurement_start_time: v.pipe(
      measurement_start_time,
      v.transform((text) => Date.parse(`${text.replace(' ', 'T')}Z`)),
      v.integer(),
    ),
    probe_asn,
    probe_cc,
    probe_network_name: words,
    test_runtime: v.number(),
    test_keys: v.object({
      x_sonde_verdict: foundVerdict,
      x_sonde_bytes_sent: bytes,
      x_sonde_bytes_received: bytes,
      x_sonde_parts: v.fallback(v.nullable(parts, null), null),
    }),
  }),
})

export interface MeasurementRow {
  readonly n: number
  readonly class: 'anomaly' | 'routine' | 'diagnostic'
  readonly testName: string
  /** Input of the nettest; null for a nettest that takes none. */
  readonly input: string | null
  /** Milliseconds since 1970 by the probe's clock, right or wrong. */
  readonly startedAt: number
  /** How far that clock could be believed. */
  readonly clock: ClockQuality
  /** The same moment by that clock, to the millisecond. */
  readonly wallMs: number
  /** Boot in which the measurement was made, and the moment on the clock of that boot. */
  readonly boot: string
  readonly moment: Moment
  /** Whether its number was given anew by a later life of the spool, and does not say when it was made. */
  readonly isCarried: boolean
  readonly found: FoundVerdict
  /** Verdicts on the services that a nettest looks at one by one; null when it has none. */
  readonly parts: Readonly<Record<string, FoundVerdict>> | null
  /** `AS` and a number; AS0 when the network is not known. */
  readonly asn: string
  readonly cc: string
  readonly networkName: string
  readonly runtimeSeconds: number
  /** Bytes sent and received together. */
  readonly bytes: number
}

/** @returns null for a line that is no record, or lacks what a row needs: it is counted, and stays in the archive. */
export function measurementRow(line: unknown): MeasurementRow | null {
  const parsed = v.safeParse(indexed, line)
  if (!parsed.success) return null
  const { n, time, measurement: m } = parsed.output
  const keys = m.test_keys
  return {
    n,
    class: parsed.output.class,
    testName: m.test_name,
    input: m.input,
    startedAt: m.measurement_start_time,
    clock: time.clock,
    wallMs: time.wall_ms,
    boot: time.boot,
    moment: momentOf(time),
    isCarried: parsed.output.carried === true,
    found: keys.x_sonde_verdict,
    parts: keys.x_sonde_parts,
    asn: m.probe_asn,
    cc: m.probe_cc,
    networkName: m.probe_network_name,
    runtimeSeconds: m.test_runtime,
    bytes: Math.round(keys.x_sonde_bytes_sent + keys.x_sonde_bytes_received),
  }
}
