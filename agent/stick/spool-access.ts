// What a stick needs of a spool, wherever the spool is open: in this process, or in an agent that runs.

import type { BatchId, PendingBatch } from '../../tests-spec/protocol/batch.ts'

export interface SpoolAccess {
  /**
   * Seals all records.
   * @returns Whether all of them are sealed; when not, the disk refuses.
   */
  sealAll(): Promise<boolean>
  /** @returns Batches that are sealed and not yet receipted, in the order in which they should leave. */
  pending(): Promise<readonly PendingBatch[]>
  /** @returns Batches that the collector has refused for good: a person may still look at them. */
  aside(): Promise<readonly PendingBatch[]>
  /** @returns null when the batch is gone or damaged; the spool has then noted it as lost. */
  read(id: BatchId): Promise<Buffer | null>
  /**
   * Forgets the batch that a receipt names, if it is this probe's and signed by its own collector.
   * @returns Whether it was pending, and is now forgotten.
   */
  receipted(receipt: Buffer): Promise<boolean>
  /**
   * Keeps aside the batches that the collector will never take, as a sealed file says, if that word is signed by this
   * probe's own collector.
   * @returns Which of the batches were pending.
   */
  refused(word: Buffer): Promise<readonly { readonly batch: BatchId; readonly code: string }[]>
}
