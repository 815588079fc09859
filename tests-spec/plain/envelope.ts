// What stands around the test keys of a plain form: identity, times, annotations. plain-form.md §1 is the page. Pure.

import { createHash } from 'node:crypto'
import type { Measurement } from '../data-formats/measurement.ts'
import type { Verdict } from '../nettests/verdict.ts'
import type { BatchId } from '../protocol/batch.ts'

/** Where a measurement stands for ever. */
export interface Place {
  readonly batch: BatchId
  readonly n: number
}

/** When it began, as well as can be told. */
export interface Dated {
  /** Milliseconds since 1970. */
  readonly correctedAt: number
  /** Within how many milliseconds; null when nobody can say, and then `correctedAt` is the device's own word. */
  readonly errorMs: number | null
}

interface Ids {
  readonly report_id: string
  readonly measurement_uid?: string
}

/**
 * Ids in the shape of OONI's: date, nettest, country, network, and a part that makes them unique. From what was signed
 * alone, so that they are the same in every export, whatever the collector learns of the time later.
 *
 * @param place - null for a measurement that is in no batch yet: it has no name that lasts.
 */
export function idsOf(measurement: Measurement, place: Place | null): Ids {
  if (place === null) return { report_id: '' }
  const { test_name, probe_cc, probe_asn, measurement_start_time, test_start_time } = measurement
  const asn = probe_asn.replace(/^AS/, '')
  const [day, hour] = [digits(test_start_time).slice(0, 8), digits(test_start_time).slice(8)]
  // One for what a probe measured in one cycle with one nettest and sent in one batch.
  const unique = uniqueOf(place.batch, test_name, test_start_time)
  return {
    report_id: `${day}T${hour}Z_${joined(test_name)}_${probe_cc}_${asn}_n1_${unique}`,
    measurement_uid: uidOf({ test_name, probe_cc, startedAt: fromOoni(measurement_start_time) }, place),
  }
}

interface Named {
  readonly test_name: string
  readonly probe_cc: string
  /** Milliseconds since 1970, by the device's clock. */
  readonly startedAt: number
}

export function uidOf({ test_name, probe_cc, startedAt }: Named, { batch, n }: Place): string {
  const fraction = String(n % 1_000_000).padStart(6, '0')
  return `${digits(toOoni(startedAt))}.${fraction}_${probe_cc}_${joined(test_name)}_${uniqueOf(batch, n)}`
}

function digits(time: string): string {
  return time.replaceAll(/\D/g, '')
}

/** OONI writes names of nettests in ids without underscores. */
function joined(test_name: string): string {
  return test_name.replaceAll('_', '')
}

function uniqueOf(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 16)
}

/** Both times moved by as much as the clock was wrong; as they are while nobody can say by how much. */
export function timesOf(measurement: Measurement, dated: Dated | null) {
  const { measurement_start_time, test_start_time } = measurement
  if (dated === null || dated.errorMs === null) return { measurement_start_time, test_start_time }
  const started = fromOoni(measurement_start_time)
  const corrected = Math.floor(dated.correctedAt / 1000) * 1000
  return {
    measurement_start_time: toOoni(corrected),
    test_start_time: toOoni(fromOoni(test_start_time) + corrected - started),
  }
}

function fromOoni(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}Z`)
}

function toOoni(at: number): string {
  const bounded = Math.min(Math.max(0, at), 253_402_300_799_000)
  return new Date(bounded).toISOString().slice(0, 19).replace('T', ' ')
}

/** The engine of OONI whose methods, keys and formats these records follow: ADR 0016. */
const ooniEngineVersion = '3.31.0'

/** OONI writes Go's names of architectures and systems. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
const platforms: Readonly<Record<string, string>> = { darwin: 'macos', win32: 'windows' }

/** What is known beside the measurement itself. */
export interface Around {
  readonly dated: Dated | null
  /** How far the device's clock could be believed; null when that is not known here. */
  readonly clock: string | null
  /** null when it is in no batch yet. */
  readonly place: Place | null
  /** Test lists in force, with their versions; null when that is not known here. */
  readonly lists: Readonly<Record<string, number>> | null
  /** Whether it came after its device was stolen, or its key copied, as an operator says; not unless said. */
  readonly isSuspect?: boolean
}

/** Strings alone, as OONI has them: what decides with us, where stock tools keep it. */
export function annotationsOf(
  measurement: Measurement,
  { dated, clock, lists, place, isSuspect = false }: Around,
): Record<string, string> {
  const { annotations, test_keys: keys, measurement_start_time } = measurement
  const { verdict, rule, step, how } = keys.x_sonde_verdict
  const [, version = ''] = rule.split('@')
  const { state } = keys.x_sonde_link
  // Kept only where the two were not the same.
  const { before = state, after = state } = keys.x_sonde_link_states ?? {}
  const known = {
    x_sonde_verdict: verdict,
    x_sonde_rule: rule,
    x_sonde_rule_version: version,
    x_sonde_step: step,
    x_sonde_how: how,
    x_sonde_parts: keys.x_sonde_parts === undefined ? null : partsText(keys.x_sonde_parts),
    x_sonde_link_before: before,
    x_sonde_link_after: after,
    x_sonde_evidence: keys.x_sonde_evidence ?? null,
    x_sonde_device_start_time: measurement_start_time,
    x_sonde_clock: clock,
    x_sonde_time_error_ms: dated?.errorMs === null || dated === null ? null : String(dated.errorMs),
    // What it says of itself is of its own time; the manifest's are those of the sealing, and a list may have come in between.
    x_sonde_lists: annotations.x_sonde_lists ?? (lists === null ? null : listsText(lists)),
    x_sonde_batch: place?.batch ?? null,
    x_sonde_n: place === null ? null : String(place.n),
    x_sonde_suspect: isSuspect ? 'true' : null,
  }
  const { architecture = '', platform = '', engine_version = '' } = annotations
  return {
    ...annotations,
    architecture: architectures[architecture] ?? architecture,
    platform: platforms[platform] ?? platform,
    engine_version: `${ooniEngineVersion}+${annotations.engine_name ?? 'sonde'}.${engine_version}`,
    network_type: verdict === 'link_down' ? 'no_internet' : (annotations.network_type ?? 'unknown'),
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null)),
  } as Record<string, string>
}

/** `chat=ok web=anomaly`. */
function partsText(parts: Readonly<Record<string, Verdict>>): string {
  return Object.entries(parts)
    .map(([name, { verdict }]) => `${name}=${verdict}`)
    .join(' ')
}

/** `core 12, bamako 3`. */
function listsText(lists: Readonly<Record<string, number>>): string {
  return Object.entries(lists)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}
