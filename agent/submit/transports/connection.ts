// HTTP/1.1 over a line that is open, one request after the other, by undici's Client, which is given the socket and
// never allowed to open another. It notices when no bytes move any more; what is asked, and what an answer means, is
// decided by the callers.

import { Readable } from 'node:stream'
import { Client } from 'undici'
import { readOffset, uploadHeaders } from '../../../tests-spec/protocol/resumable-upload.ts'
import {
  pieceBytes,
  pieces,
  type SendingWindow,
  type SmallPackets,
  sendingWindow,
  smallPieces,
} from './body.ts'
import { cut, familyOf, type Line, type Spent, spentBy } from './dial.ts'
import { letContinue } from './interim-answers.ts'
import { NoAnswer, noAnswer } from './no-answer.ts'
import { unpack } from './unpack.ts'

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT'
  /** Path below the base URL, without a slash in front. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Offset in the batch, in bytes, at which the body begins; 0 if absent. */
  readonly offset?: number
  /** The longest answer that is read to its end, in bytes; 64 KiB if absent. */
  readonly mostBytes?: number
}

export interface Answer {
  readonly status: number
  readonly body: Buffer
  /**
   * Pause that the other side asks for in `Retry-After`, in milliseconds, an hour at most; null when it asks for
   * none.
   */
  readonly retryAfterMs: number | null
  /** Bytes of an upload that the other side holds; null when it does not say. */
  readonly held: number | null
  /** By which this content may be asked for only when it has changed; null when the other side gives none. */
  readonly etag: string | null
  /** The longest time without movement while waiting for the answer, in milliseconds. */
  readonly silenceMs: number
  /** Milliseconds from the beginning of the request to the end of the answer. */
  readonly tookMs: number
  /** Whether interim answers told how far the body had come. */
  readonly confirmed: boolean
}

/** How long to wait. */
export interface Patience {
  /** Milliseconds without a byte moving in either direction, after which the line counts as dead. */
  readonly silenceMs: number
  /**
   * Age of the line in milliseconds from which no new request is begun over it; absent or null when there is no
   * limit.
   */
  readonly usableMs?: number | null
  /**
   * Speed of the way in bytes per millisecond: the kernel takes a body at once and does not show how it leaves, so that
   * silence is allowed for as long as what is not confirmed needs. Absent: the kernel's word is taken for it.
   */
  readonly bytesPerMs?: number
  /** Milliseconds that an exchange may take in all, however often a byte moves; absent when there is no limit. */
  readonly totalMs?: number
  /** Packets in which a body goes; absent or null: as large as the link lets them. */
  readonly packets?: SmallPackets | null
  readonly signal: AbortSignal
}

/** A receipt has 1 kB. A server that sends more than this is not a collector. */
const maxAnswerBytes = 64 * 1024
/**
 * A server that asks for a longer pause is mistaken, or is no collector: one answer must not keep a way closed for a
 * day.
 */
export const maxRetryAfterMs = 3_600_000
/**
 * How often the line is checked within the limit of silence: a stall is noticed late by at most that fraction of it.
 */
const looksPerLimit = 8

export class Connection {
  readonly #base: URL
  readonly #line: Line
  readonly #client: Client
  readonly #now: () => number
  /** Whether an earlier body found out that the other side of this line does not confirm how far a body has come. */
  #blind = false
  #heardMs: number
  #answers = 0
  #heardInLast = false
  /** Whether the final answer to the last request has not begun. */
  #isAwaited = true

