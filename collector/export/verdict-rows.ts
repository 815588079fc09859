// One row for each verdict and each part of it, flat: what a spreadsheet, a data frame or a query wants. From the index alone,
// so that a year of it costs no archive.

import { uidOf } from '../../tests-spec/plain/envelope.ts'
import type { SelectedRow } from '../index/measurement-index.ts'

/** null where nobody can say, or where a part has none of its own. */
export interface VerdictRow {
  /** The same as in the plain form. */
  readonly measurement_uid: string
  /** The corrected time; by the device's own clock where nobody can say better. */
  readonly measured_at: Date
  /** The true time is within so many milliseconds of it. */
  readonly error_ms: number | null
  readonly probe_cc: string
  readonly probe_asn: string
  readonly network_name: string
  readonly test_name: string
  readonly target: string | null
  /** Name of the part that the verdict is of; null for the whole measurement. */
  readonly part: string | null
  readonly verdict: string
  readonly step: string | null
  readonly how: string | null
  readonly rule: string
  /** How far the device's clock could be believed. */
  readonly clock: string
  readonly device: string
  readonly received_at: Date
  /** Whether it came after its device was stolen, or its key copied. */
  readonly suspect: string
}

export type Column = keyof VerdictRow

export const columns: readonly Column[] = [
  'measurement_uid',
  'measured_at',
  'error_ms',
  'probe_cc',
  'probe_asn',
  'network_name',
  'test_name',
  'target',
  'part',
  'verdict',
  'step',
  'how',
  'rule',
  'clock',
  'device',
  'received_at',
  'suspect',
]

/** The whole first, then its parts. */
export function verdictRows(row: SelectedRow): VerdictRow[] {
  const { batch, n, testName, cc, startedAt } = row
  const common = {
    measurement_uid: uidOf({ test_name: testName, probe_cc: cc, startedAt }, { batch, n }),
    measured_at: new Date(row.correctedAt),
    error_ms: row.errorMs,
    probe_cc: cc,
    probe_asn: row.asn,
    network_name: row.networkName,
    test_name: testName,
    target: row.input,
    clock: row.clock,
    device: row.device,
    received_at: new Date(row.receivedAt),
    suspect: String(row.isSuspect),
  }
  return [
    { ...common, part: null, ...row.found },
    ...Object.entries(row.parts ?? {}).map(([part, found]) => ({ ...common, part, ...found })),
  ]
}
