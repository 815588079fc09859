// The outbox of a spool that is open in this process: what a stick needs of it, and what a receipt on a stick must be
// before the spool forgets anything.

import type { KeyLookup } from '../tests-spec/protocol/dsse.ts'
import { openReceipt, type Receipt } from '../tests-spec/protocol/receipt.ts'
import type { Collector } from './enrolment.ts'
import { BatchUnreadable, type Spool } from './spool/spool.ts'
import type { Outbox } from './stick/outbox.ts'

/** @param device - Whose receipts count. */
export function outboxOf(spool: Spool, collector: Collector, device: string): Outbox {
  const keyOf: KeyLookup = (id) => (id === collector.collectorKeyId ? collector.collectorKey : null)
  return {
    async sealAll() {
      while ((await spool.seal('export', collector.enrolmentDigest)) !== null);
      return spool.stats().health === 'ok' ? 0 : spool.stats().unsealed
    },
    async pending() {
      return spool.pending()
    },
    async read(id) {
      try {
        return await spool.read(id)
      } catch (error) {
        if (error instanceof BatchUnreadable) return null
        throw error
      }
    },
    async receipted(line) {
      const receipt = believed(line, keyOf)
      if (receipt?.device !== device) return false
      if (!spool.pending().some(({ id }) => id === receipt.batch)) return false
      await spool.receipted(receipt)
      return true
    },
  }
}

/** null for what is not the collector's word, from a stick or from another process. */
function believed(line: Buffer, keyOf: KeyLookup): Receipt | null {
  try {
    return openReceipt(line, keyOf)
  } catch {
    return null
  }
}
