// What happens to a spool beside what it is asked for: told as values when it has happened, so that the log can say it.
// Counts and words from lists only: nothing of what was measured, and nothing of where.

import type { Evictable } from './eviction.ts'
import type { LossReason } from './ledger/ledger.ts'

/**
 * Why a new epoch began.
 *
 * - `new`: the folder was empty.
 * - `control_log_lost`: entries of the control log are missing or unreadable, and what was sealed is not known any more.
 * - `control_log_behind`: there are batch files that it knows nothing of, so its end is missing.
 * - `chain_refused`: the collector holds another content for a seq, and would take no later batch of the old epoch.
 */
export type EpochReason = 'new' | 'control_log_lost' | 'control_log_behind' | 'chain_refused'

export type SpoolEvent =
  /** The folder was read and can be gone on from. Told last of all that recovery has to tell. */
  | {
      readonly kind: 'opened'
      /** Records in no batch yet. */
      readonly records: number
      readonly batches: number
      readonly quarantined: number
      /** Records of this epoch that will never be sent. */
      readonly lost: number
    }
  | { readonly kind: 'epoch_begun'; readonly why: EpochReason }
  /** Records of other epochs found in segments have numbers of this one. */
  | { readonly kind: 'carried_over'; readonly records: number }
  /**
   * - `torn`: a power cut took what was not yet durable.
   * - `corrupt`: a segment rots.
   * - `disk_full`: memory was full, because the disk refused for too long.
   */
  | {
      readonly kind: 'records_lost'
      readonly reason: Exclude<LossReason, 'evicted'>
      readonly records: number
    }
  /** Batch files are gone or damaged. `records`: null when the note of them is gone as well. */
  | { readonly kind: 'batches_lost'; readonly batches: number; readonly records: number | null }
  /** A batch was written and its sealing not noted when the spool stopped, or the disk refused. It is kept. */
  | { readonly kind: 'batch_adopted' }
  /** A segment or a batch was given up for room, or the repeats in a segment. */
  | { readonly kind: 'evicted'; readonly holds: Evictable['holds']; readonly records: number }
  /** The file system is full, and sealing goes on in the room that was held for that. */
  | { readonly kind: 'reserve_given_back' }

/** One way: the spool tells, and asks nothing. */
export type Tell = (event: SpoolEvent) => void
