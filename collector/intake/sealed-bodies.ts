// Reads into memory the body of a request that brings a sealed file: never more than one file may have, and never
// more over all such requests together than this machine can spare. Unlike a batch (uploads.ts), nothing of it can be
// checked before it is whole, and carriers are few.

import type { Readable } from 'node:stream'
import { maxSealedBytes } from '../../tests-spec/protocol/sealed.ts'
import { Refused } from './refusal.ts'

/**
 * Bytes that the bodies under way may take together. They are counted as they arrive and not as they are announced,
 * so that a client that announces much and sends nothing takes no room from others. The limit is seven files of the
 * largest kind, or 60 of the usual.
 */
const maxBytesUnderWay = 64 * 1024 * 1024

export class SealedBodies {
  #bytesUnderWay = 0

  /**
   * Reads `stream` to its end and passes the bytes to `use`.
   *
   * @param announcedBytes - The Content-Length, or null. If it is too large, the request is refused before anything
   * is read.
   * @throws {Refused} `too_large`; `busy` when other bodies fill the room; `truncated` when the sender went away. The
   * rest of the stream is then not read: close the connection.
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

/**
 * Events are used because leaving a `for await` early destroys the stream, and with it the socket over which the
 * refusal should be sent.
 */
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
    // The list is emptied: the stream lives until the answer is sent, and would hold every byte a second time.
    stream.on('end', () => resolve(Buffer.concat(chunks.splice(0))))
    stream.on('error', (cause) => reject(new Refused('truncated', 'The sender went away', { cause })))
    stream.on('close', () => reject(new Refused('truncated', 'The sender went away')))
  })
}
