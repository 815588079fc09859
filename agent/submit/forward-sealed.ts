// Brings sealed files of other probes to the collector: tests-spec/protocol/sealed.md, "Exchange". Their content is
// unknown here, and so is what became of it, apart from the collector's signed word that the file arrived.

import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { openSealedReceipt, sealedMediaType, splitLines } from '../../tests-spec/protocol/sealed.ts'
import { readProblem } from './answer.ts'
import { NoAnswer } from './transports/no-answer.ts'
import type { Uplink } from './ways/uplink.ts'
import type { CollectorKey, RequestChannel, Way } from './ways/way.ts'

/** The part of a store of carried files that forwarding needs. */
export interface CarriedFiles {
  /** Digests of the files, in the order in which they should go. */
  waiting(): string[]
  read(sha256: string): Promise<Buffer | null>
  brought(sha256: string, answer: readonly Uint8Array[]): Promise<void>
  refused(sha256: string): void
}

export interface Forwarding {
  readonly brought: number
  /** Number of files that the collector refused. They are not offered again for now. */
  readonly refused: number
  /** Bytes that the link carried. */
  readonly sent: number
  readonly received: number
  /** Why a file still waits; null when none does. */
  readonly reason: string | null
}

/** Codes that concern the file itself. After any other code, the answer may be different another day. */
const finalCodes: ReadonlySet<string> = new Set(['not_sealed', 'other_recipient', 'damaged', 'too_large'])

/**
 * Offers the files that wait over the ways that open, one after the other; what one way does not take goes over the
 * next. Relays are not used: they take batches only.
 */
export async function forwardSealed(
  files: CarriedFiles,
  uplink: Uplink,
  signal: AbortSignal,
): Promise<Forwarding> {
  const tally = { brought: 0, refused: 0 }
  if (files.waiting().length === 0) return { ...tally, sent: 0, received: 0, reason: null }
  const before = uplink.spent
  const useless = new Set<string>()
  const refused = new Set<string>()
  let reason: string | null | undefined
  for (;;) {
    const way = await uplink.climb(useless, signal)
    if (way === null || way.endpoint.kind === 'relay') {
      way?.close()
      if (reason === undefined) reason = uplink.known.lastFailure
      break
    }
    const here = await offerAll(files, way, uplink)
    way.close()
    useless.add(way.id)
    tally.brought += here.brought
    reason = here.reason
    refused.clear()
    for (const each of here.refused) refused.add(each)
    if (signal.aborted || (reason === null && refused.size === 0)) break
  }
  // What the last way to be tried refuses as well is left for now. Nobody has signed that: it waits all the same.
  for (const each of refused) files.refused(each)
  tally.refused = refused.size
  const { sent, received } = uplink.spent
  return { ...tally, sent: sent - before.sent, received: received - before.received, reason }
}

interface OverOneWay {
  readonly brought: number
  /** Digests of the files that were refused here. */
  readonly refused: readonly string[]
  /** Why the files behind the last one were not offered; null when all were. */
  readonly reason: string | null
}

async function offerAll(files: CarriedFiles, way: Way, key: CollectorKey): Promise<OverOneWay> {
  const refused: string[] = []
  let brought = 0
  for (const sha256 of files.waiting()) {
    const bytes = await files.read(sha256)
    // The file was given up for room since the list was made, or it has rotted.
    if (bytes === null) continue
    const outcome = await offer(way, bytes, key)
    if (outcome.kind === 'deferred') return { brought, refused, reason: outcome.reason }
    if (outcome.kind === 'refused') refused.push(sha256)
    else {
      await files.brought(sha256, outcome.answer)
      brought++
    }
  }
  return { brought, refused, reason: null }
}

/** What became of one file. */
type ForwardOutcome =
  | { readonly kind: 'arrived'; readonly answer: readonly Buffer[] }
  | { readonly kind: 'refused' }
  | { readonly kind: 'deferred'; readonly reason: string }

async function offer(way: RequestChannel, bytes: Buffer, key: CollectorKey): Promise<ForwardOutcome> {
  try {
    const headers = { 'content-type': sealedMediaType }
    const { status, body } = await way.exchange({ method: 'POST', path: 'v1/sealed', headers, body: bytes })
    if (status === 200) return believe(body, bytes, key)
    const code = readProblem(body)?.code
    if (status >= 400 && status < 500 && finalCodes.has(code ?? '')) return { kind: 'refused' }
    return { kind: 'deferred', reason: code ?? `status_${status}` }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return { kind: 'deferred', reason: error.code }
  }
}

/**
 * Checks the answer, so that an impostor of the collector cannot make this device drop the file, or carry back
 * something that is no receipt.
 */
function believe(
  body: Buffer,
  bytes: Buffer,
  { collectorKeyId, collectorKey }: CollectorKey,
): ForwardOutcome {
  const keyOf = (keyId: string) => (keyId === collectorKeyId ? collectorKey : null)
  const answer = splitLines(body)
  const [word = Buffer.alloc(0), ...receipts] = answer
  try {
    const said = openSealedReceipt(word, keyOf)
    for (const receipt of receipts) openReceipt(receipt, keyOf)
    return said.sealed === sha256Hex(bytes) && said.receipts === receipts.length
      ? { kind: 'arrived', answer }
      : { kind: 'deferred', reason: 'receipt_for_another_file' }
  } catch {
    return { kind: 'deferred', reason: 'not_a_receipt' }
  }
}
