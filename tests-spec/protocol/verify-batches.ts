// Checks batch files offline, with public keys and nothing else, and says what each proves: batch.md, "Checks" and
// "Chain". It is for every holder of files: a probe's owner, a collector's operator, a court. It reads no disk and
// uses no network.
//
// One file proves which probe sealed it, what is in it and what was lost; several prove whether a batch between them
// is missing, or exists twice.

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { recordClasses, recordTime } from '../data-formats/measurement.ts'
import { type BatchId, type BatchRefusalCode, BatchRefused, type Manifest, verifyBatch } from './batch.ts'
import { keyIdOf, publicKeyFrom } from './dsse.ts'
import { openEnrolment } from './enrolment.ts'
import { linesOf } from './lines.ts'
import { type OpenedPayload, openPayload, type PayloadFault } from './payload.ts'

/** Why a file is not believed: a check of batch.md, in the order there. Stable: scripts match on these. */
export type FileFault =
  | BatchRefusalCode
  /** The file could not be read at all. */
  | 'unreadable'
  | PayloadFault
  /** The file's lines are not the records that the manifest counts and numbers. */
  | 'records_mismatch'

export type Range = readonly [first: number, last: number]

/** A probe whose batches may be believed. */
export interface KnownProbe {
  readonly publicKey: KeyObject
  /** Digest that seq 0 of each epoch links back to; null when it is not known, and then it is not checked. */
  readonly enrolmentDigest: string | null
}

export interface GoodFile {
  readonly file: string
  readonly code: null
  readonly id: BatchId
  readonly manifest: Manifest
  /** Wall clock of the first and last record, in milliseconds since 1970 by the probe; null without records. */
  readonly measured: Range | null
  /** Number of records that were made under each quality of the clock. */
  readonly clocks: Readonly<Record<string, number>>
}

export interface BadFile {
  readonly file: string
  readonly code: FileFault
  readonly problem: string
}

export type CheckedFile = GoodFile | BadFile

/** One epoch of one probe, as far as the files show it. */
export interface CheckedChain {
  readonly device: string
  readonly epoch: string
  readonly seqs: readonly Range[]
  /** Seqs below the highest that are not among these files. This is no fault: they may be elsewhere. */
  readonly missing: readonly Range[]
  /** Record numbers below the highest that are in no batch and in no `lost`; null while batches are missing. */
  readonly unnamed: readonly Range[] | null
  readonly faults: readonly ChainFault[]
}

export interface ChainFault {
  readonly code: 'seq_conflict' | 'chain_broken'
  readonly seq: number
  readonly problem: string
}

export interface Verification {
  /** Whether every file is believed and no chain contradicts itself. A gap is no contradiction. */
  readonly good: boolean
  readonly files: readonly CheckedFile[]
  readonly chains: readonly CheckedChain[]
}

/** @throws {EnvelopeRefused} When the text is no Ed25519 key in base64 SPKI form. */
export function probeOfKey(spkiBase64: string): KnownProbe {
  return { publicKey: publicKeyFrom(spkiBase64), enrolmentDigest: null }
}

/**
 * @throws {EnvelopeRefused} When the record is not signed by `collectorKeyId`, the id that the probe's token named.
 */
export function probeOfEnrolment(record: Uint8Array, collectorKeyId: string): KnownProbe {
  const { enrolment, digest } = openEnrolment(record, collectorKeyId)
  return { publicKey: publicKeyFrom(enrolment.spki), enrolmentDigest: digest }
}

/**
 * Checks files one after the other, then how they link.
 *
 * @param read - Gives the bytes of a file; when it throws, that file is `unreadable`. It need not read a file longer
 * than `maxBatchBytes`.
 */
export function verifyBatches(
  files: readonly string[],
  read: (file: string) => Uint8Array,
  probes: readonly KnownProbe[],
): Verification {
  const known = knownOf(probes)
  const checked = files.map((file) => {
    const begun = beginCheck(file, read, known)
    return 'code' in begun ? begun : endCheck(begun, openPayload(begun.manifest.payload, begun.payload))
  })
  return verificationOf(checked, known)
}

