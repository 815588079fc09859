// One attempt's way up the ladder. Every refusal, silence and close is a fact about one way in one form: the batch is
// offered again in the next form, then over the next way. uplink.ts decides which way is next and in which form it gets
// bodies, and is told here what became of each.

import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { type Deferred, putOff, type SentBody, type SubmitOutcome } from './answer.ts'
import { leaveAtRelay } from './relay.ts'
import { offerBatch } from './submit-batch.ts'
import { maxRetryAfterMs } from './transports/connection.ts'
import type { QuestionOutcome, RefusedBody } from './ways/form.ts'
import { endedIdle } from './ways/open-way.ts'
import type { Uplink } from './ways/uplink.ts'
import type { Way } from './ways/way.ts'
import { isMore, pathMtu, wasLeft, wayOf } from './ways/way-knowledge.ts'

/** Number of forms that are tried for a batch on one way, without any of it arriving in between. */
const mostForms = 3
/** Number of times that a batch goes on over a line that dies: whoever counts up byte by byte holds nobody for ever. */
const mostLines = 256
/** What somebody says who is no collector, or a collector that takes nothing of this probe now. */
const nothingElseEither: ReadonlySet<string> = new Set([
  'not_a_receipt',
  'receipt_for_another_batch',
  'answer_too_large',
  'unknown_key',
  'revoked',
])
/** What a collector says of bytes that were changed or cut on the way: this probe has verified its own file. */
const damagedOnTheWay: ReadonlySet<string> = new Set([
  'not_a_batch',
  'truncated',
  'trailing_bytes',
  'bad_envelope',
  'bad_signature',
  'payload_mismatch',
])
/** What is said to a continuation by something that does not know what one is. A batch that goes whole may pass it. */
const knowsNoParts: ReadonlySet<string> = new Set([
  'not_a_receipt',
  'receipt_for_another_batch',
  'answer_too_large',
])
/** What a collector says of a request that was written anew on the way. */
const writtenAnew: ReadonlySet<string> = new Set(['wrong_type', 'bad_request', 'not_found', 'wrong_method'])

export class Climber {
  readonly #uplink: Uplink
  readonly #signal: AbortSignal
  readonly #onProgress: () => void
  /** Ids of the ways that were tried in this attempt and were of no use. */
  readonly #useless = new Set<string>()
  /** Those of them that did not take one batch: they may take another. */
  readonly #forOneBatch = new Set<string>()
  #way: Way | null = null
  /** Id of the way that is to be opened again; null when the next one is due. */
  #stay: string | null = null
  /** The body that did not get through, until the collector has said whether anything of it arrived. */
  #unclear: (SentBody & { readonly silent: boolean; readonly isIdle: boolean }) | null = null
  /** Whether the question for the batch is out. */
  #isAsking = false
  /** Whether the question was left out or not answered as a collector does, and so was no body since. */
  #isWary = false
  /** Ids of the ways on which, in this attempt, a body was answered as a collector does. */
  readonly #heard = new Set<string>()
  /** Whether the collector had another batch once than the one that is offered. */
  #isSpoiled = false
  /** Number of batches that lie at a relay after this attempt. */
  left = 0

  constructor(uplink: Uplink, signal: AbortSignal, onProgress: () => void) {
    this.#uplink = uplink
    this.#signal = signal
    this.#onProgress = onProgress
  }

