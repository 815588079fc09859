// Writes an order and signs it, as the holder of the operators' key does: the next word of their role, with all orders that are
// not past. orders.md is the page; tuf/author.ts signs. Pure.

import { type Order, ordersPath, readOrders, withOrder, writeOrders } from './orders.ts'
import { expiryAfter, newTargets, type SigningKey, signedFile, targetFileOf } from './tuf/author.ts'

/** What the role has out. */
export interface PresentOrders {
  /** Version of its metadata; 0 before the first. */
  readonly version: number
  /** Contents of its targets, by path. */
  readonly contents: ReadonlyMap<string, Uint8Array>
}

export interface SignedOrders extends PresentOrders {
  /** Metadata of the role. */
  readonly metadata: Buffer
  /** The number that the order got. */
  readonly n: number
}

/**
 * Files whose orders are all past are left out. An order's number is the time in seconds, or more, so that none is used again when
 * a file has gone and comes back.
 *
 * @throws {TypeError} For an order that no device would read.
 */
export function withSignedOrder(
  present: PresentOrders,
  scope: string,
  next: Readonly<Pick<Order, 'until' | 'do' | 'hours'>>,
  key: SigningKey,
  nowMs: number,
): SignedOrders {
  const path = ordersPath(scope)
  const before = readOrders(present.contents.get(path) ?? new Uint8Array()) ?? []
  const orders = withOrder(before, next, Math.floor(nowMs / 1000))
  const others = [...present.contents].filter(
    ([name, bytes]) =>
      name !== path && (readOrders(bytes) ?? []).some(({ until }) => Date.parse(until) > nowMs),
  )
  const contents = new Map<string, Uint8Array>([...others, [path, writeOrders(orders)]])
  const version = present.version + 1
  const targets = new Map([...contents].map(([name, bytes]) => [name, targetFileOf(bytes)]))
  const signed = newTargets({ version, expiresMs: expiryAfter(nowMs, 'group') }, targets, null)
  return { version, contents, metadata: signedFile('targets', signed, [key]), n: orders.at(-1)?.n ?? 0 }
}
