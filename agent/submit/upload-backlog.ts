// Everything that waits, in the order it should go, until it is gone or the way is closed.

import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import { CollectorConnection } from './collector-connection.ts'
import { type CollectorAddress, offerBatch, type SubmitOptions } from './submit-batch.ts'

/** The part of a spool that uploading needs. */
export interface Backlog {
  /** In the order they should be sent. */
  pending(): readonly PendingBatch[]
  read(id: BatchId): Promise<Buffer>
  receipted(receipt: Receipt): Promise<void>
  quarantine(id: BatchId, reason: string): Promise<void>
}

export interface PendingBatch {
  readonly id: BatchId
  readonly seq: number
  readonly bytes: number
  readonly anomalies: number
}

export interface UploadSummary {
  readonly accepted: number
  /** Batches that still wait: the one that was put off and those behind it. */
  readonly deferred: number
  /** Batches the collector will never accept, now in quarantine. */
  readonly rejected: number
  /** Bytes the link carried. */
  readonly sent: number
  readonly received: number
  /** How long the collector asks to be left alone; null when it does not. */
  readonly retryAfterMs: number | null
  /** Why something still waits; null when nothing does. */
  readonly reason: string | null
}

/**
 * Submits what waits, one after the other over one connection, and stops at the first that is put off: what holds one
 * up holds up the next as well.
 *
 * A receipt that asks for a pause keeps routine batches back; those with anomalies go all the same.
 */
export async function uploadBacklog(
  batches: Backlog,
  to: CollectorAddress,
  options: SubmitOptions,
): Promise<UploadSummary> {
  const connection = new CollectorConnection(to.url)
  const tally = { accepted: 0, rejected: 0 }
  const waiting = batches.pending()
  let stop: Stop | null = null
  let pauseMs = 0
  for (const batch of waiting) {
    if (options.signal.aborted) stop = { reason: 'interrupted', retryAfterMs: null }
    else if (pauseMs > 0 && batch.anomalies === 0) stop = { reason: 'paced', retryAfterMs: pauseMs }
    if (stop !== null) break
    const bytes = await readOrNull(batches, batch.id)
    if (bytes === null) continue
    const outcome = await offerBatch(connection, bytes, batch.id, to, options)
    switch (outcome.kind) {
      case 'accepted':
        await batches.receipted(outcome.receipt)
        tally.accepted++
        pauseMs = Math.min(outcome.receipt.nextAfterS * 1000, maxPauseMs)
        break
      case 'rejected':
        await batches.quarantine(batch.id, `${outcome.code}: ${outcome.problem}`)
        tally.rejected++
        break
      case 'deferred':
        stop = outcome
        break
      default:
        outcome satisfies never
    }
  }
  connection.close()
  // Asked for and not counted: a batch whose bytes, or whose quarantine, the disk refused waits as well.
  const deferred = stillWaiting(batches, waiting)
  const { reason, retryAfterMs } = stop ?? { reason: deferred > 0 ? 'disk' : null, retryAfterMs: null }
  return { ...tally, deferred, ...connection.bytes, reason, retryAfterMs }
}

interface Stop {
  readonly reason: string
  readonly retryAfterMs: number | null
}

/** As for `Retry-After`: nobody shuts a probe up for longer. */
const maxPauseMs = 3_600_000

async function readOrNull(batches: Backlog, id: BatchId): Promise<Buffer | null> {
  try {
    return await batches.read(id)
  } catch {
    // The file is gone or damaged, which the spool has noted, or the disk refused, and it still waits. One batch that
    // cannot be read must not keep the others from going.
    return null
  }
}

function stillWaiting(batches: Backlog, asked: readonly PendingBatch[]): number {
  const left = new Set(batches.pending().map(({ id }) => id))
  return asked.filter(({ id }) => left.has(id)).length
}
