// The content of lists, each in a file that is named by its digest, is written once and never changed. A state that
// names it is written after it, so that no power cut leaves a name without its content.

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type AtomicDisk, nodeAtomicDisk, removeFile, writeFileDurably } from '../platform/atomic-file.ts'

const ending = '.target'

export class Contents {
  readonly #dir: string
  readonly #disk: AtomicDisk
  /** What the disk would not take: a full card must not keep a device from the list that it was just given. */
  readonly #unwritten = new Map<string, Uint8Array>()
  #error: unknown = null

  constructor(dir: string, disk: AtomicDisk = nodeAtomicDisk) {
    this.#dir = dir
    this.#disk = disk
  }

  /** @returns null when it is not there, or has rotted. Never fails. */
  async read(sha256: string): Promise<Uint8Array | null> {
    const kept = this.#unwritten.get(sha256)
    if (kept !== undefined) return kept
    const bytes = await this.#disk.readFile(join(this.#dir, sha256 + ending)).catch(() => null)
    return bytes !== null && sha256Of(bytes) === sha256 ? bytes : null
  }

  /** Never fails: what the disk does not take can be read as long as this process runs. */
  async put(bytes: Uint8Array): Promise<void> {
    const sha256 = sha256Of(bytes)
    try {
      await writeFileDurably(join(this.#dir, sha256 + ending), bytes, { disk: this.#disk })
      this.#unwritten.delete(sha256)
    } catch (error) {
      this.#unwritten.set(sha256, bytes)
      this.#error = error
    }
  }

  /** @returns The disk's last error since this was asked; null when there was none. */
  takeError(): unknown {
    const error = this.#error
    this.#error = null
    return error
  }

  /** Removes what no state names. Never fails: what stays costs room alone. */
  async keepOnly(wanted: ReadonlySet<string>): Promise<void> {
    for (const sha256 of this.#unwritten.keys()) if (!wanted.has(sha256)) this.#unwritten.delete(sha256)
    const names = await this.#disk.readDirectory(this.#dir).catch(() => [])
    for (const name of names) {
      if (name.endsWith(ending) && !wanted.has(name.slice(0, -ending.length)))
        await removeFile(join(this.#dir, name), this.#disk).catch(() => {})
    }
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
