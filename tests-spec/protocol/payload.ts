// What the payload of a batch unpacks to, and how it can differ from what its signed manifest says: batch.md,
// "Payload". A signature does not make it true: no payload makes this throw, and none unpacks to more than the
// manifest promises.

import { createHash } from 'node:crypto'
import { brotliDecompressSync } from 'node:zlib'
// Types alone: a thread that unpacks needs nothing of what checks a manifest.
import { type Manifest, maxRawBytes, type PayloadCodec } from './batch.ts'
import { ColumnsRefused, fromColumns } from './columns.ts'
import { hasTooManyLines } from './lines.ts'

/** Faults in the order of the checks. Stable: scripts match on these. */
export type PayloadFault =
  | 'not_brotli'
  | 'not_columns'
  | 'too_long'
  | 'too_many_lines'
  | 'wrong_length'
  | 'wrong_digest'
  /** It ended the thread that unpacked it, or took it too long; no other reader need agree. */
  | 'too_costly'

export type OpenedPayload =
  | { readonly kind: 'opened'; readonly raw: Buffer }
  | { readonly kind: 'lying'; readonly fault: PayloadFault; readonly problem: string }

export function openPayload(promised: Manifest['payload'], payload: Uint8Array): OpenedPayload {
  let unpacked: Buffer
  try {
    unpacked = brotliDecompressSync(payload, unpackingLimit(promised))
  } catch (error) {
    return notUnpacked(promised, error)
  }
  return openUnpacked(promised, unpacked)
}

/** Chooses the codec: a few lines share too little, and columns that are longer than their lines are no gain. */
export function codecFor(columns: string, rawLen: number): PayloadCodec {
  return columns.length <= rawLen ? 'br+columns' : 'br'
}

/**
 * The limit for zlib, which wants at least 1. Stops a bomb: a few kB can unpack to gigabytes. With one piece of all that is
 * promised, nothing is put together afterwards, which would take the memory twice.
 */
function unpackingLimit({ rawLen }: Manifest['payload']): {
  readonly maxOutputLength: number
  readonly chunkSize: number
} {
  return { maxOutputLength: Math.max(1, rawLen), chunkSize: Math.min(Math.max(64, rawLen), maxRawBytes) }
}

/** @param error - The error that zlib threw under that limit. */
function notUnpacked({ rawLen }: Manifest['payload'], error: unknown): OpenedPayload {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    ? lying('too_long', `Payload unpacks to more than the ${rawLen} bytes it promises`)
    : lying('not_brotli', 'Payload does not unpack')
}

/** @param unpacked - The bytes that brotli made of the payload. */
function openUnpacked(promised: Manifest['payload'], unpacked: Buffer): OpenedPayload {
  let raw: Buffer
  try {
    raw = promised.codec === 'br' ? unpacked : linesOfColumns(unpacked, promised.rawLen)
  } catch (error) {
    if (!(error instanceof ColumnsRefused)) throw error
    return lying(error.code, `Payload is not the columns it promises: ${error.message}`)
  }
  if (raw.length !== promised.rawLen)
    return lying('wrong_length', `Payload unpacks to ${raw.length} bytes, not ${promised.rawLen}`)
  if (hasTooManyLines(raw)) return lying('too_many_lines', 'Payload has more lines than one may have')
  if (createHash('sha256').update(raw).digest('hex') !== promised.rawSha256)
    return lying('wrong_digest', 'Unpacked payload does not have the digest the manifest names')
  return { kind: 'opened', raw }
}

function linesOfColumns(unpacked: Buffer, mostBytes: number): Buffer {
  return fromColumns(unpacked, mostBytes)
}

function lying(fault: PayloadFault, problem: string): OpenedPayload {
  return { kind: 'lying', fault, problem }
}
