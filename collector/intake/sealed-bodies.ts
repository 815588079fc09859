// Bodies of requests that bring a sealed file, whole or in parts: onto the disk, since nothing of it can be checked before it
// is whole and anyone may bring one, and into memory only when it is its turn. Each network has a share of the room.

import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { maxSealedBytes } from '../../tests-spec/protocol/sealed.ts'
import { makeFolder } from '../archive/durable-file.ts'
import { OffsetMismatch, Refused } from './refusal.ts'
import { cameAgain, SealedBody } from './sealed-body.ts'
import { Turns } from './turns.ts'

export interface SealedLimits {
  /**
   * Bytes that the bodies under way may take together, and those of one network. They are counted as they arrive and not
   * as they are announced, so that a client that announces much and sends nothing takes no room from others.
   */
  readonly bytes: number
  readonly bytesEach: number
  /**
   * Number of files under way, and of one network: each has a file descriptor, however little came of it. Without a limit,
   * parts of one byte would take those with which batches are kept.
   */
  readonly files: number
  readonly filesEach: number
  /** Age in milliseconds at which a file is given up of which a part came. */
  readonly idleMs: number
}

/** Thirty files of the largest kind, of which one network has six. */
export const usualSealedLimits: SealedLimits = {
  bytes: 256 * 1024 * 1024,
  bytesEach: 51 * 1024 * 1024,
  files: 256,
  filesEach: 32,
  idleMs: 15 * 60_000,
}

/** A part of a file, or all of it. */
export interface SealedPart {
  /** SHA-256 of the whole file. */
  readonly name: string
  readonly offset: number
  /** Whether the file ends with it. */
  readonly complete: boolean
}

export class SealedBodies {
  readonly #folder: string
  readonly #now: () => number
  readonly #limits: SealedLimits
  readonly #taken = new Map<string, number>()
  /** Files of which a part came, by network and name; the one touched longest ago stands first. */
  readonly #idle = new Map<string, SealedBody>()
  readonly #active = new Map<string, SealedBody>()
  /** The newest request for each file that is under way: the others give way to it. */
  readonly #newest = new Map<string, SealedPart>()
  readonly #perFile = new Turns()
  /** Number of open files, by network. */
  readonly #files = new Map<string, number>()
  /** One at a time: a file is opened in memory, where it takes a few times its size. */
  readonly #turns = new Turns()
  #bytes = 0

  /**
   * @param folder - For files that have no name, and are gone with this process.
   * @param now - Clock in milliseconds that never goes back.
   */
  constructor(folder: string, now: () => number, limits: SealedLimits = usualSealedLimits) {
    this.#folder = folder
    this.#now = now
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
    const body = await this.#newBody(stream, announcedBytes, source)
    try {
      await body.append(stream, (bytes) => this.#take(body, bytes))
      return await this.#turns.run('open', async () => use(await body.content()))
    } finally {
      await this.#drop(body)
    }
  }

  /**
   * Adds a part to a file and, when that is whole, passes its bytes to `use`. A part whose sender went away is kept as far as
   * it came. Another request for the same file from the same network ends the one before: its connection must be dead.
   *
   * @returns What `use` gives, or the bytes that are held of a file that is not whole.
   * @throws {Refused} As `with()`, and `no_upload`, `damaged`; {OffsetMismatch}.
   */
  async append<T>(
    part: SealedPart,
    stream: Readable,
    announcedBytes: number | null,
    source: string,
    use: (body: Buffer) => Promise<T>,
  ): Promise<T | { readonly held: number }> {
    const key = `${source} ${part.name}`
    this.#newest.set(key, part)
    // While it waits for its turn, it may break off.
    stream.on('error', () => {})
    await this.#active.get(key)?.supersede()
    try {
      return await this.#perFile.run(key, async () => {
        if (this.#newest.get(key) !== part) throw new Refused('truncated', cameAgain)
        return this.#append(key, part, stream, announcedBytes, source, use)
      })
    } finally {
      if (this.#newest.get(key) === part) this.#newest.delete(key)
    }
  }

  async #append<T>(
    key: string,
    { name, offset, complete }: SealedPart,
    stream: Readable,
    announcedBytes: number | null,
    source: string,
    use: (body: Buffer) => Promise<T>,
  ): Promise<T | { readonly held: number }> {
    const known = this.#known(key)
    if (known === null && offset > 0)
      throw new Refused('no_upload', 'Nothing is held of this file: send it from the beginning')
    if (known !== null && known.bytes !== offset) throw new OffsetMismatch(known.bytes)
    if (known !== null && known.bytes + (announcedBytes ?? 0) > maxSealedBytes) throw tooLarge()
    const body = known ?? (await this.#newBody(stream, announcedBytes, source))
    this.#idle.delete(key)
    this.#active.set(key, body)
    let keep = false
    try {
      await body.append(stream, (bytes) => this.#take(body, bytes))
      keep = !complete
      if (!complete) return { held: body.bytes }
      return await this.#turns.run('open', async () => {
        const content = await body.content()
        if (sha256Hex(content) !== name) throw new Refused('damaged', 'This is not the file that was named')
        return use(content)
      })
    } catch (error) {
      keep = error instanceof Refused && error.code === 'truncated'
      throw error
    } finally {
      this.#active.delete(key)
      body.touchedAt = this.#now()
      if (keep) this.#idle.set(key, body)
      else await this.#drop(body)
    }
  }

