// `sonde carry`: takes other probes' sealed files from a stick, to be brought to the collector with the next upload,
// and puts on it the receipts of those that were brought. The carrier cannot read the files, and need not be trusted:
// a file that it changes does not open, and of a file that it loses the probe still has the content.

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
  /** Names of the files that were taken now. */
  readonly taken: readonly string[]
  /** Number of files that were taken before, whether they still wait or were brought. */
  readonly known: number
  /** Number of files of this probe, which uploads its own batches itself. */
  readonly own: number
  /** Names of the files for which there is no room. */
  readonly noRoom: readonly string[]
  /** Digests of files that came by earlier sticks, and were given up to make room. */
  readonly gaveUp: readonly string[]
  /** Names of the files that are damaged or are not sealed files. */
  readonly passedOver: readonly string[]
  /** Number of receipts that were put on the stick now, and the files they are in. */
  readonly receipts: number
  readonly written: readonly string[]
  /** Number of files of other probes that now wait here. */
  readonly waiting: number
}

/** @throws {ActionableError} `stick_full`, `stick_unusable`: what was taken until then is kept. */
export async function carry(stick: Stick, carried: Carried, ledger: ExportLedger): Promise<CarryReport> {
  const own = new Set(ledger.files.map(({ sha256 }) => sha256))
  const taken: string[] = []
  const noRoom: string[] = []
  const passedOver: string[] = []
  const counts = { known: 0, own: 0 }
  const share = carried.shareOfStick()
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
    const outcome = await carried.put(bytes, share)
    if (outcome === 'kept') taken.push(name)
    else if (outcome === 'known') counts.known++
    else noRoom.push(name)
  }
  const given = await giveReceipts(stick, carried)
  const { gaveUp } = share
  return { taken, ...counts, noRoom, gaveUp, passedOver, ...given, waiting: carried.waiting().length }
}

/**
 * A file that still has the name under which it was written must have the digest in that name; one that was renamed
 * may be whole.
 */
function isWhole(name: string, bytes: Uint8Array): boolean {
  const stem = name.toLowerCase().slice(0, -sealedExtension.length)
  return !/^[0-9a-f]{8,64}$/.test(stem) || sha256Hex(bytes).startsWith(stem)
}

/**
 * Puts all receipts on the stick that are not there yet: this device does not know which stick goes back to which
 * probe.
 */
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
