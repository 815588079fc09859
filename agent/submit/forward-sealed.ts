// Brings sealed files of other probes to the collector: tests-spec/protocol/sealed.md, "Exchange". What is in them is
// unknown here, so what became of them is too, but for the collector's signed word that the file arrived.

import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { openReceipt } from '../../tests-spec/protocol/receipt.ts'
import { openSealedReceipt, sealedMediaType, splitLines } from '../../tests-spec/protocol/sealed.ts'
import { CollectorConnection, NoAnswer, type Patience } from './collector-connection.ts'
import { type CollectorAddress, readProblem } from './submit-batch.ts'

/** The part of a store of carried files that forwarding needs. */
export interface CarriedFiles {
  /** Digests, in the order they should go. */
  waiting(): string[]
  read(sha256: string): Promise<Buffer | null>
  brought(sha256: string, answer: readonly Uint8Array[]): Promise<void>
  refused(sha256: string): void
}

export interface Forwarding {
  readonly brought: number
  /** Files the collector would not take. They are not offered again for now. */
  readonly refused: number
  /** Bytes the link carried. */
  readonly sent: number
  readonly received: number
  /** Why something still waits; null when nothing does. */
  readonly reason: string | null
}

/** What is said of the file itself. Whatever else is said, another day may answer otherwise. */
const finalCodes: ReadonlySet<string> = new Set(['not_sealed', 'other_recipient', 'damaged', 'too_large'])

/** Offers what waits, one after the other, and stops at the first that is put off. */
export async function forwardSealed(
  files: CarriedFiles,
  to: CollectorAddress,
  options: Patience,
): Promise<Forwarding> {
  const digests = files.waiting()
  const tally = { brought: 0, refused: 0 }
  if (digests.length === 0) return { ...tally, sent: 0, received: 0, reason: null }
  const connection = new CollectorConnection(to.url)
  let reason: string | null = null
  for (const sha256 of digests) {
    const bytes = await files.read(sha256)
    // Given up for room, or rotten, since the list was made.
    if (bytes === null) continue
    const outcome = await offer(connection, bytes, to, options)
    if (outcome.kind === 'arrived') {
      await files.brought(sha256, outcome.answer)
      tally.brought++
    } else if (outcome.kind === 'refused') {
      files.refused(sha256)
      tally.refused++
    } else {
      reason = outcome.reason
      break
    }
  }
  connection.close()
  return { ...tally, ...connection.bytes, reason }
}

type Outcome =
  | { readonly kind: 'arrived'; readonly answer: readonly Buffer[] }
  | { readonly kind: 'refused' }
  | { readonly kind: 'deferred'; readonly reason: string }

async function offer(
  connection: CollectorConnection,
  bytes: Buffer,
  to: CollectorAddress,
  options: Patience,
): Promise<Outcome> {
  try {
    const post = { path: 'v1/sealed', contentType: sealedMediaType, body: bytes }
    const { status, body } = await connection.post(post, options)
    if (status === 200) return believe(body, bytes, to)
    const code = readProblem(body)?.code
    if (status >= 400 && status < 500 && finalCodes.has(code ?? '')) return { kind: 'refused' }
    return { kind: 'deferred', reason: code ?? `status_${status}` }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return { kind: 'deferred', reason: error.code }
  }
}

/** Stops whoever answers in the collector's place from making us drop the file, or carry back what is no receipt. */
function believe(body: Buffer, bytes: Buffer, { collectorKeyId, collectorKey }: CollectorAddress): Outcome {
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
