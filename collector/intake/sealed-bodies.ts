// Reads the body of a request that brings a sealed file: onto the disk, since nothing of it can be checked before it is
// whole and anyone may bring one, and into memory only when it is its turn. Each network has a share of the room.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { maxSealedBytes } from '../../tests-spec/protocol/sealed.ts'
import { makeFolder } from '../archive/durable-file.ts'
import { Refused } from './refusal.ts'
import { Turns } from './turns.ts'

export interface SealedLimits {
  /**
   * Bytes that the bodies under way may take together, and those of one network. They are counted as they arrive and not
   * as they are announced, so that a client that announces much and sends nothing takes no room from others.
   */
  readonly bytes: number
  readonly bytesEach: number
}

/** Thirty files of the largest kind, of which one network has six. */
export const usualSealedLimits: SealedLimits = { bytes: 256 * 1024 * 1024, bytesEach: 51 * 1024 * 1024 }

export class SealedBodies {
  readonly #folder: string
  readonly #limits: SealedLimits
  readonly #taken = new Map<string, number>()
  /** One at a time: a file is opened in memory, where it takes a few times its size. */
  readonly #turns = new Turns()
  #bytes = 0

  /** @param folder - For files that have no name, and are gone with this process. */
  constructor(folder: string, limits: SealedLimits = usualSealedLimits) {
    this.#folder = folder
    this.#limits = limits
  }

  /**
   * Reads `stream` to its end and passes the bytes to `use`.
   *
   * @param announcedBytes - The Content-Length, or null. If it is too large, the request is refused before anything
   * is read.
   * @param source - The network that it comes from: source-of.ts.
   * @throws {Refused} `too_large`; `busy` when other bodies fill the room; `truncated` when the sender went away. The
   * rest of the stream is then not read: close the connection.
   * @throws The file system's error.
   */
  async with<T>(
    stream: Readable,
    announcedBytes: number | null,
    source: string,
    use: (body: Buffer) => Promise<T>,
  ): Promise<T> {
    if (announcedBytes !== null && announcedBytes > maxSealedBytes) throw tooLarge()
    let taken = 0
    const take = (bytes: number) => {
      taken += bytes
      this.#count(source, bytes)
      if (taken > maxSealedBytes) throw tooLarge()
      if (this.#bytes > this.#limits.bytes || (this.#taken.get(source) ?? 0) > this.#limits.bytesEach)
        throw new Refused('busy', 'Too much is being received at once')
    }
    // A stream that is broken off before it is read must not break off the process.
    stream.on('error', () => {})
    const file = await this.#namelessFile()
    try {
      await writeAll(stream, file, take)
      return await this.#turns.run('open', async () => use(await contentOf(file, taken)))
    } finally {
      this.#count(source, -taken)
      await file.close()
    }
  }

  /** Bytes of the bodies under way, for the operator. */
  get held(): number {
    return this.#bytes
  }

  #count(source: string, bytes: number): void {
    this.#bytes += bytes
    const own = (this.#taken.get(source) ?? 0) + bytes
    if (own === 0) this.#taken.delete(source)
    else this.#taken.set(source, own)
  }

  async #namelessFile(): Promise<FileHandle> {
    await makeFolder(this.#folder)
    const path = join(this.#folder, randomBytes(12).toString('hex'))
    const file = await open(path, 'wx+', 0o600)
    await rm(path)
    return file
  }
}

function tooLarge(): Refused {
  return new Refused('too_large', `A sealed file has at most ${maxSealedBytes} bytes`)
}

async function contentOf(file: FileHandle, bytes: number): Promise<Buffer> {
  const content = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await file.read(content, at, bytes - at, at)
    if (bytesRead === 0) throw new Error('A file without a name is shorter than what was written into it')
    at += bytesRead
  }
  return content
}

/**
 * Events are used because leaving a `for await` early destroys the stream, and with it the socket over which the
 * refusal should be sent.
 */
function writeAll(stream: Readable, file: FileHandle, take: (bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let at = 0
    let written: Promise<unknown> = Promise.resolve()
    const stop = (error: unknown) => {
      stream.removeAllListeners('data').pause()
      reject(error)
    }
    stream.on('data', (chunk: Buffer) => {
      try {
        take(chunk.length)
      } catch (refusal) {
        stop(refusal)
        return
      }
      // What the disk has not taken yet is not asked for.
      stream.pause()
      const from = at
      at += chunk.length
      written = file.write(chunk, 0, chunk.length, from).then(() => stream.resume(), stop)
    })
    stream.on('end', () => void written.then(() => resolve()))
    const gone = (cause?: unknown) =>
      void written.then(() => reject(new Refused('truncated', 'The sender went away', { cause })))
    stream.on('error', gone)
    stream.on('close', () => gone())
    if (stream.destroyed && !stream.readableEnded) gone()
  })
}
