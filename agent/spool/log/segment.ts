// One segment file: a header block, then commits, each beginning on a block of its own. The header says which spool
// life and dictionary the frames belong to; a file whose header is damaged still gives back its frames.
//
//    0  "SNDSEG1\n"  8
//    8  CRC-32       4   over bytes 12 to 40
//   12  stream       1   a, r, d or c
//   13  zeros        3
//   16  number       8   counts up within a stream
//   24  epoch        8   first 64 bits; the folder has all of it
//   32  dictionary   8   name of the dictionary of the bodies

import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { DiskFile } from '../../platform/atomic-file.ts'
import { writeFully } from '../../platform/atomic-file.ts'
import type { Disk } from './disk.ts'
import { blockAligned, blockBytes, encodeFrame, frameHeadBytes, type StreamLetter } from './frame.ts'

export interface SegmentHeader {
  readonly stream: StreamLetter
  readonly number: number
  /** Life of the spool that the segment belongs to: 18 hex digits. */
  readonly epoch: string
  /** Name of the dictionary of the bodies: 16 hex digits. */
  readonly dictionary: string
}

const magic = Buffer.from('SNDSEG1\n', 'latin1')
/** Offset at which commits begin. */
export const headerBytes = blockBytes
const usedBytes = 40

export function encodeHeader({ stream, number, epoch, dictionary }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  magic.copy(bytes)
  bytes.write(stream, 12, 'latin1')
  bytes.writeBigUInt64BE(BigInt(number), 16)
  bytes.write(epoch.slice(0, 16), 24, 'hex')
  bytes.write(dictionary, 32, 'hex')
  bytes.writeUInt32BE(crc32(bytes.subarray(12, usedBytes)), 8)
  return bytes
}

/**
 * @returns The name of the dictionary the frames were deflated with; null when the header is damaged. Stream, number
 *   and epoch stand in the path as well, and are read from there.
 */
export function dictionaryOf(segment: Buffer): string | null {
  if (segment.length < usedBytes || !segment.subarray(0, 8).equals(magic)) return null
  if (crc32(segment.subarray(12, usedBytes)) !== segment.readUInt32BE(8)) return null
  return segment.toString('hex', 32, usedBytes)
}

const nameForm = /^([ardc])-(\d{10})\.seg$/

export function segmentName(stream: StreamLetter, number: number): string {
  return `${stream}-${String(number).padStart(10, '0')}.seg`
}

/** @returns The numbers of the segments of `stream` in `dir`, ascending. */
export async function segmentNumbers(disk: Disk, dir: string, stream: StreamLetter): Promise<number[]> {
  const found = (await disk.readDirectory(dir)).flatMap((name) => {
    const match = nameForm.exec(name)
    return match?.[1] === stream ? [Number(match[2])] : []
  })
  return found.sort((a, b) => a - b)
}

/** The writing end of one segment. After any failure it must be closed and never written again. */
export class SegmentWriter {
  /** Bytes the file takes on disk. */
  bytes: number
  readonly #file: DiskFile
  /** Offset at which the next commit begins. */
  #tail: number
  /** Offset up to which one frame of zeros stands in place of commits. */
  #wiped = headerBytes
  /** Size in bytes that the file never exceeds. */
  readonly #capacity: number

  private constructor(file: DiskFile, tail: number, bytes: number, capacity: number) {
    this.#file = file
    this.#tail = tail
    this.bytes = bytes
    this.#capacity = capacity
  }

  /**
   * Makes the file, durably.
   * @param prefill - Writes zeros first: on ext4, a commit into blocks that exist already costs 5 kB on the medium,
   * and one that lets the file grow costs 18 kB. It also makes sure of the room.
   */
  static async create(
    disk: Disk,
    dir: string,
    header: SegmentHeader,
    options: { readonly capacity: number; readonly prefill: boolean },
  ): Promise<SegmentWriter> {
    const path = join(dir, segmentName(header.stream, header.number))
    const file = await disk.create(path, 0o600)
    try {
      await writeFully(file, encodeHeader(header), 0)
      // A disk that fails says so here, before a megabyte is written to it at every attempt.
      await file.sync()
      if (options.prefill) {
        await writeZeros(file, headerBytes, options.capacity)
        await file.sync()
      }
      // A file whose name is not durable is lost with all its commits, however well these were synced.
      await disk.syncDirectory(dir)
    } catch (error) {
      await closeQuietly(file)
      // An empty segment that stays is found at the next start, holds nothing and is removed.
      await disk.unlink(path).catch(() => {})
      throw error
    }
    const bytes = options.prefill ? options.capacity : headerBytes
    return new SegmentWriter(file, headerBytes, bytes, options.capacity)
  }

  /**
   * Goes on in a file that was read before.
   * @param tail - A block boundary, with nothing but zeros or the end of the file behind it.
   */
  static async reopen(
    disk: Disk,
    path: string,
    place: { readonly tail: number; readonly bytes: number; readonly capacity: number },
  ): Promise<SegmentWriter> {
    return new SegmentWriter(await disk.openExisting(path), place.tail, place.bytes, place.capacity)
  }

  /** Whether there is room for a commit of `bytes` bytes. */
  fits(bytes: number): boolean {
    return this.#tail + bytes <= this.#capacity
  }

  /** Writes one commit and waits until it is on the medium. */
  async commit(group: Uint8Array): Promise<void> {
    await writeFully(this.#file, group, this.#tail)
    await this.#file.datasync()
    this.bytes = Math.max(this.bytes, this.#tail + group.length)
    this.#tail = blockAligned(this.#tail + group.length)
  }

  /**
   * Writes zeros over all commits so far, as one frame of no record, so that they can be told from a block that rotted. They
   * reach the medium with the next commit, or when the system gets to it: what a power cut keeps of the commits is not
   * needed, and does no harm.
   * @param last - Highest number among the records; -1 where there is none.
   */
  async wipe(last: number): Promise<void> {
    if (this.#wiped === this.#tail || last < 0) return
    const body = Buffer.alloc(this.#tail - headerBytes - frameHeadBytes)
    const frame = encodeFrame({ stream: 'c', sequence: last, body })
    await writeFully(this.#file, frame.subarray(this.#wiped - headerBytes), this.#wiped)
    await writeFully(this.#file, frame.subarray(0, frameHeadBytes), headerBytes)
    this.#wiped = this.#tail
  }

  /** Syncs the file: what was written before this process began may be in the page cache only. */
  async datasync(): Promise<void> {
    await this.#file.datasync()
  }

  /** Never fails: what was committed is safe, and what was not is written elsewhere. */
  async close(): Promise<void> {
    await closeQuietly(this.#file)
  }
}

const zeros = Buffer.alloc(64 * 1024)

async function writeZeros(file: DiskFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += zeros.length) {
    await writeFully(file, zeros.subarray(0, Math.min(zeros.length, to - at)), at)
  }
}

async function closeQuietly(file: DiskFile): Promise<void> {
  // close() reports errors of writes that no sync has confirmed; the spool does not rely on those writes.
  await file.close().catch(() => {})
}
