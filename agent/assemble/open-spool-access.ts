// What a stick may do with a spool that is open in this process, and what a receipt on a stick must be before the
// spool forgets anything.

import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import type { KeyLookup } from '../../tests-spec/protocol/dsse.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { openSealedReceipt } from '../../tests-spec/protocol/sealed.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { BatchUnreadable, type Spool } from '../spool/spool.ts'
import type { SpoolAccess } from '../stick/spool-access.ts'
import { finalCodes } from '../submit/answer.ts'

/** @param device - Whose receipts count. */
export function openSpoolAccess(spool: Spool, collector: Collector, device: string): SpoolAccess {
  const keyOf: KeyLookup = (id) => (id === collector.collectorKeyId ? collector.collectorKey : null)
  const isPending = (batch: BatchId) => spool.pending().some(({ id }) => id === batch)
  return {
    async sealAll() {
      // A batch that the disk refused in the middle of sealing is neither sealed nor unsealed until the next attempt.
      for (let attempt = 0; attempt < 2; attempt++) {
        while ((await spool.seal('export', collector.enrolmentDigest)) !== null);
        if (spool.stats().health === 'ok') return true
      }
      return false
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
      const receipt = believed(() => openReceipt(line, keyOf))
      if (receipt?.device !== device || !isPending(receipt.batch)) return false
      await spool.receipted(receipt)
      return true
    },
    async refused(word) {
      const refused = []
      for (const { batch, code } of believed(() => openSealedReceipt(word, keyOf))?.refused ?? []) {
        // As when it is said of an upload: batch.md, "Exchange". Other codes speak of the day, not of the batch.
        if (batch === null || !isPending(batch)) continue
        if (finalCodes.has(code)) await spool.quarantine(batch, `${code}: said on a stick`)
        refused.push({ batch, code })
      }
      return refused
    },
  }
}

/** null for what is not the collector's word, from a stick or from another process. */
function believed<T>(open: () => T): T | null {
  try {
    return open()
  } catch {
    return null
  }
}
