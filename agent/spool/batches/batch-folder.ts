// Sealed batches as files: `batches/<seq>-<id>.psb` to be sent, `quarantine/` for those the collector refuses.

import { join } from 'node:path'
import * as v from 'valibot'
import {
  batchId,
  type PendingBatch,
  type VerifiedBatch,
  verifyBatch,
} from '../../../tests-spec/protocol/batch.ts'
import type { KeyLookup } from '../../../tests-spec/protocol/dsse.ts'
import {
  isMissing,
  readFileIfPresent,
  removeFile,
  setAside,
  writeFileDurably,
} from '../../platform/atomic-file.ts'
import { isNoFile } from '../../platform/regular-file.ts'
import type { Disk } from '../log/disk.ts'

const nameForm = /^(\d{10})-([0-9a-f]{64})\.psb$/

export type BatchName = Pick<PendingBatch, 'seq' | 'id'>

/** A batch file that holds what its name says, and whose signature by this probe verifies. */
export interface OwnBatch extends VerifiedBatch {
  readonly bytes: Buffer
}

export class BatchFolder {
  readonly #disk: Disk
  readonly #dir: string
  readonly #ownKey: KeyLookup

  /** @param ownKey - The probe's own key: a batch that another key signed is not this probe's to send. */
  constructor(disk: Disk, dir: string, ownKey: KeyLookup) {
    this.#disk = disk
    this.#dir = dir
    this.#ownKey = ownKey
  }

  /** @returns The names of the files that are there, in order of seq. */
  async list(): Promise<BatchName[]> {
    const names = (await this.#disk.readDirectory(this.#dir)).flatMap((name) => {
      const match = nameForm.exec(name)
      return match === null ? [] : [{ seq: Number(match[1]), id: v.parse(batchId, match[2]) }]
    })
    return names.sort((a, b) => a.seq - b.seq)
  }

  /**
   * @returns null when the file is gone, or is not what its name says.
   * @throws The disk's error: the file may be readable another day.
   */
  async read(name: BatchName): Promise<OwnBatch | null> {
    const bytes = await this.#bytesOf(name)
    if (bytes === null) return null
    try {
      const batch = verifyBatch(bytes, this.#ownKey)
      return batch.id === name.id && batch.manifest.seq === name.seq ? { ...batch, bytes } : null
    } catch {
      // The file is half written or rotten: no collector would accept it.
      return null
    }
  }

  /** Whether the file says that another key sealed it: it may be good, and only that key can tell. */
  async isOfAnother(name: BatchName): Promise<boolean> {
    const bytes = await this.#bytesOf(name)
    let signer: string | null = null
    const note = (keyId: string) => {
      signer = keyId
      return null
    }
    try {
      verifyBatch(bytes ?? Buffer.alloc(0), note)
    } catch {
      // It always is one: no key is given.
    }
    return signer !== null && this.#ownKey(signer) === null
  }

  /** @returns Size of the file in bytes; null when the file is gone. */
  async size(name: BatchName): Promise<number | null> {
    try {
      return await this.#disk.size(this.#pathOf(name))
    } catch (error) {
      // A disk that refuses to say must not pass for a file that is not there: the batch would be given up.
      if (isMissing(error)) return null
      throw error
    }
  }

  async write(name: BatchName, bytes: Uint8Array): Promise<void> {
    await writeFileDurably(this.#pathOf(name), bytes, { disk: this.#disk })
  }

  /** Removes a file that nothing refers to any more. One that stays is found, and removed, at the next start. */
  async discard(name: BatchName): Promise<void> {
    await this.#remove(name).catch(() => {})
  }

  /** Removes a file so that it cannot come back: its seq is about to be used for another content. */
  async erase(name: BatchName): Promise<void> {
    await this.#remove(name)
    await this.#disk.syncDirectory(this.#dir)
  }

  /** Moves a file to another folder, durably. */
  async moveTo(other: BatchFolder, name: BatchName): Promise<void> {
    await this.#disk.rename(this.#pathOf(name), other.#pathOf(name))
    await this.#disk.syncDirectory(other.#dir)
    await this.#disk.syncDirectory(this.#dir)
  }

  /** @returns null when nothing is there by that name, or no file. */
  async #bytesOf(name: BatchName): Promise<Buffer | null> {
    try {
      return await readFileIfPresent(this.#pathOf(name), this.#disk)
    } catch (error) {
      if (isNoFile(error)) return null
      throw error
    }
  }

  async #remove(name: BatchName): Promise<void> {
    const path = this.#pathOf(name)
    await removeFile(path, this.#disk).catch(async (error) => {
      // On Linux EISDIR; elsewhere EPERM.
      if (!isNoFile(error)) throw error
      await setAside(this.#disk, path)
    })
  }

  #pathOf({ seq, id }: BatchName): string {
    return join(this.#dir, `${String(seq).padStart(10, '0')}-${id}.psb`)
  }
}
