// Leads from what a power cut, a worn card or a clean stop left in the folder to a spool that can go on.
// Every start goes this way; there is no other. What is missing is named in the ledger before anything new is
// written.
//
//   spool/control/ the control log
//   spool/records/E/ segments of the records of epoch E
//   spool/batches/ batches that are sealed and wait to be sent
//   spool/quarantine/ batches that are sealed and that the collector refused
//   spool/kept/ batches that another key sealed, until that key is back
//   spool/acknowledged numbers of records that are on the disk and in no batch
//   spool/reserve room that is given back when the disk is full

import { dirname, join } from 'node:path'
import type { KeyLookup } from '../../tests-spec/protocol/dsse.ts'
import { removeLeftovers } from '../platform/atomic-file.ts'
import { BatchFolder, type OwnBatch } from './batches/batch-folder.ts'
import { epochsIn } from './epoch-folders.ts'
import type { EpochReason, Tell } from './events.ts'
import type { Budget } from './eviction.ts'
import { Acknowledged, type Known } from './ledger/acknowledged.ts'
import { ControlLog, readControlLog } from './ledger/control-log.ts'
import { Ledger, type Losses, noteOf, recordsIn } from './ledger/ledger.ts'
import { RangeSet } from './ledger/ranges.ts'
import type { Disk } from './log/disk.ts'
import { SegmentWriter } from './log/segment.ts'
import {
  type RecordStreamLetter,
  readStream,
  Stream,
  type StreamPlace,
  type StreamReading,
} from './log/stream.ts'

/** What a spool needs in order to work. */
export interface Ground {
  readonly disk: Disk
  readonly dir: string
  /** Id of the probe's own key; null when that cannot be read, and no batch can be judged. */
  readonly device: string | null
  /** Gives the probe's own key, and no other key. */
  readonly ownKey: KeyLookup
  readonly budget: Budget
  readonly random: (bytes: number) => Uint8Array
  readonly tell: Tell
}

export type Streams = Readonly<Record<RecordStreamLetter, Stream>>

export interface Recovered {
  readonly control: ControlLog
  readonly streams: Streams
  readonly batches: BatchFolder
  readonly quarantine: BatchFolder
  readonly acknowledged: Acknowledged
  /** Lowest record number that was never given. */
  readonly nextN: number
}

/** A number this far beyond the highest known one comes from a damaged head, not from a record that got lost. */
const plausibleLoss = 512

/**
 * Brings the folder into a state from which the spool can go on, and reads it.
 * @throws The disk's error. What was done is not undone, and doing it again is right.
 */
export async function recover(ground: Ground): Promise<Recovered> {
  const folders = await openFolders(ground)
  const control = await recoverControl(ground, folders)
  try {
    const notes = join(ground.dir, 'acknowledged')
    const known =
      (await Acknowledged.read(ground.disk, notes, control.ledger.epoch)) ??
      (await withoutNotes(ground, folders, control, notes))
    const { place, readings } = await readRecordsOf(ground, control.ledger.epoch)
    const { nextN, losses } = missingRecords(control.ledger, Object.values(readings), known)
    await noteMissing(control, losses, ground.tell)
    const { batches, quarantine } = folders
    const acknowledged = new Acknowledged(ground.disk, notes, known)
    const streams = await openStreams(ground, place, readings)
    return { control, streams, batches, quarantine, acknowledged, nextN }
  } catch (error) {
    await control.close()
    throw error
  }
}

async function readRecordsOf(ground: Ground, epoch: string) {
  const place = await openRecords(ground, epoch)
  const readings = {
    a: await readStream(ground.disk, place.dir, 'a'),
    r: await readStream(ground.disk, place.dir, 'r'),
    d: await readStream(ground.disk, place.dir, 'd'),
  }
  return { place, readings }
}

async function noteMissing(control: ControlLog, losses: readonly Missing[], tell: Tell): Promise<void> {
  if (losses.length > 0) await control.append({ kind: 'lost', losses: [...losses], batch: null })
  for (const { reason, ranges } of losses)
    tell({ kind: 'records_lost', reason, records: RangeSet.of(ranges).size })
}

