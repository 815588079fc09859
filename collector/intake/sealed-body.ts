// One sealed file on its way in, in a file without a name.

import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { Refused } from './refusal.ts'

export const cameAgain = 'The same file came over another connection'

export class SealedBody {
  /** The network that it comes from. */
  readonly source: string
  /** When the last request for it ended, in milliseconds. */
  touchedAt = 0
  readonly #file: FileHandle
  #bytes = 0
  #stop: ((error: unknown) => void) | null = null
  #ended: Promise<unknown> = Promise.resolve()

  constructor(file: FileHandle, source: string) {
    this.#file = file
    this.source = source
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Writes what comes behind what is there.
   *
   * @param take - Called with the number of bytes of each piece once they are counted; may throw to end it.
   * @throws {Refused} `truncated`, after what came is written; what `take` throws; the file system's error.
   */
  append(stream: Readable, take: (bytes: number) => void): Promise<void> {
    const reading = this.#append(stream, take)
    this.#ended = reading.catch(() => {})
    return reading
  }

  /** Ends a request that is being read, as if its sender had gone away. */
  async supersede(): Promise<void> {
    this.#stop?.(new Refused('truncated', cameAgain))
    await this.#ended
    // Whoever awaits the same promise goes first.
    await new Promise((resolve) => setImmediate(resolve))
  }

  async content(): Promise<Buffer> {
    const content = Buffer.alloc(this.#bytes)
    for (let at = 0; at < content.length; ) {
      const { bytesRead } = await this.#file.read(content, at, content.length - at, at)
      if (bytesRead === 0) throw new Error('A file without a name is shorter than what was written into it')
      at += bytesRead
    }
    return content
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /**
   * Events are used because leaving a `for await` early destroys the stream, and with it the socket over which the
   * refusal should be sent.
   */
  #append(stream: Readable, take: (bytes: number) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      let written: Promise<unknown> = Promise.resolve()
      const stop = (error: unknown) => {
        stream.removeAllListeners('data').pause()
        void written.then(() => reject(error))
      }
      this.#stop = stop
      stream.on('data', (chunk: Buffer) => {
        const from = this.#bytes
        this.#bytes += chunk.length
        try {
          take(chunk.length)
        } catch (refusal) {
          stop(refusal)
          return
        }
        // What the disk has not taken yet is not asked for.
        stream.pause()
        written = this.#file.write(chunk, 0, chunk.length, from).then(() => stream.resume(), reject)
      })
      stream.on('end', () => void written.then(() => resolve()))
      const gone = (cause?: unknown) => stop(new Refused('truncated', 'The sender went away', { cause }))
      stream.on('error', gone)
      stream.on('close', () => gone())
      if (stream.destroyed && !stream.readableEnded) gone()
    }).finally(() => {
      this.#stop = null
    })
  }
}
