// One connection to a collector, for one post after the other. Knows HTTP, and counts what the link carried; what is
// posted and what an answer means is for the callers.

import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { Client } from 'undici'

export interface Post {
  /** Below the base URL, without a slash in front. */
  readonly path: string
  readonly contentType: string
  readonly body: Uint8Array
}

export interface Answer {
  readonly status: number
  readonly body: Buffer
  /** What the other side asks for in `Retry-After`, in milliseconds, an hour at most; null when it does not. */
  readonly retryAfterMs: number | null
}

/** Why there is no answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /** `timeout`, `interrupted`, `answer_too_large`, or the system's name for it, such as ECONNREFUSED. */
  readonly code: string

  constructor(code: string, options?: ErrorOptions) {
    super(`No answer from the collector: ${code}`, options)
    this.code = code
  }
}

/** A receipt has 1 kB. Whatever sends more is not a collector. */
const maxAnswerBytes = 64 * 1024
/** A collector that asks for more is mistaken, or is none: a way out must not stay shut for a day on one word. */
const maxRetryAfterMs = 3_600_000

/**
 * How long one address of several is tried before the next. Node's 250 ms would give up on every address of a 2G link
 * with a round trip of 600 ms, except the last, which may be the dead one.
 */
const attemptTimeoutMs = 4_000

/** When to stop waiting. */
export interface Patience {
  /** Milliseconds for one exchange, connecting included. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export class CollectorConnection {
  readonly #base: URL
  readonly #client: Client
  /** The TCP sockets, whatever runs over them. */
  readonly #sockets: Socket[] = []

  /**
   * Connects at the first post, and again when the other side has hung up.
   * @param url - Of the collector; may have a path.
   * @throws {TypeError} If it is not a URL.
   */
  constructor(url: string) {
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`)
    this.#client = new Client(this.#base.origin, {
      connect: ({ hostname, port, protocol, servername }, callback) => {
        const raw = net.connect({
          host: hostname,
          port: Number(port || (protocol === 'https:' ? 443 : 80)),
          autoSelectFamilyAttemptTimeout: attemptTimeoutMs,
        })
        this.#sockets.push(raw)
        const socket = protocol === 'https:' ? secured(raw, servername ?? hostname) : raw
        const done = (error: Error | null) => {
          socket.off('error', done).off('secureConnect', connected).off('connect', connected)
          if (error === null) callback(null, socket)
          else callback(error, null)
        }
        const connected = () => done(null)
        // For the whole life of the socket: an error between two posts must not end the process.
        socket.on('error', () => {})
        socket.once('error', done).once(protocol === 'https:' ? 'secureConnect' : 'connect', connected)
      },
      pipelining: 1,
      // The one deadline is ours.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
  }

  /** Bytes of TCP payload so far, TLS included. */
  get bytes(): { readonly sent: number; readonly received: number } {
    return {
      sent: this.#sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0),
      received: this.#sockets.reduce((sum, socket) => sum + socket.bytesRead, 0),
    }
  }

  /**
   * Posts, and reads the answer. Follows no redirect: where a captive portal points is not the collector.
   * @throws {NoAnswer}
   */
  async post({ path, contentType, body }: Post, { timeoutMs, signal }: Patience): Promise<Answer> {
    if (signal.aborted) throw new NoAnswer('interrupted')
    let timeout: NodeJS.Timeout | undefined
    let interrupt: (() => void) | undefined
    const tooLong = new Promise<never>((_, reject) => {
      timeout = setTimeout(() => reject(new NoAnswer('timeout')), timeoutMs)
      interrupt = () => reject(new NoAnswer('interrupted'))
      signal.addEventListener('abort', interrupt)
    })
    try {
      return await Promise.race([this.#exchange(path, contentType, body), tooLong])
    } catch (error) {
      // What is half said cannot be gone on from.
      this.close()
      throw error instanceof NoAnswer ? error : new NoAnswer(codeOf(error), { cause: error })
    } finally {
      clearTimeout(timeout)
      if (interrupt !== undefined) signal.removeEventListener('abort', interrupt)
    }
  }

  #exchange(path: string, contentType: string, body: Uint8Array): Promise<Answer> {
    const chunks: Buffer[] = []
    let size = 0
    let status = 0
    let retryAfterMs: number | null = null
    return new Promise((resolve, reject) => {
      this.#client.dispatch(
        {
          path: `${this.#base.pathname}${path}`,
          method: 'POST',
          headers: { 'content-type': contentType },
          body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        },
        {
          onRequestStart: () => {},
          onResponseStart: (_, code, headers) => {
            status = code
            retryAfterMs = readRetryAfter(headers['retry-after'], headers.date)
          },
          onResponseData: (_, chunk) => {
            size += chunk.length
            if (size > maxAnswerBytes) reject(new NoAnswer('answer_too_large'))
            else chunks.push(chunk)
          },
          onResponseEnd: () => resolve({ status, body: Buffer.concat(chunks), retryAfterMs }),
          onResponseError: (_, error) => reject(error),
        },
      )
    })
  }

  /** Ends whatever is going on. The bytes can still be asked for. */
  close(): void {
    // Nothing is waited for: the sockets are destroyed within the call.
    void this.#client.destroy().catch(() => {})
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** The system's own roots decide. Who the collector is does not hang on it: receipts are signed by a pinned key. */
function secured(socket: Socket, hostname: string): tls.TLSSocket {
  return tls.connect({
    socket,
    ALPNProtocols: ['http/1.1'],
    // Checked against the certificate in either case; an IP literal is not sent as SNI (RFC 6066 §3).
    ...(net.isIP(hostname) === 0 ? { servername: hostname } : { host: hostname }),
  })
}

function codeOf(error: unknown): string {
  // Without the message: it may name the probe's own address.
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
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
