// One record in a segment: a head of 20 bytes, then the body. Big-endian.
//
//    0  magic     4   F5 53 46 31
//    4  length    4   of the body
//    8  CRC-32    4   over length, and everything from byte 12 to the end of the body
//   12  stream    1   a, r, d or c
//   13  flags     1   1: the body is deflated with the segment's dictionary
//   14  sequence  6   record number; in the control log, its own count
//
// Finding frames again in a damaged file is this file's business too; what was lost is for recovery.ts to say.

import { crc32 } from 'node:zlib'

/** `a` anomalies, `r` routine, `d` diagnostics, `c` the control log. */
export type StreamLetter = 'a' | 'r' | 'd' | 'c'

export interface Frame {
  readonly stream: StreamLetter
  readonly sequence: number
  readonly body: Uint8Array
}

/** A frame that was found at `offset` of a segment. */
export interface FoundFrame extends Frame {
  readonly offset: number
  readonly end: number
}

export const frameHeadBytes = 20
/** Size of a block. A commit begins on a block boundary, so that no block that was synced is ever written again. */
export const blockBytes = 4096

/** 0xF5 occurs in no UTF-8 text, so no stored text can pass for a frame. */
const magic = Buffer.from([0xf5, 0x53, 0x46, 0x31])
const deflatedWithDictionary = 1
const letters = 'ardc'

export function encodeFrame({ stream, sequence, body }: Frame): Buffer {
  // `allocUnsafe` is safe here: every byte is written below.
  const bytes = Buffer.allocUnsafe(frameHeadBytes + body.length)
  magic.copy(bytes)
  bytes.writeUInt32BE(body.length, 4)
  bytes.write(stream, 12, 'latin1')
  bytes.writeUInt8(deflatedWithDictionary, 13)
  bytes.writeUIntBE(sequence, 14, 6)
  bytes.set(body, frameHeadBytes)
  bytes.writeUInt32BE(checksum(bytes), 8)
  return bytes
}

/** A place where something is missing or unreadable, described by the frames around it. */
export interface Gap {
  /** Sequence of the frame before the gap; null at the beginning of the segment. */
  readonly after: number | null
  /** Sequence of the frame behind the gap; null at the end of the segment. */
  readonly before: number | null
  /** Whether the gap lies in the last commit, where a power cut is the likely cause. */
  readonly inLastCommit: boolean
}

export interface Scan {
  readonly frames: readonly FoundFrame[]
  readonly gaps: readonly Gap[]
  /** Sequences that unreadable heads name. They are hints, not facts: the damage may be in these bytes too. */
  readonly suspects: readonly number[]
  /** Where the next commit may begin: a block boundary with nothing but zeros behind it. */
  readonly tail: number
}

/**
 * Finds every whole frame from `from` on, whatever lies between them: after damage it looks for the next magic
 * number whose length and checksum hold.
 */
export function scanFrames(bytes: Buffer, from: number): Scan {
  const frames: FoundFrame[] = []
  const suspects: number[] = []
  let at = bytes.indexOf(magic, from)
  while (at !== -1) {
    const frame = frameAt(bytes, at)
    if (frame !== null) frames.push(frame)
    else if (at + frameHeadBytes <= bytes.length) suspects.push(bytes.readUIntBE(at + 14, 6))
    at = bytes.indexOf(magic, frame === null ? at + 1 : frame.end)
  }
  const tail = blockAligned(contentEnd(bytes, frames.at(-1)?.end ?? from))
  return { frames, gaps: gapsBetween(bytes, from, frames), suspects, tail }
}

/** @returns The next multiple of the block size, or `offset` itself. */
export function blockAligned(offset: number): number {
  return Math.ceil(offset / blockBytes) * blockBytes
}

function checksum(frame: Uint8Array): number {
  return crc32(frame.subarray(12), crc32(frame.subarray(4, 8)))
}

function frameAt(bytes: Buffer, offset: number): FoundFrame | null {
  if (offset + frameHeadBytes > bytes.length) return null
  const end = offset + frameHeadBytes + bytes.readUInt32BE(offset + 4)
  if (end > bytes.length) return null
  const frame = bytes.subarray(offset, end)
  if (checksum(frame) !== frame.readUInt32BE(8)) return null
  const stream = frame.toString('latin1', 12, 13)
  if (!letters.includes(stream) || frame[13] !== deflatedWithDictionary) return null
  return {
    stream: stream as StreamLetter,
    sequence: frame.readUIntBE(14, 6),
    body: frame.subarray(frameHeadBytes),
    offset,
    end,
  }
}

function gapsBetween(bytes: Buffer, from: number, frames: readonly FoundFrame[]): Gap[] {
  const gaps: Gap[] = []
  // The loop goes backwards, so that each frame knows whether there is a later commit.
  let inLastCommit = true
  let next: FoundFrame | null = null
  for (let i = frames.length - 1; i >= -1; i--) {
    const frame = frames[i] ?? null
    const end = frame?.end ?? from
    const until = next?.offset ?? bytes.length
    // Every commit except the last is followed by another one, which begins in a block of its own.
    if (next !== null && next.offset !== end && next.offset % blockBytes === 0) inLastCommit = false
    if (isDamaged(bytes, end, until, next !== null)) {
      gaps.unshift({ after: frame?.sequence ?? null, before: next?.sequence ?? null, inLastCommit })
    }
    next = frame
  }
  return gaps
}

/**
 * Between two frames there are at most the zeros that fill a block; behind the last frame there may be any number of
 * zeros.
 */
function isDamaged(bytes: Buffer, end: number, until: number, framed: boolean): boolean {
  return (framed && until !== end && until !== blockAligned(end)) || contentEnd(bytes, end, until) !== end
}

/** @returns One past the last byte that is not zero between `from` and `until`; `from` when there is none. */
function contentEnd(bytes: Buffer, from: number, until = bytes.length): number {
  let end = until
  while (end > from && bytes[end - 1] === 0) end--
  return end
}
