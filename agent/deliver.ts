// From the spool to the collector: seal a batch, send it, forget it on its receipt, and again until nothing waits or
// the way is closed. While it is closed nothing more is sealed, so that later batches are full ones.

import type { Collector } from './enrolment.ts'
import type { Spool } from './spool/spool.ts'
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

/** @param collector - null while the device is not enrolled: measurements stay on it. */
export async function deliver(
  spool: Spool,
  collector: Collector | null,
  signal: AbortSignal,
): Promise<Delivery> {
  if (collector === null) return { kind: 'not_enrolled', ...nothing }
  // Sealed records are packed together and take a third of the room: with the way closed for weeks that decides
  // whether the quota has to give some up.
  while (
    spool.stats().unsealed >= fullBacklog &&
    (await spool.seal('size', collector.enrolmentDigest)) !== null
  );
  let total: Delivery = { kind: 'delivered', ...nothing }
  while (!signal.aborted) {
    if (spool.pending().length === 0 && (await spool.seal('age', collector.enrolmentDigest)) === null)
      return total
    const outcome = await uploadBacklog(spool, collector, { timeoutMs: uploadTimeoutMs, signal })
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

/** Records; about ten cycles, and several full batches. */
const fullBacklog = 1_000

/** 64 KiB at 100 kbit/s with 20 % loss took 9 s; a minute leaves room for a worse evening. */
const uploadTimeoutMs = 60_000
