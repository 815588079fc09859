// `sonde import-receipts`: receipts come back on a stick, and the probe forgets exactly the batches that they name.
// Receipts for other probes lie beside ours; they are counted and left.

import type { KeyObject } from 'node:crypto'
import { type BatchId, type DeviceId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import type { KeyLookup } from '../../tests-spec/protocol/dsse.ts'
import { openReceipt, type Receipt } from '../../tests-spec/protocol/receipt.ts'
import {
  maxReceiptsFileBytes,
  maxSealedBytes,
  openSealedReceipt,
  receiptsExtension,
  splitLines,
} from '../../tests-spec/protocol/sealed.ts'
import type { ExportLedger } from './export-ledger.ts'
import type { SpoolAccess } from './spool-access.ts'
import type { Stick } from './stick.ts'

export interface ImportParts {
  readonly spool: SpoolAccess
  readonly stick: Stick
  readonly ledger: ExportLedger
  readonly device: DeviceId
  /** Id of the key pinned at enrolment: only its receipts count. */
  readonly collectorKeyId: string
  readonly collectorKey: KeyObject
  /** Called with every verified receipt of this probe. */
  readonly onReceipt: (receipt: Receipt) => Promise<void>
}

export interface ImportReport {
  /** Batches that were forgotten now. */
  readonly forgotten: readonly BatchId[]
  /** Number of receipts for batches of this probe that no longer wait. */
  readonly known: number
  /** Number of lines that are no receipt of our collector for this probe: another probe's, damaged or forged. */
  readonly foreign: number
  /**
   * Batches of this probe that the collector refused, with its code; those that it will never take are kept aside.
   */
  readonly refused: readonly { readonly batch: BatchId; readonly code: string }[]
  /** Names of files that could not be read at all. */
  readonly unreadable: readonly string[]
  /** Names of our own files that were removed from the stick, because the collector has all batches in them. */
  readonly removed: readonly string[]
  /** Number of batches that still wait. */
  readonly pending: number
}

export async function importReceipts(parts: ImportParts): Promise<ImportReport> {
  const { spool, stick, device, onReceipt } = parts
  const keyOf: KeyLookup = (id) => (id === parts.collectorKeyId ? parts.collectorKey : null)
  const waiting = new Set([...(await spool.pending()), ...(await spool.aside())].map(({ id }) => id))
  const forgotten: BatchId[] = []
  const words: Buffer[] = []
  const unreadable: string[] = []
  const seen = new Set<string>()
  let known = 0
  let foreign = 0
  for (const file of stick.files(receiptsExtension)) {
    const bytes = await stick.read(file, maxReceiptsFileBytes)
    if (bytes === null) unreadable.push(file)
    for (const line of splitLines(bytes ?? Buffer.alloc(0))) {
      // The same receipt may lie in several files.
      const digest = sha256Hex(line)
      if (seen.has(digest)) continue
      seen.add(digest)
      const receipt = openOrNull(() => openReceipt(line, keyOf))
      if (receipt?.device === device) {
        await onReceipt(receipt)
        if (!waiting.has(receipt.batch) || !(await spool.receipted(line))) known++
        else forgotten.push(receipt.batch)
        continue
      }
      if (receipt === null && openOrNull(() => openSealedReceipt(line, keyOf)) !== null) words.push(line)
      else foreign++
    }
  }
  // Refusals come after the receipts: a receipt from a later import outweighs an earlier refusal.
  const refused = []
  for (const word of words) refused.push(...(await spool.refused(word)))
  const left = new Set((await spool.pending()).map(({ id }) => id))
  const removed = await removeFinished(parts, left)
  return {
    forgotten,
    known,
    foreign,
    refused,
    unreadable,
    removed,
    pending: left.size,
  }
}

/**
 * @returns null for anything that is not the collector's word: a line is not believed just because it is on the
 * stick.
 */
function openOrNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

/**
 * Our own files that are not needed any more are removed, to make room for the next. Only files that are ours to the
 * last byte are removed.
 */
async function removeFinished(
  { stick, ledger }: ImportParts,
  waiting: ReadonlySet<BatchId>,
): Promise<string[]> {
  const removed: string[] = []
  for (const { name, sha256, batches } of ledger.files) {
    if (batches.some((id) => waiting.has(id))) continue
    const bytes = await stick.read(name, maxSealedBytes)
    if (bytes === null || sha256Hex(bytes) !== sha256) continue
    if (await stick.remove(name)) removed.push(name)
  }
  await ledger.keep(({ batches }) => batches.some((id) => waiting.has(id)))
  return removed
}
