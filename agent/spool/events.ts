// What happens to a spool beside what it is asked to do: told as values after it has happened, so that the log can
// say it. They hold counts and words from closed lists only: nothing of what was measured, and nothing of where.

import type { Evictable } from './eviction.ts'
import type { LossReason } from './ledger/ledger.ts'

/**
 * Why a new epoch began.
 *
 * - `new`: the folder was empty.
 * - `control_log_lost`: entries of the control log are missing or unreadable, and what was sealed is not known any more.
 * - `control_log_behind`: there are batch files that it knows nothing of, so its end is missing.
 * - `acknowledged_lost`: the note of what was acknowledged is gone or damaged, so it is not known which numbers were given.
 * - `key_changed`: what was sealed before was sealed by another key, or the key of what was kept is back.
 * - `sent_from_memory`: records left in an epoch of their own while the disk took nothing, and it takes something again.
 * - `chain_refused`: the collector holds another content for a seq, and would take no later batch of the old epoch.
 */
export type EpochReason =
  | 'new'
  | 'control_log_lost'
  | 'control_log_behind'
  | 'acknowledged_lost'
  | 'key_changed'
  | 'sent_from_memory'
  | 'chain_refused'

export interface Unread {
  /** The system's word for it: EACCES, EIO. */
  readonly code: string
  /** Below the spool's folder; null where the system names none. */
  readonly path: string | null
}

export type SpoolEvent =
  /** The folder was read and the spool can go on from it. This is the last event that recovery tells. */
  | {
      readonly kind: 'opened'
      /** Number of records that are in no batch yet. */
      readonly records: number
      readonly batches: number
      readonly quarantined: number
      /** Number of records of this epoch that will never be sent. */
      readonly lost: number
    }
  | { readonly kind: 'epoch_begun'; readonly why: EpochReason }
  /** Records of other epochs were found in segments, and have numbers of this epoch now. */
  | { readonly kind: 'carried_over'; readonly records: number }
  /**
   * - `torn`: a power cut took what was not yet durable.
   * - `corrupt`: a segment has rotted.
   * - `unknown`: a number is missing, and it is not known whether the record was ever safe.
   * - `disk_full`: memory was full, because the disk refused for too long.
   */
  | {
      readonly kind: 'records_lost'
      readonly reason: Exclude<LossReason, 'evicted'>
      readonly records: number
    }
  /** Batch files are gone or damaged. `records` is null when the note of them is gone as well. */
  | { readonly kind: 'batches_lost'; readonly batches: number; readonly records: number | null }
  /**
   * A batch was written, and its sealing was not noted when the spool stopped or the disk refused. The batch is kept.
   */
  | { readonly kind: 'batch_adopted' }
  /** To make room, a segment, a batch, or the repeats in a segment were given up. */
  | { readonly kind: 'evicted'; readonly holds: Evictable['holds']; readonly records: number }
  /** Batches of another key are kept until that key is back. */
  | { readonly kind: 'batches_kept'; readonly batches: number }
  /** The disk takes nothing, and records leave from memory, in an epoch of their own. Told once, until the disk takes some. */
  | { readonly kind: 'sending_from_memory' }
  /**
   * A file or folder of the spool cannot be read: what is in it waits, and is not known. Where the spool cannot be opened
   * without it, records wait in memory.
   */
  | ({ readonly kind: 'unread' } & Unread)
  /** The file system is full, and sealing goes on in the room that the reserve held for that. */
  | { readonly kind: 'reserve_given_back' }

/** Tells an event. It returns nothing: the spool tells, and asks nothing. */
export type Tell = (event: SpoolEvent) => void
