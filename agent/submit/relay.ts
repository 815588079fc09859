// Leaves a batch at a store that only keeps files: tests-spec/protocol/endpoint.md, "Relays". The receipt comes
// later, when the operator of the store has carried the file on; until then the batch stays with the probe.

import { type BatchId, batchMediaType } from '../../tests-spec/protocol/batch.ts'
import { believe, putOff, type SubmitOutcome } from './answer.ts'
import { NoAnswer } from './transports/no-answer.ts'
import type { CollectorKey, RequestChannel } from './ways/way.ts'

export interface Consignment {
  readonly id: BatchId
  readonly bytes: Uint8Array
  /** True when an earlier visit left the batch there. */
  readonly left: boolean
}

const kept: ReadonlySet<number> = new Set([200, 201, 204])
/** A store answers one of these statuses for a file it does not have; which one depends on who may list the store. */
const absent: ReadonlySet<number> = new Set([403, 404, 410])

/** Of what was there: a store that refuses the question has said nothing of the file. */
const gone: ReadonlySet<number> = new Set([404, 410])

/** @returns The outcome; what the network does is a value, never an exception. */
export async function leaveAtRelay(
  way: RequestChannel,
  { id, bytes, left }: Consignment,
  key: CollectorKey,
): Promise<SubmitOutcome> {
  try {
    const receipt = await way.exchange({ method: 'GET', path: `${id}.receipt.json` })
    if (receipt.status === 200) return believe(receipt, id, key)
    if (!absent.has(receipt.status)) return putOff(`status_${receipt.status}`, receipt.retryAfterMs)
    // The batch may have been left there before a restart, and a store may lose it: asking costs 200 bytes.
    const path = `${id}.psb`
    const { status } = await way.exchange({ method: 'HEAD', path })
    if (status === 200 || (left && !gone.has(status))) return { kind: 'left' }
    const headers = { 'content-type': batchMediaType }
    const put = await way.exchange({ method: 'PUT', path, headers, body: bytes })
    return kept.has(put.status) ? { kind: 'left' } : putOff(`status_${put.status}`, put.retryAfterMs)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return putOff(error.code)
  }
}