  async offer(id: BatchId, bytes: Buffer): Promise<SubmitOutcome> {
    for (const way of this.#forOneBatch) this.#useless.delete(way)
    this.#forOneBatch.clear()
    this.#isSpoiled = false
    let forms = 0
    let lines = 0
    let latest: Deferred | null = null
    for (;;) {
      this.#way ??= await this.#open()
      if (this.#way === null) return latest ?? putOff(this.#uplink.known.lastFailure)
      const way = this.#way
      const before = this.#arrived(id)
      const outcome = await this.#offerOver(way, id, bytes)
      if (outcome.kind !== 'deferred') {
        await this.#note(way, id, outcome)
        return outcome
      }
      this.close()
      if (this.#signal.aborted) return outcome
      const more = this.#arrived(id) > before
      forms = more ? 0 : forms + 1
      lines += 1
      if (lines < mostLines && (more || forms < mostForms) && this.#anotherForm(way, outcome, forms)) {
        this.#stay = way.id
        continue
      }
      latest = this.#told(way, outcome)
      this.#giveUp(way, latest)
    }
  }

  /** Whether another batch may get through where this one did not. */
  mayPass({ reason, body }: Deferred): boolean {
    return body !== null && this.#forOneBatch.size > 0 && !nothingElseEither.has(reason)
  }

  /** @returns The way that is open, which the caller closes; null when none is. */
  takeWay(): Way | null {
    const way = this.#way
    this.#way = null
    return way
  }

  close(): void {
    this.#way?.close()
    this.#way = null
  }

  async #open(): Promise<Way | null> {
    const stay = this.#stay
    this.#stay = null
    const again = stay === null ? null : await this.#uplink.reopen(stay, this.#useless, this.#signal)
    if (again !== null) return again
    this.#unclear = null
    return this.#uplink.climb(this.#useless, this.#signal)
  }

  async #note(way: Way, id: BatchId, outcome: Exclude<SubmitOutcome, Deferred>): Promise<void> {
    if (outcome.kind === 'accepted') {
      const pauseMs = Math.min(outcome.receipt.nextAfterS * 1000, maxRetryAfterMs)
      await this.#uplink.receipted(way.id, id, pauseMs)
    } else if (outcome.kind === 'left') {
      this.left += 1
      this.#uplink.report({ kind: 'left', way: way.id, batch: id })
    }
  }

  /**
   * @param forms - Number of forms that were tried since something arrived.
   * @returns Whether the same way is worth another try at once, in the form that is then known for it.
   */
  #anotherForm(way: Way, { reason, retryAfterMs, body }: Deferred, forms: number): boolean {
    const more = forms === 0
    // The flow was ended in time, before it would have died; nothing is wrong with the way.
    if (reason === 'flow_spent') return true
    if (retryAfterMs !== null || way.endpoint.kind === 'relay') return false
    if (body === null) {
      // Silence that began before a byte was heard: another kind of address may do.
      const another = more || (reason === 'stalled' && this.#formChanges(way, () => {}))
      // The question may be what is swallowed. The next attempt does without, once: this one has waited enough.
      if (this.#isAsking && reason === 'stalled') this.#question(way, 'unanswered')
      return another
    }
    const { status } = body
    if (status === null) {
      const silent = reason === 'stalled' || reason === 'dragged_on'
      // A time for idle connections may just have been over, once; or somebody hung up so soon that his answer was lost.
      const isIdle = reason === endedIdle && forms <= 1
      this.#unclear = { ...body, silent, isIdle }
      return true
    }
    const heard = this.#heard.has(way.id)
    const refused = { ...body, status, heard, spoiled: damagedOnTheWay.has(reason) }
    if ((body.continued || heard) && knowsNoParts.has(reason))
      return this.#formChangesBy(way, refused) || more
    if (nothingElseEither.has(reason)) return false
    const isCollectors = !reason.startsWith('status_')
    if (isCollectors) this.#heard.add(way.id)
    // Neither the question nor a little of the batch was answered as a collector does: it gets no more of it.
    else if (this.#isWary) return false
    // Once: what the collector held of it is gone, and the next copy may come as it was sent.
    if (damagedOnTheWay.has(reason) && !this.#isSpoiled) {
      this.#isSpoiled = true
      return true
    }
    const isOfForm =
      !isCollectors ||
      reason === 'offset_contradiction' ||
      writtenAnew.has(reason) ||
      damagedOnTheWay.has(reason)
    if (!isOfForm) return more
    return this.#formChangesBy(way, refused) || more
  }

  #formChangesBy(way: Way, refused: RefusedBody): boolean {
    return this.#formChanges(way, () => this.#uplink.report({ ...refused, kind: 'refused', way: way.id }))
  }

  #question({ id: way }: Way, outcome: QuestionOutcome): void {
    this.#uplink.report({ kind: 'question', way, outcome })
  }

  #formChanges(way: Way, report: () => void): boolean {
    const form = () => wayOf(this.#uplink.known, way.id).form
    const before = this.#formAtOffer ?? form()
    report()
    return JSON.stringify(form()) !== JSON.stringify(before)
  }

  /** Form of the way when the batch was offered on it. */
  #formAtOffer: ReturnType<typeof wayOf>['form'] | null = null

  /** Where even small packets stall, the reason is not that a line went silent: questions pass. */
  #told(way: Way, outcome: Deferred): Deferred {
    const isSmall = wayOf(this.#uplink.known, way.id).form.smallFor > 0
    return outcome.reason === 'stalled' && outcome.body !== null && isSmall
      ? { ...outcome, reason: pathMtu }
      : outcome
  }

  #giveUp(way: Way, { reason, retryAfterMs, body }: Deferred): void {
    this.#useless.add(way.id)
    // A pause that is asked for is not signed: it binds the way on which it was said.
    if (retryAfterMs !== null) {
      this.#uplink.report({ kind: 'held', way: way.id, ms: retryAfterMs, code: reason })
      return
    }
    if (body !== null && !nothingElseEither.has(reason) && !this.#isWary) this.#forOneBatch.add(way.id)
    this.#uplink.report({ kind: 'failed', way: way.id, code: reason })
  }

  #arrived(id: BatchId): number {
    return this.#uplink.known.arrived.get(id) ?? 0
  }

