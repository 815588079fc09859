// What the collector can look up without reading the archive. An index may lag, and may be deleted: it answers
// questions, it proves nothing, and no receipt waits for it.

import type { Heartbeat } from '../../tests-spec/data-formats/heartbeat.ts'
import type { BatchId, Manifest } from '../../tests-spec/protocol/batch.ts'
import type { KnownCertificate } from './certificates.ts'
import type { FoundVerdict, MeasurementRow } from './measurement-row.ts'
import type { Cursor, Selection } from './selection.ts'

/** A batch as the index sees it. */
export interface IndexedBatch {
  readonly id: BatchId
  readonly manifest: Manifest
  /** Milliseconds since 1970 on the collector's clock. */
  readonly receivedAt: number
}

/** What unpacking the payload showed. */
export interface PayloadState {
  /** What is wrong with the payload as a whole; null when nothing is wrong. */
  readonly fault: string | null
  /** Number of lines that are no record that this collector can read. */
  readonly unreadable: number
  /** The first of these lines, and why each was left out. */
  readonly leftOut?: readonly LeftOut[]
}

/** A line of a batch that the index leaves out. */
export interface LeftOut {
  /** From 1. */
  readonly line: number
  readonly why: string
}

/** One probe that has sent something. */
export interface ProbeRow {
  readonly device: string
  /** Epoch of the batch received last; `seq`, the clock and the version are of the same batch. */
  readonly epoch: string
  readonly seq: number
  readonly lastReceivedAt: number
  /** What set the probe's clock, and by how many milliseconds it may be wrong; null when that is not known. */
  readonly clockSource: string
  readonly clockUncertaintyMs: number | null
  readonly agentVersion: string
  /** Lists in force when it sealed that batch, and their versions. */
  readonly lists: Readonly<Record<string, number>>
  /** How many records still waited on the probe when it sealed that batch; null when the batch does not say. */
  readonly backlogRecords: number | null
  readonly backlogBatches: number | null
  /** What it said of itself with that batch; null when it said nothing that can be read. */
  readonly heartbeat: Heartbeat | null
  /** Number of batches over all epochs. */
  readonly batches: number
  /** Number of seqs below the highest of their epoch that never came. */
  readonly missing: number
  /** Number of records that the probe itself named as lost. */
  readonly lost: number
  /** Number of batches whose payload is not what their manifest says. */
  readonly faulty: number
  /** Number of boots whose order contradicts itself, by what the probe signed. */
  readonly contradicted: number
}

/** The newest result for one nettest, input and network. */
export interface NewestRow {
  readonly testName: string
  readonly input: string | null
  readonly asn: string
  readonly networkName: string
  readonly found: FoundVerdict
  readonly parts: Readonly<Record<string, FoundVerdict>> | null
  /** Whether it came after its device was stolen, or its key copied, by the operator's word. */
  readonly isSuspect: boolean
  /** By the probe's clock, right or wrong. Milliseconds since 1970, as the next field. */
  readonly startedAt: number
  readonly clock: string
  /**
   * The same moment, corrected as well as possible. `errorMs`: by how many milliseconds it may be wrong; null when
   * that is not known.
   */
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
  /** As in `NewestRow`. */
  readonly isSuspect: boolean
  readonly found: FoundVerdict
  readonly parts: Readonly<Record<string, FoundVerdict>> | null
}

export interface MeasurementIndex {
  /** Says, by device, from when on what is received is suspect; asked at each reading. Nobody is unless said. */
  suspectBy(suspected: () => ReadonlyMap<string, number>): void
  /** Whether the whole batch is in the index. */
  holds(id: BatchId): boolean
  /**
   * Adds some of a batch's measurements. Those that are in the index already, by (device, epoch, n), stay as they
   * are.
   */
  addMeasurements(batch: IndexedBatch, rows: readonly MeasurementRow[]): void
  /**
   * Notes that the whole batch is in the index, and dates anew the measurements that its evidence of the time
   * concerns, in other batches too, as far as that is quickly done. It is called last, so that a batch that was
   * interrupted is indexed again.
   *
   * @returns Boots that came before themselves, by all that the probe has signed with this batch.
   */
  addBatch(batch: IndexedBatch, payload: PayloadState): readonly string[]
  /** Dates a little more of what batches have changed. @returns Whether there was anything to do. */
  goOnDating(): boolean
  /** Another number after each change of what can be read here. */
  readonly version: number
  probes(): ProbeRow[]
  /** When the newest batches of a probe came, milliseconds since 1970, newest first; `since` leaves older ones out. */
  arrivals(device: string, most: number, since?: number): number[]
  /** The newest batches of a probe whose manifests answer orders or enclose a log, newest first. */
  speakingBatches(device: string, most: number): { readonly id: BatchId; readonly receivedAt: number }[]
  /** The network that most of a probe's newest records were made in; null when it has none. */
  networkOf(device: string): string | null
  /** The newest result of each target on each network, anomalies first, at most `limit`, and fewer of long ones. */
  newest(limit: number): NewestRow[]
  /**
   * The selected measurements, in the order of receipt: batches by time of receipt, records by number. At most as many
   * as were asked for, and fewer of long ones: only an empty answer has nothing behind it.
   */
  select(selection: Selection): SelectedRow[]
  /** The measurement that fills a selection to its limit; null when there are fewer. */
  lastOf(selection: Selection): Cursor | null
  /** Keeps certificates that a record holds whole. Those that are known already stay. */
  addCertificates(certificates: readonly KnownCertificate[]): void
  /** The DER of a certificate by its SHA-256 in hex; null when no record held it whole. */
  certificate(sha256: string): Uint8Array | null
  close(): void
}