  /**
   * @param url - Base URL; may have a path.
   * @param now - Clock in milliseconds that never goes back.
   */
  constructor(url: string, line: Line, now: () => number) {
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`)
    this.#line = line
    this.#client = clientOver(line, this.#base, () => this.#isAwaited)
    this.#now = now
    this.#heardMs = now()
  }

  /** Whether the other side has ended the connection, which is its right after an answer: RFC 9112 §9.6. */
  get isOver(): boolean {
    const { socket, raw } = this.#line
    return socket.destroyed || raw.destroyed || raw.readableEnded
  }

  /** Whether the connection was ended as a request began: an answer came over it before, and not a byte since. */
  get endedIdle(): boolean {
    return this.#answers > 0 && !this.#heardInLast
  }

  /** Addresses over which the line came about on which nothing was ever heard; null when something was. */
  get muteFamily(): 4 | 6 | null {
    return this.#line.raw.bytesRead === 0 ? familyOf(this.#line.raw) : null
  }

  get rttMs(): number {
    return this.#line.rttMs
  }

  /** Age of the line when the last byte came over it, in milliseconds. */
  get heardAtAgeMs(): number {
    return this.#heardMs - this.#line.bornMs
  }

  /** Bytes of TCP payload so far, those of TLS and of the proxy included. */
  get spent(): Spent {
    return spentBy(this.#line.raw)
  }

  /**
   * Sends a request and reads the answer. Follows no redirect: where a captive portal points is not the collector.
   * @throws {NoAnswer} The line is then closed: a request that broke off half-way cannot be gone on with.
   */
  async exchange(request: Request, patience: Patience): Promise<Answer> {
    const {
      silenceMs,
      usableMs = null,
      bytesPerMs = Number.POSITIVE_INFINITY,
      packets = null,
      signal,
    } = patience
    const spentMs = usableMs === null ? null : this.#line.bornMs + usableMs
    const window = sendingWindow({
      now: this.#now,
      rttMs: this.rttMs,
      offset: request.offset ?? 0,
      bytes: request.body?.length ?? 0,
      knownBlind: this.#blind,
      spentMs,
    })
    const isSpent = spentMs !== null && this.#now() >= spentMs
    const watch = watchLine(this.#line, this.#now)
    const begunMs = this.#now()
    const heardBefore = this.#line.raw.bytesRead
    let timer: NodeJS.Timeout | undefined
    let interrupt: (() => void) | undefined
    const ended = new Promise<never>((_, reject) => {
      interrupt = () => reject(new NoAnswer('interrupted'))
      if (signal.aborted) interrupt()
      else if (isSpent) reject(new NoAnswer('flow_spent'))
      signal.addEventListener('abort', interrupt)
      timer = setInterval(() => {
        if (watch.silentFor() >= silenceMs + window.unconfirmed / bytesPerMs) reject(new NoAnswer('stalled'))
        else if (this.#now() - begunMs >= (patience.totalMs ?? Number.POSITIVE_INFINITY))
          reject(new NoAnswer('dragged_on'))
        else if (window.isSpent) reject(new NoAnswer('flow_spent'))
      }, silenceMs / looksPerLimit)
    })
    try {
      // A request that is over before it begins sends nothing.
      const isOver = signal.aborted || isSpent
      const answer = await Promise.race([isOver ? ended : this.#exchange(request, window, packets), ended])
      this.#answers += 1
      const tookMs = this.#now() - begunMs
      return { ...answer, silenceMs: watch.longest(), tookMs, confirmed: window.isConfirmed }
    } catch (error) {
      this.close()
      throw noAnswer(error)
    } finally {
      this.#blind = window.isBlind
      this.#heardInLast = this.#line.raw.bytesRead > heardBefore
      this.#heardMs = watch.heardMs() ?? this.#heardMs
      window.close()
      clearInterval(timer)
      if (interrupt !== undefined) signal.removeEventListener('abort', interrupt)
    }
  }

  #exchange(
    { method, path, headers = {}, body, mostBytes = maxAnswerBytes }: Request,
    window: SendingWindow,
    packets: SmallPackets | null,
  ): Promise<Pick<Answer, 'status' | 'body' | 'retryAfterMs' | 'held' | 'etag'>> {
    const chunks: Buffer[] = []
    let size = 0
    let status = 0
    let retryAfterMs: number | null = null
    let held: number | null = null
    let etag: string | null = null
    let encoding: string | string[] | undefined
    this.#isAwaited = true
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    return new Promise((resolve, reject) => {
      this.#client.dispatch(
        {
          path: `${this.#base.pathname}${path}`,
          method,
          // undici would close the line after a HEAD, and there is no other line.
          reset: false,
          headers: { ...headers, ...length },
          body: body === undefined ? null : bodyOf(body, window, packets),
        },
        {
          onRequestStart: () => {},
          onResponseStart: (_, code, given) => {
            held = readOffset(given[uploadHeaders.offset])
            if (code < 200) {
              // Others, such as 100 and 103, say nothing of the body.
              if (held !== null) window.confirm(held)
              return
            }
            this.#isAwaited = false
            status = code
            encoding = given['content-encoding']
            etag = typeof given.etag === 'string' ? given.etag : null
            retryAfterMs = readRetryAfter(given['retry-after'], given.date)
          },
          onResponseData: (_, chunk) => {
            size += chunk.length
            if (size > mostBytes) reject(new NoAnswer('answer_too_large'))
            else chunks.push(chunk)
          },
          onResponseEnd: () => {
            unpack(Buffer.concat(chunks), encoding, mostBytes).then(
              (body) => resolve({ status, body, retryAfterMs, held, etag }),
              reject,
            )
          },
          onResponseError: (_, error) => reject(error),
        },
      )
    })
  }

  /** Ends what is going on. The count of bytes can still be read afterwards. */
  close(): void {
    // There is nothing to wait for: the socket is destroyed within the call.
    void this.#client.destroy().catch(() => {})
    this.#line.socket.destroy()
    cut(this.#line.raw)
  }
}

