// What a stick needs of a spool, wherever that is open: in this process, or in an agent that runs.

import type { BatchId, PendingBatch } from '../../tests-spec/protocol/batch.ts'

export interface SpoolAccess {
  /** Seals everything there is. @returns Whether all of it is sealed; when not, the disk refuses. */
  sealAll(): Promise<boolean>
  /** Sealed and not yet receipted, in the order they should leave. */
  pending(): Promise<readonly PendingBatch[]>
  /** @returns null when it is gone or damaged; the spool has then noted it as lost. */
  read(id: BatchId): Promise<Buffer | null>
  /**
   * Forgets the batch that a receipt names, if it is this probe's and signed by its own collector.
   * @returns Whether it was pending, and is now forgotten.
   */
  receipted(receipt: Buffer): Promise<boolean>
  /**
   * Keeps aside the batches that the word on a sealed file says the collector will never take, if it is signed by this
   * probe's own collector.
   * @returns Which of them were pending.
   */
  refused(word: Buffer): Promise<readonly { readonly batch: BatchId; readonly code: string }[]>
}
