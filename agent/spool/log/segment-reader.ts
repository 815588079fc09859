// Reads records back from segments: what sealing and thinning need. Recovery, which wants numbers only, is stream.ts.

import type { RangeSet } from '../ledger/ranges.ts'
import { inflateBody } from './dictionary.ts'
import { type Disk, isDiskFailure, readAround } from './disk.ts'
import { scanFrames } from './frame.ts'
import { headerBytes } from './segment.ts'
import { type StoredSegment, wallMsIn } from './stream.ts'

/** @returns Those of `numbers` that the segment holds and that can be read; none when the disk refuses. */
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
 * Reads segments into one buffer that is kept: a megabyte thrown away at every sealing is a megabyte that the garbage
 * collector notices late.
 */
export class SegmentReader {
  readonly #disk: Disk
  #buffer = Buffer.alloc(0)

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** @returns The segment, good until the next one is read; null when the disk refuses. */
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
      // One sick place on a card must not hold up everything else. The next sealing tries it again.
      return null
    }
  }
}

/** @returns null when it is not a record. */
export function readRecord(inflate: () => Buffer): Buffer | null {
  try {
    const json = inflate()
    return json.subarray(0, recordBegins.length).equals(recordBegins) ? json : null
  } catch {
    // Deflated with another dictionary, in a segment whose header could not say so.
    return null
  }
}

const recordBegins = Buffer.from('{"class":"')
