// What a stick may do with a spool that is open in this process, and what is checked of a receipt on a stick before
// the spool forgets a batch.

import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import type { KeyLookup } from '../../tests-spec/protocol/dsse.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { lastingCodes } from '../../tests-spec/protocol/refusal.ts'
import { openSealedReceipt } from '../../tests-spec/protocol/sealed.ts'
import type { Collector } from '../enrolment/enrolment.ts'
import { BatchUnreadable, type Spool } from '../spool/spool.ts'
import type { SpoolAccess } from '../stick/spool-access.ts'

/** @param device - Id of the probe whose receipts count. */
export function openSpoolAccess(spool: Spool, collector: Collector, device: string): SpoolAccess {
  const keyOf: KeyLookup = (id) => (id === collector.collectorKeyId ? collector.collectorKey : null)
  const isPending = (batch: BatchId) => spool.pending().some(({ id }) => id === batch)
  const isAside = (batch: BatchId) => spool.aside().some(({ id }) => id === batch)
  return {
    async sealAll() {
      // When the disk refuses in the middle of sealing, only the next attempt finds out whether the batch is sealed.
      for (let attempt = 0; attempt < 2; attempt++) {
        while ((await spool.seal('export', collector.enrolmentDigest)) !== null);
        if (spool.stats().health === 'ok') return true
      }
      return false
    },
    async pending() {
      return spool.pending()
    },
    async aside() {
      return spool.aside()
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
      if (receipt?.device !== device || !(isPending(receipt.batch) || isAside(receipt.batch))) return false
      await spool.receipted(receipt)
      return true
    },
    async refused(word) {
      const refused = []
      for (const { batch, code } of believed(() => openSealedReceipt(word, keyOf))?.refused ?? []) {
        // The codes are the same as in the answer to an upload: batch.md, "Exchange". Other codes concern the day,
        // not the batch.
        if (batch === null || !isPending(batch)) continue
        if (lastingCodes.has(code)) await spool.quarantine(batch, `${code}: said on a stick`)
        refused.push({ batch, code })
      }
      return refused
    },
  }
}

/** @returns null for anything that is not the collector's word, from a stick or from another process. */
function believed<T>(open: () => T): T | null {
  try {
    return open()
  } catch {
    return null
  }
}
