// Reads a request's body into memory: never more than one batch may have, never more over all requests together than
// this machine should spare.

import type { Readable } from 'node:stream'
import { maxEnvelopeBytes, maxPayloadBytes } from '../../tests-spec/protocol/batch.ts'
import { Refused } from './refusal.ts'

/** The largest batch there can be: head, envelope, payload. */
export const maxBatchBytes = 8 + maxEnvelopeBytes + maxPayloadBytes

/**
 * What bodies under way may take together. Counted as it arrives and not as it is announced, so that a client who
 * promises much and sends nothing takes no room from others. Sixteen batches of the largest kind, 2,000 of the usual.
 */
const maxBytesUnderWay = 128 * 1024 * 1024

export class Bodies {
  #bytesUnderWay = 0

  /**
   * Reads `stream` to its end and hands the bytes to `use`.
   *
   * @param announcedBytes - The Content-Length, or null. Refused by it alone, before anything is read.
   * @param mostBytes - What the longest body may have; a batch unless said otherwise.
   * @throws {Refused} `too_large`; `busy` when others fill the room; `truncated` when the sender went away. What
   *   is left of the stream is then not read: close the connection.
   */
  async with<T>(
    stream: Readable,
    announcedBytes: number | null,
    use: (body: Buffer) => Promise<T>,
    mostBytes = maxBatchBytes,
  ): Promise<T> {
    if (announcedBytes !== null && announcedBytes > mostBytes) throw tooLarge(mostBytes)
    let taken = 0
    const take = (bytes: number) => {
      taken += bytes
      this.#bytesUnderWay += bytes
      if (taken > mostBytes) throw tooLarge(mostBytes)
      if (this.#bytesUnderWay > maxBytesUnderWay)
        throw new Refused('busy', 'Too much is being received at once')
    }
    try {
      return await use(await readAll(stream, take))
    } finally {
      this.#bytesUnderWay -= taken
    }
  }
}

function tooLarge(mostBytes: number): Refused {
  return new Refused('too_large', `At most ${mostBytes} bytes are taken`)
}

/** By events: leaving a `for await` early destroys the stream, and with it the socket the refusal should go out on. */
function readAll(stream: Readable, take: (bytes: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => {
      try {
        take(chunk.length)
        chunks.push(chunk)
      } catch (refusal) {
        stream.removeAllListeners('data').pause()
        reject(refusal)
      }
    })
    // Emptied: the stream lives until the answer is sent, and would hold every byte a second time.
    stream.on('end', () => resolve(Buffer.concat(chunks.splice(0))))
    stream.on('error', (cause) => reject(new Refused('truncated', 'The sender went away', { cause })))
    stream.on('close', () => reject(new Refused('truncated', 'The sender went away')))
  })
}
