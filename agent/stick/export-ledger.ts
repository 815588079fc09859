// Which files this probe wrote to sticks, and which batches are in them: so that an export that was cut short goes on
// where it stopped, and our own files can be told from those of other probes. Losing this ledger costs a second copy
// on the stick, never a result.

import * as v from 'valibot'
import { type BatchId, batchId } from '../../tests-spec/protocol/batch.ts'
import { readStateFile, writeStateFile } from '../platform/state-file.ts'

const ledgerFile = v.object({
  files: v.array(v.object({ name: v.string(), sha256: v.string(), batches: v.array(batchId) })),
})

export interface ExportedFile {
  readonly name: string
  /** Digest of the whole file. */
  readonly sha256: string
  readonly batches: readonly BatchId[]
}

/** The files of three sticks a month, for years. When there are more, the oldest are forgotten. */
const maxFiles = 4_096

export class ExportLedger {
  readonly #path: string
  #files: readonly ExportedFile[]

  private constructor(path: string, files: readonly ExportedFile[]) {
    this.#path = path
    this.#files = files
  }

  /** Opens the ledger; it is empty when there is no file, or none that can be believed. */
  static async open(path: string): Promise<ExportLedger> {
    return new ExportLedger(path, (await readStateFile(path, ledgerFile))?.files ?? [])
  }

  get files(): readonly ExportedFile[] {
    return this.#files
  }

  /** Notes a file before it is written, so that a part of it on a stick that was pulled is known to be ours. */
  async add(file: ExportedFile): Promise<void> {
    await this.#replace([...this.#files, file].slice(-maxFiles))
  }

  /** Forgets all files but the wanted ones. */
  async keep(wanted: (file: ExportedFile) => boolean): Promise<void> {
    const kept = this.#files.filter(wanted)
    if (kept.length < this.#files.length) await this.#replace(kept)
  }

  async #replace(files: readonly ExportedFile[]): Promise<void> {
    this.#files = files
    try {
      // The file is readable by the owner of the folder: a command that root runs must not lock out the agent's own
      // user.
      await writeStateFile(this.#path, { files }, { mode: 0o644 })
    } catch {
      // A full card is exactly when a stick is needed: the export goes on, and a later one may make a second copy.
    }
  }
}
