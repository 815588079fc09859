// Offers one sealed file on one way, whole or in parts: tests-spec/protocol/sealed.md, "Exchange".

import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { structuredBoolean, uploadHeaders } from '../../tests-spec/protocol/resumable-upload.ts'
import { openSealedReceipt, sealedMediaType, splitLines } from '../../tests-spec/protocol/sealed.ts'
import { readProblem, reasonOf } from './answer.ts'
import type { Answer } from './transports/connection.ts'
import { hangUps, NoAnswer } from './transports/no-answer.ts'
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

export interface OfferedSealed {
  readonly outcome: SealedOutcome
  /** Whether parts were answered as nothing does that knows them, and the file went whole after that. */
  readonly wentWhole: boolean
}

/** Codes that concern the file itself. After any other code, the answer may be different another day. */
const finalCodes: ReadonlySet<string> = new Set(['not_sealed', 'other_recipient', 'damaged', 'too_large'])
/** How often the collector may name another offset than expected, before that is called a contradiction. */
const maxCorrections = 3

/** In which way a file is offered. */
export interface Manner {
  /** In which form the way gets its next body. */
  readonly form: Form
  /** Whether a part was sent before: the collector is then asked what it holds. */
  readonly goOn: boolean
  /** Whether the way has brought a receipt: then a file may go whole there whose first part was refused. */
  readonly proven: boolean
}

/**
 * Offers a file in the form of the way. Where something on the way does not know parts, refuses them or spoils them, it goes
 * whole.
 */
export async function offerSealed(
  way: RequestChannel,
  bytes: Buffer,
  manner: Manner,
  key: CollectorKey,
): Promise<OfferedSealed> {
  const isWhole = manner.form.wholeOnly || manner.form.sealedWhole
  const form = { ...manner.form, wholeOnly: isWhole }
  const first = await offerIn(form, way, bytes, key, manner.goOn && !isWhole)
  const isOfParts = first.inParts && (first.held > 0 || manner.proven) && isOfForm(first)
  if (!isOfParts) return { outcome: first.outcome, wentWhole: false }
  const { outcome } = await offerIn({ ...form, wholeOnly: true }, way, bytes, key, false)
  return { outcome, wentWhole: true }
}

interface Offered {
  readonly outcome: SealedOutcome
  /** Status of the last answer; null when there was none. */
  readonly status: number | null
  readonly held: number
  /** Whether the last request had a part of the file. */
  readonly inParts: boolean
}

/** These say that whatever is there has no room, no time, or nothing behind it now: what is whole would not pass either. */
const notOfForm: ReadonlySet<number> = new Set([408, 413, 429, 502, 503, 504])

function isOfForm({ outcome, status }: Offered): boolean {
  if (outcome.kind === 'arrived' || status === null) return false
  return !notOfForm.has(status)
}

async function offerIn(
  form: Form,
  way: RequestChannel,
  bytes: Buffer,
  key: CollectorKey,
  goOn: boolean,
): Promise<Offered> {
  const path = `v1/sealed/${sha256Hex(bytes)}`
  let held = 0
  let status: number | null = null
  let inParts = false
  try {
    if (goOn) held = await heldOf(way, path, bytes.length)
    for (let corrections = 0; corrections <= maxCorrections; ) {
      const end = partEnd(form, bytes.length, held, 0)
      const body = bytes.subarray(held, end)
      const isWhole = body.length === bytes.length
      inParts = !isWhole
      const answer = await way.exchange({
        method: 'POST',
        path: isWhole ? 'v1/sealed' : path,
        headers: isWhole ? { 'content-type': sealedMediaType } : headersOf(held, end === bytes.length),
        body,
        offset: held,
      })
      status = answer.status
      const now = offsetIn(answer)
      if (now === null) return { outcome: outcomeOf(answer, bytes, key, held), status, held, inParts }
      // More than there is; or the offset that this body had, as if it had another.
      if (now >= bytes.length || (status === 409 && now === held)) break
      if (now !== end) corrections += 1
      held = now
    }
    const outcome = { kind: 'deferred', reason: 'offset_contradiction', held, brokeOff: false } as const
    return { outcome, status, held, inParts }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    // A page that does not end is an answer.
    const isAnswer = error.code === 'answer_too_large'
    const outcome = { kind: 'deferred', reason: error.code, held, brokeOff: !isAnswer } as const
    return { outcome, status: isAnswer ? 200 : null, held, inParts }
  }
}

/** @returns Bytes of the file that the collector holds; 0 for an answer that says nothing of use. */
async function heldOf(way: RequestChannel, path: string, most: number): Promise<number> {
  try {
    const { status, held } = await way.exchange({ method: 'HEAD', path })
    return status === 204 && held !== null && held < most ? held : 0
  } catch (error) {
    // Something may refuse this question without words, and let bodies through.
    if (error instanceof NoAnswer && hangUps.has(error.code)) return 0
    throw error
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
