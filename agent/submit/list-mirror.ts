// Asks for signed lists over the ways by which batches go: the one that an upload left open first, then the others. Nothing that
// comes is believed here (tests-spec/lists/metadata.md).

import type { Answer } from '../../tests-spec/lists/tuf/client-workflow.ts'
import { NoAnswer } from './transports/no-answer.ts'
import type { Uplink } from './ways/uplink.ts'
import type { Way } from './ways/way.ts'

export interface ListMirror {
  /** @param path - Below the folder of the mirror. Never rejects for what the network does. */
  get(path: string, maxBytes: number): Promise<Answer>
}

/** What the other side last sent, by way and path, to be asked for only when it has changed. */
export type Etags = Map<string, { readonly etag: string; readonly body: Uint8Array }>

/** Ways over which lists are asked for in one attempt: one may lead to a portal, or to a mirror that is behind. */
const mostWays = 3
/** Connections for one file, where lines break off. */
const mostLines = 3
/** Of all files, the one that is asked for each time and keeps its name. */
const etagged = 'metadata/timestamp.json'

/**
 * @param open - A way that is open already, which is closed here; null when none is.
 * @param visit - Says whether the mirror behind a way was good, or the next way should be tried.
 * @returns Bytes that the link carried.
 */
export async function overMirrors(
  uplink: Uplink,
  open: Way | null,
  signal: AbortSignal,
  etags: Etags,
  visit: (mirror: ListMirror) => Promise<boolean>,
): Promise<{ readonly sent: number; readonly received: number }> {
  const before = uplink.spent
  const tried = new Set<string>()
  let first = open
  for (let ways = 0; ways < mostWays && !signal.aborted; ways++) {
    const way: Way | null = first ?? (await uplink.climb(tried, signal))
    first = null
    if (way === null) break
    tried.add(way.id)
    const mirror = new MirrorOverWay(uplink, way, signal, etags)
    const isGood = await visit(mirror).finally(() => mirror.close())
    if (isGood) break
  }
  first?.close()
  const { sent, received } = uplink.spent
  return { sent: sent - before.sent, received: received - before.received }
}

class MirrorOverWay implements ListMirror {
  readonly #uplink: Uplink
  readonly #signal: AbortSignal
  readonly #etags: Etags
  readonly #id: string
  readonly #isRelay: boolean
  /** null when the line broke off. */
  #way: Way | null
  #isDead = false

  constructor(uplink: Uplink, way: Way, signal: AbortSignal, etags: Etags) {
    this.#uplink = uplink
    this.#way = way
    this.#signal = signal
    this.#etags = etags
    this.#id = way.id
    this.#isRelay = way.endpoint.kind === 'relay'
  }

  async get(path: string, maxBytes: number): Promise<Answer> {
    const key = `${this.#id} ${path}`
    const kept = path === etagged ? this.#etags.get(key) : undefined
    const headers = kept === undefined ? {} : { 'if-none-match': kept.etag }
    for (let lines = 0; lines < mostLines && !this.#isDead; lines++) {
      this.#way ??= await this.#uplink.reopen(this.#id, new Set(), this.#signal)
      if (this.#way === null) break
      try {
        const request = { method: 'GET', path: `v1/lists/${path}`, headers, mostBytes: maxBytes } as const
        const { status, body, etag } = await this.#way.exchange(request)
        if (status === 304 && kept !== undefined) return kept.body
        if (status === 200) {
          if (path === etagged && etag !== null) this.#etags.set(key, { etag, body })
          return body
        }
        // Which of these a store says of a file that it does not have depends on who may list it.
        const isMissing = status === 404 || status === 410 || (status === 403 && this.#isRelay)
        return isMissing ? 'not_found' : 'unreachable'
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error
        this.close()
        if (error.code === 'answer_too_large') return 'too_long'
        if (this.#signal.aborted) break
      }
    }
    this.#isDead = true
    return 'unreachable'
  }

  close(): void {
    this.#way?.close()
    this.#way = null
  }
}
