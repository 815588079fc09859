// One batch on its way in: the bytes so far, and what its head has proved. Nothing is kept of a body whose beginning
// is not the head of a batch by an enrolled probe, so the first request of an upload must hold the whole envelope.

import type { KeyObject } from 'node:crypto'
import { type BatchHead, BatchRefused, envelopeEnd, verifyHead } from '../../tests-spec/protocol/batch.ts'
import { Refused } from './refusal.ts'

/**
 * Gives the key of a device whose batches are taken, or null.
 * @throws {Refused} `revoked`, for a key whose batches were once taken.
 */
export type Admission = (device: string) => KeyObject | null

export class Upload {
  #chunks: Buffer[] = []
  #bytes = 0
  /** Offset in bytes at which the envelope ends; null while fewer than 8 bytes are there. */
  #envelopeEnd: number | null = null
  #head: BatchHead | null = null
  readonly #admission: Admission
  /** The network that it comes from. */
  readonly source: string
  /** Whether another network sent its beginning. */
  isFork = false
  /** When the last bytes came, in milliseconds. */
  touchedAt = 0

  constructor(admission: Admission, source: string) {
    this.#admission = admission
    this.source = source
  }

  /** Another upload that goes on from what is here, which stays as it is. */
  forkFor(source: string): Upload {
    const fork = new Upload(this.#admission, source)
    fork.#chunks = [...this.#chunks]
    fork.#bytes = this.#bytes
    fork.#envelopeEnd = this.#envelopeEnd
    fork.#head = this.#head
    fork.isFork = true
    return fork
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Head of the batch; null until the whole envelope is here and verified. */
  get head(): BatchHead | null {
    return this.#head
  }

  /** Bytes of the whole batch; null without a head. */
  get expected(): number | null {
    return this.#head === null ? null : this.#head.payloadOffset + this.#head.manifest.payload.len
  }

  get isWhole(): boolean {
    return this.#bytes === this.expected
  }

  /** @throws {BatchRefused} As soon as the bytes here cannot become a batch; {Refused} `revoked`. */
  append(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#head === null) this.#readHead()
    const expected = this.expected
    if (expected !== null && this.#bytes > expected)
      throw new BatchRefused('trailing_bytes', `At least ${this.#bytes - expected} bytes follow the payload`)
  }

  /** Takes out the bytes that came, in one piece; the upload is empty afterwards, so that nothing is held twice. */
  take(): Buffer {
    const whole = this.#joined()
    this.#chunks = []
    this.#bytes = 0
    return whole
  }

  #readHead(): void {
    if (this.#bytes < 8) return
    // Computed once and not with every byte: an envelope that comes byte by byte would be copied 65,536 times.
    this.#envelopeEnd ??= envelopeEnd(this.#joined())
    if (this.#bytes >= this.#envelopeEnd) this.#head = verifyHead(this.#joined(), this.#admission)
  }

  #joined(): Buffer {
    const joined = Buffer.concat(this.#chunks, this.#bytes)
    this.#chunks = [joined]
    return joined
  }
}

export function cutShort(bytes: number, cause?: unknown): Refused {
  return new Refused('truncated', `The sender went away after ${bytes} bytes`, { cause })
}
