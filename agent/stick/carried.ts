// Sealed files of other probes on their way to the collector: a bounded store in the state folder. This device cannot
// read what is in them. A command puts files in while an agent takes them out, each in one step that a power cut
// leaves done or not done, so neither needs to know of the other.
//
//   carried/<number>-<SHA-256>.age waits to be brought
//   carried/<number>-<SHA-256>.rcp was brought: the collector's answer, for the way back

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { joinLines, splitLines } from '../../tests-spec/protocol/sealed.ts'
import { readFileIfPresent, removeFile, writeFileDurably } from '../platform/atomic-file.ts'

interface Entry {
  readonly name: string
  /**
   * Number of the file in the order of arrival, which stands in for a time: the clock of a probe may be years off.
   */
  readonly number: number
  readonly sha256: string
  readonly kind: 'age' | 'rcp'
  readonly bytes: number
}

export interface CarriedOptions {
  readonly dir: string
  /** Bytes that the folder may take; with 0 nothing is carried. */
  readonly quotaBytes: number
  /** @returns Free bytes on the disk that the probe does not need for its own results. */
  readonly roomBytes: () => number
}

/**
 * What one stick may give up of what came by others: whoever fills a stick with files must not empty the store of a
 * courier.
 */
export interface StickShare {
  /** Numbers up to this one came before the stick. */
  readonly upTo: number
  /** Bytes of them that may still be given up for it. */
  left: number
  /** Digests of those that were. */
  readonly gaveUp: string[]
}

const form = /^(\d{8})-([0-9a-f]{64})\.(age|rcp)$/

export class Carried {
  readonly #options: CarriedOptions
  /**
   * Files that the collector refused while this process runs. A later process offers them again: the answer was not
   * signed.
   */
  readonly #refused = new Set<string>()

  constructor(options: CarriedOptions) {
    this.#options = options
  }

  /** Whether this file is here, or was brought and its answer is here. */
  has(sha256: string): boolean {
    return this.#entries().some((entry) => entry.sha256 === sha256)
  }

  /** Begins to take from a stick: half of the store at most is given up for what is on it, and none of its own files. */
  shareOfStick(): StickShare {
    const upTo = Math.max(0, ...this.#entries().map(({ number }) => number))
    return { upTo, left: this.#options.quotaBytes / 2, gaveUp: [] }
  }

  /**
   * Keeps a sealed file, and gives up the oldest ones to make room for it, as far as its stick may.
   * @returns `no_room` when the file is larger than the quota, or would cost more than that, or when the room is for
   * the probe's own results.
   * @throws The system's error, when the disk refuses.
   */
  async put(
    bytes: Uint8Array,
    share: StickShare = this.shareOfStick(),
  ): Promise<'kept' | 'known' | 'no_room'> {
    const { quotaBytes, roomBytes } = this.#options
    const sha256 = sha256Hex(bytes)
    if (this.has(sha256)) return 'known'
    if (bytes.length > quotaBytes) return 'no_room'
    if (!(await this.#makeRoom(quotaBytes - bytes.length, share))) return 'no_room'
    if (roomBytes() < bytes.length) return 'no_room'
    const last = Math.max(0, ...this.#entries().map(({ number }) => number))
    await this.#write(`${String(last + 1).padStart(8, '0')}-${sha256}.age`, bytes)
    return 'kept'
  }

  /** Digests of the files that wait to be brought, oldest first. */
  waiting(): string[] {
    return this.#entries()
      .filter(({ kind, sha256 }) => kind === 'age' && !this.#refused.has(sha256))
      .map(({ sha256 }) => sha256)
  }

  /**
   * @returns null when the file is gone, or has rotted and is therefore removed: the probe it is from still has it.
   */
  async read(sha256: string): Promise<Buffer | null> {
    const entry = this.#entries().find((each) => each.sha256 === sha256 && each.kind === 'age')
    if (entry === undefined) return null
    const bytes = await readFileIfPresent(join(this.#options.dir, entry.name)).catch(() => null)
    if (bytes !== null && sha256Hex(bytes) === sha256) return bytes
    await this.#remove(entry)
    return null
  }

  /** Keeps the collector's answer in place of the file. Only ever called with an answer that was verified. */
  async brought(sha256: string, answer: readonly Uint8Array[]): Promise<void> {
    const entry = this.#entries().find((each) => each.sha256 === sha256 && each.kind === 'age')
    if (entry === undefined) return
    await this.#write(entry.name.replace(/age$/, 'rcp'), joinLines(answer))
    await this.#remove(entry)
  }

  /** Leaves a file where it is, and does not offer it again as long as this process runs. */
  refused(sha256: string): void {
    this.#refused.add(sha256)
  }

  /** @returns Every line of every answer that is kept, oldest first. */
  async answers(): Promise<Buffer[]> {
    const lines: Buffer[] = []
    for (const { name, kind } of this.#entries()) {
      if (kind !== 'rcp') continue
      const bytes = await readFileIfPresent(join(this.#options.dir, name)).catch(() => null)
      lines.push(...splitLines(bytes ?? Buffer.alloc(0)))
    }
    return lines
  }

  /**
   * Gives up the oldest files until there is room. An answer is small, and worth as much as the file that it answers.
   * @returns Whether there is room; nothing is given up where there cannot be.
   */
  async #makeRoom(bytes: number, share: StickShare): Promise<boolean> {
    const entries = this.#entries()
    let taken = entries.reduce((sum, entry) => sum + entry.bytes, 0)
    let cost = 0
    const victims: Entry[] = []
    for (const entry of entries) {
      if (taken <= bytes) break
      if (entry.number > share.upTo) return false
      victims.push(entry)
      taken -= entry.bytes
      cost += entry.bytes
    }
    if (cost > share.left) return false
    for (const victim of victims) {
      await this.#remove(victim)
      share.gaveUp.push(victim.sha256)
    }
    share.left -= cost
    return true
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    // The folder is private; a command that root runs must not lock the agent's own user out of a file in it.
    await writeFileDurably(join(this.#options.dir, name), bytes, { mode: 0o644 })
  }

  async #remove({ name }: Entry): Promise<void> {
    await removeFile(join(this.#options.dir, name))
  }

  /**
   * The files, oldest first, as they are on the disk now: another process may have changed them since they were last
   * listed.
   */
  #entries(): Entry[] {
    const { dir } = this.#options
    return readdirSync(dir)
      .flatMap((name) => {
        const [, number = '', sha256 = '', kind] = form.exec(name) ?? []
        const bytes = statSync(join(dir, name), { throwIfNoEntry: false })?.size
        if ((kind !== 'age' && kind !== 'rcp') || bytes === undefined) return []
        return [{ name, number: Number(number), sha256, kind, bytes } as const]
      })
      .sort((a, b) => a.number - b.number)
  }
}
