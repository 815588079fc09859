// What operators ask of devices, as signed targets: orders.md is the page. A few words that are known beforehand, each with a
// number and an end; nothing that could be run. Pure.

import * as v from 'valibot'
import { parseStrictJson } from '../protocol/strict-json.ts'

/** The role that `targets` delegates `ordersPattern` to. */
export const operatorsRole = 'operators'
export const ordersPattern = 'orders/*'
export const maxOrders = 16

/** What each word may be ordered by, and its longest time in hours, where it has one. */
export const orderWords = {
  upload_logs: { by: 'operators' },
  log_level: { by: 'operators', maxHours: 48 },
  cycle: { by: 'operators' },
  pause: { by: 'operators', maxHours: 168 },
} as const satisfies Readonly<Record<string, { by: 'operators' | 'targets'; maxHours?: number }>>
export type OrderWord = keyof typeof orderWords

const order = v.looseObject({
  /** Of this file, ascending; a device carries out none twice. */
  n: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** A device that reads it later does not carry it out. */
  until: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/), v.isoTimestamp()),
  do: v.pipe(v.string(), v.regex(/^[a-z_]{1,32}$/)),
  hours: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(8_784))),
})
export type Order = v.InferOutput<typeof order>

export const orders = v.looseObject({
  v: v.literal(1),
  orders: v.pipe(
    v.array(order),
    v.maxLength(maxOrders),
    v.check((all) => all.every(({ n }, at) => n > (all[at - 1]?.n ?? 0)), 'numbers must ascend'),
  ),
})

/** What became of an order, as the next batch says it. */
export const orderOutcomes = ['done', 'expired', 'unknown', 'not_allowed', 'too_soon', 'state_lost'] as const

export const orderAnswer = v.looseObject({
  scope: v.pipe(v.string(), v.maxLength(80)),
  n: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  do: v.pipe(v.string(), v.regex(/^[a-z_]{1,32}$/)),
  outcome: v.picklist(orderOutcomes),
})
export type OrderAnswer = v.InferOutput<typeof orderAnswer>

/** Whom orders are for: one device, by its id; those of a group; all. */
export const ordersPath = (scope: string) => `orders/${scope}.json`
export const scopesOf = (device: string, groups: readonly string[]): string[] => [
  device,
  ...new Set(groups.map((group) => `group-${group}`)),
  'all',
]

/** @returns null for what is none, whole: nothing of it is carried out. */
export function readOrders(bytes: Uint8Array): readonly Order[] | null {
  try {
    const parsed = v.safeParse(orders, parseStrictJson(Buffer.from(bytes)))
    return parsed.success ? parsed.output.orders : null
  } catch {
    return null
  }
}

/** @throws {TypeError} For what a device would not read. */
export function writeOrders(list: readonly Order[]): Buffer {
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, orders: list })}\n`)
  if (readOrders(bytes) === null) throw new TypeError('No device would read these orders')
  return bytes
}

/**
 * The orders of before with one more behind them; the oldest make room.
 * @param least - Its number is at least that.
 */
export function withOrder(
  before: readonly Order[],
  next: Readonly<Pick<Order, 'until' | 'do' | 'hours'>>,
  least = 1,
): Order[] {
  const n = Math.max((before.at(-1)?.n ?? 0) + 1, least)
  return [...before, { ...next, n }].slice(-maxOrders)
}

/** @returns Answers that a manifest holds; what is none is passed over. */
export function readAnswers(said: unknown): OrderAnswer[] {
  const all = Array.isArray(said) ? said.slice(0, 4 * maxOrders) : []
  return all.flatMap((each) => {
    const parsed = v.safeParse(orderAnswer, each)
    return parsed.success ? [parsed.output] : []
  })
}