  /** Bytes that are held of a file; null when there are none. */
  heldOf(name: string, source: string): number | null {
    return this.#known(`${source} ${name}`)?.bytes ?? null
  }

  /** Bytes of all bodies, for the operator. */
  get held(): number {
    return this.#bytes
  }

  #known(key: string): SealedBody | null {
    for (const [each, body] of this.#idle) {
      if (body.touchedAt > this.#now() - this.#limits.idleMs) break
      this.#giveUp(each, body)
    }
    return this.#idle.get(key) ?? null
  }

  async #newBody(stream: Readable, announcedBytes: number | null, source: string): Promise<SealedBody> {
    if (announcedBytes !== null && announcedBytes > maxSealedBytes) throw tooLarge()
    // A stream that is broken off before it is read must not break off the process.
    stream.on('error', () => {})
    this.#makeRoomForFile(source)
    this.#countFile(source, 1)
    try {
      return new SealedBody(await this.#namelessFile(), source)
    } catch (error) {
      this.#countFile(source, -1)
      throw error
    }
  }

  /**
   * The oldest file that nobody sends at the moment gives way: one's own, or one of the network that has most, where that has
   * no fewer than the one that comes.
   */
  #makeRoomForFile(source: string): void {
    const own = this.#files.get(source) ?? 0
    const all = [...this.#files.values()].reduce((sum, each) => sum + each, 0)
    if (own < this.#limits.filesEach && all < this.#limits.files) return
    const isOwnShareFull = own >= this.#limits.filesEach
    const filesOf = ([, idle]: [string, SealedBody]) => this.#files.get(idle.source) ?? 0
    const [gives] = [...this.#idle]
      .filter((each) => (isOwnShareFull ? each[1].source === source : filesOf(each) >= own))
      .sort((a, b) => filesOf(b) - filesOf(a))
    if (gives !== undefined) this.#giveUp(...gives)
    else throw new Refused('busy', 'Too many files are being received at once')
  }

  /** Makes room for bytes that came: files that nobody sends at the moment give way. */
  #take(body: SealedBody, bytes: number): void {
    const { source } = body
    this.#count(source, bytes)
    if (body.bytes > maxSealedBytes) throw tooLarge()
    const isFull = () => this.#bytes > this.#limits.bytes
    const isShareFull = () => (this.#taken.get(source) ?? 0) > this.#limits.bytesEach
    for (const [key, idle] of this.#idle) {
      if (!isFull() && !isShareFull()) return
      if (isFull() || idle.source === source) this.#giveUp(key, idle)
    }
    if (isFull() || isShareFull()) throw new Refused('busy', 'Too much is being received at once')
  }

  #giveUp(key: string, body: SealedBody): void {
    this.#idle.delete(key)
    void this.#drop(body)
  }

  async #drop(body: SealedBody): Promise<void> {
    this.#count(body.source, -body.bytes)
    this.#countFile(body.source, -1)
    await body.close()
  }

  #count(source: string, bytes: number): void {
    this.#bytes += bytes
    const own = (this.#taken.get(source) ?? 0) + bytes
    if (own === 0) this.#taken.delete(source)
    else this.#taken.set(source, own)
  }

  #countFile(source: string, files: number): void {
    const own = (this.#files.get(source) ?? 0) + files
    if (own === 0) this.#files.delete(source)
    else this.#files.set(source, own)
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
