// Offers one sealed file on one way, whole or in parts: tests-spec/protocol/sealed.md, "Exchange".

import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { structuredBoolean, uploadHeaders } from '../../tests-spec/protocol/resumable-upload.ts'
import { openSealedReceipt, sealedMediaType, splitLines } from '../../tests-spec/protocol/sealed.ts'
import { readProblem, reasonOf } from './answer.ts'
import type { Answer } from './transports/connection.ts'
import { NoAnswer } from './transports/no-answer.ts'
import { type Form, partEnd } from './ways/form.ts'
import type { CollectorKey, RequestChannel } from './ways/way.ts'

/** What became of one file. */
export type SealedOutcome =
  | { readonly kind: 'arrived'; readonly answer: readonly Buffer[] }
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'deferred'
      readonly reason: string
      /** Bytes of the file that the collector is known to hold. */
      readonly held: number
      /** Whether the line broke off, so that another may go on. */
      readonly brokeOff: boolean
    }

/** Codes that concern the file itself. After any other code, the answer may be different another day. */
const finalCodes: ReadonlySet<string> = new Set(['not_sealed', 'other_recipient', 'damaged', 'too_large'])
/** How often the collector may name another offset than expected, before that is called a contradiction. */
const maxCorrections = 3

/**
 * @param form - In which form the way gets its next body.
 * @param goOn - Whether a part was sent before: the collector is then asked what it holds.
 */
export async function offerSealed(
  way: RequestChannel,
  bytes: Buffer,
  form: Form,
  key: CollectorKey,
  goOn: boolean,
): Promise<SealedOutcome> {
  const path = `v1/sealed/${sha256Hex(bytes)}`
  let held = 0
  try {
    if (goOn) held = (await way.exchange({ method: 'HEAD', path })).held ?? 0
    for (let corrections = 0; corrections <= maxCorrections; ) {
      const end = partEnd(form, bytes.length, held, 0)
      const body = bytes.subarray(held, end)
      const isWhole = body.length === bytes.length
      const answer = await way.exchange({
        method: 'POST',
        path: isWhole ? 'v1/sealed' : path,
        headers: isWhole ? { 'content-type': sealedMediaType } : headersOf(held, end === bytes.length),
        body,
        offset: held,
      })
      const now = offsetIn(answer)
      if (now === null || now > bytes.length) return outcomeOf(answer, bytes, key, held)
      if (now !== end) corrections += 1
      held = now
    }
    return { kind: 'deferred', reason: 'offset_contradiction', held, brokeOff: false }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return { kind: 'deferred', reason: error.code, held, brokeOff: true }
  }
}

function headersOf(held: number, complete: boolean): Record<string, string> {
  return {
    'content-type': sealedMediaType,
    [uploadHeaders.offset]: String(held),
    [uploadHeaders.complete]: structuredBoolean(complete),
  }
}

/** @returns From where to go on; null for an answer that is the last. */
function offsetIn({ status, held, body }: Answer): number | null {
  if (status === 204) return held
  const code = status === 404 || status === 409 ? readProblem(body)?.code : null
  if (code === 'no_upload') return 0
  return code === 'offset_mismatch' ? held : null
}

function outcomeOf({ status, body }: Answer, bytes: Buffer, key: CollectorKey, held: number): SealedOutcome {
  if (status === 200) return believe(body, bytes, key, held)
  const said = readProblem(body)
  if (status >= 400 && status < 500 && finalCodes.has(said?.code ?? '')) return { kind: 'refused' }
  return { kind: 'deferred', reason: reasonOf(said, status), held, brokeOff: false }
}

/**
 * Checks the answer, so that an impostor of the collector cannot make this device drop the file, or carry back
 * something that is no receipt.
 */
function believe(
  body: Buffer,
  bytes: Buffer,
  { collectorKeyId, collectorKey }: CollectorKey,
  held: number,
): SealedOutcome {
  const keyOf = (keyId: string) => (keyId === collectorKeyId ? collectorKey : null)
  const answer = splitLines(body)
  const [word = Buffer.alloc(0), ...receipts] = answer
  try {
    const said = openSealedReceipt(word, keyOf)
    for (const receipt of receipts) openReceipt(receipt, keyOf)
    return said.sealed === sha256Hex(bytes) && said.receipts === receipts.length
      ? { kind: 'arrived', answer }
      : { kind: 'deferred', reason: 'receipt_for_another_file', held, brokeOff: false }
  } catch {
    return { kind: 'deferred', reason: 'not_a_receipt', held, brokeOff: false }
  }
}