/**
 * As `verifyBatches`, for a program that has something else to do meanwhile.
 *
 * @param open - Unpacks a payload beside it.
 */
export async function verifyBatchesBeside(
  files: readonly string[],
  read: (file: string) => Uint8Array,
  probes: readonly KnownProbe[],
  open: (promised: Manifest['payload'], payload: Uint8Array) => Promise<OpenedPayload>,
): Promise<Verification> {
  const known = knownOf(probes)
  const checked: CheckedFile[] = []
  for (const file of files) {
    const begun = beginCheck(file, read, known)
    checked.push('code' in begun ? begun : endCheck(begun, await open(begun.manifest.payload, begun.payload)))
  }
  return verificationOf(checked, known)
}

function knownOf(probes: readonly KnownProbe[]): ReadonlyMap<string, KnownProbe> {
  return new Map(probes.map((probe) => [keyIdOf(probe.publicKey), probe]))
}

function verificationOf(
  checked: readonly CheckedFile[],
  known: ReadonlyMap<string, KnownProbe>,
): Verification {
  const chains = chainsOf(checked.filter(isGood), known)
  const good = checked.every(isGood) && chains.every(({ faults }) => faults.length === 0)
  return { good, files: checked, chains }
}

function isGood(file: CheckedFile): file is GoodFile {
  return file.code === null
}

/** A file whose batch is believed, and whose payload is still to be opened. */
interface BegunCheck extends Pick<GoodFile, 'file' | 'id' | 'manifest'> {
  readonly payload: Uint8Array
}

function beginCheck(
  file: string,
  read: (file: string) => Uint8Array,
  known: ReadonlyMap<string, KnownProbe>,
): BadFile | BegunCheck {
  let bytes: Uint8Array
  try {
    bytes = read(file)
  } catch (error) {
    return { file, code: 'unreadable', problem: error instanceof Error ? error.message : String(error) }
  }
  try {
    return { file, ...verifyBatch(bytes, (keyId) => known.get(keyId)?.publicKey ?? null) }
  } catch (error) {
    if (!(error instanceof BatchRefused)) throw error
    return { file, code: error.code, problem: error.message }
  }
}

function endCheck({ file, id, manifest }: BegunCheck, opened: OpenedPayload): CheckedFile {
  if (opened.kind !== 'opened') return { file, code: opened.fault, problem: opened.problem }
  const unpacked = readRecords(manifest.records, opened.raw)
  return 'code' in unpacked ? { file, ...unpacked } : { file, code: null, id, manifest, ...unpacked }
}

type Unpacked = Pick<GoodFile, 'measured' | 'clocks'> | Pick<BadFile, 'code' | 'problem'>

/**
 * The fields of a record about which the manifest makes statements. The results of measurements are not checked here.
 */
const recordHead = v.object({
  n: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  class: v.picklist(recordClasses),
  time: recordTime,
})

function readRecords(promised: Manifest['records'], raw: Buffer): Unpacked {
  const heads: v.InferOutput<typeof recordHead>[] = []
  for (const line of linesOf(raw)) {
    // A line that cannot be read, or is beyond the bounds of one, is refused in the same words as one that is no record.
    const head = v.safeParse(recordHead, line)
    if (!head.success) return { code: 'records_mismatch', problem: `Record ${heads.length + 1} is not one` }
    heads.push(head.output)
  }
  const numbers = joined(heads.map(({ n }): Range => [n, n]))
  const differs =
    heads.length !== promised.n ||
    JSON.stringify(numbers) !== JSON.stringify(promised.ranges) ||
    recordClasses.some(
      (name) => promised.classes[name] !== heads.filter((head) => head.class === name).length,
    )
  if (differs) {
    const problem = `Payload holds ${heads.length} records, ${listed(numbers)}; the manifest says otherwise`
    return { code: 'records_mismatch', problem }
  }
  const clocks: Record<string, number> = {}
  let measured: [number, number] | null = null
  for (const { time } of heads) {
    clocks[time.clock] = (clocks[time.clock] ?? 0) + 1
    measured = [
      Math.min(measured?.[0] ?? time.wall_ms, time.wall_ms),
      Math.max(measured?.[1] ?? 0, time.wall_ms),
    ]
  }
  return { measured, clocks }
}

