// Which batches of one epoch are held, and whether another one fits: batch.md. Pure.
//
// Held batches are kept as unbroken runs, each linked from its first to its last, so the gaps between runs are
// exactly the missing batches. A batch takes 32 bytes: a million batches fit into the memory of a small server.

import type { BatchId } from '../../tests-spec/protocol/batch.ts'

/** What the chain needs to know of a batch. */
export interface Link {
  readonly seq: number
  readonly id: BatchId
  readonly prev: string
}

/**
 * - `fits`: the batch is new, and every neighbour that is held agrees. Neighbours may be missing: a probe can lose a
 *   batch, and batches may come in any order.
 * - `held`: this very batch is held already.
 * - `conflict`: another batch has this seq. The cause is a copied card, a stolen key, or a spool that lost its
 *   memory.
 * - `broken`: a neighbour that is held contradicts it.
 */
export type Judgement =
  | { readonly kind: 'fits' | 'held' }
  | { readonly kind: 'conflict' | 'broken'; readonly because: string }

/** The batches from `first` to `first + count − 1`. `ids` has room for more. */
interface Run {
  first: number
  /** Id that the first batch of the run names as the one before it. */
  prev: string
  count: number
  ids: Buffer
}

const idBytes = 32

export class Chain {
  /** Runs in ascending order; two of them are never adjacent. */
  readonly #runs: Run[] = []
  readonly #enrolmentDigest: string

  /** @param enrolmentDigest - The digest that seq 0 must name as the one before it. */
  constructor(enrolmentDigest: string) {
    this.#enrolmentDigest = enrolmentDigest
  }

  judge({ seq, id, prev }: Link): Judgement {
    const { before, after } = this.#around(seq)
    if (before !== undefined && seq < end(before)) {
      const held = idAt(before, seq)
      return held === id ? { kind: 'held' } : { kind: 'conflict', because: `seq ${seq} is held as ${held}` }
    }
    const expected = this.#idBefore(seq, before)
    if (expected !== null && prev !== expected) {
      return { kind: 'broken', because: `seq ${seq} names ${prev} before it, expected ${expected}` }
    }
    if (after?.first === seq + 1 && after.prev !== id) {
      return { kind: 'broken', because: `seq ${seq + 1} names ${after.prev} before it, not ${id}` }
    }
    return { kind: 'fits' }
  }

  /** Adds a batch that `fits`. Anything else is a bug in the caller. */
  add(link: Link): void {
    const judgement = this.judge(link)
    if (judgement.kind !== 'fits') throw new Error(`Cannot add seq ${link.seq}: it is ${judgement.kind}`)
    const { before, after, index } = this.#around(link.seq)
    const extended = before !== undefined && end(before) === link.seq ? before : runOf(link)
    if (extended === before) append(extended, Buffer.from(link.id, 'hex'))
    else this.#runs.splice(index + 1, 0, extended)
    if (after?.first === link.seq + 1) {
      append(extended, after.ids.subarray(0, after.count * idBytes))
      this.#runs.splice(this.#runs.indexOf(after), 1)
    }
  }

  /** Highest seq up to which every batch is held; null while seq 0 is missing. */
  get contiguous(): number | null {
    const first = this.#runs[0]
    return first?.first === 0 ? first.count - 1 : null
  }

  /** Seqs below the highest held that are missing, as first and last of each gap; at most `limit` gaps. */
  missing(limit: number): [number, number][] {
    const gaps: [number, number][] = []
    let next = 0
    for (const run of this.#runs) {
      if (gaps.length >= limit) break
      if (run.first > next) gaps.push([next, run.first - 1])
      next = end(run)
    }
    return gaps
  }

  /** The run that begins at or before `seq`, the one after it, and the index of the former (−1 for none). */
  #around(seq: number): { before: Run | undefined; after: Run | undefined; index: number } {
    // The search begins at the end: a probe nearly always sends its newest batch.
    const index = this.#runs.findLastIndex((run) => run.first <= seq)
    return { before: this.#runs[index], after: this.#runs[index + 1], index }
  }

  #idBefore(seq: number, before: Run | undefined): string | null {
    if (seq === 0) return this.#enrolmentDigest
    return before !== undefined && end(before) === seq ? idAt(before, seq - 1) : null
  }
}

function end(run: Run): number {
  return run.first + run.count
}

function idAt(run: Run, seq: number): string {
  const at = (seq - run.first) * idBytes
  return run.ids.toString('hex', at, at + idBytes)
}

function runOf({ seq, id, prev }: Link): Run {
  return { first: seq, prev, count: 1, ids: Buffer.from(id, 'hex') }
}

function append(run: Run, ids: Buffer): void {
  const used = run.count * idBytes
  const needed = used + ids.length
  if (needed > run.ids.length) {
    // The room grows by half: growing by one batch at a time would copy a long run for each.
    const roomier = Buffer.alloc(Math.ceil((needed * 1.5) / idBytes) * idBytes)
    run.ids.copy(roomier, 0, 0, used)
    run.ids = roomier
  }
  ids.copy(run.ids, used)
  run.count += ids.length / idBytes
}
