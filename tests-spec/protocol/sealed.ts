// A sealed file: batches that only the collector can read, to be carried on a stick, by a colleague, by another
// probe. sealed.md is the page. This file has what both sides agree on around age.ts: limits, how batches stand in a
// file, and the collector's word that a file has arrived, which is all that its carrier can check.

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { ageFileBytes } from './age.ts'
import { BatchRefused, batchId, claimedBatchBytes, maxBatchBytes, sha256Hex } from './batch.ts'
import { type KeyLookup, openEnvelope, sealEnvelope } from './dsse.ts'

export const sealedMediaType = 'application/vnd.sonde.sealed'
/**
 * Media type of the answer to a sealed file: lines, of which the first is the word that it has arrived, and each
 * other one a receipt.
 */
export const receiptsMediaType = 'application/x-ndjson'
export const sealedReceiptType = 'application/vnd.sonde.sealed-receipt.v1+json'

/** Short enough for any file system that a stick may have, also the oldest: eight letters, a dot, three letters. */
export const sealedExtension = '.age'
export const receiptsExtension = '.rcp'

/** The receipts of this many batches have at most about 37 kB, which is small enough for one answer. */
export const maxBatchesInFile = 16
/**
 * Bytes that a writer puts into one file unless a single batch is larger: they take the carrier's device 11 s on a
 * link of 100 kbit/s.
 */
export const usualContentBytes = 128 * 1024
/** Bytes of the largest sealed file: a longer one need not be read. */
export const maxSealedBytes = ageFileBytes(maxBatchBytes)
/** Bytes that a file of receipts has at most: room for a thousand. There may be several files. */
export const maxReceiptsFileBytes = 1024 * 1024
/** A receipt with every gap that it may name has 2.2 kB, and a receipt for a sealed file has less. */
const maxLineBytes = 16 * 1024

/**
 * The name of a file: the beginning of its own digest. It reveals nothing, and shows damage to a carrier that cannot
 * read the file.
 * @returns The name, then longer ones for when another file has taken it.
 */
export function namesOf(bytes: Uint8Array, extension: string): readonly [string, ...string[]] {
  const digest = sha256Hex(bytes)
  return [`${digest.slice(0, 8)}${extension}`, `${digest.slice(0, 16)}${extension}`, `${digest}${extension}`]
}

/** Whether the bytes begin as an age file does. Without the key, no more can be checked. */
export function looksSealed(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, firstLine.length)).toString('latin1') === firstLine
}

const firstLine = 'age-encryption.org/v1\n'

/**
 * Cuts the content of a sealed file into its batches, by lengths that are not verified yet: each is a batch only once
 * `verifyBatch` says so.
 *
 * @returns The batches as far as they can be told apart, and why there are no more; null when the content ends there.
 */
export function splitBatches(content: Uint8Array): {
  readonly batches: readonly Uint8Array[]
  readonly fault: BatchRefused | null
} {
  const batches: Uint8Array[] = []
  for (let rest = content; rest.length > 0; ) {
    try {
      const length = claimedBatchBytes(rest)
      if (length > rest.length)
        throw new BatchRefused('truncated', `Batch of ${length} bytes, but only ${rest.length} follow`)
      batches.push(rest.subarray(0, length))
      rest = rest.subarray(length)
    } catch (fault) {
      if (!(fault instanceof BatchRefused)) throw fault
      return { batches, fault }
    }
  }
  return { batches, fault: null }
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** The collector's word that a sealed file has arrived, and what became of each batch in it. */
export const sealedReceipt = v.looseObject({
  v: v.literal(1),
  /** SHA-256 of the file as it was carried. */
  sealed: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  collector: v.string(),
  /** Milliseconds since 1970 on the collector's clock. */
  at: count,
  /** Number of receipts that belong to it. */
  receipts: v.pipe(count, v.maxValue(maxBatchesInFile)),
  /** Number of these batches that the collector had not held before. */
  stored: count,
  /** What was refused, and why; `batch` is null for bytes that are no batch. */
  refused: v.pipe(
    v.array(v.looseObject({ batch: v.nullable(batchId), code: v.string() })),
    v.maxLength(maxBatchesInFile + 1),
  ),
})
export type SealedReceipt = v.InferOutput<typeof sealedReceipt>

export function signSealedReceipt(content: SealedReceipt, privateKey: KeyObject): Buffer {
  return sealEnvelope(sealedReceiptType, Buffer.from(JSON.stringify(content)), content.collector, privateKey)
}

/**
 * @returns The word on a sealed file, signed by a collector that `keyOf` knows. The caller must check that it is for
 * the right file.
 * @throws {EnvelopeRefused} When it is not signed so, or `v.ValiError` when signed bytes do not fit the schema.
 */
export function openSealedReceipt(line: Uint8Array, keyOf: KeyLookup): SealedReceipt {
  const { payload } = openEnvelope(line, sealedReceiptType, keyOf)
  return v.parse(sealedReceipt, JSON.parse(payload.toString('utf8')))
}

/** @returns The envelopes as lines. They contain no line feed themselves: JSON writes it as two letters. */
export function joinLines(lines: readonly Uint8Array[]): Buffer {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
}

/** @returns The lines in as many files as they need, each of at most `maxReceiptsFileBytes`. */
export function receiptsFiles(lines: readonly Uint8Array[]): Buffer[] {
  const files: Uint8Array[][] = []
  let room = 0
  for (const line of lines) {
    room -= line.length + 1
    if (room < 0) {
      files.push([])
      room = maxReceiptsFileBytes - line.length - 1
    }
    files.at(-1)?.push(line)
  }
  return files.map(joinLines)
}

/** @returns The lines of an answer or a file of receipts; those longer than any receipt are left out. */
export function splitLines(bytes: Uint8Array): Buffer[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const lines: Buffer[] = []
  for (let from = 0; from < text.length; ) {
    const found = text.indexOf('\n', from)
    const end = found === -1 ? text.length : found
    if (end > from && end - from <= maxLineBytes) lines.push(text.subarray(from, end))
    from = end + 1
  }
  return lines
}
