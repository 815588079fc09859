// Reads the body of a request that brings a sealed file into memory: never more than one may have, never more over all
// such requests together than this machine should spare. Nothing of it can be checked before it is whole, unlike a
// batch (uploads.ts), and carriers are few.

import type { Readable } from 'node:stream'
import { maxSealedBytes } from '../../tests-spec/protocol/sealed.ts'
import { Refused } from './refusal.ts'

/**
 * What bodies under way may take together. Counted as it arrives and not as it is announced, so that a client who
 * promises much and sends nothing takes no room from others. Seven of the largest kind, 60 of the usual.
 */
const maxBytesUnderWay = 64 * 1024 * 1024

export class SealedBodies {
  #bytesUnderWay = 0

  /**
   * Reads `stream` to its end and hands the bytes to `use`.
   *
   * @param announcedBytes - The Content-Length, or null. Refused by it alone, before anything is read.
   * @throws {Refused} `too_large`; `busy` when others fill the room; `truncated` when the sender went away. What
   *   is left of the stream is then not read: close the connection.
   */
  async with<T>(
    stream: Readable,
    announcedBytes: number | null,
    use: (body: Buffer) => Promise<T>,
  ): Promise<T> {
    if (announcedBytes !== null && announcedBytes > maxSealedBytes) throw tooLarge()
    let taken = 0
    const take = (bytes: number) => {
      taken += bytes
      this.#bytesUnderWay += bytes
      if (taken > maxSealedBytes) throw tooLarge()
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

function tooLarge(): Refused {
  return new Refused('too_large', `A sealed file has at most ${maxSealedBytes} bytes`)
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
