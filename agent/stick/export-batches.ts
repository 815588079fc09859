// `sonde export`: puts the batches that the collector does not have yet on a stick, sealed to it:
// tests-spec/protocol/sealed.md. Nothing is forgotten here. The batches wait on the probe until their receipts come
// back, over any way.

import { type AgeRecipient, type Random, sealForAge } from '../../tests-spec/protocol/age.ts'
import { type BatchId, type PendingBatch, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import {
  maxBatchesInFile,
  maxSealedBytes,
  namesOf,
  sealedExtension,
  usualContentBytes,
} from '../../tests-spec/protocol/sealed.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import type { ExportedFile, ExportLedger } from './export-ledger.ts'
import type { SpoolAccess } from './spool-access.ts'
import type { Stick } from './stick.ts'

export interface ExportReport {
  /** Names of the files that were written now. */
  readonly files: readonly string[]
  readonly bytes: number
  /** Number of batches in these files. */
  readonly batches: number
  /** Number of batches that an earlier export had left whole on this stick. */
  readonly there: number
  /** Names of files of an earlier export whose content is not what was written; their batches were written again. */
  readonly damaged: readonly string[]
  /**
   * Whether all records were sealed; false when the device's own disk refuses, and some records are therefore not on
   * the stick.
   */
  readonly sealed: boolean
}

export interface ExportParts {
  readonly spool: SpoolAccess
  readonly stick: Stick
  readonly recipient: AgeRecipient
  readonly ledger: ExportLedger
  readonly random: Random
}

/**
 * Seals everything, then writes every batch that waits, or was set aside, and is not on this stick yet, gravest first.
 *
 * @throws {ActionableError} `stick_full`, `stick_unusable`. What was written until then is whole, and stays.
 */
export async function exportBatches(parts: ExportParts): Promise<ExportReport> {
  const { spool, stick, ledger } = parts
  const sealed = await spool.sealAll()
  const pending = await spool.pending()
  // Those that the collector refused go last: it may take them another day, and a person may read them.
  const leaving = [...pending, ...(await spool.aside())]
  const waiting = new Set(leaving.map(({ id }) => id))
  await ledger.keep(({ batches }) => batches.some((id) => waiting.has(id)))
  const { whole, damaged } = await lookForOwn(stick, ledger)
  const there = new Set(whole.flatMap(({ batches }) => batches).filter((id) => waiting.has(id)))

  const done = { files: [] as string[], bytes: 0, batches: 0 }
  for (const group of groupsOf(leaving.filter(({ id }) => !there.has(id)))) {
    const written = await writeGroup(parts, group).catch((error: unknown) => {
      throw withProgress(error, done, leaving.length - there.size - done.batches)
    })
    if (written === null) continue
    done.files.push(written.name)
    done.bytes += written.bytes
    done.batches += written.batches
  }
  return { ...done, there: there.size, damaged, sealed }
}

/**
 * Looks for our own files on this stick, whole or not. A file that was half written when the stick was pulled is
 * removed.
 */
async function lookForOwn(stick: Stick, ledger: ExportLedger) {
  const there = new Set(stick.files(sealedExtension))
  const whole: ExportedFile[] = []
  const damaged: string[] = []
  for (const file of ledger.files) {
    await stick.clearUnfinished(file.name)
    if (!there.has(file.name)) continue
    const bytes = await stick.read(file.name, maxSealedBytes)
    if (bytes !== null && sha256Hex(bytes) === file.sha256) whole.push(file)
    else damaged.push(file.name)
  }
  return { whole, damaged }
}

/** Groups batches in their order, as many together as one file should have. */
function groupsOf(batches: readonly PendingBatch[]): PendingBatch[][] {
  const groups: PendingBatch[][] = []
  let room = 0
  for (const batch of batches) {
    const group = groups.at(-1)
    room -= batch.bytes
    if (group !== undefined && room >= 0 && group.length < maxBatchesInFile) group.push(batch)
    else {
      groups.push([batch])
      room = usualContentBytes - batch.bytes
    }
  }
  return groups
}

/** @returns null when none of the batches could be read; the spool has then noted them as lost. */
async function writeGroup(
  { spool, stick, recipient, ledger, random }: ExportParts,
  group: readonly PendingBatch[],
) {
  const ids: BatchId[] = []
  const content: Buffer[] = []
  for (const { id } of group) {
    const bytes = await spool.read(id)
    if (bytes === null) continue
    ids.push(id)
    content.push(bytes)
  }
  if (ids.length === 0) return null
  const file = Buffer.concat([...sealForAge(recipient, content, random)])
  const name = stick.freeName(namesOf(file, sealedExtension))
  if (name === null) throw new Error('A file with the digest of one that was never there before')
  await ledger.add({ name, sha256: sha256Hex(file), batches: ids })
  await stick.write(name, file)
  return { name, bytes: file.length, batches: ids.length }
}

function withProgress(error: unknown, done: { files: string[]; batches: number }, left: number): unknown {
  if (!(error instanceof ActionableError)) return error
  const progress = `${done.batches} batches in ${done.files.length} files were written and are whole; ${left} are not on it yet. All of them are still on this device too.`
  return new ActionableError(error.code, `${error.message} ${progress}`, { cause: error })
}
