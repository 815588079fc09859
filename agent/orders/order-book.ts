// Which orders of operators this device has carried out, and what they have set: tests-spec/lists/orders.md. The number of an
// order is on the disk before anything is done, so that none is carried out twice, whatever the power does.

import { existsSync } from 'node:fs'
import * as v from 'valibot'
import {
  maxOrders,
  type Order,
  type OrderAnswer,
  operatorsRole,
  orderAnswer,
  orderWords,
} from '../../tests-spec/lists/orders.ts'
import { type AtomicDisk, isDiskFailure } from '../platform/atomic-file.ts'
import { readStateFile, writeStateFile } from '../platform/state-file.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

const kept = v.object({
  v: v.literal(1),
  /** The last number of each scope that was looked at. */
  last: v.record(v.string(), count),
  /** What the next batch has to say. */
  answers: v.array(orderAnswer),
  /** Whether the next batch has to enclose the log. */
  log: v.boolean(),
  /** Until when the log is whole, in milliseconds since 1970; 0 for not. */
  debug_until: count,
  /** When a cycle was last ordered. */
  cycle_at: count,
})
type Kept = v.InferOutput<typeof kept>

/** An order's cycle costs as many bytes as any other. */
const cyclesApartMs = 3_600_000
const hourMs = 3_600_000

/** The orders of one scope, as they are in force. */
export interface Given {
  readonly scope: string
  /** That signed for them. */
  readonly role: string
  readonly orders: readonly Order[]
}

export class OrderBook {
  readonly #path: string
  readonly #writing: { readonly disk: AtomicDisk } | undefined
  /** There was a file, and it cannot be believed: what was carried out is not known. */
  readonly #isLost: boolean
  #kept: Kept
  #cycle = false
  #pauseUntilMs: number | null = null

  private constructor(path: string, found: Kept | null, disk?: AtomicDisk) {
    this.#path = path
    this.#writing = disk && { disk }
    this.#isLost = found === null && existsSync(path)
    this.#kept = found ?? { v: 1, last: {}, answers: [], log: false, debug_until: 0, cycle_at: 0 }
  }

  static async open(path: string, disk?: AtomicDisk): Promise<OrderBook> {
    return new OrderBook(path, await readStateFile(path, kept), disk)
  }

  /** Milliseconds since 1970; 0 for not. */
  get debugUntilMs(): number {
    return this.#kept.debug_until
  }

  /** What the next batch has to say, and whether it has to enclose the log. */
  get owed(): { readonly answers: readonly OrderAnswer[]; readonly log: boolean } {
    const { answers, log } = this.#kept
    return { answers, log }
  }

  /** @returns Once for each cycle that was ordered. */
  takeCycle(): boolean {
    const was = this.#cycle
    this.#cycle = false
    return was
  }

  /** @returns Until when a pause was ordered, in milliseconds since 1970, once for each; null for none. */
  takePause(): number | null {
    const was = this.#pauseUntilMs
    this.#pauseUntilMs = null
    return was
  }

  /**
   * Carries out what is new.
   * @param now - Milliseconds since 1970; null while that is not certain, and then nothing is done.
   * @returns What became of each.
   * @throws The disk's error; nothing was carried out then.
   */
  async obey(given: readonly Given[], now: number | null): Promise<readonly OrderAnswer[]> {
    if (now === null) return []
    let next = this.#kept
    const said: OrderAnswer[] = []
    let pauseUntilMs: number | null = null
    for (const { scope, role, orders } of given) {
      const last = next.last[scope]
      for (const order of orders) {
        if (order.n <= (last ?? 0)) continue
        const answer = (outcome: OrderAnswer['outcome']) =>
          said.push({ scope, n: order.n, do: order.do, outcome })
        next = { ...next, last: { ...next.last, [scope]: order.n } }
        const because = this.#isLost && last === undefined ? 'state_lost' : refusalOf(order, role, next, now)
        answer(because ?? 'done')
        if (because !== null) continue
        next = carriedOut(next, order, now)
        if (order.do === 'pause') pauseUntilMs = now + hoursOf(order, 'pause') * hourMs
      }
    }
    if (said.length === 0) return []
    const answers = [...next.answers, ...said].slice(-4 * maxOrders)
    await writeStateFile(this.#path, { ...next, answers }, this.#writing)
    this.#pauseUntilMs = pauseUntilMs ?? this.#pauseUntilMs
    this.#cycle ||= next.cycle_at !== this.#kept.cycle_at
    this.#kept = { ...next, answers }
    return said
  }

  /** A batch has said it: to be called with what it said. Never fails: it may then be said twice. */
  async answered({ answers, log }: OrderBook['owed']): Promise<void> {
    if (answers.length === 0 && !log) return
    const left = this.#kept.answers.filter((each) => !answers.includes(each))
    this.#kept = { ...this.#kept, answers: left, log: this.#kept.log && !log }
    await writeStateFile(this.#path, this.#kept, this.#writing).catch((error: unknown) => {
      if (!isDiskFailure(error)) throw error
    })
  }
}

function refusalOf(order: Order, role: string, kept: Kept, now: number): OrderAnswer['outcome'] | null {
  if (Date.parse(order.until) <= now) return 'expired'
  if (!isWord(order.do)) return 'unknown'
  if (role !== 'targets' && role !== operatorsRole) return 'not_allowed'
  if (order.do === 'cycle' && Math.abs(now - kept.cycle_at) < cyclesApartMs) return 'too_soon'
  return null
}

function carriedOut(kept: Kept, order: Order, now: number): Kept {
  const word = order.do as keyof typeof orderWords
  switch (word) {
    case 'upload_logs':
      return { ...kept, log: true }
    case 'log_level':
      return {
        ...kept,
        debug_until: Math.round(now + hoursOf(order, word) * hourMs),
      }
    case 'cycle':
      return { ...kept, cycle_at: Math.round(now) }
    case 'pause':
      return kept
    default:
      return word satisfies never
  }
}

const hoursOf = ({ hours }: Order, word: 'log_level' | 'pause') =>
  Math.min(hours ?? 1, orderWords[word].maxHours)

const isWord = (word: string): word is keyof typeof orderWords => Object.hasOwn(orderWords, word)