/** Without the notes it is not known which numbers were given: a new epoch begins, so that none is given twice. */
async function withoutNotes(
  ground: Ground,
  folders: Folders,
  control: ControlLog,
  notes: string,
): Promise<Known> {
  const { disk, tell } = ground
  const { readings } = await readRecordsOf(ground, control.ledger.epoch)
  // What is missing may have been acknowledged, or torn by a power cut before that: nothing tells any more.
  await noteMissing(control, missingRecords(control.ledger, Object.values(readings), null).losses, tell)
  const life = await newLife(ground, folders, control.ledger)
  life.ledger.inheritLosses(control.ledger)
  await control.restart(life.ledger)
  tellOf(life, 'acknowledged_lost', tell)
  return Acknowledged.begin(disk, notes, control.ledger.epoch)
}

interface Folders {
  readonly batches: BatchFolder
  readonly quarantine: BatchFolder
  readonly kept: BatchFolder
}

async function openFolders({ disk, dir, ownKey }: Ground): Promise<Folders> {
  const [batches, quarantine, kept] = [join(dir, 'batches'), join(dir, 'quarantine'), join(dir, 'kept')]
  for (const each of [join(dir, 'control'), join(dir, 'records'), batches, quarantine, kept]) {
    await disk.makeDirectory(each)
  }
  for (const each of [dir, dirname(dir)]) await disk.syncDirectory(each)
  await removeLeftovers(batches, disk)
  return {
    batches: new BatchFolder(disk, batches, ownKey),
    quarantine: new BatchFolder(disk, quarantine, ownKey),
    kept: new BatchFolder(disk, kept, ownKey),
  }
}

async function recoverControl(ground: Ground, folders: Folders): Promise<ControlLog> {
  const { disk, dir, budget, tell } = ground
  const at = { disk, dir: join(dir, 'control'), segmentBytes: budget.smallSegment }
  const reading = await readControlLog(disk, at.dir)
  if (reading.kind === 'lost') {
    const life = await newLife(ground, folders, reading)
    // Before the log, so that a log without notes is always damage.
    await Acknowledged.begin(disk, join(dir, 'acknowledged'), life.ledger.epoch)
    const control = await ControlLog.begin(at, life.ledger, reading)
    tellOf(life, life.isFirst ? 'new' : 'control_log_lost', tell)
    return control
  }
  const control = await ControlLog.resume(at, reading)
  if (ground.device !== null && (await hasKeyChanged(control.ledger, ground.device, folders))) {
    const life = await newLife(ground, folders, control.ledger)
    life.ledger.inheritLosses(control.ledger)
    await control.restart(life.ledger)
    tellOf(life, 'key_changed', tell)
    return control
  }
  control.ledger.device ??= ground.device
  if (await settleBatchFiles(control, folders, tell)) {
    await giveUpMissingFiles(control, folders, tell)
    return control
  }
  // Batches were sealed that the log does not know: its end is gone, so it does not say which seq may be used next.
  const life = await newLife(ground, folders, control.ledger)
  life.ledger.inheritLosses(control.ledger)
  await control.restart(life.ledger)
  tellOf(life, 'control_log_behind', tell)
  return control
}

/**
 * Whether the key is another than that which sealed before: no collector takes two keys in one chain. It is also changed when one
 * is back whose batches are kept.
 */
async function hasKeyChanged(
  { device }: Readonly<Ledger>,
  own: string,
  { batches, quarantine, kept }: Folders,
): Promise<boolean> {
  if (device !== null && device !== own) return true
  for (const name of await kept.list()) if ((await kept.read(name)) !== null) return true
  if (device !== null) return false
  for (const folder of [batches, quarantine]) {
    for (const name of await folder.list()) if (await folder.isOfAnother(name)) return true
  }
  return false
}

interface NewLife {
  /** Number of batch files that wait for the key that sealed them. */
  readonly kept: number
  readonly ledger: Ledger
  /** True when nothing of an earlier life was found; an earlier life leaves at least a folder of records. */
  readonly isFirst: boolean
  /** Number of batch files that no collector would accept. */
  readonly unreadable: number
}

/** Told only once the new life is durable: until then the next attempt finds the same state again. */
function tellOf({ unreadable, kept }: NewLife, why: EpochReason, tell: Tell): void {
  tell({ kind: 'epoch_begun', why })
  if (kept > 0) tell({ kind: 'batches_kept', batches: kept })
  if (unreadable > 0) tell({ kind: 'batches_lost', batches: unreadable, records: null })
}

/**
 * Begins a new epoch when it cannot be known any more what the old one has sealed. The old batch files are still
 * worth sending; the old records are taken over later, except those that are known to be sealed or lost.
 */
