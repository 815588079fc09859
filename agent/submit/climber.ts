// One attempt's way up the ladder: it carries batches over the way that is open, and looks for another when that one
// breaks off. uplink.ts decides which way is next, and is told here what became of each.

import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { byTheWay, type Deferred, type SubmitOutcome } from './answer.ts'
import { leaveAtRelay } from './relay.ts'
import { offerBatch } from './submit-batch.ts'
import { maxRetryAfterMs } from './transports/connection.ts'
import type { Uplink } from './ways/uplink.ts'
import type { Way } from './ways/way.ts'
import { isMore, wasLeft } from './ways/way-knowledge.ts'

export class Climber {
  readonly #uplink: Uplink
  readonly #signal: AbortSignal
  readonly #onProgress: () => void
  /** Ids of the ways that were tried in this attempt and were of no use. */
  readonly #useless = new Set<string>()
  #way: Way | null = null
  /** Whether the open way has carried anything yet. */
  #carried = false
  /** Number of batches that lie at a relay after this attempt. */
  left = 0

  constructor(uplink: Uplink, signal: AbortSignal, onProgress: () => void) {
    this.#uplink = uplink
    this.#signal = signal
    this.#onProgress = onProgress
  }

  async offer(id: BatchId, bytes: Buffer): Promise<SubmitOutcome> {
    for (;;) {
      this.#way ??= await this.#climb()
      if (this.#way === null) return byTheWay(this.#uplink.known.lastFailure)
      const way = this.#way
      const outcome = await this.#offerOver(way, id, bytes)
      if (outcome.kind === 'accepted') {
        this.#carried = true
        const pauseMs = Math.min(outcome.receipt.nextAfterS * 1000, maxRetryAfterMs)
        await this.#uplink.receipted(way.id, id, pauseMs)
      }
      if (outcome.kind === 'left') {
        this.left += 1
        this.#uplink.report({ kind: 'left', way: way.id, batch: id })
      }
      if (outcome.kind !== 'deferred' || isWordOfCollector(outcome, way)) return outcome
      this.close()
      if (this.#signal.aborted) return outcome
      // The flow was ended in time, before it would have died; nothing is wrong with the way.
      if (outcome.reason === 'flow_spent') continue
      // The way works, but flows on it die: the next attempt begins with it again.
      if (this.#carried) return outcome
      this.#uplink.report({ kind: 'failed', way: way.id, code: outcome.reason })
      this.#useless.add(way.id)
    }
  }

  close(): void {
    this.#way?.close()
    this.#way = null
  }

  async #climb(): Promise<Way | null> {
    this.#carried = false
    return this.#uplink.climb(this.#useless, this.#signal)
  }

  #offerOver(way: Way, id: BatchId, bytes: Buffer): Promise<SubmitOutcome> {
    const uplink = this.#uplink
    if (way.endpoint.kind === 'relay')
      return leaveAtRelay(way, { id, bytes, left: wasLeft(uplink.known, way.id, id) }, uplink)
    const offer = {
      id,
      bytes,
      ask: uplink.known.offered.has(id) || !way.proven,
      onBody: () => uplink.report({ kind: 'offered', batch: id }),
      onProgress: (held: number) => {
        if (!isMore(uplink.known, id, held)) return
        uplink.report({ kind: 'arrived', batch: id, held })
        this.#carried = true
        this.#onProgress()
      },
    }
    return offerBatch(way, offer, uplink)
  }
}

/**
 * A problem document is not signed: from a way that has brought no receipt yet it only means that this way is of no
 * use, and that another may be. When the collector asks for a pause, it is obeyed on whatever way it asked.
 */
function isWordOfCollector({ by, retryAfterMs }: Deferred, { proven }: Way): boolean {
  return by === 'collector' && (proven || retryAfterMs !== null)
}
