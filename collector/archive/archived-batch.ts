// Reads the batches that the archive holds: batch.md, after the checks. A file here was verified before it was
// written, so signatures are not checked again; by the file's own name it is checked that the disk still holds what
// was written.

import * as v from 'valibot'
import {
  type BatchId,
  type Manifest,
  manifest,
  maxEnvelopeBytes,
  sha256Hex,
} from '../../tests-spec/protocol/batch.ts'

/** A file of the archive that is no longer what was written. */
export class ArchiveDamaged extends Error {
  override readonly name = 'ArchiveDamaged'
  readonly code = 'archive_damaged'
}

export interface ArchivedBatch {
  readonly id: BatchId
  readonly manifest: Manifest
  /** Offset of the payload, in bytes from the start of the file. */
  readonly payloadOffset: number
}

/** How many bytes from the start of a file are enough to read its manifest, however long its envelope is. */
export const headBytes = 8 + maxEnvelopeBytes

/**
 * Reads the manifest from the beginning of a batch file.
 *
 * @param head - The file from its start to `envelopeEnd()` at least.
 * @throws {ArchiveDamaged} When the manifest is not the one the file is named after.
 */
export function readArchivedBatch(id: BatchId, head: Uint8Array): ArchivedBatch {
  const payloadOffset = envelopeEnd(head)
  const body = payloadOfEnvelope(id, head.subarray(8, payloadOffset))
  // The id is the manifest's digest: one comparison finds a torn file, a flipped bit and a file under a wrong name.
  if (sha256Hex(body) !== id) {
    throw new ArchiveDamaged(`Cannot read batch ${id}: its manifest does not have this digest`)
  }
  const parsed = v.safeParse(manifest, JSON.parse(body.toString('utf8')))
  if (!parsed.success)
    throw new ArchiveDamaged(`Cannot read batch ${id}: its manifest does not fit the schema`)
  return { id, manifest: parsed.output, payloadOffset }
}

/** @returns Where the envelope ends and the payload begins, in bytes from the start, as the frame says. */
export function envelopeEnd(head: Uint8Array): number {
  return head.length < 8 ? 8 : 8 + Buffer.from(head.buffer, head.byteOffset, 8).readUInt32BE(4)
}

function payloadOfEnvelope(id: BatchId, envelope: Uint8Array): Buffer {
  try {
    const { payload } = JSON.parse(Buffer.from(envelope).toString('utf8'))
    return Buffer.from(String(payload), 'base64')
  } catch (cause) {
    throw new ArchiveDamaged(`Cannot read batch ${id}: its envelope is not JSON`, { cause })
  }
}