  #offerOver(way: Way, id: BatchId, bytes: Buffer): Promise<SubmitOutcome> {
    const uplink = this.#uplink
    const form = () => wayOf(uplink.known, way.id).form
    this.#formAtOffer = form()
    this.#isAsking = false
    this.#isWary = false
    if (way.endpoint.kind === 'relay')
      return leaveAtRelay(way, { id, bytes, left: wasLeft(uplink.known, way.id, id) }, uplink)
    const isProven = way.proven || uplink.known.lastGood === way.id
    const ask = uplink.known.offered.has(id) || !isProven
    // After a body that did not get through, any answer to a question tells whether the line carries questions.
    const spareQuestion = form().unaskedFor > 0 && this.#unclear === null
    this.#isAsking = ask && !spareQuestion
    let isInVain = false
    if (ask && spareQuestion) {
      this.#isWary = true
      this.#question(way, 'spared')
    }
    return offerBatch(
      way,
      {
        id,
        bytes,
        ask,
        spareQuestion,
        isHeard: this.#heard.has(way.id),
        arrived: this.#arrived(id),
        form,
        onAsked: (held) => {
          this.#isAsking = false
          isInVain = held === null
          this.#isWary = isInVain
          if (held !== null && form().unaskedFor > 0) this.#question(way, 'answered')
          this.#clear(way, held !== null && isMore(uplink.known, id, held))
        },
        onBody: () => uplink.report({ kind: 'offered', batch: id }),
        onTaken: ({ bytes: taken, continued, tookMs, confirmed }) => {
          if (isInVain) this.#question(way, 'needless')
          isInVain = false
          this.#isWary = false
          this.#heard.add(way.id)
          uplink.report({ kind: 'taken', way: way.id, bytes: taken, continued, tookMs, confirmed })
        },
        onLost: (lost) => uplink.report({ ...lost, kind: 'refused', way: way.id, status: 404 }),
        onProgress: (held) => {
          if (!isMore(uplink.known, id, held)) return
          uplink.report({ kind: 'arrived', batch: id, held })
          this.#onProgress()
        },
      },
      uplink,
    )
  }

  /** A question was answered after a body had not got through: now it is known whether anything of it arrived. */
  #clear({ id: way }: Way, arrived: boolean): void {
    if (this.#unclear === null) return
    const { bytes, continued, silent, isIdle } = this.#unclear
    this.#unclear = null
    this.#uplink.report({ kind: 'stuck', way, bytes, continued, silent, arrived, isIdle })
  }
}