async function newLife(
  { disk, dir, random, device }: Ground,
  { batches, quarantine, kept }: Folders,
  known: { readonly epoch: string | null; readonly settled: RangeSet },
): Promise<NewLife> {
  const ledger = new Ledger(makeEpoch(random))
  ledger.device = device
  let unreadable = 0
  let ofAnother = 0
  for (const name of await kept.list()) {
    if ((await kept.read(name)) !== null) await kept.moveTo(batches, name)
  }
  for (const epoch of await epochsIn(disk, join(dir, 'records'))) ledger.carry.set(epoch, new RangeSet())
  if (known.epoch !== null) ledger.carry.set(known.epoch, known.settled)
  for (const [folder, inQuarantine] of [[batches, false] as const, [quarantine, true] as const]) {
    for (const name of await folder.list()) {
      const batch = await folder.read(name)
      if (batch === null && (await folder.isOfAnother(name))) {
        await folder.moveTo(kept, name)
        ofAnother++
        continue
      }
      if (batch === null) {
        await folder.discard(name)
        unreadable++
        continue
      }
      const note = noteOf(batch.manifest, { ...batch, bytes: batch.bytes.length, oldestWallMs: null })
      if (inQuarantine) ledger.quarantined.push({ batch: note, reason: 'not known any more' })
      else ledger.pending.push(note)
      ledger.carry.set(note.epoch, ledger.carry.get(note.epoch) ?? new RangeSet())
      ledger.carry.get(note.epoch)?.addAll(RangeSet.of(note.ranges))
    }
  }
  const isFirst = ledger.carry.size === 0 && unreadable + ofAnother === 0
  return { ledger, isFirst, unreadable, kept: ofAnother }
}

/** @returns A name for a life of the spool: 72 random bits. */
export function makeEpoch(random: (bytes: number) => Uint8Array): string {
  return Buffer.from(random(9)).toString('hex')
}

/**
 * Finishes what was under way with batch files when the spool stopped: adopts a batch whose sealing was not noted
 * yet, so that its seq never gets a second content, and removes files that are not needed any more.
 *
 * @returns Whether log and files fit together. They do not when there are files with a seq that the log has not
 * reached.
 */
async function settleBatchFiles(
  control: ControlLog,
  { batches, quarantine }: Folders,
  tell: Tell,
): Promise<boolean> {
  for (const name of await batches.list()) {
    const { ledger } = control
    if (ledger.pending.some((each) => each.id === name.id)) continue
    if (ledger.quarantined.some(({ batch }) => batch.id === name.id)) {
      await batches.moveTo(quarantine, name)
      continue
    }
    const batch = await batches.read(name)
    if (batch !== null && batch.manifest.epoch === ledger.epoch && name.seq >= ledger.nextSeq) {
      if (!(await adoptBatch(control, batches, batch))) return false
      tell({ kind: 'batch_adopted' })
    } else if (await batches.isOfAnother(name)) {
      // What another key sealed, this one does not judge.
    } else {
      // The file is half written, or its batch is receipted or given up: no entry needs it.
      await batches.erase(name)
    }
  }
  return true
}

/**
 * Takes note of a batch that was written and whose sealing was not noted.
 * @returns Whether the batch is the next one of the chain; if it is not, nothing is done.
 */
export async function adoptBatch(
  control: ControlLog,
  batches: BatchFolder,
  { id, manifest, bytes }: OwnBatch,
): Promise<boolean> {
  const { ledger } = control
  if (manifest.seq !== ledger.nextSeq) return false
  if (ledger.prev !== null && manifest.prev !== ledger.prev) return false
  // It is not known any more whether the file's name was durable, so the file is written again.
  await batches.write({ seq: manifest.seq, id }, bytes)
  const batch = noteOf(manifest, { id, bytes: bytes.length, oldestWallMs: null })
  await control.append({ kind: 'sealed', batch, signed: manifest.lost, nextN: ledger.nextN })
  return true
}

/** A sealed batch whose file is gone or cut off is lost with its records; they are named as lost. */
async function giveUpMissingFiles(
  control: ControlLog,
  { batches, quarantine }: Folders,
  tell: Tell,
): Promise<void> {
  const { ledger } = control
  const kept = [
    ...ledger.pending.map((batch) => ({ batch, folder: batches })),
    ...ledger.quarantined.map(({ batch }) => ({ batch, folder: quarantine })),
  ]
  const lost = { batches: 0, records: 0 }
  try {
    for (const { batch, folder } of kept) {
      if ((await folder.size(batch)) === batch.bytes) continue
      const losses: Losses = batch.epoch === ledger.epoch ? [{ reason: 'corrupt', ranges: batch.ranges }] : []
      await control.append({ kind: 'lost', losses, batch: batch.id })
      lost.batches += 1
      lost.records += recordsIn(batch)
    }
  } finally {
    // When the disk refuses in between, the next attempt finds only the batches that are left.
    if (lost.batches > 0) tell({ kind: 'batches_lost', ...lost })
  }
}

