// What the collector can look up without reading the archive. An index may lag, and may be deleted: it answers
// questions, it proves nothing, and no receipt waits for it.

import type { BatchId, Manifest } from '../../tests-spec/protocol/batch.ts'
import type { KnownCertificate } from './certificates.ts'
import type { FoundVerdict, MeasurementRow } from './measurement-row.ts'
import type { Selection } from './selection.ts'

/** A batch as the index sees it. */
export interface IndexedBatch {
  readonly id: BatchId
  readonly manifest: Manifest
  /** Milliseconds since 1970 on the collector's clock. */
  readonly receivedAt: number
}

/** How opening the payload went. */
export interface PayloadState {
  /** What is wrong with it as a whole; null when nothing is. */
  readonly fault: string | null
  /** Lines that are no record we can read. */
  readonly unreadable: number
}

/** One probe that has sent something. */
export interface ProbeRow {
  readonly device: string
  /** Of the batch received last, as are `seq`, the clock and the version. */
  readonly epoch: string
  readonly seq: number
  readonly lastReceivedAt: number
  /** What set the probe's clock, and how far it may be wrong in milliseconds; null when nobody knows. */
  readonly clockSource: string
  readonly clockUncertaintyMs: number | null
  readonly agentVersion: string
  /** What still waited on the probe when it sealed that batch; null when it does not say. */
  readonly backlogRecords: number | null
  readonly backlogBatches: number | null
  /** Over all epochs. */
  readonly batches: number
  /** Seqs below the highest of their epoch that never came. */
  readonly missing: number
  /** Records the probe itself named as lost. */
  readonly lost: number
  /** Batches whose payload is not what was signed for. */
  readonly faulty: number
}

/** The newest result for one nettest, input and network. */
export interface NewestRow {
  readonly testName: string
  readonly input: string | null
  readonly asn: string
  readonly networkName: string
  readonly found: FoundVerdict
  readonly parts: Readonly<Record<string, FoundVerdict>> | null
  /** By the probe's clock, right or wrong. Milliseconds since 1970, as the next. */
  readonly startedAt: number
  readonly clock: string
  /** The same as well as can be told, and within how many milliseconds; null when nobody can say. */
  readonly correctedAt: number
  readonly errorMs: number | null
  readonly receivedAt: number
  readonly device: string
}

/** Where a measurement lies in the archive. */
export interface MeasurementPlace {
  readonly batch: BatchId
  readonly device: string
  readonly epoch: string
  readonly n: number
  readonly receivedAt: number
  readonly correctedAt: number
  readonly errorMs: number | null
}

/** One measurement of an export, as far as the index knows it. */
export interface SelectedRow extends MeasurementPlace {
  readonly testName: string
  readonly input: string | null
  readonly cc: string
  readonly asn: string
  readonly networkName: string
  /** Milliseconds since 1970 by the probe's clock, right or wrong. */
  readonly startedAt: number
  readonly clock: string
  readonly found: FoundVerdict
  readonly parts: Readonly<Record<string, FoundVerdict>> | null
}

export interface MeasurementIndex {
  /** Whether the batch is in, whole. */
  holds(id: BatchId): boolean
  /** Adds some of a batch's measurements. Those that are in already, by (device, epoch, n), stay as they are. */
  addMeasurements(batch: IndexedBatch, rows: readonly MeasurementRow[]): void
  /**
   * Says that the batch is in, whole, and dates anew what its evidence of the time has to do with, in other batches
   * too. Comes last, so that a batch cut short is done again.
   */
  addBatch(batch: IndexedBatch, payload: PayloadState): void
  probes(): ProbeRow[]
  /** The newest result of each target on each network, anomalies first, at most `limit`. */
  newest(limit: number): NewestRow[]
  /** Those selected, in the order of receipt: batches in that of their time, records in that of their numbers. */
  select(selection: Selection): SelectedRow[]
  /** Keeps certificates that a record holds whole. Those that are in already stay. */
  addCertificates(certificates: readonly KnownCertificate[]): void
  /** The DER of a certificate by its SHA-256 in hex; null when no record held it whole. */
  certificate(sha256: string): Uint8Array | null
  close(): void
}
