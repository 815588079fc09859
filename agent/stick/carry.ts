// `sonde carry`: takes other probes' sealed files from a stick, to be brought to the collector with the next upload, and
// puts the receipts of those that were brought on it. The carrier reads nothing, and nobody needs to trust it: what it
// changes does not open, and what it loses its probe still has.

import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import {
  looksSealed,
  maxReceiptsFileBytes,
  maxSealedBytes,
  namesOf,
  receiptsExtension,
  receiptsFiles,
  sealedExtension,
  splitLines,
} from '../../tests-spec/protocol/sealed.ts'
import type { Carried } from './carried.ts'
import type { ExportLedger } from './export-ledger.ts'
import type { Stick } from './stick.ts'

export interface CarryReport {
  /** Files taken now. */
  readonly taken: readonly string[]
  /** Files that were taken before, whether they still wait or were brought. */
  readonly known: number
  /** Files of this probe, which uploads itself. */
  readonly own: number
  /** Files for which there is no room. */
  readonly noRoom: readonly string[]
  /** Files that are damaged or no sealed files. */
  readonly passedOver: readonly string[]
  /** Receipts put on the stick now, and the files they are in. */
  readonly receipts: number
  readonly written: readonly string[]
  /** Files of others that now wait here. */
  readonly waiting: number
}

/** @throws {ActionableError} `stick_full`, `stick_unusable`: what was taken until then is kept. */
export async function carry(stick: Stick, carried: Carried, ledger: ExportLedger): Promise<CarryReport> {
  const own = new Set(ledger.files.map(({ sha256 }) => sha256))
  const taken: string[] = []
  const noRoom: string[] = []
  const passedOver: string[] = []
  const counts = { known: 0, own: 0 }
  for (const name of stick.files(sealedExtension)) {
    const bytes = await stick.read(name, maxSealedBytes)
    if (bytes === null || !looksSealed(bytes) || !isWhole(name, bytes)) {
      passedOver.push(name)
      continue
    }
    if (own.has(sha256Hex(bytes))) {
      counts.own++
      continue
    }
    const outcome = await carried.put(bytes)
    if (outcome === 'kept') taken.push(name)
    else if (outcome === 'known') counts.known++
    else noRoom.push(name)
  }
  const given = await giveReceipts(stick, carried)
  return { taken, ...counts, noRoom, passedOver, ...given, waiting: carried.waiting().length }
}

/** A file still under the name it was written with must still have that digest; one that was renamed may be whole. */
function isWhole(name: string, bytes: Uint8Array): boolean {
  const stem = name.toLowerCase().slice(0, -sealedExtension.length)
  return !/^[0-9a-f]{8,64}$/.test(stem) || sha256Hex(bytes).startsWith(stem)
}

/** All that do not lie there yet: which stick goes back to which probe is not known here. */
async function giveReceipts(stick: Stick, carried: Carried) {
  const missing = new Map((await carried.answers()).map((line) => [line.toString('latin1'), line]))
  for (const file of stick.files(receiptsExtension)) {
    const bytes = await stick.read(file, maxReceiptsFileBytes)
    for (const line of splitLines(bytes ?? Buffer.alloc(0))) missing.delete(line.toString('latin1'))
  }
  const written: string[] = []
  for (const bytes of receiptsFiles([...missing.values()])) {
    const name = stick.freeName(namesOf(bytes, receiptsExtension))
    if (name === null) continue
    await stick.write(name, bytes)
    written.push(name)
  }
  return { receipts: missing.size, written }
}