const ext4 = 0xef53

/** Makes the folder of an epoch's records. */
export async function openRecords(
  { disk, dir }: Pick<Ground, 'disk' | 'dir'>,
  epoch: string,
): Promise<Omit<StreamPlace, 'segmentBytes'>> {
  const records = join(dir, 'records')
  const own = join(records, epoch)
  await disk.makeDirectory(own)
  // A process that was killed may have made segments whose names are not durable, and the spool is about to write to
  // them.
  for (const each of [records, own]) await disk.syncDirectory(each)
  // Only ext4 overwrites blocks in place. f2fs and others write the new content elsewhere; there, zeros would be
  // written for nothing.
  const prefill = (await disk.fileSystemType(own)) === ext4
  return { disk, dir: own, epoch, prefill }
}

/** Routine records are many, and go first when room is needed: their segments are larger and fewer. */
export function placeOf(
  place: Omit<StreamPlace, 'segmentBytes'>,
  budget: Budget,
  letter: RecordStreamLetter,
): StreamPlace {
  return { ...place, segmentBytes: letter === 'r' ? budget.largeSegment : budget.smallSegment }
}

type Missing = Losses[number] & { readonly reason: 'corrupt' | 'torn' | 'unknown' }

/**
 * Numbers that were given and whose records are missing, by reason.
 * @param acknowledged - null when it is not known what was acknowledged.
 */
function missingRecords(
  ledger: Ledger,
  readings: readonly StreamReading[],
  acknowledged: Known | null,
): { nextN: number; losses: Missing[] } {
  const found = new RangeSet()
  const damaged = new RangeSet()
  for (const reading of readings) {
    for (const { numbers } of reading.segments) found.addAll(numbers)
    damaged.addAll(reading.damaged)
  }
  const certain = Math.max(ledger.nextN, found.max + 1, ledger.settled.max + 1, acknowledged?.next ?? 0)
  // Heads whose record is torn. Without them, a loss at the very end would not be noticed.
  const hints = readings.flatMap((each) => each.suspects).filter((n) => n < certain + plausibleLoss)
  const nextN = Math.max(certain, ...hints.map((n) => n + 1))
  const missing = RangeSet.of([[0, nextN - 1]])
    .minus(ledger.settled)
    .minus(found)
  // What was acknowledged was safe, wherever its place is: a segment may be gone, or have lost its end.
  if (acknowledged !== null) damaged.addAll(acknowledged.numbers)
  const corrupt = missing.and(damaged)
  const losses: Missing[] = [
    { reason: 'corrupt', ranges: corrupt.list() },
    { reason: acknowledged === null ? 'unknown' : 'torn', ranges: missing.minus(corrupt).list() },
  ]
  return { nextN, losses: losses.filter(({ ranges }) => ranges.length > 0) }
}

async function openStreams(
  { budget }: Ground,
  place: Omit<StreamPlace, 'segmentBytes'>,
  readings: Readonly<Record<RecordStreamLetter, StreamReading>>,
): Promise<Streams> {
  const opened: Stream[] = []
  const open = async (letter: RecordStreamLetter) => {
    const stream = await openStream(placeOf(place, budget, letter), letter, readings[letter])
    opened.push(stream)
    return stream
  }
  try {
    return { a: await open('a'), r: await open('r'), d: await open('d') }
  } catch (error) {
    for (const stream of opened) await stream.closeWriter()
    throw error
  }
}

async function openStream(
  place: StreamPlace,
  letter: RecordStreamLetter,
  { segments, tail }: StreamReading,
): Promise<Stream> {
  const last = segments.at(-1)
  // A file that lost its end has also lost the room that was prefilled in it.
  const isWhole = last !== undefined && (!place.prefill || last.bytes >= place.segmentBytes)
  if (last === undefined || tail === null || !isWhole)
    return new Stream(place, letter, { segments, writer: null })
  const capacity = Math.max(last.bytes, place.segmentBytes)
  const writer = await SegmentWriter.reopen(place.disk, last.path, { tail, bytes: last.bytes, capacity })
  return new Stream(place, letter, { segments, writer })
}
