// A folder on a medium that a person plugged in: often FAT, and it may be full, worn, or pulled out while it is
// written to. Other people's files are on it. They are never opened for writing, renamed or removed.

import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ActionableError } from '../platform/actionable-error.ts'
import {
  type AtomicDisk,
  nodeAtomicDisk,
  readFileIfPresent,
  removeFile,
  writeFileDurably,
} from '../platform/atomic-file.ts'

export class Stick {
  readonly path: string
  readonly #disk: AtomicDisk

  private constructor(path: string) {
    this.path = path
    this.#disk = { ...nodeAtomicDisk, syncDirectory: syncIfPossible }
  }

  /** @throws {ActionableError} `stick_unusable` when there is no such folder. */
  static open(path: string): Stick {
    const stick = new Stick(path)
    stick.files('')
    return stick
  }

  /**
   * @returns Names of the regular files with this ending, in upper or lower case: old sticks write in capitals.
   * @throws {ActionableError} `stick_unusable`
   */
  files(extension: string): string[] {
    try {
      const entries = readdirSync(this.path, { withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile() && entry.name.toLowerCase().endsWith(extension))
        .map(({ name }) => name)
        .sort()
    } catch (cause) {
      throw faultOf(this.path, cause)
    }
  }

  /**
   * @returns The file; null when it is not there, is no regular file, is longer than `mostBytes`, or cannot be read.
   */
  async read(name: string, mostBytes: number): Promise<Buffer | null> {
    const path = join(this.path, name)
    try {
      // Opening a pipe or a device, which only looks like a file, may never return.
      const found = lstatSync(path)
      if (!found.isFile() || found.size > mostBytes) return null
      return await readFileIfPresent(path, this.#disk)
    } catch {
      // One place that cannot be read must not keep the rest of the stick from being read.
      return null
    }
  }

  /** @returns The first of `names` that no file has; null when all are taken. */
  freeName(names: readonly string[]): string | null {
    return names.find((name) => !this.#isThere(name) && !this.#isThere(unfinished(name))) ?? null
  }

  /**
   * Writes a file that is whole or not there, whenever the stick is pulled.
   * @throws {ActionableError} `stick_full`, `stick_unusable`
   */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await writeFileDurably(join(this.path, name), bytes, { disk: this.#disk })
    } catch (cause) {
      throw faultOf(this.path, cause)
    }
  }

  /**
   * Removes a file of our own.
   * @returns Whether it is gone. It is no fault when the stick refuses: the file only takes room.
   */
  async remove(name: string): Promise<boolean> {
    return removeFile(join(this.path, name), this.#disk).then(
      () => true,
      () => false,
    )
  }

  /** Removes what an interrupted `write` of this name left. */
  async clearUnfinished(name: string): Promise<void> {
    await this.remove(unfinished(name))
  }

  #isThere(name: string): boolean {
    return lstatSync(join(this.path, name), { throwIfNoEntry: false }) !== undefined
  }
}

/** The name that writeFileDurably() gives to a file while it writes it. */
const unfinished = (name: string) => `${name}.tmp`

/**
 * Drivers that cannot sync a folder answer with these errors. The batches stay on the device until a receipt comes
 * back.
 */
const cannotSync: ReadonlySet<unknown> = new Set(['EINVAL', 'ENOTSUP', 'EISDIR', 'EACCES', 'EPERM'])

async function syncIfPossible(path: string): Promise<void> {
  try {
    await nodeAtomicDisk.syncDirectory(path)
  } catch (error) {
    if (!cannotSync.has(codeOf(error))) throw error
  }
}

const fullCodes: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

function faultOf(path: string, cause: unknown): ActionableError {
  if (fullCodes.has(codeOf(cause))) {
    return new ActionableError(
      'stick_full',
      `There is no room left in ${path}. Make room or take another stick, then give the same command again: it goes on where it stopped.`,
      { cause },
    )
  }
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ActionableError(
    'stick_unusable',
    `Cannot use ${path}: ${why}. Check that the stick is plugged in, mounted and writable, then give the same command again: nothing is lost.`,
    { cause },
  )
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}
