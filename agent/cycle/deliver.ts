// From the spool to the collector: seals a batch, sends it, forgets it on its receipt, and so on until no batch waits
// or the way is closed. While the way is closed no further batches are sealed, so that later ones are full.

import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import type { Receipt } from '../../tests-spec/protocol/receipt.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import type { Log } from '../platform/log.ts'
import type { Spool } from '../spool/spool.ts'
import { type CarriedFiles, forwardSealed } from '../submit/forward-sealed.ts'
import { type UploadSummary, uploadBacklog } from '../submit/upload-backlog.ts'
import type { Uplink } from '../submit/ways/uplink.ts'
import type { Way } from '../submit/ways/way.ts'

export interface Delivery {
  /** `not_due`: nothing was tried, since a later round of the interval uploads. */
  readonly kind: 'delivered' | 'deferred' | 'not_enrolled' | 'not_due'
  readonly accepted: number
  readonly rejected: number
  readonly sent: number
  readonly received: number
  /** Why the delivery stopped early; null when everything was sent. */
  readonly reason: string | null
  /** Milliseconds until the next attempt is due; null when the attempt of the next cycle is soon enough. */
  readonly retryAfterMs: number | null
}

const nothing = { accepted: 0, rejected: 0, sent: 0, received: 0, reason: null, retryAfterMs: null }

export const notDue: Delivery = { kind: 'not_due', ...nothing }

export interface Delivering {
  readonly spool: Spool
  /** null while the device is not enrolled: measurements stay on it. */
  readonly collector: Collector | null
  /** The ways to that collector. */
  readonly uplink: Uplink | null
  readonly log: Log
  /**
   * Fires when the agent stops or the next cycle begins. An upload that is cut off goes on later where it stopped.
   */
  readonly signal: AbortSignal
  /** Resolves after `ms` milliseconds, or at once when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /**
   * Gets the way that the upload left open, to ask for lists over it; null when none is open. Closes it.
   * @returns Bytes that the link carried.
   */
  refreshLists(way: Way | null): Promise<{ readonly sent: number; readonly received: number }>
  /** Called with the verified receipt when a batch was forgotten. */
  onReceipt(receipt: Receipt): Promise<void>
}

/**
 * Sends the batches that wait and then, while the way is open, the files that are carried for other probes.
 *
 * What becomes of those files is not part of the delivery: it must not make this probe's own batches wait longer.
 */
export async function deliverAndForward(delivering: Delivering, carried: CarriedFiles): Promise<Delivery> {
  const { uplink, log, signal } = delivering
  let open: Way | null = null
  const uploaded = await deliver(delivering, (way) => {
    open?.close()
    open = way
  })
  const lists = await delivering.refreshLists(open)
  const own = {
    ...uploaded,
    sent: uploaded.sent + lists.sent,
    received: uploaded.received + lists.received,
  }
  if (uplink === null || own.kind !== 'delivered') return own
  const { sent, received, ...fields } = await forwardSealed(carried, uplink, signal)
  if (fields.brought + fields.refused > 0) log.info('S4201', fields)
  if (fields.reason !== null) log.info('S4202', fields)
  return { ...own, sent: own.sent + sent, received: own.received + received }
}

export async function deliver(
  delivering: Omit<Delivering, 'refreshLists'>,
  onOpen?: (way: Way) => void,
): Promise<Delivery> {
  const { spool, collector, uplink, log, signal, sleep } = delivering
  const backlog = {
    pending: () => spool.pending(),
    read: (id: BatchId) => spool.read(id),
    quarantine: (id: BatchId, reason: string) => spool.quarantine(id, reason),
    async receipted(receipt: Receipt) {
      await spool.receipted(receipt)
      await delivering.onReceipt(receipt)
    },
  }
  if (collector === null || uplink === null) return { kind: 'not_enrolled', ...nothing }
  // Sealed records are packed together and take a sixth of the room: with the way closed for weeks, this decides
  // whether the quota forces some to be given up.
  while ((await spool.seal('size', collector.enrolmentDigest)) !== null);
  let total: Delivery = { kind: 'delivered', ...nothing }
  // What the disk does not give waits, and holds up nothing that is sealed behind it.
  let unread = 0
  while (!signal.aborted) {
    if (spool.pending().length <= unread && (await spool.seal('age', collector.enrolmentDigest)) === null) {
      if (unread > 0) total = { ...total, kind: 'deferred', reason: 'disk' }
      logDelivery(log, total, uplink)
      return total
    }
    const outcome = await uploadBacklog(backlog, uplink, signal, onOpen)
    total = sum(total, outcome)
    unread = outcome.unread
    // A link whose flows die carries a few bytes each time: it can only be used by going on at once.
    if (outcome.progressed && outcome.retryAfterMs !== null && outcome.retryAfterMs <= shortPauseMs) {
      await sleep(outcome.retryAfterMs, signal)
      continue
    }
    // A collector that refuses one batch may refuse them all: one batch a cycle is enough to find out.
    if (outcome.deferred > unread || outcome.rejected > 0) {
      const { reason, retryAfterMs } = outcome
      total = { ...total, kind: 'deferred', reason: reason ?? 'refused', retryAfterMs }
      logDelivery(log, total, uplink)
      return total
    }
  }
  return { ...total, kind: 'deferred', reason: 'interrupted' }
}

function sum(total: Delivery, outcome: UploadSummary): Delivery {
  return {
    ...total,
    accepted: total.accepted + outcome.accepted,
    rejected: total.rejected + outcome.rejected,
    sent: total.sent + outcome.sent,
    received: total.received + outcome.received,
  }
}

/** Names the transport and never the host: a seized log must not tell which way out was used. */
function logDelivery(
  log: Log,
  { accepted, rejected, sent, received, reason }: Delivery,
  uplink: Uplink,
): void {
  const ways = Object.fromEntries(
    uplink.counts.map((each) => [
      each.transport,
      `${each.accepted}/${each.connected}${each.lastFailure === null ? '' : ` ${each.lastFailure}`}`,
    ]),
  )
  if (accepted > 0) log.info('S4001', { batches: accepted, sent, received, ...ways })
  if (rejected > 0) log.error('S4901', { batches: rejected })
  if (reason !== null && reason !== 'refused') log.warn('S4101', { reason, ...ways })
}

/** The first step of the backoff in milliseconds: longer pauses are for the loop, between cycles. */
const shortPauseMs = 2_000