function chainsOf(files: readonly GoodFile[], known: ReadonlyMap<string, KnownProbe>): CheckedChain[] {
  const epochs = new Map<string, GoodFile[]>()
  for (const each of files) {
    const key = `${each.manifest.device} ${each.manifest.epoch}`
    const known = epochs.get(key)
    if (known === undefined) epochs.set(key, [each])
    else known.push(each)
  }
  return [...epochs.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, batches]) => chainOf(batches, known))
}

function chainOf(files: readonly GoodFile[], known: ReadonlyMap<string, KnownProbe>): CheckedChain {
  // The same batch in two files, for example from a stick and from an archive, counts once.
  const byId = new Map(files.map((each) => [each.id, each]))
  const batches = [...byId.values()].sort((a, b) => a.manifest.seq - b.manifest.seq)
  const idsAt = new Map<number, BatchId[]>()
  for (const { id, manifest } of batches) idsAt.set(manifest.seq, [...(idsAt.get(manifest.seq) ?? []), id])
  const { device = '', epoch = '' } = batches[0]?.manifest ?? {}
  const seqs = joined(batches.map(({ manifest }): Range => [manifest.seq, manifest.seq]))
  const missing = holesIn(seqs)
  const named = batches.flatMap(({ manifest }) => [
    ...manifest.records.ranges,
    ...manifest.lost.flatMap(({ ranges }) => ranges),
  ])
  const digest = known.get(device)?.enrolmentDigest ?? null
  const faults = [
    ...[...idsAt].filter(([, ids]) => ids.length > 1).map(([seq, ids]) => conflict(seq, ids)),
    ...batches.flatMap((each) =>
      brokenLink(each, each.manifest.seq === 0 ? digest : idsAt.get(each.manifest.seq - 1)),
    ),
  ]
  return {
    device,
    epoch,
    seqs,
    missing,
    unnamed: missing.length === 0 ? holesIn(joined(named)) : null,
    faults,
  }
}

/** batch.md, Chain: the cause is a copied card or a stolen key. */
function conflict(seq: number, ids: readonly BatchId[]): ChainFault {
  return { code: 'seq_conflict', seq, problem: `${ids.length} contents: ${ids.join(', ')}` }
}

/** @param before - Ids that `prev` may be; null or undefined when that is not known. */
function brokenLink(
  { manifest }: GoodFile,
  before: string | readonly string[] | null | undefined,
): ChainFault[] {
  if (before === null || before === undefined || before.includes(manifest.prev)) return []
  const expected = typeof before === 'string' ? `the enrolment record, ${before}` : before.join(' or ')
  return [
    {
      code: 'chain_broken',
      seq: manifest.seq,
      problem: `links back to ${manifest.prev}, not to ${expected}`,
    },
  ]
}

/**
 * Ranges in ascending order, where those that touch or overlap become one. It never counts through a range: they may
 * be long.
 */
function joined(ranges: readonly Range[]): Range[] {
  const joint: [number, number][] = []
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const end = joint.at(-1)
    if (end !== undefined && first <= end[1] + 1) end[1] = Math.max(end[1], last)
    else joint.push([first, last])
  }
  return joint
}

/**
 * @param ranges - In ascending order, and apart from each other.
 * @returns The numbers between them, from 0.
 */
function holesIn(ranges: readonly Range[]): Range[] {
  return ranges.flatMap(([first], i): Range[] => {
    const from = (ranges[i - 1]?.[1] ?? -1) + 1
    return from < first ? [[from, first - 1]] : []
  })
}

/** The ranges as text: `0-3, 7`. */
export function listed(ranges: readonly Range[]): string {
  const parts = ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
  return parts.length === 0 ? 'none' : parts.join(', ')
}
