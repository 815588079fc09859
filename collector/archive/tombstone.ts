// What stays of a batch whose content was removed on an operator's word: where it stood in its chain, and when it was removed,
// signed by the collector. The chain goes on over it, its probe gets its receipt again, and nobody can say that it never was.
// tests-spec/protocol/tombstone.md is the page.

import * as v from 'valibot'
import {
  batchId,
  deviceId,
  type Manifest,
  manifest,
  maxEnvelopeBytes,
} from '../../tests-spec/protocol/batch.ts'
import { sealEnvelope } from '../../tests-spec/protocol/dsse.ts'
import type { ArchivedBatch } from './archived-batch.ts'
import type { CollectorKey } from './collector-key.ts'

export const tombstoneType = 'application/vnd.sonde.tombstone.v1+json'

const tombstone = v.looseObject({
  v: v.literal(1),
  batch: batchId,
  device: deviceId,
  epoch: manifest.entries.epoch,
  seq: manifest.entries.seq,
  prev: manifest.entries.prev,
  /** Milliseconds since 1970 on the collector's clock. */
  removedAt: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
})
export type Tombstone = v.InferOutput<typeof tombstone>

export function makeTombstone(
  { id, manifest: { device, epoch, seq, prev } }: Pick<ArchivedBatch, 'id'> & { readonly manifest: Manifest },
  removedAt: number,
  key: CollectorKey,
): Buffer {
  const content: Tombstone = { v: 1, batch: id, device, epoch, seq, prev, removedAt }
  return sealEnvelope(tombstoneType, Buffer.from(JSON.stringify(content)), key.id, key.privateKey)
}

/**
 * A file of our own archive: that it is whole is looked at, and its signature is not.
 * @throws {Error} For what is none.
 */
export function readTombstone(bytes: Uint8Array): Tombstone {
  if (bytes.length > maxEnvelopeBytes) throw new Error(`Tombstone has ${bytes.length} bytes`)
  const { payload } = JSON.parse(Buffer.from(bytes).toString('utf8'))
  return v.parse(tombstone, JSON.parse(Buffer.from(String(payload), 'base64').toString('utf8')))
}
