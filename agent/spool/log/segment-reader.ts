// Reads records back from segments, for sealing and thinning. Recovery, which needs only the numbers, is in
// stream.ts.

import type { RangeSet } from '../ledger/ranges.ts'
import { inflateBody } from './dictionary.ts'
import { type Disk, isDiskFailure, readAround } from './disk.ts'
import { scanFrames } from './frame.ts'
import { headerBytes } from './segment.ts'
import { type StoredSegment, wallMsIn } from './stream.ts'

/** @returns The records among `numbers` that the segment holds and that can be read; none when the disk refuses. */
export async function readRecords(
  reader: SegmentReader,
  segment: StoredSegment,
  numbers: RangeSet,
): Promise<{ n: number; json: Buffer; wallMs: number }[]> {
  const { dictionary } = segment
  const bytes = dictionary === null ? null : await reader.read(segment)
  if (dictionary === null || bytes === null) return []
  return scanFrames(bytes, headerBytes).frames.flatMap(({ sequence: n, body }) => {
    const json = numbers.has(n) ? readRecord(() => inflateBody(body, dictionary)) : null
    return json === null ? [] : [{ n, json, wallMs: wallMsIn(json) ?? segment.oldestWallMs ?? 0 }]
  })
}

/**
 * Reads segments into one buffer that is kept: a megabyte that is thrown away at every sealing is freed late by the
 * garbage collector.
 */
export class SegmentReader {
  readonly #disk: Disk
  readonly #onRefusal: (error: unknown) => void
  #buffer = Buffer.alloc(0)

  /** @param onRefusal - Gets the disk's error when it does not give a segment. */
  constructor(disk: Disk, onRefusal: (error: unknown) => void = () => {}) {
    this.#disk = disk
    this.#onRefusal = onRefusal
  }

  /** @returns The segment, valid until the next one is read; null when the disk refuses. */
  async read({ path, bytes }: StoredSegment): Promise<Buffer | null> {
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(bytes)
    try {
      const file = await this.#disk.openExisting(path)
      try {
        return this.#buffer.subarray(0, await readAround(file, this.#buffer.subarray(0, bytes)))
      } finally {
        await file.close()
      }
    } catch (error) {
      if (!isDiskFailure(error)) throw error
      this.#onRefusal(error)
      // One place of a card that cannot be read must not hold up everything else. The next sealing tries it again.
      return null
    }
  }
}

/** @returns The record's JSON; null when the bytes are not a record. */
export function readRecord(inflate: () => Buffer): Buffer | null {
  try {
    const json = inflate()
    return json.subarray(0, recordBegins.length).equals(recordBegins) ? json : null
  } catch {
    // The record was deflated with another dictionary, in a segment whose header could not say so.
    return null
  }
}

const recordBegins = Buffer.from('{"class":"')
