// A sealed file: batches that only the collector can read, for a stick, a colleague's pocket, another probe. sealed.md
// is the page. Here is what both sides agree on around age.ts: limits, how batches stand in a file, and the collector's
// word that a file has arrived, which is all that whoever carried it can check.

import type { KeyObject } from 'node:crypto'
import * as v from 'valibot'
import { ageFileBytes } from './age.ts'
import { BatchRefused, batchId, claimedBatchBytes, maxBatchBytes, sha256Hex } from './batch.ts'
import { type KeyLookup, openEnvelope, sealEnvelope } from './dsse.ts'

export const sealedMediaType = 'application/vnd.sonde.sealed'
/** The answer to a sealed file: lines, the first of them the word that it has arrived, then a receipt each. */
export const receiptsMediaType = 'application/x-ndjson'
export const sealedReceiptType = 'application/vnd.sonde.sealed-receipt.v1+json'

/** Short enough for any file system a stick may have, and for the oldest of them: eight letters, a dot, three. */
export const sealedExtension = '.age'
export const receiptsExtension = '.rcp'

/** Their receipts are then at most about 37 kB, which is one answer and not a download. */
export const maxBatchesInFile = 16
/** What a writer puts into one file unless a single batch is larger: 11 s on a link of 100 kbit/s, for who carries it. */
export const usualContentBytes = 128 * 1024
/** No sealed file is longer: one that is need not be read. */
export const maxSealedBytes = ageFileBytes(maxBatchBytes)
/** What a file of receipts has at most: a thousand of them. There may be several files. */
export const maxReceiptsFileBytes = 1024 * 1024
/** A receipt with every gap it may name has 2.2 kB, a sealed receipt less. */
const maxLineBytes = 16 * 1024

/**
 * What a file is called: the beginning of its own digest. Says nothing, and shows damage to who cannot read it.
 * @returns The name, then longer ones for when it is taken by another file.
 */
export function namesOf(bytes: Uint8Array, extension: string): readonly [string, ...string[]] {
  const digest = sha256Hex(bytes)
  return [`${digest.slice(0, 8)}${extension}`, `${digest.slice(0, 16)}${extension}`, `${digest}${extension}`]
}

/** Whether it begins as an age file does. No more can be told without the key. */
export function looksSealed(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, firstLine.length)).toString('latin1') === firstLine
}

const firstLine = 'age-encryption.org/v1\n'

/**
 * Cuts the content of a sealed file into its batches, by lengths that nobody has verified yet: each is a batch only
 * once `verifyBatch` says so.
 *
 * @returns The batches as far as they can be told apart, and why there are no more; null when that is the end.
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

/** The collector's word that a sealed file has arrived and what became of each batch in it. */
export const sealedReceipt = v.looseObject({
  v: v.literal(1),
  /** SHA-256 of the file as it was carried. */
  sealed: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  collector: v.string(),
  /** Milliseconds since 1970 on the collector's clock. */
  at: count,
  /** How many receipts belong to it. */
  receipts: v.pipe(count, v.maxValue(maxBatchesInFile)),
  /** How many of these batches it had not held before. */
  stored: count,
  /** What was not taken, and why; `batch` is null for bytes that are none. */
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
 * @returns The word on a sealed file, signed by a collector `keyOf` knows. Which file it speaks of is for the caller
 *   to compare.
 * @throws {EnvelopeRefused} When it is not signed so, or `v.ValiError` when signed bytes do not fit the schema.
 */
export function openSealedReceipt(line: Uint8Array, keyOf: KeyLookup): SealedReceipt {
  const { payload } = openEnvelope(line, sealedReceiptType, keyOf)
  return v.parse(sealedReceipt, JSON.parse(payload.toString('utf8')))
}

/** @returns Envelopes as lines. They hold no line feed of their own: JSON writes it as two letters. */
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
