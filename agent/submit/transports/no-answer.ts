// Why there is no answer, as one word that does not tell where the probe is or which host it asked.

export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /**
   * `timeout` while connecting; `stalled` afterwards; `dragged_on` when bytes came, and too few to come to an end;
   * `flow_spent` when the agent ended the flow because flows on this way die when they are a little older;
   * `interrupted` when the agent ended it for another reason; `not_http` for an answer that HTTP does not know; `hung_up` when the other side ended it, `ended_idle` as the request began; `pin_mismatch`; `answer_too_large`; `proxy_…` and `socks_…` from a proxy; otherwise the system's name for the
   * error, such as ECONNREFUSED.
   */
  readonly code: string

  constructor(code: string, options?: ErrorOptions) {
    super(`No answer from the collector: ${code}`, options)
    this.code = code
  }
}

/** Codes of what the other side's end of a connection looks like from here. */
export const hangUps: ReadonlySet<string> = new Set(['hung_up', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** @returns The error as a `NoAnswer`; without its message, which may name the probe's own address. */
export function noAnswer(error: unknown): NoAnswer {
  if (error instanceof NoAnswer) return error
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (error instanceof Error && isNoHttp(error.name, code)) return new NoAnswer('not_http', { cause: error })
  // Some errors of Node.js have the field without a value.
  return new NoAnswer(typeof code === 'string' && isWord.test(code) ? code : 'unknown', { cause: error })
}

/** Undici's parser gives some of its errors no code. */
function isNoHttp(name: string, code: unknown): boolean {
  return name === 'HTTPParserError' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
}

/** What is logged and shown as a reason is a word. */
const isWord = /^\w{1,64}$/
