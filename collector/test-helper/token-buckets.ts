// How often one address may ask: each has a bucket of tokens, kept only while it is not full, which is some seconds
// after the last request. Pure but for what it remembers; the time is an argument.

import { isIPv4, isIPv6 } from 'node:net'
import { groupsOf } from '../source-of.ts'

/** Number of requests that are allowed at once; a probe with its whole list to measure asks a few at a time. */
const burst = 20
/** One token a second: a cycle of forty targets is done in a minute. */
const perMs = 60 / 60_000
/**
 * Number of addresses that are remembered. A flood from more addresses pushes out the one that has been quiet
 * longest.
 */
const maxBuckets = 10_000

interface Bucket {
  readonly tokens: number
  /** Milliseconds, on the clock of the caller. */
  readonly at: number
}

export class TokenBuckets {
  /** Buckets by address, the one used longest ago first. */
  readonly #buckets = new Map<string, Bucket>()

  /**
   * Takes one token out of the bucket of `ip`.
   *
   * @param now - Milliseconds on a clock that never goes back.
   * @returns 0 when there was a token, otherwise the milliseconds until there will be one.
   */
  take(ip: string, now: number): number {
    this.#forgetFull(now)
    const owner = ownerOf(ip)
    const tokens = this.#tokens(this.#buckets.get(owner), now)
    if (tokens < 1) return (1 - tokens) / perMs
    this.#buckets.delete(owner)
    this.#buckets.set(owner, { tokens: tokens - 1, at: now })
    if (this.#buckets.size > maxBuckets) this.#forgetOne()
    return 0
  }

  /** Number of addresses that are remembered. */
  get size(): number {
    return this.#buckets.size
  }

  #tokens(bucket: Bucket | undefined, now: number): number {
    return bucket === undefined ? burst : Math.min(burst, bucket.tokens + (now - bucket.at) * perMs)
  }

  /** Forgets full buckets: a full one means the same as none. */
  #forgetFull(now: number): void {
    for (const [owner, bucket] of this.#buckets) {
      if (this.#tokens(bucket, now) < burst) return
      this.#buckets.delete(owner)
    }
  }

  #forgetOne(): void {
    for (const owner of this.#buckets.keys()) {
      this.#buckets.delete(owner)
      return
    }
  }
}

/** A client with one IPv6 address has 2⁶⁴ of them: they share a bucket. */
function ownerOf(ip: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(ip)?.[1]
  if (mapped !== undefined && isIPv4(mapped)) return mapped
  return isIPv6(ip) ? groupsOf(ip).slice(0, 4).join(':') : ip
}
