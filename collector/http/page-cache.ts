// Pages that were made for one reader and serve the next: made again when what they show has changed, and not more often
// than making them may cost. Anyone may ask for a page, so that what all readers together keep in memory is bounded too.

import { gzipSync } from 'node:zlib'
import { Refused } from '../intake/refusal.ts'

export interface Page {
  readonly text: Buffer
  /** A fifth of the bytes, which on a 2G link is seconds. */
  readonly gzip: () => Buffer
}

interface Kept extends Page {
  readonly state: string
  /** Milliseconds, until which it serves whatever has changed. */
  readonly until: number
}

/** One part of so many of the time may go into pages. */
const share = 20
/** A page that is made so quickly is made for everyone who asks. Milliseconds. */
const quickMs = 25
/** Bytes of pages that slow readers may keep in memory together. */
const maxLentBytes = 32 * 1024 * 1024

export class PageCache {
  readonly #now: () => number
  readonly #pages = new Map<string, Kept>()
  /** Bytes that are being sent, and by how many. */
  readonly #lent = new Map<Buffer, number>()

  /** @param now - Milliseconds on a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * @param name - Of the page. There are only a few.
   * @param state - Another text whenever the page may have another content.
   */
  get(name: string, state: string, make: () => string): Page {
    const began = this.#now()
    const kept = this.#pages.get(name)
    if (kept !== undefined && (kept.state === state || began < kept.until)) return kept
    const text = Buffer.from(make())
    let gzip: Buffer | null = null
    const took = this.#now() - began
    const page = {
      text,
      gzip: () => (gzip ??= gzipSync(text)),
      state,
      until: took < quickMs ? began : began + took * share,
    }
    this.#pages.set(name, page)
    return page
  }

  /**
   * Notes that bytes are being sent. Those that many readers get are in memory once.
   *
   * @returns What to call when they are sent.
   * @throws {Refused} `busy`, when slow readers keep too many pages that have gone by.
   */
  lend(bytes: Buffer): () => void {
    let lentBytes = this.#lent.has(bytes) ? 0 : bytes.length
    for (const each of this.#lent.keys()) lentBytes += each.length
    if (lentBytes > maxLentBytes) throw new Refused('busy', 'Too many are reading at once')
    this.#lent.set(bytes, (this.#lent.get(bytes) ?? 0) + 1)
    return () => {
      const left = (this.#lent.get(bytes) ?? 1) - 1
      if (left === 0) this.#lent.delete(bytes)
      else this.#lent.set(bytes, left)
    }
  }
}