/** A body that the kernel takes in one call needs no window. */
function bodyOf(body: Uint8Array, window: SendingWindow, packets: SmallPackets | null): Buffer | Readable {
  if (packets !== null && body.length > packets.firstBytes)
    return Readable.from(smallPieces(body, window, packets), { objectMode: false })
  if (body.length > pieceBytes) return Readable.from(pieces(body, window), { objectMode: false })
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

function clientOver({ socket }: Line, { origin }: URL, isAwaited: () => boolean): Client {
  let handedOver = false
  return new Client(origin, {
    connect: (_options, callback) => {
      // undici hangs for ever when it is called back within this call.
      queueMicrotask(() => {
        // A second connection could take another way than the one that was chosen.
        if (handedOver || socket.destroyed) return callback(new NoAnswer('hung_up'), null)
        handedOver = true
        letContinue(socket, isAwaited)
        callback(null, socket)
      })
    },
    pipelining: 1,
    // undici's own limits are off: the only time limit is the one in this file.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

/** Movement on a line, as far as a process can see it: bytes that came, and bytes the kernel took. */
function watchLine({ socket, raw }: Line, now: () => number) {
  let seen = ''
  let movedAt = now()
  let longest = 0
  let heard = raw.bytesRead
  let heardMs: number | null = null
  const look = () => {
    if (raw.bytesRead !== heard) {
      heard = raw.bytesRead
      heardMs = now()
    }
    const state = `${raw.bytesRead} ${raw.bytesWritten} ${socket.writableLength}`
    if (state === seen) return
    seen = state
    longest = Math.max(longest, now() - movedAt)
    movedAt = now()
  }
  look()
  return {
    silentFor(): number {
      look()
      return now() - movedAt
    },
    /** When the last byte came, to within the time between two checks; null when none has come. */
    heardMs(): number | null {
      look()
      return heardMs
    },
    longest(): number {
      look()
      return Math.max(longest, now() - movedAt)
    },
  }
}

/**
 * RFC 9110 §10.2.3: seconds, or a date. A date is taken relative to the sender's own `Date`, since the probe's clock
 * may be years off.
 */
function readRetryAfter(
  value: string | string[] | undefined,
  date: string | string[] | undefined,
): number | null {
  if (typeof value !== 'string') return null
  const asked = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(String(date))
  return Number.isNaN(asked) ? null : Math.min(Math.max(0, asked), maxRetryAfterMs)
}
