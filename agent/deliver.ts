// From the spool to the collector: seal a batch, send it, forget it on its receipt, and again until nothing waits or
// the way is closed. While it is closed nothing more is sealed, so that later batches are full ones.

import type { BatchId } from '../tests-spec/protocol/batch.ts'
import type { Receipt } from '../tests-spec/protocol/receipt.ts'
import type { Collector } from './enrolment.ts'
import type { Log } from './platform/log.ts'
import type { Spool } from './spool/spool.ts'
import { type CarriedFiles, forwardSealed } from './submit/forward-sealed.ts'
import { uploadBacklog } from './submit/upload-backlog.ts'

export interface Delivery {
  readonly kind: 'delivered' | 'deferred' | 'not_enrolled'
  readonly accepted: number
  readonly rejected: number
  readonly sent: number
  readonly received: number
  /** Why it stopped early; null when everything went. */
  readonly reason: string | null
  readonly retryAfterMs: number | null
}

const nothing = { accepted: 0, rejected: 0, sent: 0, received: 0, reason: null, retryAfterMs: null }

/**
 * Sends what waits, and then, the way being open, what is carried for others.
 *
 * What became of the latter is no part of the delivery: it must not make this probe's own wait longer.
 */
export async function deliverAndForward(
  spool: Spool,
  collector: Collector | null,
  signal: AbortSignal,
  others: { readonly carried: CarriedFiles; readonly log: Log; onReceipt(receipt: Receipt): Promise<void> },
): Promise<Delivery> {
  const own = await deliver(spool, collector, signal, others.onReceipt)
  if (collector === null || own.kind !== 'delivered') return own
  const { sent, received, ...fields } = await forwardSealed(others.carried, collector, {
    timeoutMs: uploadTimeoutMs,
    signal,
  })
  if (fields.brought + fields.refused > 0) others.log.info('S4201', fields)
  if (fields.reason !== null) others.log.info('S4202', fields)
  return { ...own, sent: own.sent + sent, received: own.received + received }
}

/**
 * @param collector - null while the device is not enrolled: measurements stay on it.
 * @param onReceipt - Called when a batch was forgotten, with the verified receipt.
 */
export async function deliver(
  spool: Spool,
  collector: Collector | null,
  signal: AbortSignal,
  onReceipt: (receipt: Receipt) => Promise<void> = async () => {},
): Promise<Delivery> {
  const backlog = {
    pending: () => spool.pending(),
    read: (id: BatchId) => spool.read(id),
    quarantine: (id: BatchId, reason: string) => spool.quarantine(id, reason),
    async receipted(receipt: Receipt) {
      await spool.receipted(receipt)
      await onReceipt(receipt)
    },
  }
  if (collector === null) return { kind: 'not_enrolled', ...nothing }
  // Sealed records are packed together and take a third of the room: with the way closed for weeks that decides
  // whether the quota has to give some up.
  while ((await spool.seal('size', collector.enrolmentDigest)) !== null);
  let total: Delivery = { kind: 'delivered', ...nothing }
  while (!signal.aborted) {
    if (spool.pending().length === 0 && (await spool.seal('age', collector.enrolmentDigest)) === null)
      return total
    const outcome = await uploadBacklog(backlog, collector, { timeoutMs: uploadTimeoutMs, signal })
    total = {
      ...total,
      accepted: total.accepted + outcome.accepted,
      rejected: total.rejected + outcome.rejected,
      sent: total.sent + outcome.sent,
      received: total.received + outcome.received,
    }
    // A collector that refuses one batch may refuse them all: one a cycle is enough to learn that it does not.
    if (outcome.deferred > 0 || outcome.rejected > 0) {
      return {
        ...total,
        kind: 'deferred',
        reason: outcome.reason ?? 'refused',
        retryAfterMs: outcome.retryAfterMs,
      }
    }
  }
  return { ...total, kind: 'deferred', reason: 'interrupted' }
}

/** 64 KiB at 100 kbit/s with 20 % loss took 9 s; a minute leaves room for a worse evening. */
const uploadTimeoutMs = 60_000
