// One attempt to upload: it offers all batches that wait, in the order in which they should go, until none is left or
// nothing gets through any more. The uplink remembers when the next attempt may be made.

import type { BatchId, PendingBatch } from '../../tests-spec/protocol/batch.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Deferred } from './answer.ts'
import { Climber } from './climber.ts'
import type { Uplink } from './ways/uplink.ts'
import type { Way } from './ways/way.ts'

/** The part of a spool that uploading needs. */
export interface Backlog {
  /** Batches that wait, in the order in which they should be sent. */
  pending(): readonly PendingBatch[]
  read(id: BatchId): Promise<Buffer>
  receipted(receipt: Receipt): Promise<void>
  quarantine(id: BatchId, reason: string): Promise<void>
}

export interface UploadSummary {
  readonly accepted: number
  /**
   * Number of batches that still wait: the one that was put off and those behind it, and those that lie at a relay.
   */
  readonly deferred: number
  /** Number of those that the disk did not give: what is sealed later may go past them. */
  readonly unread: number
  /** Number of batches that the collector will never accept, and that are in quarantine now. */
  readonly rejected: number
  /** Bytes that the link carried. */
  readonly sent: number
  readonly received: number
  /** Milliseconds until the next attempt should be made; null when no batch waits, or only for a receipt. */
  readonly retryAfterMs: number | null
  /** Why a batch still waits; null when none does. */
  readonly reason: string | null
  /** Whether some bytes arrived before the way broke off: there is a link, and it is bad. */
  readonly progressed: boolean
}

/** Number of batches in a row that the others go past in one attempt, because no way takes them. */
const mostPassed = 2

/**
 * Submits the batches that wait, one after the other over one connection. When a way breaks off, refuses or leads
 * elsewhere, the next form and then the next way is tried, until none is left. A batch that no way takes lets the next go
 * past it.
 *
 * A receipt that asks for a pause keeps routine batches back; those with anomalies go all the same.
 *
 * @param onOpen - Gets the way that is still open at the end, to close it.
 */
export async function uploadBacklog(
  batches: Backlog,
  uplink: Uplink,
  signal: AbortSignal,
  onOpen: (way: Way) => void = (way) => way.close(),
): Promise<UploadSummary> {
  const before = uplink.spent
  const tally = { accepted: 0, rejected: 0, progressed: false }
  const climber = new Climber(uplink, signal, () => {
    tally.progressed = true
  })
  const waiting = batches.pending()
  let stop: Stop | null = null
  let passed: Deferred | null = null
  let inARow = 0
  const unread = new Set<BatchId>()
  for (const batch of waiting) {
    stop = mayGo(batch, uplink, signal)
    if (stop !== null) break
    const bytes = await readOrNull(batches, batch.id)
    if (bytes === null) {
      unread.add(batch.id)
      continue
    }
    const outcome = await climber.offer(batch.id, bytes)
    if (outcome.kind === 'accepted') {
      await batches.receipted(outcome.receipt)
      tally.accepted++
      tally.progressed = true
      inARow = 0
    } else if (outcome.kind === 'rejected') {
      await batches.quarantine(batch.id, outcome.code)
      tally.rejected++
    } else if (outcome.kind === 'deferred') {
      passed ??= outcome
      inARow += 1
      if (signal.aborted || inARow > mostPassed || !climber.mayPass(outcome)) break
    }
  }
  const open = climber.takeWay()
  if (open !== null) onOpen(open)
  // The first in order says why: it is what the operator waits for.
  if (passed !== null) stop = stopFor(passed, tally.progressed, uplink, signal)
  await uplink.remember()
  // The spool is asked, instead of counting here: a batch whose bytes the disk refused to give, or whose quarantine
  // it refused to note, waits as well.
  const deferred = stillWaiting(batches, waiting)
  const notGiven = stillWaiting(
    batches,
    waiting.filter(({ id }) => unread.has(id)),
  )
  const whyNot = climber.left > 0 ? 'at_relay' : 'disk'
  const { reason, retryAfterMs } = stop ?? { reason: deferred > 0 ? whyNot : null, retryAfterMs: null }
  const { sent, received } = uplink.spent
  const bytes = { sent: sent - before.sent, received: received - before.received }
  return { ...tally, deferred, unread: notGiven, ...bytes, reason, retryAfterMs }
}

interface Stop {
  readonly reason: string
  readonly retryAfterMs: number | null
}

function mayGo({ anomalies }: PendingBatch, uplink: Uplink, signal: AbortSignal): Stop | null {
  if (signal.aborted) return { reason: 'interrupted', retryAfterMs: null }
  if (uplink.heldMs > 0) return { reason: 'held_off', retryAfterMs: uplink.heldMs }
  if (anomalies === 0 && uplink.routineHeldMs > 0)
    return { reason: 'paced', retryAfterMs: uplink.routineHeldMs }
  return null
}

function stopFor({ reason }: Deferred, progressed: boolean, uplink: Uplink, signal: AbortSignal): Stop {
  // The agent wants to measure: nothing has failed, and there is no need to wait before the next attempt.
  if (signal.aborted) return { reason: 'interrupted', retryAfterMs: null }
  return { reason, retryAfterMs: uplink.holdOff({ progressed }) }
}

async function readOrNull(batches: Backlog, id: BatchId): Promise<Buffer | null> {
  try {
    return await batches.read(id)
  } catch {
    // Either the file is gone or damaged, which the spool has noted, or the disk refused, and the batch still waits.
    // One batch that cannot be read must not keep the others from going.
    return null
  }
}

function stillWaiting(batches: Backlog, asked: readonly PendingBatch[]): number {
  const left = new Set(batches.pending().map(({ id }) => id))
  return asked.filter(({ id }) => left.has(id)).length
}
